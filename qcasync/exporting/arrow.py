"""pyarrow, for the rooms that need it: they are entered only when it is known to be there."""

from importlib import import_module
from typing import Any, Final, TypeAlias

# Any: to strict checkers, pyarrow's stubs leave nearly every type of it unknown.
pa: Final[Any] = import_module("pyarrow")
pc: Final[Any] = import_module("pyarrow.compute")
csv: Final[Any] = import_module("pyarrow.csv")
parquet: Final[Any] = import_module("pyarrow.parquet")

Batch: TypeAlias = Any
"""A `pyarrow.RecordBatch`."""
Column: TypeAlias = Any
"""A `pyarrow.Array`."""
Schema: TypeAlias = Any
"""A `pyarrow.Schema`."""
