"""Every error says what happened, whose fault it is and what to do; and every error survives pickling."""

import copy
import pickle
import re
from typing import Any

import pytest

import qcasync
from qcasync import errors
from qcasync.errors import (
    AccessBlocked,
    APIError,
    AuthenticationError,
    CheckpointError,
    ClockSkewError,
    ConfigurationError,
    DecodeError,
    IncompleteRead,
    JournalError,
    NotFoundError,
    NotReady,
    OutcomeUnknown,
    QuantConnectError,
    RateLimitError,
    RedirectRefused,
    RequestError,
    RequestTimeout,
    ResponseError,
    ResponseTooLarge,
    ServerError,
    StillRunning,
)
from qcasync.outcomes import Outcome, OutcomeKind

PATH = "live/orders/read"
TWICE = (2, 3.25)
"""attempts and elapsed of a call that was repeated."""

SENTENCES: list[tuple[QuantConnectError, tuple[int, float], str]] = [
    (QuantConnectError("anything"), (0, 0.0), "anything"),
    (ConfigurationError("No credentials."), (0, 0.0), "No credentials."),
    (ConfigurationError("No credentials.", "Set them."), (0, 0.0), "No credentials.\n  HINT: Set them."),
    (
        RequestError(PATH, "connection refused", "no"),
        (1, 0.1),
        "live/orders/read: no answer (connection refused). "
        "The request was not sent; check the network and the base URL, then repeat it.",
    ),
    (
        RequestError(PATH, "reset", "maybe"),
        TWICE,
        "live/orders/read: no answer (reset) (attempt 2, 3.2 s). The request may have reached QuantConnect.",
    ),
    (
        RequestError(PATH, "reset", "yes"),
        (1, 0.1),
        "live/orders/read: no answer (reset). The request was sent, but its answer was lost.",
    ),
    (
        RequestTimeout(PATH, "no usable answer within 90 s", "no"),
        (0, 90.0),
        "live/orders/read: timed out (no usable answer within 90 s). The request was not sent. "
        "A longer timeout= may help.",
    ),
    (
        RequestTimeout(PATH, "90 s", "maybe"),
        (1, 90.0),
        "live/orders/read: timed out (90 s). The request may have reached QuantConnect. A longer timeout= may help.",
    ),
    (
        RequestTimeout(PATH, "90 s", "yes"),
        (4, 90.0),
        "live/orders/read: timed out (90 s) (attempt 4, 90.0 s). "
        "The request was sent, but no complete answer came in time. A longer timeout= may help.",
    ),
    (
        ResponseError(PATH, 302, "a redirect"),
        (1, 0.1),
        "live/orders/read answered HTTP 302: a redirect",
    ),
    (ResponseError("", 200, "odd"), (0, 0.0), "odd"),
    (
        DecodeError(PATH, 200, "expected int", "$.orders[0].id", '{"orders":'),
        TWICE,
        "live/orders/read: the answer cannot be decoded: expected int at $.orders[0].id; "
        "the body begins '{\"orders\":' (attempt 2, 3.2 s)",
    ),
    (DecodeError("", 200, "an empty body"), (0, 0.0), "the answer cannot be decoded: an empty body"),
    (
        ResponseTooLarge(PATH, 200, "the answer exceeds its limit: more than 16 bytes"),
        (1, 0.1),
        "live/orders/read: the answer exceeds its limit: more than 16 bytes",
    ),
    (
        ServerError(PATH, 502, "the server failed, and gave no reason"),
        (4, 12.0),
        "live/orders/read answered HTTP 502: the server failed, and gave no reason (attempt 4, 12.0 s). "
        "The fault is on the server's side; try again later.",
    ),
    (
        APIError(PATH, 200, ["Invalid argument", "really"]),
        (1, 0.1),
        "live/orders/read: QuantConnect refused the request: Invalid argument; really",
    ),
    (
        APIError(PATH, 400),
        (1, 0.1),
        "live/orders/read answered HTTP 400: QuantConnect refused the request: no reason given",
    ),
    (
        APIError(PATH, 200, ("Invalid argument",), "Use live.list()."),
        TWICE,
        "live/orders/read: QuantConnect refused the request: Invalid argument (attempt 2, 3.2 s)\n"
        "  HINT: Use live.list().",
    ),
    (
        AuthenticationError(PATH, 401, (), "Check the token."),
        (1, 0.1),
        "live/orders/read answered HTTP 401: QuantConnect refused the request: no reason given\n"
        "  HINT: Check the token.",
    ),
    (
        AuthenticationError(PATH, 0, ("these credentials were refused a moment ago",), "Check the token."),
        (0, 0.0),
        "live/orders/read: nothing was sent: these credentials were refused a moment ago\n  HINT: Check the token.",
    ),
    (
        ClockSkewError(PATH, 0, ("the server's clock differs by +27.0 hours",), "Set the clock."),
        (1, 0.0),
        "live/orders/read: nothing was sent: the server's clock differs by +27.0 hours\n  HINT: Set the clock.",
    ),
    (
        RateLimitError(PATH, 429, ("slow down",), "", 130.0),
        (1, 0.1),
        "live/orders/read answered HTTP 429: QuantConnect refused the request: slow down",
    ),
    (
        NotFoundError("projects/read", 200, ("Project not found",)),
        (1, 0.1),
        "projects/read: QuantConnect refused the request: Project not found",
    ),
    (
        AccessBlocked(PATH, 403, "a page of HTML titled 'Just a moment...'"),
        (1, 0.1),
        "live/orders/read answered HTTP 403: a page of HTML titled 'Just a moment...'. A content network in front of "
        "QuantConnect blocks this address, and the request did not get through. Send fewer, or from elsewhere; "
        "ask QuantConnect if it lasts.",
    ),
    (
        RedirectRefused(PATH, 302, "a redirect to login.example, which is never followed"),
        (1, 0.1),
        "live/orders/read answered HTTP 302: a redirect to login.example, which is never followed. "
        "Check the base URL; a captive portal redirects as well.",
    ),
    (
        StillRunning(7, "L-1", "Running", 300.2),
        (0, 0.0),
        "Project 7: deployment L-1 was Running after 300 s. It may still end; "
        "look at it with live.list(), or wait longer with live.wait_stopped().",
    ),
    (
        StillRunning(7, None, "", 60.0),
        (0, 0.0),
        "Project 7: no deployment was seen after 60 s. It may still end; "
        "look at it with live.list(), or wait longer with live.wait_stopped().",
    ),
    (
        JournalError("intents.jsonl", "cannot be written: No space left on device", "Make room."),
        (0, 0.0),
        "The journal intents.jsonl cannot be written: No space left on device.\n  HINT: Make room.",
    ),
    (
        CheckpointError("live.db", "was taken over by process 7 of host desk", "Stop one of the two.", True),
        (0, 0.0),
        "The checkpoint live.db was taken over by process 7 of host desk.\n  HINT: Stop one of the two.",
    ),
    (
        CheckpointError("live.db", "cannot be read: Permission denied"),
        (0, 0.0),
        "The checkpoint live.db cannot be read: Permission denied.",
    ),
    (
        JournalError("intents.jsonl", "cannot be read: Permission denied"),
        (0, 0.0),
        "The journal intents.jsonl cannot be read: Permission denied.",
    ),
    (
        NotReady(PATH, 0.35, 101.4),
        (11, 101.4),
        "live/orders/read: QuantConnect was still preparing the data (progress 35%) after 101 s. "
        "A young deployment has no data until its first flush, about 10 minutes after its start; try again later.",
    ),
    (
        NotReady(PATH, None, 5.0),
        (1, 5.0),
        "live/orders/read: QuantConnect was still preparing the data after 5 s. "
        "A young deployment has no data until its first flush, about 10 minutes after its start; try again later.",
    ),
    (
        IncompleteRead(PATH, "the list has a hole", [(0, 100), (200, 300)], [(100, 200), (300, None)]),
        (1, 0.1),
        "live/orders/read: incomplete (the list has a hole). "
        "Read: 0 to 100, 200 to 300; missing: 100 to 200, from 300 on.",
    ),
    (
        IncompleteRead(PATH, "deadline"),
        TWICE,
        "live/orders/read: incomplete (deadline). Read: nothing; missing: unknown (attempt 2, 3.2 s).",
    ),
    (
        OutcomeUnknown("live/update/stop", "reset", "maybe", "Look with live.read()."),
        (1, 0.1),
        "live/update/stop: the request may have been sent, its outcome is unknown (reset); not repeated. "
        "Look with live.read().",
    ),
    (
        OutcomeUnknown("live/create", "reset", "yes"),
        (1, 0.1),
        "live/create: the request was sent, its outcome is unknown (reset); not repeated.",
    ),
]


