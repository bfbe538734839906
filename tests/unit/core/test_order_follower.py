"""Many looks at one project: what is remembered, what is told, and what can no longer be known."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from qcasync._core.deltas import SETTLED, OrderRecord
from qcasync._core.lineage import Row
from qcasync._core.order_cycle import FULL_CYCLES, OrderCycle
from qcasync._core.order_follower import OrderFollower, keys_of
from qcasync._core.window_steps import LookAgain, Window
from qcasync.models.changes import Change, Gap, OrderAdded
from qcasync.models.enums import OrderStatus
from tests.unit.core.test_deltas import NOON, A, moment, order
from tests.unit.core.test_lineage import Q, rows


class Shell:
    """Performs looks, and keeps what they teach."""

    def __init__(self, *, told_since: float | None = None, quiet: bool = False) -> None:
        self.kept: dict[tuple[int, int], OrderRecord] = {}
        self.told: list[Change] = []
        self.now = 0.0
        self.stale = 0
        self.unreadable: list[int] = []
        self.options = {"told_since": told_since, "quiet": quiet}
        self.follower = OrderFollower(7, **self.options)

    def die(self) -> None:
        open_orders = [record for record in self.kept.values() if record.is_open]
        self.follower = OrderFollower(7, self.follower.memory, open_orders, **self.options)

    def look(
        self, shown: Sequence[Row], ended: Mapping[str, float | None] | None = None
    ) -> tuple[OrderCycle, list[str]]:
        """Look once. Returns the look, and what it told: orders by deployment and number, all else by their keys."""
        before = len(self.told)
        cycle = self.follower.look(self.now)
        while isinstance(step := cycle.next_step(self.now), Window | LookAgain):
            if isinstance(step, LookAgain):
                self.now = step.at
                continue
            self.now += 1
            placed = cycle.page_received(step, shown[step.start : step.end], None, NOON + self.now, self.now)
            known = {key: self.kept[key] for key in keys_of(placed) if key in self.kept}
            learned = self.follower.learn(placed, known, NOON + self.now)
            self.kept |= {record.key: record for record in learned.records}
            self.told += learned.changes
            self.stale += learned.stale
            self.unreadable += [index for index, _ in learned.unreadable]
            self.follower.adopt(learned.records)
            assert self.follower.memory_now().runs
        memory, gaps = self.follower.finish(cycle, self.now, ended or {})
        self.told += gaps
        self.follower.finished(memory)
        self.now += 60
        return cycle, [
            f"{change.deployment}:{change.order.id}" if isinstance(change, OrderAdded) else change.key
            for change in self.told[before:]
        ]


def closed(text: str) -> list[Row]:
    return [msgspec.structs.replace(row, status=OrderStatus.FILLED) for row in rows(text)]


def test_everything_is_told_once() -> None:
    shell = Shell()
    assert not shell.follower.has_baseline
    _, told = shell.look(rows("1A 2"))
    assert told == ["1:1", f"event:7:{A}-1-1", "1:2"]
    assert (shell.follower.has_baseline, shell.follower.open_count) == (True, 2)
    cycle, told = shell.look(rows("1A 2A 3"))
    assert (cycle.full, told) == (False, [f"event:7:{A}-2-1", "1:3"])
    shell.die()
    cycle, told = shell.look(rows("1A 2A 3"))
    assert (cycle.full, told) == (True, [])


def test_a_baseline_is_remembered_and_not_told() -> None:
    shell = Shell(told_since=NOON + 2)
    assert shell.look([order(1, 1, at=-99), order(2, at=2)])[1] == ["1:2"]
    assert shell.look([order(1, 2, at=-99), order(2, at=2)])[1] == [f"event:7:{A}-1-2"]
    assert shell.look([order(1, 2, at=-99), order(2, at=2), order(3, at=-50)])[1] == ["1:3"]


def test_what_happens_to_an_old_order_after_the_start_is_told() -> None:
    """A lost fill: the order was placed before the start, and its project was read first after the fill."""
    shell = Shell(told_since=NOON + 2)
    assert shell.look([order(1, 2, at=-99), order(2, 1, at=-98)])[1] == ["1:1", f"event:7:{A}-1-1", f"event:7:{A}-1-2"]


def test_everything_is_read_again_and_again() -> None:
    shell = Shell()
    shell.look(rows("1A"))
    shell.follower.read_everything(2)
    full = [shell.look(rows("1A"))[0].full for _ in range(2 + FULL_CYCLES)]
    assert full == [True, True] + [False] * (FULL_CYCLES - 1) + [True]
    shell.now += 7200
    assert shell.look(rows("1A"))[0].full


def test_the_last_order_is_absent_twice() -> None:
    shell = Shell()
    shell.look(closed("1A 2A"))
    full = [shell.look(closed("1A"))[0].full for _ in range(3)]
    assert full == [False, False, True]


def test_what_was_not_read_completely_is_read_again() -> None:
    shell = Shell()
    shell.look(rows("1A"))
    shell.follower.read_everything()
    cycle = shell.follower.look(shell.now)
    memory, gaps = shell.follower.finish(cycle, shell.now, {})
    assert (memory.complete_through, gaps) == (shell.follower.memory.complete_through, [])
    assert shell.look(rows("1A"))[0].full
    assert not shell.look(rows("1A"))[0].full


def test_what_is_remembered_may_be_wrong() -> None:
    """A list that is said to have rows stays empty: in the next look it may be as empty as it is."""
    shell = Shell()
    shell.look(rows("1A"))
    shell.follower.read_everything()
    assert not shell.look([])[0].ended
    assert shell.look([])[0].proved


def test_unreadable_entries_and_older_versions_are_counted() -> None:
    shell = Shell()
    shell.look([order(1, 2), Q])
    assert shell.unreadable == [1]
    shell.look([order(1, 1)])
    assert shell.stale == 1


def test_an_order_that_moves_is_followed() -> None:
    shell = Shell()
    shell.look(rows("1A 2A"))
    moved = rows("1B", 5) + rows("1A 2A")
    shell.follower.read_everything()
    assert shell.look(moved)[1] == ["2:1", f"event:7:L-{'b' * 32}-1-1"]
    assert {record.index for record in shell.kept.values()} == {0, 1, 2}
    shell.now += SETTLED
    cycle, told = shell.look([moved[0], *closed("1A 2A")])
    assert (cycle.full, len(told)) == (False, 2)
    assert shell.follower.open_count == 1


def test_an_open_order_that_was_not_shown_has_no_place_until_it_is_shown_again() -> None:
    """A delay: it was read at its place again only with everything else."""
    shell = Shell()
    both = [*rows("1A"), *closed("1A 2A")[1:], *rows("1A 2A 3A")[2:], *closed("1A 2A 3A 4A")[3:]]
    shell.look(both)
    shell.follower.read_everything()
    shell.look(both[:1])
    assert shell.follower.open_count == 2
    shell.look(both)
    cycle = shell.follower.look(shell.now)
    assert cycle.next_step(shell.now) == Window(0, 100)
    shell.follower.finish(cycle, shell.now, {})
    assert 2 in shell.follower._in_place


@pytest.mark.parametrize(
    ("shown", "ended_at", "told"),
    [
        pytest.param("open", -9999.0, True, id="an order was open"),
        pytest.param("closed", None, True, id="nobody knows when it ended"),
        pytest.param("closed", 0.0, True, id="it was read too soon after its end"),
        pytest.param("closed", -SETTLED - 99, False, id="it was read long after its end"),
    ],
)
def test_a_deployment_vanishes(shown: str, ended_at: float | None, told: bool) -> None:
    shell = Shell()
    old = rows("1A 2A") if shown == "open" else closed("1A 2A")
    ended = {} if ended_at is None else {A: NOON + ended_at}
    for _ in range(2):
        shell.look(old, ended)
        shell.now += SETTLED
    shell.follower.read_everything(2)
    assert shell.look(rows("1B", 5), ended)[1][:1] == ["2:1"]
    gaps = [change for change in shell.told if isinstance(change, Gap)]
    assert gaps == []
    shell.look(rows("1B", 5), ended)
    gaps = [change for change in shell.told if isinstance(change, Gap)]
    assert bool(gaps) is told
    if gaps:
        assert (gaps[0].deploy_id, gaps[0].what) == (A, "deployment")
        assert f"{moment(1):%Y-%m-%d %H:%M:%S}" in gaps[0].detail


def test_to_have_seen_the_last_order_is_not_to_have_read_a_deployment() -> None:
    """A silent loss: an event of a closed order came before the end, and only the tail was looked at since."""
    shell = Shell()
    shell.look(closed("1A 2A"))
    shell.now = SETTLED + 200
    ended = {A: NOON + 100.0}
    assert not shell.look(closed("1A 2A"), ended)[0].full
    shell.now += SETTLED
    shell.follower.read_everything(2)
    shell.look(rows("1B", 5), ended)
    assert len(shell.look(rows("1B", 5), ended)[1]) == 1


def test_a_deployment_without_a_name_vanishes() -> None:
    shell = Shell()
    shell.look(rows("1"))
    shell.now += SETTLED
    shell.look(rows("1"))
    shell.now += SETTLED
    shell.follower.read_everything(2)
    shell.look(rows("1B", 5))
    shell.look(rows("1B", 5))
    gap = shell.told[-1]
    assert isinstance(gap, Gap)
    assert gap.detail.startswith("The orders of deployment 1 are no longer listed. What happened to them after 2026-")


def test_a_deployment_that_was_never_read_completely_vanishes() -> None:
    shell = Shell()
    shell.follower.read_everything(3)
    shell.look([*rows("1A"), Q, *rows("2 3")])
    shell.now += SETTLED
    shell.look(rows("1B", 5))
    shell.look(rows("1B", 5))
    gap = shell.told[-1]
    assert isinstance(gap, Gap)
    assert gap.detail.endswith("What happened to them cannot be known.")


def test_what_vanished_twice_is_told_twice() -> None:
    """A silent loss: the second gap had the key of the first one."""
    shell = Shell()
    for _ in range(2):
        shell.follower.read_everything(3)
        shell.look(rows("1A"))
        shell.now += SETTLED
        shell.look(rows("1B", 5))
        shell.look(rows("1B", 5))
    gaps = [change.key for change in shell.told if isinstance(change, Gap) and change.deploy_id == A]
    assert len(set(gaps)) == len(gaps) == 2


def test_gaps_of_two_checkpoints_are_not_confused() -> None:
    """Both call another deployment their first one."""
    keys: list[str] = []
    for gone, there in ["AB", "BC"]:
        shell = Shell()
        shell.look(rows(f"1{gone}"))
        shell.now += SETTLED
        for _ in range(2):
            shell.follower.read_everything()
            shell.look(rows(f"1{there}", 5))
        keys += [change.key for change in shell.told if isinstance(change, Gap)]
    assert len(set(keys)) == len(keys) == 2


def test_another_release_digests_differently() -> None:
    shell = Shell(quiet=True)
    shell.look(rows("1A"))
    shell.follower = OrderFollower(7, shell.follower.memory, shell.kept.values(), quiet=True)
    assert shell.look([order(1, 1, tag="novel", at=101)])[1] == []
    shell.now += SETTLED
    assert len(shell.look([order(1, 1, tag="else", at=101)])[1]) == 1


def test_a_small_list_is_read_at_once_and_proved_by_the_next_look() -> None:
    shell = Shell()
    shell.look(closed("1A 2A"))
    asked = [shell.look(closed("1A 2A"))[0] for _ in range(FULL_CYCLES)]
    assert [cycle.at_once for cycle in asked] == [False] * (FULL_CYCLES - 1) + [True]
    before = shell.follower.memory.complete_through
    began_at = asked[-1].began_at
    shell.look(closed("1A 2A"))
    assert before is not None
    assert shell.follower.memory.complete_through == began_at > before


def test_what_was_read_at_once_and_is_not_proved_is_read_again() -> None:
    shell = Shell()
    for _ in range(1 + FULL_CYCLES):
        shell.look(closed("1A 2A"))
    before = shell.follower.memory.complete_through
    assert not shell.look([])[0].full
    assert shell.follower.memory.complete_through == before
    cycle, _ = shell.look(closed("1A 2A"))
    assert (cycle.full, cycle.at_once, cycle.proved) == (True, False, True)


def test_looks_that_are_far_apart_are_not_all_read_at_once() -> None:
    """Each is due to read everything; every second one proves its end by itself."""
    shell = Shell()
    found = []
    for _ in range(5):
        found.append(shell.look(closed("1A 2A"))[0].at_once)
        shell.now += 8000
    assert found == [False, True, False, True, False]


def test_an_answer_that_came_before_shows_what_is_open() -> None:
    shell = Shell()
    shell.look(rows("1A 2A"))
    cycle = shell.follower.look(shell.now)
    window = cycle.next_step(shell.now)
    assert isinstance(window, Window)
    shell.follower.see_again(cycle.page_received(window, rows("1A 2A")[window.start :], None, NOON + 99, shell.now))
    assert shell.follower.open_count == 2
