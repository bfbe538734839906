"""Who is failing, told the looks one by one."""

import heapq
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcasync._core.health import LASTING, LOOKS, Health, Trouble, Verdict
from qcasync.models.changes import ACCOUNT

DOWN = Trouble(error="RequestError", reason="no route")
GONE = Trouble(error="NotFoundError", reason="no such project", own=True)
STATUS = 60.0
"""Seconds between two looks at the status of all projects."""


class World:
    """Looks at projects and at their status, each at its own times: failures are repeated soon, then ever later."""

    def __init__(self, projects: int, *, period: float = 600.0, seed: int = 0) -> None:
        self.health = Health()
        self.rng = random.Random(seed)
        self.troubles: dict[int, Trouble] = {}
        self.outage: Trouble | None = None
        self.told: list[tuple[Verdict, int]] = []
        self.periods = dict.fromkeys(range(1, projects + 1), period) | {ACCOUNT: STATUS}
        self.due = [(project * 0.1, project) for project in sorted(self.periods)]
        self.failures = dict.fromkeys(self.periods, 0)

    def until(self, end: float) -> list[tuple[Verdict, int]]:
        """Go on. Returns what was told meanwhile."""
        before = len(self.told)
        while self.due[0][0] < end:
            at, project = self.due[0]
            trouble = self.outage or self.troubles.get(project)
            if trouble is None:
                told = self.health.succeeded(project, at)
                self.failures[project], wait = 0, self.periods[project]
            else:
                told = self.health.failed(project, trouble, at)
                wait = min(900.0, 15.0 * 2 ** self.failures[project]) * self.rng.uniform(0.75, 1)
                self.failures[project] += 1
            self.told += [(verdict, about) for verdict, about, _ in told]
            heapq.heapreplace(self.due, (at + wait, project))
        return self.told[before:]


