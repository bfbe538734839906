"""An HTTP library's exception, and how far the request got, become a `TransportError`: one rule for all libraries."""

import ssl

from qcasync.transports.protocol import Fault, Phase, Progress, TransportError

FaultTable = tuple[tuple[type[Exception], Fault], ...]
"""A library's exceptions and what they mean; the first class that matches counts."""


def kinds(table: FaultTable) -> tuple[type[Exception], ...]:
    """What to catch."""
    return tuple(kind for kind, _ in table)


def translate(error: Exception, table: FaultTable, progress: Progress) -> TransportError:
    """What `error` means for a request that got as far as `progress` says, which may have to be corrected."""
    fault = next(fault for kind, fault in table if isinstance(error, kind))
    if fault is Fault.UNREACHABLE and _is_certificate_error(error):
        fault = Fault.CERTIFICATE
    if progress.phase is Phase.NOT_SENT and fault not in (Fault.UNREACHABLE, Fault.CERTIFICATE):
        progress.reached(Phase.SENT)  # only a failed connection proves that nothing was sent: assume the worst
    if progress.phase >= Phase.ANSWERING and fault is Fault.LOST:
        fault = Fault.DAMAGED
    return TransportError(fault, str(error) or type(error).__name__)


def _is_certificate_error(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__  # httpcore raises its errors "from None", but the context stays
    return False
