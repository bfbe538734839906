"""Changes as bytes, for a checkpoint and for lines of JSON; and back."""

from typing import Final

import msgspec

from qcasync.models._change_json import encode_change
from qcasync.models.changes import AnyChange, Change

__all__ = ["decode_change", "encode_change"]

_DECODER: Final[msgspec.json.Decoder[Change]] = msgspec.json.Decoder(AnyChange)


def decode_change(content: bytes) -> Change:
    """What `encode_change` wrote.

    Raises:
        msgspec.MsgspecError: Somebody else wrote it.
    """
    return _DECODER.decode(content)
