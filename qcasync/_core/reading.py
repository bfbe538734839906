"""Values and objects of an answer: read strictly if that works, patiently if not."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Raw
from msgspec.structs import FieldInfo

from qcasync._core.exactness import finite, is_exact
from qcasync._core.scalars import UnreadableError
from qcasync._core.screening import undecodable
from qcasync._core.spelling import fold
from qcasync._core.tolerance import Reader
from qcasync._core.wire import REFUSED, begins, entries, members, strict, untyped
from qcasync.models.charts import Chart, Series
from qcasync.models.live_result import LiveResult
from qcasync.models.portfolio import Cash, Holding, Portfolio

T = TypeVar("T", bound=msgspec.Struct)

_TAKEN_APART = (LiveResult, Chart, Series, Portfolio)
"""Models that hold much: a quirk in one member must not make plain objects of the others."""
_EACH_FOR_ITSELF = (Chart, Series, Holding, Cash)
"""Models that stand in dictionaries by the hundred: a quirk in one costs no other."""


def read_value(raw: Raw, kind: Any, path: str) -> Any:
    """Read a value of an annotation's type.

    Raises:
        DecodeError: It is no such value.
    """
    exact = is_exact(kind)
    for decode in strict(kind):
        try:
            found = decode(raw)
        except REFUSED:
            continue
        if not exact or finite(found):
            return found
    if begins(raw, b"{"):
        if _model(kind) in _TAKEN_APART:
            return read_object(members(raw), kind, bytes(raw), path)
        if get_origin(kind) is Mapping and _model(item_kind := get_args(kind)[1]) in _EACH_FOR_ITSELF:
            told = entries(raw)
            if all(begins(item, b"{") or begins(item, b"[") for item in told.values()):
                return {key: read_value(item, item_kind, f"{path}[{key[:40]!r}]") for key, item in told.items()}
    try:
        return Reader().read(untyped(raw, exact=exact), kind, path)
    except UnreadableError as error:
        raise undecodable(error.reason, bytes(raw), error.path) from None


def read_object(told: dict[str, Raw], model: type[T], body: bytes, path: str = "$") -> T:
    """Read an object from its members (`wire.members`), each for itself: a quirk in one costs the others nothing.

    Raises:
        DecodeError: A member cannot be read, or a necessary one is missing.
    """
    values: dict[str, object] = {}
    for field in _fields(model):
        raw = told.get(fold(field.encode_name))
        if raw is not None and (field.required or not begins(raw, b"null")):
            values[field.name] = read_value(raw, field.type, f"{path}.{field.encode_name}")
        elif field.required:
            raise undecodable(f"no `{field.encode_name}`", body, path)
    return model(**values)


def _model(kind: Any) -> Any:
    return get_origin(kind) or kind  # a `Holding[Decimal]` is a Holding


@cache
def _fields(model: type[msgspec.Struct]) -> tuple[FieldInfo, ...]:
    return msgspec.structs.fields(model)  # evaluates annotations each time