@pytest.mark.parametrize("projects", [1, 2, 200, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_all_fail_together_and_that_is_told_once(projects: int, seed: int) -> None:
    """Hours long. Those that come back later than others are not told."""
    world = World(projects, seed=seed)
    assert world.until(1000.0) == []
    world.outage = DOWN
    assert world.until(10_000.0) == [(Verdict.SERVICE_FAILING, ACCOUNT)]
    world.outage = None
    assert world.until(20_000.0) == [(Verdict.SERVICE_RECOVERED, ACCOUNT)]
    assert world.until(90_000.0) == []


def test_the_service_fails_within_a_second_where_many_are_watched() -> None:
    world = World(200, period=20.0)
    world.until(1000.0)
    world.outage = DOWN
    assert world.until(1001.0) == [(Verdict.SERVICE_FAILING, ACCOUNT)]


@pytest.mark.parametrize("projects", [1, 2, 200])
@pytest.mark.parametrize("trouble", [DOWN, GONE], ids=["down", "gone"])
def test_one_that_fails_tells_exactly_itself(projects: int, trouble: Trouble) -> None:
    """Within some minutes, once; and once when it is over."""
    world = World(projects)
    world.until(700.0)
    world.troubles[1] = trouble
    assert world.until(3000.0) == [(Verdict.PROJECT_FAILING, 1)]
    assert world.until(90_000.0) == []
    world.troubles.clear()
    assert world.until(95_000.0) == [(Verdict.PROJECT_RECOVERED, 1)]


def test_how_soon_a_project_is_told() -> None:
    """What only a service that works can answer, when that is known to work; else after half a minute."""
    health = Health()
    assert health.failed(1, GONE, 0.0) == []
    assert health.succeeded(2, 0.1) == [(Verdict.PROJECT_FAILING, 1, GONE)]
    assert health.failed(3, DOWN, 1.0) == health.succeeded(2, 2.0) == []
    assert health.failed(3, DOWN, 16.0) == health.succeeded(2, 1.0 + LASTING - 0.1) == []
    assert health.succeeded(2, 1.0 + LASTING) == []  # nothing has failed since
    assert health.failed(3, DOWN, 46.0) == []
    assert health.succeeded(2, 46.1) == [(Verdict.PROJECT_FAILING, 3, DOWN)]
    assert health.failed(3, GONE, 90.0) == health.succeeded(2, 91.0) == []


def test_a_single_failure_is_told_of_nobody() -> None:
    """However long it is until something else is read."""
    health = Health()
    assert health.failed(1, DOWN, 0.0) == health.succeeded(2, 1000.0) == health.succeeded(1, 1001.0) == []


@pytest.mark.parametrize("broken", [2, 3, 4, 50])
@pytest.mark.parametrize("seed", range(5))
def test_several_that_fail_side_by_side_are_told_in_the_end(broken: int, seed: int) -> None:
    """Where nothing else is read between their failures, that looks as if nothing could be read.

    It is said once, and not for ever: what fails while the status can be read is no sign of the service any more.
    """
    world = World(broken, seed=seed)
    world.troubles = dict.fromkeys(range(1, broken + 1), DOWN)
    told = world.until(7200.0)
    assert told.count((Verdict.SERVICE_FAILING, ACCOUNT)) == told.count((Verdict.SERVICE_RECOVERED, ACCOUNT)) <= 1
    failing = sorted(project for verdict, project in told if verdict is Verdict.PROJECT_FAILING)
    assert failing == list(range(1, broken + 1))
    assert world.until(90_000.0) == []


def test_a_few_of_many_that_fail_are_no_failure_of_the_service() -> None:
    world = World(200, period=60.0)
    world.troubles = dict.fromkeys((40, 80, 81, 120), DOWN)
    assert sorted(world.until(7200.0), key=lambda told: told[1]) == [
        (Verdict.PROJECT_FAILING, project) for project in (40, 80, 81, 120)
    ]


def test_a_service_that_recovers_while_one_project_stays_broken() -> None:
    world = World(20)
    world.until(1000.0)
    world.outage = DOWN
    world.until(5000.0)
    world.outage = None
    world.troubles[7] = DOWN
    assert world.until(12_000.0) == [(Verdict.SERVICE_RECOVERED, ACCOUNT), (Verdict.PROJECT_FAILING, 7)]
    assert world.until(90_000.0) == []


def test_a_project_that_is_known_to_be_broken_is_so_after_a_failure_of_the_service() -> None:
    """It is not told again, and its recovery may be the first sign of life."""
    world = World(1)
    world.until(700.0)
    world.troubles[1] = DOWN
    assert world.until(5000.0) == [(Verdict.PROJECT_FAILING, 1)]
    world.outage = DOWN
    assert world.until(9000.0) == [(Verdict.SERVICE_FAILING, ACCOUNT)]
    world.outage = None
    assert world.until(12_000.0) == [(Verdict.SERVICE_RECOVERED, ACCOUNT)]
    world.outage = DOWN
    assert world.until(16_000.0) == [(Verdict.SERVICE_FAILING, ACCOUNT)]
    world.outage, world.troubles = None, {}
    assert world.until(20_000.0)[-2:] == [(Verdict.SERVICE_RECOVERED, ACCOUNT), (Verdict.PROJECT_RECOVERED, 1)]


def test_a_service_that_comes_and_goes_is_told_as_often_and_no_project_is() -> None:
    world = World(200)
    world.until(1000.0)
    for round_ in range(1, 6):
        world.outage = DOWN
        assert world.until(round_ * 10_000.0) == [(Verdict.SERVICE_FAILING, ACCOUNT)]
        world.outage = None
        assert world.until(round_ * 10_000.0 + 5000.0) == [(Verdict.SERVICE_RECOVERED, ACCOUNT)]


def test_looks_that_were_on_their_way_when_the_service_recovered() -> None:
    """They fail after something was read, however long they were gone, and that counts once."""
    health = Health()
    told = [word for project in range(200) for word in health.failed(project, DOWN, 0.0)]
    assert told == [(Verdict.SERVICE_FAILING, ACCOUNT, DOWN)]
    assert health.succeeded(5, 100.0) == [(Verdict.SERVICE_RECOVERED, ACCOUNT, None)]
    for project in range(6, 200):
        assert health.failed(project, DOWN, 140.0) == []
    assert health.succeeded(5, 140.0 + 2 * LASTING) == []


def test_the_status_alone_may_fail() -> None:
    """All projects are read; but what happens to deployments is not seen, and that is told, as of project 0."""
    world = World(20)
    world.until(700.0)
    world.troubles[ACCOUNT] = GONE
    assert world.until(20_000.0) == [(Verdict.PROJECT_FAILING, ACCOUNT)]
    world.troubles.clear()
    assert world.until(30_000.0) == [(Verdict.PROJECT_RECOVERED, ACCOUNT)]


def test_answers_that_blame_the_project_are_not_believed_of_the_status() -> None:
    """A service that refuses everything says so of every project: one piece of news, when the status is refused too."""
    world = World(200)
    world.until(1000.0)
    world.outage = GONE
    assert world.until(3000.0) == [(Verdict.SERVICE_FAILING, ACCOUNT)]


def test_one_aspect_of_a_project_may_fail() -> None:
    """What else of it can be read tells that it is not the service, and does not tell that it recovered."""
    health = Health()
    for at in (0.0, 15.0, 45.0):
        assert health.failed(1, DOWN, at) == []
    assert health.succeeded(1, 50.0, entirely=False) == [(Verdict.PROJECT_FAILING, 1, DOWN)]
    assert health.succeeded(1, 60.0, entirely=False) == []
    assert health.succeeded(1, 70.0) == [(Verdict.PROJECT_RECOVERED, 1, None)]


def test_one_project_is_not_the_service_however_often_it_fails() -> None:
    health = Health()
    assert [word for at in range(100) for word in health.failed(1, DOWN, at * 15.0)] == []
    assert health.failed(2, DOWN, 1500.0) == [(Verdict.SERVICE_FAILING, ACCOUNT, DOWN)]


def test_how_many_looks_make_a_failure_of_the_service() -> None:
    health = Health()
    told = [health.failed(project, DOWN, 0.0) for project in range(1, LOOKS + 1)]
    assert told == [[]] * (LOOKS - 1) + [[(Verdict.SERVICE_FAILING, ACCOUNT, DOWN)]]


def test_what_was_told_before_a_restart_is_not_told_again() -> None:
    health = Health()
    health.known_to_fail(1, DOWN, 0.0)
    assert health.failed(1, DOWN, 10.0) == health.succeeded(2, 20.0) == []
    assert health.failed(1, GONE, 50.0) == health.succeeded(2, 60.0) == []
    assert health.succeeded(1, 70.0) == [(Verdict.PROJECT_RECOVERED, 1, None)]


def test_known_failures_are_no_sign_of_the_service() -> None:
    """They fail at once when the watch begins; nothing has been read by then."""
    health = Health()
    for project in range(1, 50):
        health.known_to_fail(project, DOWN, 0.0)
    for project in range(1, 50):
        assert health.failed(project, DOWN, 1.0) == []
    assert health.failed(50, DOWN, 2.0) == health.succeeded(51, 3.0) == []


@pytest.mark.parametrize("still_down", [True, False])
def test_a_service_that_failed_before_a_restart(still_down: bool) -> None:
    """It recovers as the service, and not as a project; and if it does not, that is not told again."""
    world = World(20)
    world.health.known_to_fail(ACCOUNT, DOWN, 0.0)
    if still_down:
        world.outage = DOWN
        assert world.until(3000.0) == []
        world.outage = None
    assert world.until(9000.0) == [(Verdict.SERVICE_RECOVERED, ACCOUNT)]


def test_a_project_that_left_is_forgotten() -> None:
    health = Health()
    health.known_to_fail(1, DOWN, 0.0)
    health.left(1)
    health.left(2)
    assert health.succeeded(1, 1.0) == []


LOOKED = st.tuples(st.integers(0, 4), st.sampled_from([None, DOWN, GONE]), st.floats(0.0, 100.0), st.booleans())


@given(st.lists(LOOKED, max_size=80))
def test_failures_and_recoveries_take_turns(looks: list[tuple[int, Trouble | None, float, bool]]) -> None:
    """Of the service, and of each project, from any looks; and when all is read again, nothing is left."""
    health, now = Health(), 0.0
    told: list[tuple[Verdict, int]] = []

    def tell(words: list[tuple[Verdict, int, Trouble | None]]) -> None:
        for verdict, project, trouble in words:
            assert (trouble is not None) is (verdict in {Verdict.SERVICE_FAILING, Verdict.PROJECT_FAILING})
            told.append((verdict, project))

    for project, trouble, wait, entirely in looks:
        now += wait
        tell(
            health.succeeded(project, now, entirely=entirely)
            if trouble is None
            else health.failed(project, trouble, now)
        )
    for project in range(5):
        tell(health.succeeded(project, now + 1))
    service = [verdict for verdict, _ in told if verdict in {Verdict.SERVICE_FAILING, Verdict.SERVICE_RECOVERED}]
    assert service == [Verdict.SERVICE_FAILING, Verdict.SERVICE_RECOVERED] * (len(service) // 2)
    for project in range(5):
        mine = [
            verdict
            for verdict, about in told
            if about == project and verdict in {Verdict.PROJECT_FAILING, Verdict.PROJECT_RECOVERED}
        ]
        assert mine == [Verdict.PROJECT_FAILING, Verdict.PROJECT_RECOVERED] * (len(mine) // 2)
    assert not health._failing
