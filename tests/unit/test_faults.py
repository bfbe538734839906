"""The catalogue of faults: each has a test that is named in `tests/chaos/faults.toml`, or says why it has none."""

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CATALOGUE = tomllib.loads((ROOT / "tests/chaos/faults.toml").read_text())
ROWS = {
    f"{section}{number}"
    for section, first, last in (
        ("A", 1, 11),
        ("B", 12, 26),
        ("C", 27, 46),
        ("D", 47, 62),
        ("E", 63, 73),
        ("F", 74, 89),
        ("G", 90, 102),
        ("H", 103, 122),
        ("I", 123, 130),
        ("J", 131, 145),
    )
    for number in range(first, last + 1)
}
"""All 145 rows."""


@cache
def names(path: str) -> frozenset[str]:
    """The tests of a module, as pytest names them."""
    found: set[str] = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            functions = (each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
            found |= {f"{node.name}::{each.name}" for each in functions}
    return frozenset(name for name in found if name.rpartition("::")[2].startswith("test_"))


def test_the_catalogue_is_complete() -> None:
    """Every row, and no other."""
    assert set(CATALOGUE) == ROWS


@pytest.mark.parametrize("row", CATALOGUE)
def test_a_fault_has_a_test(row: str) -> None:
    """That exists; or a reason, which takes more than a word."""
    entry = CATALOGUE[row]
    assert set(entry) <= {"fault", "tests", "why"}
    assert len(entry["fault"]) > 10
    assert entry.get("tests") or len(entry.get("why", "")) > 40
    for test in entry.get("tests", ()):
        path, _, name = test.partition("::")
        assert name in names(path), f"{test} does not exist"
