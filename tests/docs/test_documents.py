"""What is written is run: every block of code, every generated page, every command that the README promises."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import qcasync
from docs.api_coverage import METHODS, PAGE, render
from qcasync._core.endpoints import ENDPOINTS
from qcasync.simulator import serve
from qcasync.simulator.scenarios import demo

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


@pytest.mark.parametrize("block", blocks("python"))
def test_examples_run(block: str, tmp_path: Path) -> None:
    """Pasted into a file and run against the simulator, each example ends well and says nothing on stderr."""
    script = tmp_path / "example.py"
    script.write_text(block)
    with serve(demo(1_750_000_000.0)) as server:
        environment = {**os.environ, **server.environment, "PYTHONWARNINGS": "error"}
        done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("block", blocks("python test"))
def test_example_tests_pass(block: str, tmp_path: Path) -> None:
    """A user's own test, pasted into a file, passes."""
    (tmp_path / "test_example.py").write_text(block)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout


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


def test_benchmarks_do_not_rot() -> None:
    """Every benchmark runs, small."""
    for script in sorted((ROOT / "benchmarks").glob("bench_*.py")):
        done = subprocess.run([sys.executable, script, "--smoke"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "qcasync" in done.stdout
