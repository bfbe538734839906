"""Counters, one by one."""

import pytest

from qcasync._core.counting import CANCELLED, DEFECT, OK, Counts
from qcasync._core.retrying import Situation
from qcasync.models.client_statistics import CallStatistics


def test_calls_are_counted_by_operation_and_end() -> None:
    """What began and has not ended is in progress."""
    counts = Counts()
    for operation, ended in (
        ("A", OK),
        ("A", CANCELLED),
        ("A", "ServerError"),
        ("A", "ServerError"),
        ("A", DEFECT),
        ("B", OK),
    ):
        counts.call_began(operation)
        counts.call_ended(operation, ended, 0.5)
    counts.call_began("A")
    assert counts.calls == {
        "A": CallStatistics(
            begun=6, succeeded=1, cancelled=1, errors={"ServerError": 2, "defect": 1}, seconds=pytest.approx(2.5)
        ),
        "B": CallStatistics(begun=1, succeeded=1, seconds=0.5),
    }
    assert (counts.calls["A"].failed, counts.calls["A"].in_progress) == (3, 1)


def test_what_was_told_does_not_change() -> None:
    counts = Counts()
    counts.call_began("A")
    before = counts.calls
    counts.call_ended("A", "ServerError", 1.0)
    assert before == {"A": CallStatistics(begun=1)}


def test_requests_come_back_with_an_answer_or_without() -> None:
    counts = Counts()
    for size in (10, 20, 30, 40):
        counts.request_sent(size)
    assert (counts.attempts, counts.bytes_sent) == (4, 100)
    counts.response_received(200, 5, 50)
    counts.response_received(200, 6, 60)
    assert (counts.answers, counts.bytes_received, counts.bytes_decompressed) == ({200: 2}, 11, 110)


@pytest.mark.parametrize("situation", Situation)
def test_two_situations_are_counted(situation: Situation) -> None:
    counts = Counts()
    counts.rejected(situation)
    assert counts.throttled == (situation is Situation.THROTTLED)
    assert counts.clock_refusals == (situation is Situation.CLOCK)
