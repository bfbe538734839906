"""Values become Arrow arrays. This room imports pyarrow, and is entered by `_kind` on first use only."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from itertools import accumulate
from typing import Any, Final, cast

from qcasync.models.enums import OpenEnum
from qcasync.models.tables._columns import Column, Form
from qcasync.models.tables._texts import whole

__all__ = ["DECIMAL", "FAILURES", "MICROSECONDS", "array", "batch", "joined", "one", "pa", "pc", "schema", "words"]

# Any: to strict checkers, pyarrow's stubs leave nearly every type of it unknown.
pa: Final[Any] = import_module("pyarrow")
pc: Final[Any] = import_module("pyarrow.compute")

DECIMAL: Final = pa.decimal128(38, 18)
"""20 digits before the point and 18 behind it, which are those of the finest cryptocurrency."""
MICROSECONDS: Final = pa.timestamp("us", tz="UTC")
_WORDS: Final = pa.dictionary(pa.int32(), pa.string())
"""32 bits: a server may send as many words that nobody knows as it has rows."""

FAILURES: Final = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, TypeError, ValueError)
"""How pyarrow refuses a value."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_TYPES: Final[dict[Form, Any]] = {
    Form.TEXT: pa.string(),
    Form.WORD: _WORDS,
    Form.MEMBER: _WORDS,
    Form.INTEGER: pa.int64(),
    Form.FLOAT: pa.float64(),
    Form.FLAG: pa.bool_(),
    Form.MOMENT: MICROSECONDS,
    Form.UNIX: MICROSECONDS,
    Form.TEXTS: pa.list_(pa.field("item", pa.string(), nullable=False)),
    Form.INTEGERS: pa.list_(pa.field("item", pa.int64(), nullable=False)),
}


def arrow_type(form: Form, *, exact: bool) -> Any:
    """Return the type of a column of this form."""
    number = DECIMAL if exact else pa.float64()
    if form is Form.NUMBER:
        return number
    if form is Form.AMOUNTS:
        fields = [pa.field("currency", pa.string(), nullable=False), pa.field("amount", number, nullable=False)]
        return pa.list_(pa.field("item", pa.struct(fields), nullable=False))
    return _TYPES[form]


def schema(columns: Iterable[Column], *, exact: bool) -> Any:
    """Return the schema of these columns."""
    return pa.schema(
        [pa.field(column.name, arrow_type(column.form, exact=exact), nullable=column.nullable) for column in columns]
    )


def array(column: Column, rows: Sequence[Any], *, exact: bool) -> Any:
    """Return a column of these rows.

    Raises:
        ValueError: A value is missing that must not be.
        Exception: One of `FAILURES`: a value does not fit.
    """
    values = list(map(column.read, rows))
    kind = arrow_type(column.form, exact=exact)
    try:
        made = _make(column, values, kind)
    except UnicodeEncodeError:
        made = _make(column, [_whole(value) for value in values], kind)
    except pa.ArrowTypeError:
        # The default of a number is a float, also in an `Order[Decimal]` that was not decoded but made.
        if not exact or column.form not in {Form.NUMBER, Form.AMOUNTS}:
            raise
        made = _make(column, [_decimal(value) for value in values], kind)
    if made.null_count and not column.nullable:
        raise ValueError("there is none")
    return made


def _make(column: Column, values: list[Any], kind: Any) -> Any:
    if column.vocabulary is not None:
        return _members(column.vocabulary, values)
    match column.form:
        case Form.WORD:
            return words(values)
        case Form.MOMENT:
            # As durations: pyarrow asks every datetime for its offset, which takes three times as long.
            since = [None if value is None else value - _EPOCH for value in values]
            return pa.array(since, pa.duration("us")).view(kind)
        case Form.UNIX:
            return _from_unix(values)
        case Form.AMOUNTS:
            return _amounts(values, kind)
        case _:
            return pa.array(values, kind)


def words(values: Sequence[str | None]) -> Any:
    """Return texts as indices into a dictionary of those that occur."""
    return pa.array(values, pa.string()).dictionary_encode()


def _members(vocabulary: type[OpenEnum], values: Sequence[int | str | None]) -> Any:
    """Return members by name. Known ones come first in every dictionary, so most dictionaries are equal."""
    codes = _Codes(vocabulary)
    if None in values:
        indices = pa.array([None if value is None else codes[value] for value in values], pa.int32())
    else:
        indices = pa.array(list(map(codes.__getitem__, values)), pa.int32())
    return pa.DictionaryArray.from_arrays(indices, pa.array(codes.names, pa.string()))


class _Codes(dict[Any, int]):
    """The place of each value of an enum among the names. An unknown value gets a place when it is asked for."""

    def __init__(self, vocabulary: type[OpenEnum]) -> None:
        super().__init__((known.value, at) for at, known in enumerate(vocabulary))
        self.names = [known.name.lower() for known in vocabulary]
        self._places: dict[str, int] = {}

    def __missing__(self, value: int | str) -> int:
        name = whole(str(value))
        if name not in self._places:
            self._places[name] = len(self.names)
            self.names.append(name)
        self[value] = self._places[name]
        return self[value]


def _from_unix(values: Sequence[float | None]) -> Any:
    """Round to microseconds as `datetime.fromtimestamp` does."""
    told = pa.array(values, pa.float64())
    seconds = pc.floor(told)
    rest = pc.round(pc.multiply(pc.subtract(told, seconds), 1e6), round_mode="half_to_even")
    whole_part = pc.multiply(pc.cast(seconds, pa.int64()), 1_000_000)
    return pc.add(whole_part, pc.cast(rest, pa.int64())).view(MICROSECONDS)


def _amounts(values: Sequence[Mapping[str, Any]], kind: Any) -> Any:
    """Return amounts by currency as lists of pairs."""
    offsets = [0, *accumulate(map(len, values))]
    fields = [kind.value_type.field(0), kind.value_type.field(1)]
    currencies = pa.array([currency for amounts in values for currency in amounts], pa.string())
    numbers = pa.array([amount for amounts in values for amount in amounts.values()], fields[1].type)
    pairs = pa.StructArray.from_arrays([currencies, numbers], fields=fields)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pairs, type=kind)


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, Mapping):  # amounts by currency
        return {whole(currency): amount for currency, amount in cast("Mapping[str, Any]", value).items()}
    return [_whole(item) for item in cast("Iterable[Any]", value)] if isinstance(value, tuple | list) else value


def _decimal(value: Any) -> Any:
    if isinstance(value, Mapping):  # amounts by currency
        return {currency: _decimal(amount) for currency, amount in cast("Mapping[str, Any]", value).items()}
    return Decimal(repr(value)) if isinstance(value, float) else value


def batch(columns: Sequence[Any], names: Any) -> Any:
    """Return these columns as a batch."""
    return pa.RecordBatch.from_arrays(list(columns), schema=names)


def joined(batches: Sequence[Any], names: Any) -> Any:
    """Return batches as a table, whose chunks share one dictionary for each column that has any."""
    return pa.Table.from_batches(batches, schema=names).unify_dictionaries()


def one(table: Any) -> Any:
    """Return a table as one batch."""
    held = table.combine_chunks().to_batches()
    return held[0] if held else batch([pa.array([], field.type) for field in table.schema], table.schema)
