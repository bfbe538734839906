"""The workflows of `.github`: they run what noxfile.py has, pin what they use, and may do no more than they need."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS: Final = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED: Final = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
"""An action by its commit, and beside it the version that it is."""

each_workflow: Final = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def jobs(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The jobs of a workflow."""
    yield from yaml.safe_load(path.read_text())["jobs"].items()


def steps(path: Path) -> list[dict[str, Any]]:
    """The steps of all its jobs."""
    return [step for _, job in jobs(path) for step in job["steps"]]


def sessions() -> set[str]:
    """What noxfile.py calls its sessions, without running it."""
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    plain = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and "session" in ast.unparse(node.decorator_list[:1] or [])  # type: ignore[arg-type]
    }
    return plain | {f"tests_python-{version}" for version in pythons()}


def pythons() -> list[str]:
    """The versions of Python that noxfile.py tests."""
    text = (ROOT / "noxfile.py").read_text()
    found: list[str] = ast.literal_eval(re.search(r"^PYTHONS = (\[.*\])$", text, re.MULTILINE).group(1))  # type: ignore[union-attr]
    return found


def run_sessions(path: Path) -> set[str]:
    """The sessions that a workflow runs, by name or from a matrix."""
    found: set[str] = set()
    for _, job in jobs(path):
        matrix = job.get("strategy", {}).get("matrix", {})
        chosen = {*matrix.get("session", []), *(each["session"] for each in matrix.get("include", []))}
        for step in job["steps"]:
            if words := re.search(r"^nox -s ([^-]+)", step.get("run", "")):
                found |= chosen if words.group(1).strip() == '"$SESSION"' else {*words.group(1).split()}
    return found


def test_there_are_workflows() -> None:
    assert {path.stem for path in WORKFLOWS} == {"test", "nightly", "release"}


@each_workflow
def test_every_action_is_pinned_by_its_commit(path: Path) -> None:
    used = re.findall(r"\buses:\s*(.+)", path.read_text())
    assert used
    for action in used:
        assert PINNED.match(action), action


def test_an_action_is_of_one_version_everywhere() -> None:
    used = {action for path in WORKFLOWS for action in re.findall(r"\buses:\s*(.+)", path.read_text())}
    assert len({action.partition("@")[0] for action in used}) == len(used), sorted(used)


@each_workflow
def test_a_workflow_may_do_nothing_and_a_job_what_it_says(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    assert "group" in workflow["concurrency"]
    for name, job in jobs(path):
        publishes = (path.stem, name) == ("release", "publish")
        assert job["permissions"] == ({"id-token": "write"} if publishes else {"contents": "read"})
        assert 0 < job["timeout-minutes"] < 360
    for step in steps(path):
        if "actions/checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


@each_workflow
def test_no_script_is_composed_of_what_others_wrote(path: Path) -> None:
    """A name of a branch must not become a command."""
    assert "pull_request_target" not in path.read_text()
    assert [step["run"] for step in steps(path) if "${{" in step.get("run", "")] == []


@each_workflow
def test_every_session_exists(path: Path) -> None:
    named = run_sessions(path)
    assert named
    assert named <= sessions()


def test_every_session_is_run_by_some_workflow() -> None:
    """`tests` is `tests_python` of one version; the others are parts of what is run."""
    named = {name for path in WORKFLOWS for name in run_sessions(path)}
    parts = {"tests_python", "integration", "mutants"}
    assert sessions() - named == parts


def test_every_supported_python_is_tested() -> None:
    matrix = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"]["nox"]["strategy"][
        "matrix"
    ]
    tested = {(each["session"], each["python"]) for each in matrix["include"]}
    tested |= {(session, python) for session in matrix["session"] for python in matrix["python"]}
    assert {(f"tests_python-{version}", version) for version in pythons()} <= tested
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    promised = {line.rpartition(" ")[2] for line in project["classifiers"] if re.search(r":: 3\.\d+$", line)}
    assert promised <= {*pythons()}
    assert f">={pythons()[0]}" == project["requires-python"]
    systems = {each["system"].partition("-")[0] for each in matrix["include"]}
    assert systems == {"ubuntu", "macos", "windows"}


def test_a_release_is_built_tested_and_then_published_without_a_token() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    publish = workflow["jobs"]["publish"]
    assert {*publish["needs"]} == {"build", "test"}
    assert publish["environment"]["name"] == "pypi"
    assert "secrets." not in (ROOT / ".github" / "workflows" / "release.yml").read_text()
    assert publish["steps"][-1]["with"] == {"attestations": True}
    assert not any("checkout" in step.get("uses", "") or "run" in step for step in publish["steps"])


def test_dependabot_renews_the_pins() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    assert [each["package-ecosystem"] for each in updates] == ["github-actions"]
