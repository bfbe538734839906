"""A change as one object of JSON. `qcasync._core.change_codec` reads it again."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from qcasync.models.changes import Change, InsightAdded, OrderEventAdded, OrderEventAmended
from qcasync.models.enums import OpenEnum, camel

__all__ = ["encode_change", "in_texts"]

_encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder().encode


def encode_change(change: Change) -> bytes:
    """JSON that `decode_change` reads."""
    return _encode(in_texts(change))


def in_texts(change: Change) -> object:
    """Return what msgspec encodes: events and insights write in text what orders write in numbers."""
    if isinstance(change, OrderEventAdded | OrderEventAmended):
        return _with_texts(
            change, "event", {"status": _text(change.event.status), "direction": _text(change.event.direction)}
        )
    if isinstance(change, InsightAdded):
        return _with_texts(change, "insight", {"direction": _text(change.insight.direction)})
    return change


def _with_texts(change: Change, name: str, texts: dict[str, str]) -> object:
    built = msgspec.to_builtins(change)
    built[name] |= texts
    return built


def _text(member: OpenEnum) -> str:
    return camel(member.name) if member.is_known else str(member.value)
