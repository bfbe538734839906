"""A server that answers anything: status codes, headers and bodies of which some are right, and most are not."""

import json
import logging
import math
import random
from typing import Final, NamedTuple

import anyio
import anyio.lowlevel

from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, TransportError
from tests import bodies
from tests.bodies import Tree
from tests.chaos.mutations import mutated
from tests.chaos.trees import Layout, grow, lay_out

logging.getLogger("qcasync").addHandler(logging.NullHandler())  # or workers print what the library warns of

_DEPLOYMENT: Final = {
    "projectId": 7001,
    "deployId": "L-1",
    "status": "Running",
    "launched": "2025-02-03 14:00:00",
    "stopped": None,
    "brokerage": "PaperBrokerage",
    "subscription": "",
    "error": "",
}
LISTS: Final[tuple[Tree, ...]] = (
    {"live": [_DEPLOYMENT, _DEPLOYMENT | {"status": "Stopped"}], "success": True},
    {"Algorithms": [_DEPLOYMENT], "success": True},
)
CREATED: Final[tuple[Tree, ...]] = (
    {
        "live": {"deployId": "L-1", "status": "Running"},
        "projectId": 7,
        "deployId": "L-1",
        "versionId": 1,
        "success": True,
    },
)
SUCCESS: Final[tuple[Tree, ...]] = ({"success": True},)
LOADING: Final[tuple[Tree, ...]] = (
    {"status": "loading", "progress": 0.5, "success": True},
    {"progress": -1e308, "success": True, "status": "loading"},
    {"progress": "NaN", "success": True},
    {"orders": [], "length": 0, "success": True},
)
NO_MORE: Final = b'{"orders":[],"length":1,"success":true}'
"""What a window behind the last order is answered."""
TEXTS: Final = (
    "Hash doesn't match. UID: 1 Hash: 2 Timestamp: 3",
    "UserID not valid",
    "Too many requests; please slow down.",
    "Please try again",
    "Project not found",
    "No live deployment",
    "Invalid argument",
    "x" * 5000,
    "\u0000\u001b[31m\r\n",
    "\ud800",
    "{}%s{0}\\",
    "",
)
FAILURES: Final[tuple[Tree, ...]] = (
    *({"success": False, "errors": [text]} for text in TEXTS),
    *({"success": False, "messages": {"3": text}} for text in TEXTS[:4]),
    *({"success": False, "Message": text} for text in TEXTS[:4]),
    *(
        {"success": False, "errors": shape}
        for shape in (
            None,
            [],
            {},
            0,
            1e308,
            True,
            "text",
            [None],
            [[["deep"]]],
            [{"message": TEXTS[0]}, {"a": {"b": []}}],
            {"0": "text", "1": None},
            list(TEXTS) * 20,
            [1, 2.5, None, False],
        )
    ),
    {"success": None},
    {"success": "false", "errors": ["text"]},
    {"success": 0},
    {"errors": ["text"]},
    {},
)
PLAIN: Final = (
    b"",
    b" ",
    b"\n\n",
    b"null",
    b"[]",
    b"0",
    b'"text"',
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"<html><head><title>Just a moment...</title></head></html>",
    b"<!DOCTYPE html><title>" + b"x" * 3000,
    b"<title>\xff\xd8</title><html>",
    b"<html><title></title>",
    b"<" * 5000,
    b"[" * 100_000,
    b'{"success":' * 2000,
    b"HTTP/1.1 200 OK\r\n\r\n{}",
    b"9" * 6000,
)
STATUSES: Final = (*range(100, 600), 0, -1, 1, 99, 600, 999, 1000, 2**31, 2**63, 10**30)
LIKELY: Final = (200, 200, 200, 200, 200, 200, 401, 403, 404, 408, 425, 429, 500, 502, 503, 301, 302, 307, 204)
DATE: Final = "Sun, 15 Jun 2025 15:06:40 GMT"
"""The moment at which every test begins."""
NONSENSE: Final = (
    *(
        "",
        " ",
        "0",
        "1",
        "-1",
        "-0",
        "2.5",
        "nan",
        "inf",
        "-inf",
        "1e308",
        "1e400",
        "1_0",
        "+5",
        "0x10",
        "9" * 35,
        "119",
    ),
    *("\N{ARABIC-INDIC DIGIT THREE}", "\x00", "\ud800", "é" * 100, "x" * 10_000, ",", ";", ":", "GMT", " GMT", ", GMT"),
    *("Mon, GMT", "1 GMT", "1 2 3 GMT", "a b c d GMT", "::: GMT", "15 Jun 2025 GMT", "Sun, 15 Jun 2025 25:61:61 GMT"),
    *("Wed, 21 Oct 2099 07:28:00 GMT", "Wed, 21 Oct 100000 07:28:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"),
    *("Thu, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359", "Sun, 15 Jun 2025 15:06:40 -0000"),
    *("http://[", "https://[::1", "//", "https://user:pass@host/", "http://host:99999999/", "http://ho st/\r\nx: y"),
    *("https://xn--/", "https://\N{SNOWMAN}/", "javascript:alert(1)", "https://" + "a." * 5000, "\\\\host\\share"),
)
DELAYS: Final = (*(0.0,) * 20, 0.1, 1.0, 12.0, 44.0, 50.0, math.inf)
DETAILS: Final = ("", "connection reset", "%s{0}\\", "é", "x" * 300)
"""What an HTTP library may say."""
HEADERS: Final = (
    "date",
    "retry-after",
    "retry-after-ms",
    "age",
    "location",
    "content-type",
    "content-length",
    "server",
)
PHASES: Final = tuple(Phase)
FAULTS: Final = tuple(Fault)


