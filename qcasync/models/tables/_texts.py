"""Text that an Arrow table can hold. Tables are UTF-8, which knows no half of a character beyond U+FFFF."""

from collections.abc import Iterable
from typing import Any, cast

import msgspec

from qcasync.models._json import is_object

__all__ = ["json_text", "whole"]


def whole(told: str) -> str:
    """Return a text with U+FFFD for each lone surrogate. Two that belong together become their character."""
    return told.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def json_text(value: Any) -> str:
    """Return a value as JSON text."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_mended(msgspec.to_builtins(value, str_keys=True))).decode()


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return whole(value)
    if is_object(value):
        return {whole(key): _mended(item) for key, item in value.items()}
    return [_mended(item) for item in cast("Iterable[Any]", value)] if isinstance(value, list | tuple) else value
