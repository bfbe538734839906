"""How the back end writes JSON, dates and failures. Hand-made: nothing may come from the client that it tests."""

import datetime as dt
import email.utils
import re
from collections.abc import Mapping
from typing import TypeAlias, cast

import msgspec

JsonObject: TypeAlias = dict[str, object]
"""A JSON object under construction. What may stand in it is the wire's business, not the type checker's."""

_TICKS = 10_000_000  # .NET counts time in ticks of 100 ns, hence up to seven fractional digits.
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_encoder = msgspec.json.Encoder()


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint or a fault has to say, before conditions are applied to it.

    Attributes:
        outcome: One word for the ledger: "ok", "failure", "loading", "warming", "refused", "throttled" or "fault: ...".
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    outcome: str = "ok"


def encode(value: object) -> bytes:
    r"""Write JSON as PHP does: slashes escaped, and everything beyond ASCII as `\uXXXX`."""
    text = _encoder.encode(value).replace(b"/", b"\\/")
    return text if text.isascii() else _NOT_ASCII.sub(_escaped, text.decode()).encode()


def as_object(value: object) -> JsonObject | None:
    """Return a JSON object as such, and None for anything else."""
    return cast("JsonObject", value) if isinstance(value, dict) else None


def success(members: Mapping[str, object] | None = None) -> Reply:
    """A successful answer. `success` comes last, and there is no `errors` key."""
    return Reply(body=encode({**(members or {}), "success": True}))


def failure(*errors: str, status: int = 200) -> Reply:
    """The usual failure: HTTP 200, `success` false, a list of texts."""
    return Reply(status=status, body=encode({"success": False, "errors": list(errors)}), outcome="failure")


def loading(progress: float) -> Reply:
    """The answer while a result is being fetched: a success without its payload."""
    return Reply(body=encode({"progress": progress, "status": "loading", "success": True}), outcome="loading")


def engine_date(at: float) -> str:
    """An instant as the engine writes it: `2024-05-06T13:31:00.0171234Z`, without trailing zeros."""
    seconds, ticks = divmod(round(at * _TICKS), _TICKS)
    text = dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat()[:19]
    fraction = f".{ticks:07d}".rstrip("0") if ticks else ""
    return f"{text}{fraction}Z"


def back_end_date(at: float) -> str:
    """An instant as the back end writes it: `2024-05-06 13:31:00`, in UTC without saying so."""
    return dt.datetime.fromtimestamp(int(at), dt.UTC).isoformat(" ")[:19]


def http_date(at: float) -> str:
    """An instant as RFC 9110 writes it in `Date`, to whole seconds."""
    return email.utils.formatdate(int(at), usegmt=True)


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