class Answered(NamedTuple):
    """One request, and what became of it.

    Attributes:
        sent: Whether its first byte left.
        refusal: The answer may have said that the request was refused before it was carried out.
    """

    path: str
    sent: bool
    refusal: bool


class Hostile:
    """A transport that answers anything.

    Args:
        rng: Draws everything.
        expected: What a right answer looks like.
    """

    def __init__(self, rng: random.Random, expected: list[Layout]) -> None:
        self.answered: list[Answered] = []
        self._rng = rng
        self._expected = expected
        self._gentle = rng.random()
        """How much of what comes is right: without it few calls would get past their first request."""

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        """Answer something, or raise, somewhere on the way."""
        rng = self._rng
        refusal = False
        try:
            await anyio.lowlevel.checkpoint()
            if rng.random() < 0.12:
                if (furthest := rng.choice(PHASES)) is not Phase.NOT_SENT:
                    progress.reached(furthest)
                await anyio.sleep(rng.choice((0.0, 0.1, 31.0)))
                raise TransportError(rng.choice(FAULTS), rng.choice(DETAILS))
            progress.reached(Phase.SENT)
            await anyio.sleep(rng.choice(DELAYS))
            progress.reached(Phase.ANSWERED)
            response = self._response(beyond=json.loads(request.body).get("start", 0) not in (None, "", 0))
            refusal = _is_refusal(response)
            return response
        finally:
            _, _, path = request.url.partition("/api/v2/")
            self.answered.append(Answered(path, progress.phase > Phase.NOT_SENT, refusal))

    async def aclose(self) -> None:
        """Nothing is open."""

    def _response(self, *, beyond: bool) -> Response:
        rng = self._rng
        gentle = rng.random() < self._gentle
        status = 200 if gentle else rng.choice(rng.choice((LIKELY, STATUSES)))
        headers = {} if gentle else {name: rng.choice(NONSENSE) for name in HEADERS if rng.random() < 0.2}
        if rng.random() < 0.7:
            headers["date"] = DATE if rng.random() < 0.7 else _scratched(DATE, rng)
        return Response(status_code=status, headers=headers, body=NO_MORE if gentle and beyond else self._body())

    def _body(self) -> bytes:
        rng = self._rng
        kind = rng.random()
        layout = self._expected[int(rng.random() * len(self._expected))]
        if kind < self._gentle * 0.5:
            return layout.body
        if kind < 0.55:
            return mutated(layout, self._expected[0], rng)[1]
        if kind < 0.75:
            return json.dumps(rng.choice(FAILURES)).encode()
        if kind < 0.85:
            return json.dumps(rng.choice(LOADING)).encode()
        if kind < 0.92:
            return mutated(lay_out(_writable(rng.choice(FAILURES))), layout, rng)[1]
        return rng.choice(PLAIN)


def expected(trees: tuple[Tree, ...], count: int, rng: random.Random) -> list[Layout]:
    """Grow documents that are nearly right."""
    return [lay_out(grow(rng.choice(trees), bodies.ALL, rng)) for _ in range(count)]


def _writable(tree: Tree) -> Tree:
    """The same without lone surrogates, which have no UTF-8."""
    return json.loads(json.dumps(tree).replace("\\ud800", "?"))


def _scratched(text: str, rng: random.Random) -> str:
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text))
        text = (
            text[:at] + rng.choice(("", "0", "9", " ", ":", ",", "-", "+", "é", "Z")) + text[at + rng.randint(0, 3) :]
        )
    return rng.choice((text, text + " GMT", text.removesuffix("GMT") + "GMT"))


def _is_refusal(response: Response) -> bool:
    said = response.body.lower()
    return response.status_code in (401, 403, 429) or any(
        text in said for text in (b"hash doesn", b"userid not valid", b"slow down", b"too many requests", b"rate limit")
    )
