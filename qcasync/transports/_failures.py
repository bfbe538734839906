"""An HTTP library's exception, and how far the request got, become a `TransportError`: one rule for all libraries.

What leaves a transport holds nothing of the signed request: no frame of the library, whose variables a traceback would
show, and no error that keeps the request or quotes a server that echoed it.
"""

import ssl
import traceback
from collections.abc import Iterator
from typing import cast

from qcasync._core.redaction import scrub
from qcasync.transports.protocol import Fault, Phase, Progress, TransportError

FaultTable = tuple[tuple[type[Exception], Fault], ...]
"""A library's exceptions and what they mean; the first class that matches counts."""
_KEEPERS = ("request", "_request", "request_info")
"""Attributes in which the libraries' exceptions keep the request, with its headers."""


def kinds(table: FaultTable) -> tuple[type[Exception], ...]:
    """What to catch."""
    return tuple(kind for kind, _ in table)


def failure(
    error: BaseException, table: FaultTable, progress: Progress, earlier: BaseException | None
) -> BaseException:
    """What leaves the transport instead of `error`: to be raised outside of its `except` block.

    Args:
        error: The library's, ours, or a cancellation.
        table: What the library's errors mean.
        progress: How far the request got, which may have to be corrected.
        earlier: What the caller was handling when the exchange began. It is his, and stays as it is.
    """
    failed = error
    if isinstance(error, kinds(table)):
        failed = translate(error, table, progress)
        failed.__cause__ = error
    elif isinstance(error, Exception) and not isinstance(error, TransportError):  # a defect: say where
        error.add_note("Raised in:\n" + "".join(traceback.format_tb(error.__traceback__)))
    _forget(failed, earlier)
    return failed


def translate(error: Exception, table: FaultTable, progress: Progress) -> TransportError:
    """What `error` means for a request that got as far as `progress` says, which may have to be corrected."""
    fault = next(fault for kind, fault in table if isinstance(error, kind))
    if fault is Fault.UNREACHABLE and _is_certificate_error(error):
        fault = Fault.CERTIFICATE
    if progress.phase >= Phase.ANSWERING and fault is Fault.LOST:
        fault = Fault.DAMAGED
    said = next((str(each) for each in _chain(error) if str(each)), type(error).__name__)  # trio tells it further down
    return TransportError(fault, scrub(said))


def _is_certificate_error(error: BaseException) -> bool:
    return any(isinstance(each, ssl.SSLCertVerificationError) for each in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__  # httpcore raises its errors "from None", but the context stays


def _forget(error: BaseException, earlier: BaseException | None) -> None:
    """Drop the tracebacks of `error` and of all that hangs on it; types and texts stay, if they are harmless."""
    known = {id(earlier)}
    errors = [error]
    while errors:
        each = errors.pop()
        if id(each) in known:
            continue
        known.add(id(each))
        each.with_traceback(None)
        if each.__cause__ is not None and _tells(each.__cause__):
            each.__cause__ = None
        if each.__context__ is not None and id(each.__context__) not in known and _tells(each.__context__):
            each.__context__ = None
        errors += _linked(each)


def _linked(error: BaseException) -> Iterator[BaseException]:
    """The errors that one leads to."""
    for each in (error.__cause__, error.__context__, *_attributes(error).values()):
        if isinstance(each, BaseException):
            yield each
    yield from _members(error)


def _tells(error: BaseException) -> bool:
    """Whether an error keeps the request, or shows a signature: some quote a server, which may have echoed it."""
    if any(_tells(each) for each in _members(error)):
        return True
    attributes = _attributes(error)
    if any(attributes.get(name) is not None for name in _KEEPERS):
        return True
    return any(scrub(text) != text for text in (str(error), repr(attributes)))


def _members(error: BaseException) -> tuple[BaseException, ...]:
    if not isinstance(error, BaseExceptionGroup):
        return ()
    return cast("BaseExceptionGroup[BaseException]", error).exceptions  # isinstance leaves the members' type open


def _attributes(error: BaseException) -> dict[str, object]:
    return getattr(error, "__dict__", {})
