"""What `import qcasync` costs: which modules it brings along, and that lazy names are the names that checkers see."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEVER = {
    *(
        "IPython",
        "jinja2",
        "kaleido",
        "matplotlib",
        "narwhals",
        "numpy",
        "opentelemetry",
        "pandas",
        "plotext",
        "plotly",
    ),
    *("polars", "pyarrow", "pydantic", "rich", "simdjson", "trio", "typer", "uvicorn"),
    *("qcasync.cli", "qcasync.exporting", "qcasync.pictures", "qcasync.simulator"),
}
"""What a client on asyncio does without."""
LATER = {
    *("aiohttp", "anyio", "asyncio", "email", "httpcore", "httpx", "httpx2", "logging", "socket", "sqlite3", "ssl"),
    *("subprocess", "tenacity", "threading", "zoneinfo", "qcasync._core", "qcasync.client", "qcasync.poller"),
    *("qcasync.recording", "qcasync.transports"),
}
"""What waits until a name is used that needs it."""


def imported_by(statement: str) -> set[str]:
    """The modules, and the packages that they are in, that a statement brings into an empty process."""
    script = f"import sys\nbefore = {{*sys.modules}}\n{statement}\nprint(*({{*sys.modules}} - before))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    return set(told.split())


def test_names_of_errors_and_models_come_alone() -> None:
    brought = imported_by("import qcasync; qcasync.RateLimitError, qcasync.Order, qcasync.OrderAdded")
    assert brought >= {"qcasync.errors", "qcasync.models", "msgspec"}
    assert brought & (NEVER | LATER) == set()


def test_a_client_comes_without_what_only_a_watch_or_another_transport_needs() -> None:
    brought = imported_by("import qcasync; qcasync.Client(1, 'x')")
    assert brought >= {"qcasync.client", "qcasync.transports.httpx", "httpx"}
    ours = brought - imported_by("import httpx, httpcore")  # which bring rich and trio, where these are installed
    assert ours & (NEVER | {"sqlite3", "aiohttp", "httpx2", "qcasync.poller.watcher", "qcasync.recording"}) == set()


def test_a_watch_brings_what_it_needs() -> None:
    """Else the tests above would prove nothing of `sqlite3`."""
    assert "sqlite3" in imported_by("import qcasync; qcasync.Client(1, 'x').watch([7])")


def lazy_packages() -> list[str]:
    """The packages that import names when they are used."""
    return [
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in sorted((ROOT / "qcasync").rglob("__init__.py"))
        if "lazily(" in path.read_text()
    ]


@pytest.mark.parametrize("package", lazy_packages())
def test_checkers_and_python_see_the_same_names(package: str) -> None:
    """The table of `lazily` and the imports beside it say the same, and what they say is there and public."""
    module = importlib.import_module(package)
    tree = ast.parse(Path(str(module.__file__)).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    checked = {
        (node.module, alias.asname or alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    (call,) = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "lazily"
    )
    table: dict[str, list[str]] = ast.literal_eval(call.args[1])
    assert {(place, name) for place, names in table.items() for name in names} == checked
    for _, name in checked:
        assert name in module.__all__
        assert name in dir(module)
        assert getattr(module, name) is vars(module)[name]


@pytest.mark.parametrize("package", lazy_packages())
def test_what_is_not_there_is_said_as_python_says_it(package: str) -> None:
    module = importlib.import_module(package)
    with pytest.raises(AttributeError, match=f"^module '{package}' has no attribute 'nobodys'$"):
        _ = module.nobodys
    assert not hasattr(module, "__wrapped__")


def test_every_public_name_is_there() -> None:
    """In a process that has used none of them."""
    assert "sqlite3" not in imported_by("import qcasync; qcasync.Recorder")
    imported_by("from qcasync import *; Client, Recorder, decode_orders")
    imported_by("from qcasync.poller import *; SqliteStore")
