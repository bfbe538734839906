"""The seam's values: what they show, and what they measure."""

import pickle

import pytest

from qcasync.transports.protocol import (
    SECRET_HEADERS,
    Fault,
    Phase,
    Progress,
    Request,
    Response,
    Transport,
    TransportError,
)

CANARY = "canary-5e1f"


def test_a_request_does_not_show_its_headers() -> None:
    """They authenticate, and the body may hold a brokerage's password."""
    request = Request(url="https://a.example/x", headers=(("Authorization", CANARY),), body=CANARY.encode())
    assert repr(request) == str(request) == "<Request POST https://a.example/x (11 bytes)>"
    assert CANARY not in f"{request} {[request]}"
    assert "authorization" in SECRET_HEADERS


def test_a_response_does_not_show_its_body() -> None:
    """QuantConnect echoes hashes."""
    response = Response(status_code=200, headers={"x": CANARY}, body=CANARY.encode(), wire_bytes=5)
    assert repr(response) == "<Response 200 (11 bytes)>"


class Ticks:
    """A clock that tells 1.0, 2.0, 3.0, ..."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.mark.parametrize(
    ("reached", "phase", "sent_at", "answered_at"),
    [
        ([], Phase.NOT_SENT, None, None),
        ([Phase.NOT_SENT], Phase.NOT_SENT, None, None),
        ([Phase.PARTLY_SENT], Phase.PARTLY_SENT, 1.0, None),
        ([Phase.PARTLY_SENT, Phase.SENT], Phase.SENT, 1.0, None),
        ([Phase.PARTLY_SENT, Phase.SENT, Phase.ANSWERING], Phase.ANSWERING, 1.0, 2.0),
        ([Phase.PARTLY_SENT, Phase.SENT, Phase.ANSWERING, Phase.ANSWERED], Phase.ANSWERED, 1.0, 2.0),
        ([Phase.SENT, Phase.PARTLY_SENT], Phase.SENT, 1.0, None),
        ([Phase.SENT, Phase.SENT], Phase.SENT, 1.0, None),
        ([Phase.ANSWERED, Phase.ANSWERING], Phase.ANSWERED, 1.0, 2.0),
    ],
)
def test_progress(reached: list[Phase], phase: Phase, sent_at: float | None, answered_at: float | None) -> None:
    """The furthest phase counts, with the moments at which bytes first moved each way."""
    progress = Progress(Ticks())
    for each in reached:
        progress.reached(each)
    assert (progress.phase, progress.sent_at, progress.answered_at) == (phase, sent_at, answered_at)
    assert repr(progress) == f"<Progress {phase.name}>"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (TransportError(Fault.LOST, "reset by peer"), "lost: reset by peer"),
        (TransportError(Fault.TIMEOUT, ""), "timeout"),
    ],
)
def test_a_transport_error(error: TransportError, sentence: str) -> None:
    """It is told in a few words, and pickles as the cause of an error of ours does."""
    assert str(error) == sentence
    again = pickle.loads(pickle.dumps(error))
    assert (again.fault, again.detail) == (error.fault, error.detail)


def test_anything_with_two_methods_is_a_transport() -> None:
    """No base class is asked for."""

    class Own:
        async def exchange(self, request: Request, progress: Progress, /) -> Response:
            return Response(status_code=200)

        async def aclose(self) -> None:
            return None

    assert isinstance(Own(), Transport)
    assert not isinstance(object(), Transport)
