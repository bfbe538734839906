"""Failures, as the back end writes them: `success: false`, and texts in one of several places."""

from msgspec import Raw, Struct

from qcasync._core.wire import untyped
from qcasync.models._json import is_array, is_object

MAX_TEXTS = 20
MAX_TEXT = 8000
"""Far more than is shown: a text is shortened by redaction, and a hash that was cut in two is not recognized."""


class Refusal(Struct, frozen=True):
    """The server refused.

    Attributes:
        errors: Its texts as they came, at most 20 of at most 1000 characters. They may hold secrets.
    """

    errors: tuple[str, ...] = ()


def refusal_of(told: dict[str, Raw]) -> Refusal | None:
    """Tell whether the members of an answer (`wire.members`) are a failure."""
    success = told.get("success")
    if success is None:
        return Refusal(texts) if (texts := texts_of(told)) and told.keys() <= set(_KEYS_OF_REFUSAL) else None
    refused = bytes(success).strip(b'"').lower() not in (b"true", b"1")
    return Refusal(texts_of(told)) if refused else None


_KEYS_OF_REFUSAL = ("errors", "messages", "message", "error")
"""Where the texts stand, in the order in which clients look."""


def texts_of(told: dict[str, Raw]) -> tuple[str, ...]:
    """The texts of a failure."""
    for key in _KEYS_OF_REFUSAL:
        value = untyped(told[key]) if key in told else None
        texts = value if is_array(value) else list(value.values()) if is_object(value) else [value]
        said = tuple(text[:MAX_TEXT] for text in texts[:MAX_TEXTS] if isinstance(text, str) and text)
        if said:
            return said
    return ()
