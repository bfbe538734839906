"""What is published: built as for a release, and looked into."""

import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Final, NamedTuple
from zipfile import ZipFile

import pytest

import qcasync

ROOT = Path(__file__).parents[2]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BUILD: Final = "import sys; from hatchling import build; print(getattr(build, 'build_' + sys.argv[1])(sys.argv[2]))"
"""Calls the build backend as `python -m build --no-isolation` does, without a process for each question."""


class Built(NamedTuple):
    """The content of both files, by name; the wheel, and what the source distribution builds."""

    source: dict[str, bytes]
    wheel: dict[str, bytes]
    wheel_name: str
    same: bool


def build() -> Built:
    """Make a source distribution of this folder, and wheels of this folder and of the source distribution."""
    with tempfile.TemporaryDirectory() as folder:
        source = _build("sdist", ROOT, folder)
        wheel = _build("wheel", ROOT, folder)
        with tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
            files = {each.name: _read(archive, each) for each in archive.getmembers() if each.isfile()}
        again = _build("wheel", Path(folder, source.name.removesuffix(".tar.gz")), tempfile.mkdtemp(dir=folder))
        content = wheel.read_bytes()
        with ZipFile(io.BytesIO(content)) as zipped:
            packed = {name: zipped.read(name) for name in zipped.namelist()}
        return Built(files, packed, wheel.name, content == again.read_bytes())


def _build(what: str, where: Path, folder: str) -> Path:
    done = subprocess.run(
        [sys.executable, "-c", BUILD, what, folder], cwd=where, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Path(folder, done.stdout.split()[-1])


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file is not None
    return file.read()


@pytest.fixture
def metadata(early: Built) -> Message:
    """What the wheel says of itself."""
    return Parser().parsestr(next(text for name, text in early.wheel.items() if name.endswith("/METADATA")).decode())


@pytest.mark.early(job=build)
def test_the_wheel_holds_the_package_and_nothing_else(early: Built) -> None:
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "qcasync").rglob("*")
        if path.is_file() and not {"__pycache__", ".import_linter_cache"} & {*path.parts}
    }
    about = f"qcasync-{qcasync.__version__}.dist-info/"
    assert ours <= {*early.wheel}
    assert {name.removeprefix(about) for name in {*early.wheel} - ours} == {
        *("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    }
    assert "qcasync/py.typed" in early.wheel
    assert early.wheel[f"{about}licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()
    assert early.wheel[f"{about}entry_points.txt"].decode().split() == [
        *("[console_scripts]", "qcasync", "=", "qcasync.cli.__main__:main")
    ]
    assert early.wheel_name == f"qcasync-{qcasync.__version__}-py3-none-any.whl"


@pytest.mark.early(job=build)
def test_nothing_is_published_that_a_machine_left_behind(early: Built) -> None:
    left = re.compile(
        r"__pycache__|\.py[co]$|\.db$|\.orig$|~$|(^|/)\.(?!gitignore$|github/|ci/)|\.coverage|\.nox|\.venv"
    )
    for name in {*early.wheel, *early.source}:
        assert not left.search(name), name


@pytest.mark.early(job=build)
def test_the_source_distribution_is_enough_to_build_and_to_test(early: Built) -> None:
    assert early.same, "the wheel of the source distribution is another one"
    top = f"qcasync-{qcasync.__version__}/"
    names = {name.removeprefix(top) for name in early.source}
    for needed in (
        *("pyproject.toml", "PKG-INFO", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"),
        *("noxfile.py", ".ci/run", "tests/conftest.py", "tests/release/public_api.txt", "docs/architecture.md"),
        *("benchmarks/bench_import.py", "examples", ".github/workflows/test.yml"),
    ):
        assert any(name == needed or name.startswith(f"{needed}/") for name in names), needed


@pytest.mark.early(job=build)
def test_the_metadata_says_what_pyproject_says(early: Built, metadata: Message) -> None:
    assert metadata["Name"] == "qcasync"
    assert metadata["Requires-Python"] == PROJECT["requires-python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert {*metadata.get_all("Provides-Extra", [])} == {*PROJECT["optional-dependencies"]}
    told = dict(line.split(", ", 1) for line in metadata.get_all("Project-URL", []))
    assert told == PROJECT.get("urls", {})  # none, as long as the project has no address
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).startswith("# qcasync")
    always = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {re.match("[a-z0-9]+", line).group() for line in always} == {"httpx", "msgspec", "anyio", "tenacity"}  # type: ignore[union-attr]


@pytest.mark.early(job=build)
def test_one_version_everywhere(early: Built, metadata: Message) -> None:
    """The package, pyproject.toml, the wheel and the changelog's first heading."""
    headings = re.findall(
        r"^## (\S+), (unreleased|\d{4}-\d{2}-\d{2})$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert qcasync.__version__ == PROJECT["version"] == metadata["Version"] == headings[0][0]


def test_every_extra_is_installed_for_the_tests() -> None:
    """The suite cannot pass over what an extra brings."""
    everything = re.search(r'^EVERYTHING = "\.\[(.*)\]"$', (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    assert everything is not None
    assert {*everything.group(1).split(",")} | {"simulator"} == {*PROJECT["optional-dependencies"]}  # part of `cli`