def _after(error: QuantConnectError, effort: tuple[int, float]) -> QuantConnectError:
    error.attempts, error.elapsed = effort
    return error


@pytest.mark.parametrize(("error", "effort", "sentence"), SENTENCES)
def test_sentence(error: QuantConnectError, effort: tuple[int, float], sentence: str) -> None:
    """The sentence is exact: it is what a user sees at three in the morning."""
    assert str(_after(error, effort)) == sentence


@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy], ids=["pickle", "copy"])
@pytest.mark.parametrize(("error", "effort", "sentence"), SENTENCES)
def test_round_trip(error: QuantConnectError, effort: tuple[int, float], sentence: str, again: Any) -> None:
    """A process pool brings every error home whole: class, values, effort and notes."""
    original = copy.copy(_after(error, effort))
    original.add_note("Not sent again: the retry budget is exhausted.")
    returned = again(original)
    assert type(returned) is type(original)
    assert str(returned) == sentence
    assert returned.args == original.args
    assert vars(returned) == vars(original)
    assert (returned.attempts, returned.elapsed) == effort
    assert returned.__notes__ == ["Not sent again: the retry budget is exhausted."]


def _tree() -> dict[str, str]:
    """Class to parent, for every class of the module that is an error."""
    return {
        name: value.__bases__[0].__name__
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, QuantConnectError)
    }


