"""Which projects a status chooses, and when one is done with that it chooses no more."""

from datetime import UTC, datetime

from qcasync._core.lingering import LINGER, LONGEST_LINGER, Lingering, chosen
from qcasync.models.enums import AlgorithmStatus
from qcasync.models.live import LiveDeployment

RUNNING, STOPPED = AlgorithmStatus.RUNNING, AlgorithmStatus.STOPPED
AT = 1_750_000_000.0


def deployment(project_id: int, hour: int, status: AlgorithmStatus) -> LiveDeployment:
    launched = datetime(2025, 6, 15, hour, tzinfo=UTC)
    return LiveDeployment(project_id=project_id, deploy_id=f"L-{project_id}-{hour}", status=status, launched=launched)


def test_the_latest_deployment_decides() -> None:
    listed = [
        deployment(2, 9, RUNNING),
        deployment(1, 8, RUNNING),
        deployment(1, 9, STOPPED),
        deployment(3, 9, RUNNING),
        deployment(3, 8, STOPPED),
    ]
    assert chosen(RUNNING, listed) == [2, 3]
    assert chosen(STOPPED, listed) == [1]


def test_one_that_stopped_is_watched_until_its_orders_were_read_late_enough() -> None:
    lingering = Lingering(orders=True)
    read_early, read_late = AT + LINGER / 2 - 1, AT + LINGER / 2
    assert lingering.choose([1, 2], {1: None, 2: None}, now=0, at=AT) == [1, 2]
    assert lingering.choose([2], {1: None, 2: None}, now=100, at=AT) == [2, 1]
    assert lingering.choose([2], {1: read_late, 2: None}, now=99 + LINGER, at=AT + 9) == [2, 1], "it takes its time"
    assert lingering.choose([2], {1: read_early, 2: None}, now=100 + LINGER, at=AT + 9) == [2, 1]
    assert lingering.choose([2], {1: read_late, 2: None}, now=100 + LINGER, at=AT + 9) == [2]


def test_one_that_cannot_be_read_is_given_up_after_a_day() -> None:
    lingering = Lingering(orders=True)
    assert lingering.choose([], {1: None}, now=0, at=AT) == [1]
    assert lingering.choose([], {1: None}, now=LONGEST_LINGER - 1, at=AT) == [1]
    assert lingering.choose([], {1: None}, now=LONGEST_LINGER, at=AT) == []


def test_without_orders_it_is_a_matter_of_time() -> None:
    lingering = Lingering(orders=False)
    assert lingering.choose([], {1: None}, now=0, at=AT) == [1]
    assert lingering.choose([], {1: None}, now=LINGER - 1, at=AT) == [1]
    assert lingering.choose([], {1: None}, now=LINGER, at=AT) == []


def test_one_that_is_chosen_again_begins_anew() -> None:
    lingering = Lingering(orders=False)
    assert lingering.choose([], {1: None}, now=0, at=AT) == [1]
    assert lingering.choose([1], {1: None}, now=LINGER - 1, at=AT) == [1]
    assert lingering.choose([], {1: None}, now=LINGER, at=AT) == [1]
