"""How far a request got, and the word for it."""

import pytest

from qcasync._core.phases import Fault, Phase


@pytest.mark.parametrize(
    ("phase", "sent"),
    [
        (Phase.NOT_SENT, "no"),
        (Phase.PARTLY_SENT, "maybe"),
        (Phase.SENT, "yes"),
        (Phase.ANSWERING, "yes"),
        (Phase.ANSWERED, "yes"),
    ],
)
def test_sent(phase: Phase, sent: str) -> None:
    """Only a request of which no byte was written is called unsent."""
    assert phase.sent == sent


def test_phases_are_ordered() -> None:
    """A later phase compares greater, so "at least partly sent" is one comparison."""
    assert sorted(Phase, reverse=True) == [
        Phase.ANSWERED,
        Phase.ANSWERING,
        Phase.SENT,
        Phase.PARTLY_SENT,
        Phase.NOT_SENT,
    ]


def test_faults_are_words_for_messages() -> None:
    """A fault without details is shown by its value, so each is a word that a sentence can hold."""
    assert {fault.value for fault in Fault} == {
        "unreachable",
        "certificate",
        "timeout",
        "lost",
        "damaged",
        "too large",
    }
