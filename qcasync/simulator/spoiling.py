"""What each fault looks like on the wire: replies that replace the real one, and replies spoilt on their way."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from qcasync.simulator.faults import Fault, FaultKind
from qcasync.simulator.wire import JsonObject, Reply, encode

SLOW_DOWN_TEXT = "Too many requests; please slow down."
PASSING_TEXT = "Internal Error 21"
LASTING_TEXT = "You do not have permission to read this project"
_BODILESS = frozenset({204, 304})
_UNAVAILABLE = "503 Service Temporarily Unavailable"


def spoil(reply: Reply, fault: Fault) -> Reply:
    """Return what becomes of `reply` under `fault`. Faults of the connection leave it as it is."""
    replacement = _REPLACEMENTS.get(fault.kind)
    if replacement is not None:
        reply = replacement(fault)
    elif fault.kind is FaultKind.CUT_JSON:
        reply = msgspec.structs.replace(reply, body=reply.body[: max(len(reply.body) // 2, 1)])
    return msgspec.structs.replace(reply, outcome=f"fault: {fault.kind.name}")


def throttled(form: Literal["retry-after", "bare", "text"], retry_after: str = "1") -> Reply:
    """The answer to a request too many: 429 with or without a hint, or a text in a 200."""
    if form == "text":
        return Reply(body=encode({"success": False, "errors": [SLOW_DOWN_TEXT]}), outcome="throttled")
    headers = (("retry-after", retry_after),) if form == "retry-after" else ()
    return Reply(status=429, headers=headers, body=encode({"success": False, "errors": []}), outcome="throttled")


def _failure(members: JsonObject) -> Reply:
    return Reply(body=encode({**members, "success": False}))


def _bare_status(fault: Fault) -> Reply:
    body = b"" if fault.status in _BODILESS else encode({"success": False, "errors": [fault.text or PASSING_TEXT]})
    return Reply(status=fault.status, body=body)


def _page(status: int, title: str, *headers: tuple[str, str]) -> Reply:
    html = f"<html>\r\n<head><title>{title}</title></head>\r\n<body><center><h1>{title}</h1></center></body>\r\n</html>"
    return Reply(status=status, headers=(("content-type", "text/html; charset=utf-8"), *headers), body=html.encode())


_REPLACEMENTS: Mapping[FaultKind, Callable[[Fault], Reply]] = MappingProxyType(
    {
        FaultKind.EMPTY_500: lambda _: Reply(status=500),
        # ASP.NET's spelling of a failure.
        FaultKind.JSON_500: lambda fault: Reply(
            status=500, body=encode({"Message": fault.text or PASSING_TEXT, "success": False})
        ),
        FaultKind.HTML_502: lambda _: _page(502, "502 Bad Gateway"),
        FaultKind.HTML_503: lambda _: _page(503, _UNAVAILABLE),
        FaultKind.HTML_504: lambda _: _page(504, "504 Gateway Time-out"),
        FaultKind.RETRY_AFTER_503: lambda fault: _page(503, _UNAVAILABLE, ("retry-after", fault.retry_after)),
        FaultKind.RETRY_AFTER_429: lambda fault: throttled("retry-after", fault.retry_after),
        FaultKind.BARE_429: lambda _: throttled("bare"),
        FaultKind.SLOW_DOWN: lambda _: throttled("text"),
        FaultKind.HTML_200: lambda _: _page(200, "QuantConnect is down for maintenance"),
        FaultKind.HTML_403: lambda _: _page(403, "Just a moment..."),
        FaultKind.STATUS: _bare_status,
        FaultKind.REDIRECT: lambda _: Reply(status=302, headers=(("location", "https://elsewhere.invalid/api/v2/"),)),
        FaultKind.FAILURE_PASSING: lambda fault: _failure({"errors": [fault.text or PASSING_TEXT]}),
        FaultKind.FAILURE_LASTING: lambda fault: _failure({"errors": [fault.text or LASTING_TEXT]}),
        FaultKind.FAILURE_SILENT: lambda _: _failure({}),
        FaultKind.MISSING_PAYLOAD: lambda _: Reply(body=encode({"success": True})),
        FaultKind.GARBAGE: lambda _: Reply(body=b"\x00\xff\xfe{[" * 40),
    }
)
