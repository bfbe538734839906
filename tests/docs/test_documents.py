"""What is written is run: every block of code, every generated page, every command that the README promises."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

import qcasync
from docs.api_coverage import METHODS, PAGE, render
from qcasync._core.endpoints import ENDPOINTS
from qcasync.simulator import serve
from qcasync.simulator.scenarios import demo

Done = subprocess.CompletedProcess[str]

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


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


def run_example(block: str) -> Done:
    """Paste an example into a file, and run it against the simulator."""
    with tempfile.TemporaryDirectory() as folder, serve(demo(1_750_000_000.0)) as server:
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


def test_links_lead_somewhere() -> None:
    """Every relative link of every page names a file that exists."""
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_errors_page_names_every_error() -> None:
    """A new error is explained where people look for it."""
    page = (ROOT / "docs" / "errors.md").read_text()
    for name in qcasync.errors.__all__:
        assert f"`{name}`" in page or f"`qcasync.{name}`" in page


def test_ci_runs_the_readmes_test_command() -> None:
    """The line that CI runs is the line that users read."""
    line = next(line for line in (ROOT / "README.md").read_text().splitlines() if "nox -s tests" in line)
    assert line == "python3 -m venv .venv && .venv/bin/pip install -q nox && .venv/bin/nox -s tests"
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


def run_benchmark(script: Path) -> Done:
    return python(script, "--smoke")


@pytest.mark.early(job=run_benchmark)
@pytest.mark.parametrize("script", sorted((ROOT / "benchmarks").glob("bench_*.py")), ids=lambda script: script.stem)
def test_benchmarks_do_not_rot(script: Path, early: Done) -> None:
    """Every benchmark runs, small."""
    assert early.returncode == 0, early.stderr
    assert "qcasync" in early.stdout
