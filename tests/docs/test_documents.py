"""What is written is run: every block of code, every generated page, every command that the README promises."""

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest

import qcasync
from docs.api_coverage import METHODS, PAGE, render
from qcasync import errors
from qcasync._core.endpoints import ENDPOINTS
from qcasync.simulator import Simulator, serve

Done = subprocess.CompletedProcess[str]

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if "_build" not in page.parts)


FENCE = re.compile(r"^(`{3,})(.*)\n(?:.*\n)*?\1$", re.MULTILINE)
"""A block, whatever is in it."""

CHECKED = {"python", "python test", "python cell", "console", "json", "toml"}
"""Run, or taken apart, by the tests of this folder."""
SHOWN = {"text", "{eval-rst}", "{toctree}", "{include} ../CHANGELOG.md", "{include} ../CONTRIBUTING.md"}
"""Output and pictures in text, and what Sphinx makes something of."""
NOT_RUN = re.compile(r"<!-- not run: .+ -->\n$")
"""Before a block without a language: why."""

CELLS = """\
import ast, asyncio, sys

async def main():
    names = {"__name__": "__main__"}
    for cell in sys.argv[1:]:
        done = eval(compile(cell, "a cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if asyncio.iscoroutine(done):
            await done

asyncio.run(main())
"""
"""Run cells one after another in one event loop, as Jupyter does."""


def blocks(info: str) -> list[object]:
    """The blocks of code that are marked so, in every page."""
    fence = re.compile(rf"^```{info}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [
        pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        for number, block in enumerate(fence.findall(page.read_text()), 1)
    ]


def python(*arguments: str | Path, **options: Any) -> Done:
    """Run Python to its end, in the tests' own environment unless the options of `subprocess.run` say another."""
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, **options)


def sizes() -> Simulator:
    """The demo's simulator, but that its large project is not that large: each block that lists it takes its time."""
    simulator = Simulator(7, 1_750_000_000.0)
    simulator.add_project([12], name="Small")
    simulator.add_project([40, 120, 327], name="Redeployed")
    simulator.add_project([1_200], name="Large")
    return simulator


def run_example(block: str) -> Done:
    """Paste an example into a file, and run it against the simulator."""
    with tempfile.TemporaryDirectory() as folder, serve(sizes()) as server:
        script = Path(folder, "example.py")
        script.write_text(block)
        return python(script, env={**os.environ, **server.environment, "PYTHONWARNINGS": "error"})


@pytest.mark.early(job=run_example)
@pytest.mark.parametrize("block", blocks("python"))
def test_examples_run(block: str, early: Done) -> None:
    """Each ends well and says nothing on stderr."""
    assert early.returncode == 0, early.stderr
    assert early.stdout
    assert early.stderr == ""


def run_cells(page: Path) -> Done:
    """Paste the cells of a page into a notebook, and run them against the simulator."""
    cells = re.findall(r"^```python cell\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    with serve(sizes()) as server:
        return python("-c", CELLS, *cells, env={**os.environ, **server.environment, "PYTHONWARNINGS": "error"})


@pytest.mark.early(job=run_cells)
@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.stem) for page in PAGES if "\n```python cell\n" in page.read_text()]
)
def test_cells_run(page: Path, early: Done) -> None:
    """Each page of cells ends well and says nothing on stderr."""
    assert early.returncode == 0, early.stderr
    assert len(early.stdout.splitlines()) >= page.read_text().count("\n```python cell\n")
    assert early.stderr == ""


def run_test(block: str) -> Done:
    """Paste a user's own test into a file, and run it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_example.py").write_text(block)
        return python("-m", "pytest", "-q", "-p", "no:cacheprovider", folder, cwd=folder)


@pytest.mark.early(job=run_test)
@pytest.mark.parametrize("block", blocks("python test"))
def test_example_tests_pass(block: str, early: Done) -> None:
    assert early.returncode == 0, early.stdout


def test_the_coverage_page_is_up_to_date() -> None:
    """`python docs/api_coverage.py` would change nothing, and every method it names exists."""
    assert PAGE.read_text() == render()
    client = qcasync.Client(1, "x")
    for methods in METHODS.values():
        for method in methods.split(", "):
            target: object = client
            for name in method.split("."):
                target = getattr(target, name)
            assert callable(target)
    assert {row.operation for row in ENDPOINTS} == set(METHODS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_block_escapes(page: Path) -> None:
    """Every block is of a kind that is run, taken apart, or no code; and JSON and TOML are what they say."""
    text = page.read_text()
    for block in FENCE.finditer(text):
        info, body = block[2], block[0].split("\n", 1)[1].rsplit("\n", 1)[0]
        if not info:
            assert NOT_RUN.search(text[: block.start()]), f"nothing says why this is not run: {body}"
            continue
        assert info in CHECKED | SHOWN, f"nothing is known of blocks that are {info}"
        if info == "json":
            json.loads(body)
        elif info == "toml":
            tomllib.loads(body)
    assert len(re.findall("^```", text, re.MULTILINE)) == 2 * len(FENCE.findall(text)), "a block does not end"


def anchors(text: str) -> set[str]:
    """What GitHub, and MyST, call the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file that exists, and a heading that this file has."""
    for target, anchor in re.findall(r"\]\((?!https?://)([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
        file = page.parent / target if target else page
        assert file.exists(), f"it links to {target}"
        assert not anchor or anchor in anchors(file.read_text()), f"it links to {target}#{anchor}"


def test_errors_page_names_every_error() -> None:
    """A new error is explained where people look for it."""
    page = (ROOT / "docs" / "errors.md").read_text()
    for name in errors.__all__:
        assert f"`{name}`" in page or f"`qcasync.{name}`" in page


def test_ci_runs_the_readmes_test_command() -> None:
    """The line that CI runs is the line that users read."""
    line = next(line for line in (ROOT / "README.md").read_text().splitlines() if "nox -s tests" in line)
    assert line == "python3 -m venv .venv && .venv/bin/pip install -q nox && .venv/bin/nox -s tests"
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


def run_benchmark(script: Path) -> Done:
    return python(script, "--smoke")


@pytest.mark.skipif(sys.platform == "win32", reason="they ask Unix for CPU time and memory")
@pytest.mark.early(job=run_benchmark)
@pytest.mark.parametrize("script", sorted((ROOT / "benchmarks").glob("bench_*.py")), ids=lambda script: script.stem)
def test_benchmarks_do_not_rot(script: Path, early: Done) -> None:
    """Every benchmark runs, small."""
    assert early.returncode == 0, early.stderr
    assert "qcasync" in early.stdout
