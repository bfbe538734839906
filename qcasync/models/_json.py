"""What JSON is made of, told to the type checkers."""

from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard

__all__ = ["MAX_DEPTH", "ShallowJson", "is_array", "is_object"]

MAX_DEPTH: Final = 4
"""How deep open values are nested at most. Nobody nests deeper, and what is nested by the hundred cannot be printed."""

if TYPE_CHECKING:
    ShallowJson: TypeAlias = Any
else:
    _scalar = str | int | float | bool | None
    ShallowJson = _scalar
    for _ in range(MAX_DEPTH - 1):
        ShallowJson = _scalar | list[ShallowJson] | dict[str, ShallowJson]


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Tell whether a decoded JSON value is an object."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Tell whether a decoded JSON value is an array."""
    return isinstance(value, list)
