"""What is only reached by private names of httpx, httpcore and h11, or of their continuations.

No public name leads there. Where the private ones do not either, in another version, the library does as it does
without us: each function says what is lost. tests/integration see that they lead there today.
"""

from collections.abc import Callable
from typing import Any, cast

import httpx

from qcasync.transports._limits import MAX_INTERIM
from qcasync.transports.protocol import Fault, TransportError


def has_lost_slot(pool: httpx.AsyncHTTPTransport) -> bool:
    """Whether a connection is neither idle nor closed, in a pool that nobody uses: then it never will be again.

    Otherwise a pool that is dead stays dead.
    """
    connections: Any = getattr(getattr(pool, "_pool", None), "connections", ())  # private names have no types
    return not all(each.is_idle() or each.is_closed() for each in connections)


def open_connections(pool: httpx.AsyncHTTPTransport) -> int:
    """How many connections of a pool are open."""
    connections: Any = getattr(getattr(pool, "_pool", None), "connections", ())  # private names have no types
    return sum(not each.is_closed() for each in connections)


def bound_interim_answers(pool: httpx.AsyncHTTPTransport, request: object) -> None:
    """Let the connection that awaits the answer to `request` fail at too many interim ones.

    The library skips them in a loop that tells nobody, and all that one read brings without a pause. Otherwise the
    deadline of the call is what ends it.

    Args:
        pool: The pool that performs the request.
        request: What the library calls the request, in its trace events.
    """
    requests: Any = getattr(getattr(pool, "_pool", None), "_requests", ())
    place: Any = next((each for each in requests if each.request is request), None)
    for name in ("connection", "_connection", "_h11_state"):
        place = getattr(place, name, None)
    if place is not None:
        place.next_event = _few_interim(place)


def _few_interim(h11: Any) -> Callable[[], Any]:
    """The method `next_event` of h11's connection, for one answer: the next request replaces it."""
    kind, left = cast("Any", type(h11)), MAX_INTERIM

    def next_event() -> Any:
        nonlocal left
        event = kind.next_event(h11)
        status = getattr(event, "status_code", None)
        if status is not None and 100 <= status < 200 and status != 101:
            left -= 1
            if left < 0:
                raise TransportError(Fault.LOST, f"more than {MAX_INTERIM} interim answers")
        return event

    return next_event


def distrust_surplus(response: httpx.Response) -> None:
    """Let the connection be closed if bytes came after the answer.

    h11 keeps them, and would take them for the answer to the next request. Otherwise a connection is trusted as the
    library trusts it.
    """
    place: Any = response.stream
    for name in ("_httpcore_stream", "_stream", "_connection", "_h11_state"):
        place = getattr(place, name, None)
    if place is not None and place.trailing_data[0]:
        place.send_failed()  # puts h11 into a state in which httpcore does not keep the connection
