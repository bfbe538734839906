"""Whether a value is JSON as it stands, and where it is not. Nothing of its content is told: it may be confidential."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final, cast

from qcasync.errors import ConfigurationError

MAX_DEPTH: Final = 64
"""Deeper is a mistake, such as a value that contains itself."""
_INTEGERS: Final = range(-(2**63), 2**64)
_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,39}")
_HINT: Final = "Use None, True, False, numbers, text, lists, and mappings whose keys are text."


def copied(value: object, what: str) -> dict[str, Any]:  # Any: JSON of any shape
    """Check that a mapping is JSON, and copy it, so that it can change no more.

    Args:
        value: The mapping.
        what: Its name in an error.

    Raises:
        ConfigurationError: It is none, or not JSON. Says where, and of which type.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{what} must be a mapping, not {type(value).__name__}.", _HINT)
    return _mapping(cast("Mapping[object, object]", value), what, 1)


def text(value: str, what: str) -> str:
    """Check that a text can be sent, and copy what it says: `str` of an Enum that is text says its name instead.

    Raises:
        ConfigurationError: It cannot be encoded.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{what} is text that UTF-8 cannot say: half of a surrogate pair.", _HINT) from None
    return str.__str__(value)


def _copy(value: object, path: str, depth: int) -> object:
    match value:
        case None | bool():
            return value
        case str():
            return text(value, path)
        case int():
            integer = int.__int__(value)  # of an IntEnum: `in` would search the range for it, number by number
            if integer not in _INTEGERS:
                raise ConfigurationError(f"{path} is an integer of more than 64 bits.", "Send it as text.")
            return integer
        case float():
            number = float.__float__(value)  # of NumPy's float64, which is a float, but not for msgspec
            if not math.isfinite(number):
                raise ConfigurationError(f"{path} is not a finite number, which JSON cannot say.", "Leave it out.")
            return number
        case Mapping():
            return _mapping(cast("Mapping[object, object]", value), path, depth + 1)
        case list() | tuple():
            _check_depth(path, depth + 1)
            items = cast("list[object] | tuple[object, ...]", value)
            return [_copy(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(items)]
        case _:
            raise ConfigurationError(f"{path} is of type {type(value).__name__}, which is not JSON.", _HINT)


def _mapping(mapping: Mapping[object, object], path: str, depth: int) -> dict[str, Any]:
    _check_depth(path, depth)
    copy: dict[str, Any] = {}
    for key, value in mapping.items():
        if not isinstance(key, str):
            raise ConfigurationError(f"{path} has a key of type {type(key).__name__}, and not of text.", _HINT)
        shown = f".{key}" if _NAME.fullmatch(key) else "[a key]"
        copy[text(key, f"a key of {path}")] = _copy(value, path + shown, depth)
    return copy


def _check_depth(path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        at = path if len(path) < 80 else path[:79] + "…"
        raise ConfigurationError(f"{at} is nested more than {MAX_DEPTH} deep, or contains itself.", _HINT)
