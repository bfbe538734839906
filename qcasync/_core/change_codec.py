"""Changes as bytes, for a checkpoint and for lines of JSON; and back."""

from typing import Final

import msgspec

from qcasync.models.changes import AnyChange, Change, InsightAdded, OrderEventAdded, OrderEventAmended
from qcasync.models.enums import OpenEnum, camel

_DECODER: Final[msgspec.json.Decoder[Change]] = msgspec.json.Decoder(AnyChange)
_encode: Final = msgspec.json.Encoder().encode


def encode_change(change: Change) -> bytes:
    """JSON that `decode_change` reads."""
    if isinstance(change, OrderEventAdded | OrderEventAmended):
        texts = {"status": _text(change.event.status), "direction": _text(change.event.direction)}
        return _encode(_with_texts(change, "event", texts))
    if isinstance(change, InsightAdded):
        return _encode(_with_texts(change, "insight", {"direction": _text(change.insight.direction)}))
    return _encode(change)


def decode_change(content: bytes) -> Change:
    """What `encode_change` wrote.

    Raises:
        msgspec.MsgspecError: Somebody else wrote it.
    """
    return _DECODER.decode(content)


def _with_texts(change: Change, name: str, texts: dict[str, str]) -> object:
    """Events and insights write in text what orders write in numbers."""
    built = msgspec.to_builtins(change)
    built[name] |= texts
    return built


def _text(member: OpenEnum) -> str:
    return camel(member.name) if member.is_known else str(member.value)
