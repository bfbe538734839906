"""What leaves a transport, and what does not: frames, requests, echoes. tests/integration has the real libraries'."""

import asyncio
import traceback
from collections.abc import Callable

import httpx
import pytest

from qcasync.transports._failures import failure
from qcasync.transports._pooled import Library
from qcasync.transports.protocol import Fault, Progress, TransportError

TABLE = Library.of(httpx).faults
HASH = "c0ffee" * 10
"""What a server may have echoed. Shorter than a real one, and redacted as well."""


def progress() -> Progress:
    return Progress(lambda: 0.0)


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """`error`, as it is when it was raised in a frame that holds a secret."""
    with pytest.raises(type(error)) as caught:
        secret = HASH
        raise error from cause
    frame, _ = next(traceback.walk_tb(error.__traceback__))
    assert secret in repr(frame.f_locals)
    return caught.value


def chain(error: BaseException) -> list[BaseException]:
    """An error and its causes."""
    return [error, *(chain(error.__cause__) if error.__cause__ else [])]


def test_the_chain_stays_and_its_frames_do_not() -> None:
    """Types and texts tell what happened."""
    error = raised(httpx.ReadError("words"), raised(OSError("reset"), raised(ValueError("first"))))
    failed = failure(error, TABLE, progress(), None)
    assert [(type(each), str(each)) for each in chain(failed)] == [
        (TransportError, "lost: words"),
        (httpx.ReadError, "words"),
        (OSError, "reset"),
        (ValueError, "first"),
    ]
    assert all(each.__traceback__ is None for each in chain(failed))


def test_contexts_groups_and_attributes_are_reached() -> None:
    """Errors hang on errors in four ways."""
    behind, member, attribute = (raised(OSError(name)) for name in ("behind", "member", "attribute"))
    error = httpx.ConnectError("x")
    error.__context__ = ExceptionGroup("group", [member])  # type: ignore[list-item] - `raised` returns what it is given
    member.__context__ = behind
    error.os_error = attribute  # type: ignore[attr-defined] - as aiohttp's have
    failure(raised(error), TABLE, progress(), None)
    assert (behind.__traceback__, member.__traceback__, attribute.__traceback__) == (None, None, None)


@pytest.mark.parametrize("link", ["__cause__", "__context__"])
@pytest.mark.parametrize(
    "told",
    [
        lambda: httpx.ReadError("x", request=httpx.Request("GET", "http://x", headers={"Authorization": "short"})),
        lambda: OSError(f"the server said {HASH}"),
        lambda: OSError("x" * 1000 + HASH),
        lambda: ExceptionGroup("group", [OSError("harmless"), OSError(HASH)]),
        lambda: with_attribute(OSError("x"), HASH),
    ],
    ids=["request", "echo", "late echo", "group", "attribute"],
)
def test_an_error_that_tells_is_cut_off(told: Callable[[], Exception], link: str) -> None:
    """With all that is behind it."""
    error = raised(OSError("words"))
    setattr(error, link, raised(told(), raised(ValueError("behind"))))
    failed = failure(error, TABLE, progress(), None)
    assert failed.__cause__ is error
    assert (error.__cause__, error.__context__) == (None, None)
    assert HASH not in str(failed)


def with_attribute(error: Exception, value: str) -> Exception:
    error.message = value  # type: ignore[attr-defined] - as aiohttp's have
    return error


def test_words_are_scrubbed() -> None:
    """h11 quotes the line it could not read."""
    failed = failure(httpx.RemoteProtocolError(f"illegal header line: {HASH}"), TABLE, progress(), None)
    assert str(failed) == "lost: illegal header line: [redacted]"
    assert failed.__cause__ is None


@pytest.mark.parametrize("kind", [asyncio.CancelledError, KeyboardInterrupt, GeneratorExit])
def test_a_cancellation_stays_itself(kind: type[BaseException]) -> None:
    """And forgets where it was."""
    error = raised(kind())
    assert failure(error, TABLE, progress(), None) is error
    assert error.__traceback__ is None


def test_our_own_error_stays_itself() -> None:
    error = raised(TransportError(Fault.TOO_LARGE, "words"))
    assert failure(error, TABLE, progress(), None) is error
    assert error.__traceback__ is None


def test_a_defect_stays_itself_and_tells_where() -> None:
    """The place is needed to repair it; the variables are not."""
    error = raised(ZeroDivisionError("words"))
    assert failure(error, TABLE, progress(), None) is error
    text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert 'test_failures.py", line' in text
    assert ", in raised" in text
    assert HASH not in text


def test_what_the_caller_was_handling_is_left_alone() -> None:
    earlier = raised(ValueError("the caller's"))
    error = httpx.ReadError("words")
    error.__context__ = earlier
    failure(raised(error), TABLE, progress(), earlier)
    assert earlier.__traceback__ is not None
    assert error.__context__ is earlier


def test_a_ring_of_errors_ends() -> None:
    one, other = raised(OSError("one")), raised(OSError("other"))
    one.__context__, other.__context__ = other, one
    failure(one, TABLE, progress(), None)
    assert (one.__traceback__, other.__traceback__) == (None, None)
