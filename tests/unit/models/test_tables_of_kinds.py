"""What all kinds of tables share: schemas, documents, and that pyarrow is asked for no earlier than needed."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from qcasync.models import tables
from qcasync.models.tables import Kind
from tests.unit.models.test_tables import simulated

KINDS = [getattr(tables, name) for name in tables.__all__ if name.isupper()]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
PAGE = Path(__file__).parents[3] / "docs" / "tables.md"


@EVERY_KIND
def test_every_table_of_a_kind_has_its_schema(kind: Kind[Any]) -> None:
    """So do tables without rows. Hence they can be joined, and go to one file."""
    rows: dict[str, Sequence[object]] = {"orders": simulated(), "order_events": simulated()}
    some = rows.get(kind.name, [])

    assert kind.schema().names == list(kind.columns)
    for each in (kind, kind.exact):
        empty = each.table([])
        assert empty.schema == each.schema() == each.batch([]).schema
        assert empty.num_rows == each.batch([]).num_rows == 0
        empty.validate(full=True)
    full = kind.table(some)
    assert full.schema == kind.schema()
    full.validate(full=True)
    assert pa.concat_tables([full, kind.table([]), kind.table(some[:2])]).num_rows == full.num_rows + len(
        kind.table(some[:2])
    )


def test_documents_have_every_column() -> None:
    """docs/tables.md lists the columns of each kind in their order, with type, and whether they may be null."""
    sections = dict(
        re.findall(r"^### `tables\.([A-Z_]+)`\n(.*?)(?=^##|\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    )
    assert sorted(sections) == sorted(name for name in tables.__all__ if name.isupper())
    for name, told_of_it in sections.items():
        kind = getattr(tables, name)
        told = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (null|) *\| \S[^|]* \|$", told_of_it, re.MULTILINE)
        exact = {field.name: field.type for field in kind.exact.schema()}
        assert told == [
            (field.name, documented(field.type, exact[field.name]), "null" if field.nullable else "")
            for field in kind.schema()
        ]


def documented(kind: pa.DataType, exact: pa.DataType) -> str:
    """How the page writes a type."""
    if pa.types.is_list(kind):
        item = kind.value_type
        return "list of (currency, number)" if pa.types.is_struct(item) else f"list of {documented(item, item)}"
    if kind != exact:
        return "number"
    names = {"string": "text", "bool": "yes or no", "double": "float", "timestamp[us, tz=UTC]": "time"}
    return "word" if pa.types.is_dictionary(kind) else names.get(str(kind), str(kind))


def test_without_pyarrow_the_library_works_and_tables_say_what_to_install() -> None:
    script = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
import qcasync
from qcasync.models import tables
for make in (tables.ORDERS.schema, qcasync.Portfolio().to_arrow, qcasync.Chart().to_arrow, qcasync.Series().to_arrow):
    try:
        make()
    except qcasync.ConfigurationError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "A table needs pyarrow.\n  HINT: pip install 'qcasync[arrow]'\n" * 4


def test_pyarrow_is_imported_with_the_first_table() -> None:
    script = """
import sys, qcasync
from qcasync.models import tables
before = "pyarrow" in sys.modules
tables.ORDERS.schema()
print(before, "pyarrow" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