def test_every_class_has_a_sentence_here() -> None:
    """A new error without a row in the table above is found."""
    assert {type(error).__name__ for error, _, _ in SENTENCES} == set(_tree())


def test_exports() -> None:
    """`__all__` is the error classes, sorted, and the package has each of them."""
    assert errors.__all__ == sorted(_tree())
    assert all(getattr(qcasync, name) is getattr(errors, name) for name in errors.__all__)


def test_the_tree_in_the_docstring() -> None:
    """The drawn tree is the class tree."""
    drawn: dict[str, str] = {}
    branch: list[tuple[int, str]] = [(-1, "Exception")]
    for line in (errors.__doc__ or "").splitlines():
        if (found := re.fullmatch(r"    ([│├└─ ]*)([A-Z]\w+)(?:  +\S.*)?", line)) is None:
            continue
        while branch[-1][0] >= len(found[1]):
            branch.pop()
        drawn[found[2]] = branch[-1][1]
        branch.append((len(found[1]), found[2]))
    assert drawn == _tree()


def test_what_was_seen_afterwards_is_part_of_the_sentence() -> None:
    """Who reads it need not look for an attribute."""
    error = OutcomeUnknown("live/update/stop", "reset", "yes", "Look.")
    error.outcome = Outcome(
        kind=OutcomeKind.UNKNOWN,
        endpoint="live/update/stop",
        project_id=7,
        intent_id="i",
        reason="L-1 is still Running",
    )
    assert str(error) == (
        "live/update/stop: the request was sent, its outcome is unknown (reset); not repeated. "
        "Afterwards: L-1 is still Running. Look."
    )


def test_iterables_become_tuples() -> None:
    """Errors keep values, not the caller's lists and generators."""
    assert APIError(PATH, 200, (text for text in ("a", "b"))).errors == ("a", "b")
    lost = IncompleteRead(PATH, "x", iter([(0, 1)]), iter([(1, None)]))
    assert (lost.read, lost.missing) == (((0, 1),), ((1, None),))
    assert RateLimitError(PATH, 429, retry_after=2.0).retry_after == 2.0
