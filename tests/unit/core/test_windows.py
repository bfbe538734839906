"""The plan of a listing: how many requests, in how many rounds, and what ends it."""

from collections.abc import Hashable
from copy import copy

import pytest
from msgspec import Struct

from qcasync._core.window_steps import Arrival, Broken, Complete, LookAgain, Trouble, Wait, Window
from qcasync._core.windows import LOOK_AGAIN, WARMING_LIMIT, WindowPlan
from tests.unit.core.windows_harness import ModelList, perform


@pytest.mark.parametrize(
    ("rows", "remembered", "requests", "seconds"),
    [
        pytest.param(1, None, 2, 2, id="one row and the proof"),
        pytest.param(100, None, 2, 2, id="exactly one window: its length may be the page's, but not that of the end"),
        pytest.param(101, None, 3, 2, id="the second window and the proof together"),
        pytest.param(487, None, 6, 2, id="all windows after the first at once"),
        pytest.param(10_000, None, 101, 11, id="ten thousand in eleven rounds"),
        pytest.param(487, 487, 6, 1, id="remembered: one round"),
        pytest.param(10_000, 10_000, 101, 11, id="remembered: no faster than the workers"),
        pytest.param(520, 487, 8, 2, id="remembered, and grown since"),
        pytest.param(0, 0, 2, 12, id="known to be empty: looked at twice all the same"),
    ],
)
def test_cost(rows: int, remembered: int | None, requests: int, seconds: float) -> None:
    """A listing costs a request per window and one for the end, in as few rounds as the workers allow."""
    outcome = perform(ModelList(rows=lambda now: rows), remembered=remembered)
    assert isinstance(outcome.end, Complete)
    assert outcome.plan.frontier == rows
    assert (len(outcome.windows), outcome.seconds) == (requests, seconds)
    assert outcome.plan.windows == requests


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=type(value).__name__)
        for value in (
            Window(0, 1),
            LookAgain(1.0),
            Wait(),
            Complete(),
            Broken(Trouble.HOLE),
            Arrival(count=1),
        )
    ],
)
def test_what_is_said_is_a_value(value: Struct) -> None:
    """Workers share it: it can be compared and hashed, and nobody can change it."""
    assert value == copy(value)
    assert hash(value) == hash(copy(value))
    with pytest.raises(AttributeError):
        setattr(value, (value.__struct_fields__ or ("anything",))[0], 0)


def test_an_arrival_is_told_by_name() -> None:
    """Count and length would be mixed up by place."""
    with pytest.raises(TypeError):
        Arrival(1, 1)  # type: ignore[misc]


def test_the_first_window_goes_alone() -> None:
    """Without a memory nothing else is asked before the first answer: it wakes the cache, and brings the length."""
    plan = WindowPlan()
    assert plan.next_step(0.0) == Window(0, 100)
    assert plan.next_step(0.0) == Wait()


def test_without_a_usable_length_the_fan_out_grows() -> None:
    """Full pages earn more windows at once: far fewer rounds than pages."""
    outcome = perform(ModelList(rows=lambda now: 5050, length=lambda total, page: page), workers=100)
    assert outcome.plan.frontier == 5050
    assert outcome.seconds <= 8
    assert outcome.in_flight > 10


def ask(plan: WindowPlan, now: float = 1.0) -> list[Window]:
    """All windows that the plan wants to be asked for at this moment."""
    windows: list[Window] = []
    while isinstance(step := plan.next_step(now), Window):
        windows.append(step)
    return windows


def starts(plan: WindowPlan, now: float = 1.0) -> list[int]:
    """Where the windows begin that the plan wants to be asked for at this moment."""
    return [window.start for window in ask(plan, now)]


def full(start: int, length: int | None = None) -> tuple[Window, Arrival]:
    """A window of a hundred, and all of its rows."""
    return Window(start, start + 100), Arrival(count=100, length=length, first=start)


@pytest.mark.parametrize("remembered", [None, 100])
def test_a_full_page_beyond_the_hint_earns_windows(remembered: int | None) -> None:
    """Four at once after the first one, and two more after each other one."""
    plan = WindowPlan(remembered=remembered)
    ask(plan)
    first = remembered or 0
    if remembered:
        plan.page_received(*full(0), 1.0)
        assert starts(plan) == []
    plan.page_received(*full(first), 1.0)
    assert starts(plan) == [first + 100 * ahead for ahead in (1, 2, 3, 4)]
    plan.page_received(*full(first + 100), 1.0)
    assert starts(plan) == [first + 500, first + 600, first + 700]
    plan.page_received(*full(first + 200), 1.0)
    assert starts(plan) == [first + 800, first + 900, first + 1000]


def test_a_short_page_ends_the_guessing() -> None:
    """The window behind it is asked for, and no other."""
    plan = WindowPlan()
    ask(plan)
    plan.page_received(*full(0), 1.0)
    for start in (100, 200, 300):
        assert plan.next_step(1.0) == Window(start, start + 100)
    for start in (100, 200):
        plan.page_received(*full(start), 1.0)
    plan.page_received(Window(300, 400), Arrival(count=30, first="short"), 1.0)
    assert starts(plan) == [330]


def test_silence_ends_the_guessing() -> None:
    """Even if rows come where it was, and a total that promises more: one window beyond that total is enough."""
    plan = WindowPlan()
    ask(plan)
    plan.page_received(*full(0), 1.0)
    assert plan.next_step(1.0) == Window(100, 200)
    plan.page_received(Window(100, 200), Arrival(count=0), 1.0)
    assert plan.next_step(11.0) == Window(100, 200)
    plan.page_received(*full(100, length=1000), 11.0)
    assert starts(plan, 11.0) == [*range(200, 1000, 100), 1000]


@pytest.mark.parametrize("length", [None, 0, -1])
def test_a_useless_length_is_survived(length: int | None) -> None:
    """No length, zero and negative ones are no hint, and no proof."""
    outcome = perform(ModelList(rows=lambda now: 250, length=lambda total, page: length))
    assert isinstance(outcome.end, Complete)
    assert outcome.plan.frontier == 250


def test_a_length_that_promises_too_much_costs_a_second_look() -> None:
    """An end below the hint is believed only after another look, 10 s later."""
    outcome = perform(ModelList(rows=lambda now: 250, length=lambda total, page: 300))
    assert isinstance(outcome.end, Complete)
    assert outcome.plan.frontier == 250
    assert outcome.seconds > LOOK_AGAIN


def test_a_length_that_grows_with_each_answer_ends() -> None:
    """A length that always promises more does not keep the plan asking."""
    lengths = iter(range(1000, 10**9, 100))
    outcome = perform(ModelList(rows=lambda now: 250, length=lambda total, page: next(lengths)))
    assert isinstance(outcome.end, Complete)
    assert len(outcome.windows) < 50


def test_a_first_empty_answer_is_not_believed_at_once() -> None:
    """A project never seen before may be empty, or its cache may be warming: a second look after 10 s decides."""
    outcome = perform(ModelList(rows=lambda now: 0))
    assert isinstance(outcome.end, Complete)
    assert outcome.seconds >= LOOK_AGAIN
    assert outcome.windows == [Window(0, 100)] * 2


def test_nothing_that_counts_came_of_an_empty_answer() -> None:
    """The number of its rows is for the reader, who yields so many."""
    plan = WindowPlan()
    ask(plan)
    assert plan.page_received(Window(0, 100), Arrival(count=0), 1.0) == 0


@pytest.mark.parametrize("remembered", [None, 487])
def test_a_warming_cache_is_waited_for(remembered: int | None) -> None:
    """Empty answers of a cold cache are forgotten as soon as one of them proves wrong."""
    outcome = perform(ModelList(rows=lambda now: 487, warming=8.0), remembered=remembered)
    assert isinstance(outcome.end, Complete)
    assert outcome.plan.frontier == 487
    assert outcome.seconds < 2 * LOOK_AGAIN


def test_a_known_list_that_stays_empty_is_not_zero_orders() -> None:
    """What was there before cannot be gone without a word: the listing gives up after 100 s instead."""
    outcome = perform(ModelList(rows=lambda now: 0, length=lambda total, page: None), remembered=487)
    assert outcome.end == Broken(Trouble.WARMING)
    assert outcome.seconds >= 100


def test_a_known_list_may_stay_empty_for_100_seconds_from_the_first_look() -> None:
    """Whenever that was."""
    plan = WindowPlan(remembered=487)
    for window in ask(plan, 1000.0):
        plan.page_received(window, Arrival(count=0), 1000.0)
    step = plan.next_step(1099.75)
    assert step == Window(0, 100)
    plan.window_abandoned(step)
    assert plan.next_step(1100.0) == Broken(Trouble.WARMING)


def test_warming_is_a_matter_of_the_first_row() -> None:
    """An end that is in doubt is looked at again, however long nobody came to do it."""
    plan = WindowPlan(remembered=300)
    plan.page_received(Window(0, 100), Arrival(count=50, first=0), 1.0)
    plan.page_received(Window(50, 150), Arrival(count=0), 1.0)
    assert plan.next_step(200.0) == Window(50, 150)


@pytest.mark.parametrize("length", [1, 392])
def test_an_empty_first_page_may_tell_a_length(length: int) -> None:
    """That is a hint, even if it is of one row only."""
    plan = WindowPlan()
    ask(plan)
    plan.page_received(Window(0, 100), Arrival(count=0, length=length), 1.0)
    assert plan.hint == length


def test_an_empty_page_further_on_tells_nothing() -> None:
    """A short page and silence behind it are the end, whatever number stands beside the silence."""
    plan = WindowPlan()
    ask(plan)
    plan.page_received(Window(0, 100), Arrival(count=50, first=0), 1.0)
    assert starts(plan) == [50]
    plan.page_received(Window(50, 150), Arrival(count=0, length=392), 1.0)
    assert plan.next_step(1.0) == Complete()


def test_an_empty_first_page_that_tells_a_length_is_warming() -> None:
    """`orders: []` beside `length: 392` contradicts itself; the rows are waited for."""
    server = ModelList(rows=lambda now: 392, warming=25.0, length=lambda total, page: 392)
    outcome = perform(server)
    assert isinstance(outcome.end, Complete)
    assert outcome.plan.frontier == 392


@pytest.mark.parametrize("clamp", [1, 7, 10, 99])
def test_a_clamp_is_filled_and_learned(clamp: int) -> None:
    """Windows that come short are filled, and later ones ask for no more than the server gives."""
    outcome = perform(ModelList(rows=lambda now: 487, clamp=clamp))
    assert isinstance(outcome.end, Complete)
    assert outcome.plan.frontier == 487
    assert outcome.plan.size == clamp
    assert len(outcome.windows) <= 487 / clamp * 1.25 + 25


def test_a_clamp_is_believed_at_the_second_time() -> None:
    """Twice a page of the same length with a row right behind it; one of another length proves nothing."""
    plan = WindowPlan(remembered=500)
    ask(plan)
    for start, cut, size in ((0, 60, 100), (100, 70, 100), (200, 60, 60), (300, 60, 60), (400, 70, 60)):
        plan.page_received(Window(start, start + 100), Arrival(count=cut, first=start), 1.0)
        rest = Window(start + cut, start + 100)
        plan.page_received(rest, Arrival(count=rest.size, first=rest.start), 1.0)
        assert plan.size == size


def test_a_clamp_without_a_length() -> None:
    """A clamp is recognised by the rows behind a short page."""
    outcome = perform(ModelList(rows=lambda now: 300, clamp=10, length=lambda total, page: page))
    assert isinstance(outcome.end, Complete)
    assert outcome.plan.frontier == 300
    assert outcome.plan.size == 10


def test_an_inclusive_end_gives_no_row_twice() -> None:
    """The surplus row of an inclusive end is left to the window it belongs to."""
    outcome = perform(ModelList(rows=lambda now: 450, inclusive=1))
    assert isinstance(outcome.end, Complete)
    assert outcome.plan.frontier == 450


def test_rows_appended_while_reading_are_read() -> None:
    """The end is proved by an empty answer, not by the total that was told first."""
    outcome = perform(ModelList(rows=lambda now: 350 if now < 1.0 else 420))
    assert isinstance(outcome.end, Complete)
    assert outcome.plan.frontier == 420


def test_a_server_that_ignores_start_is_found_out() -> None:
    """The same rows for different windows end the listing, instead of going round for ever."""
    outcome = perform(ModelList(rows=lambda now: 487, ignore_start=True))
    assert outcome.end == Broken(Trouble.REPEATED)
    assert len(outcome.windows) < 20


def test_one_repeated_page_is_no_proof() -> None:
    """None of its rows counts, and its window is asked for again; the second one breaks the listing."""
    plan = WindowPlan(remembered=300)
    ask(plan)
    assert plan.page_received(*full(100), 1.0) == 100
    assert plan.page_received(Window(0, 100), Arrival(count=100, first=100), 1.0) == 0
    assert plan.trouble is None
    assert plan.frontier == 0
    assert plan.next_step(1.0) == Window(0, 100)
    assert plan.page_received(Window(200, 300), Arrival(count=100, first=100), 1.0) == 0
    assert plan.next_step(1.0) == Broken(Trouble.REPEATED)


def test_rows_without_an_identity_are_taken_as_they_come() -> None:
    """Nothing tells them apart, so nothing tells that they came twice."""
    plan = WindowPlan(remembered=200)
    ask(plan)
    for start in (0, 100):
        assert plan.page_received(Window(start, start + 100), Arrival(count=100), 1.0) == 100
    assert (plan.frontier, plan.trouble) == (200, None)


def test_an_end_that_was_seen_before_any_row_needs_another_look() -> None:
    """Windows asked together may meet a cold cache: its "nothing" proves no end, unless the server's total agrees."""
    for length, step in ((None, Window(150, 250)), (50, Window(150, 250)), (150, Complete())):
        plan = WindowPlan(remembered=150)
        windows = [plan.next_step(0.0) for _ in range(3)]
        assert windows == [Window(0, 100), Window(100, 150), Window(150, 250)]
        plan.page_received(Window(150, 250), Arrival(count=0), 1.0)
        plan.page_received(Window(0, 100), Arrival(count=100, length=length, first="a"), 2.0)
        plan.page_received(Window(100, 150), Arrival(count=50, length=length, first="b"), 2.0)
        assert plan.next_step(2.0) == step


def test_what_was_seen_cold_does_not_count() -> None:
    """All windows but the first meet a cold cache: the first look that counts is the one after rows had come."""
    plan = WindowPlan(remembered=300)
    for start in (0, 100, 200, 300):
        assert plan.next_step(0.0).start == start
    for start in (100, 200, 300):
        plan.page_received(Window(start, start + 100), Arrival(count=0, length=0), 1.0)
    plan.page_received(Window(0, 100), Arrival(count=100, first="a"), 1.1)
    assert plan.next_step(1.1) == Window(100, 200)
    plan.page_received(Window(100, 200), Arrival(count=0, length=0), 1.3)
    assert plan.next_step(1.3) == LookAgain(1.3 + LOOK_AGAIN)


def test_an_end_met_by_windows_in_flight_is_not_asked_for_again() -> None:
    """What is still in flight below it decides first."""
    plan = WindowPlan(remembered=150)
    assert starts(plan) == [0, 100, 150]
    plan.page_received(Window(150, 250), Arrival(count=0), 1.0)
    assert plan.next_step(100.0) == Wait()


def test_rows_where_silence_was_refute_it() -> None:
    """Also where the window that brings them began earlier; otherwise the plan would wait for that silence for ever."""
    plan = WindowPlan(remembered=150)
    assert starts(plan) == [0, 100, 150]
    plan.page_received(Window(150, 250), Arrival(count=0), 1.0)
    plan.window_abandoned(Window(100, 150))
    plan.page_received(*full(0, length=300), 1.0)
    assert plan.next_step(1.0) == Window(100, 200)
    plan.page_received(*full(100), 1.0)
    assert plan.next_step(1.0) == Window(200, 300)


def test_nothing_is_asked_for_beyond_silence() -> None:
    """Not even what a total promises: the rows in between decide first."""
    plan = WindowPlan(remembered=1000)
    for _ in range(3):
        plan.next_step(0.0)
    plan.page_received(*full(0), 1.0)
    plan.page_received(Window(100, 200), Arrival(count=0), 1.0)
    assert plan.next_step(100.0) == Wait()


@pytest.mark.parametrize("size", [100, 1])
def test_a_row_that_was_seen_cannot_be_beyond_the_end(size: int) -> None:
    """The surplus row of an inclusive end proves that there is one: silence in its place is a hole."""
    plan = WindowPlan(size=size)
    plan.next_step(0.0)
    plan.page_received(Window(0, size), Arrival(count=size + 1, first="a", surplus="b"), 1.0)
    now = 1.0
    for _ in range(3):
        step = plan.next_step(now)
        if isinstance(step, LookAgain):
            now = step.at
            step = plan.next_step(now)
        assert step == Window(size, 2 * size)
        plan.page_received(step, Arrival(count=0), now)
    assert plan.next_step(now) == Broken(Trouble.HOLE)


def test_silence_behind_some_rows_and_below_a_window_in_flight_is_no_hole_yet() -> None:
    """Only rows beyond it make it one."""
    plan = WindowPlan(remembered=500)
    ask(plan)
    plan.page_received(*full(200), 1.0)
    plan.page_received(Window(300, 400), Arrival(count=0), 1.0)
    assert plan.next_step(1.0) == Wait()


def test_while_a_hole_is_waited_for_other_gaps_are_filled() -> None:
    """And of two holes, the one that is due first is looked at first."""
    plan = WindowPlan(remembered=700)
    ask(plan, 0.0)
    plan.page_received(*full(0), 1.0)
    for start in (200, 400, 600):
        plan.page_received(*full(start), 1.0)
    for start, now in ((100, 1.0), (300, 2.0)):
        plan.page_received(Window(start, start + 100), Arrival(count=0), now)
    assert plan.next_step(2.0) == LookAgain(1.0 + LOOK_AGAIN / 3)
    plan.window_abandoned(Window(500, 600))
    assert plan.next_step(2.0) == Window(500, 600)


@pytest.mark.parametrize(("rows", "seconds"), [pytest.param(200, 10, id="full"), pytest.param(199, 0, id="short")])
def test_silence_behind_a_full_page_is_not_believed_at_once(rows: int, seconds: float) -> None:
    """Where no total tells the end, a cache that holds only the first windows would look like the end of the list."""
    outcome = perform(ModelList(rows=lambda now: rows, length=lambda total, page: page))
    assert isinstance(outcome.end, Complete)
    assert outcome.seconds == 3 + (seconds + 1 if seconds else 0)


@pytest.mark.parametrize(
    ("length", "step"),
    [
        pytest.param(100, Complete(), id="the total"),
        pytest.param(None, LookAgain(2.0 + LOOK_AGAIN), id="left out"),
        pytest.param(0, LookAgain(2.0 + LOOK_AGAIN), id="the page's"),
        pytest.param(-1, LookAgain(2.0 + LOOK_AGAIN), id="no number of rows"),
        pytest.param(99, LookAgain(2.0 + LOOK_AGAIN), id="fewer than came"),
        pytest.param(101, LookAgain(2.0 + LOOK_AGAIN), id="more than came"),
    ],
)
def test_a_length_beside_silence_is_a_total(length: int | None, step: Complete | LookAgain) -> None:
    """It cannot be that of a page without rows. Where it says what was read, silence behind a full page is the end."""
    plan = WindowPlan()
    ask(plan)
    plan.page_received(*full(0, length=100), 1.0)
    assert starts(plan, 1.0) == [100]
    plan.page_received(Window(100, 200), Arrival(count=0, length=length), 2.0)
    assert plan.next_step(2.0) == step


def test_a_length_beside_silence_before_any_row_is_none() -> None:
    """A cache that is still empty does not know how long the list is."""
    plan = WindowPlan(remembered=100)
    assert starts(plan) == [0, 100]
    plan.page_received(Window(100, 200), Arrival(count=0, length=100), 1.0)
    plan.page_received(*full(0), 2.0)
    assert plan.next_step(2.0) == Window(100, 200)


def test_a_total_that_changed_before_the_end_is_another_snapshot() -> None:
    plan = WindowPlan()
    ask(plan)
    plan.page_received(*full(0, length=150), 1.0)
    assert starts(plan, 1.0) == [100, 150]
    plan.page_received(Window(100, 150), Arrival(count=50, length=150, first=100), 2.0)
    assert not plan.spans_refresh
    for length in (-1, 0):
        plan.page_received(Window(150, 250), Arrival(count=0, length=length), 2.0)
        assert not plan.spans_refresh
    plan.page_received(Window(150, 250), Arrival(count=0, length=140), 2.0)
    assert plan.spans_refresh


def test_a_half_warm_cache_is_found_out() -> None:
    """A server that shows the first hundred rows first, and calls a page its length, loses none of the others."""
    outcome = perform(ModelList(rows=lambda now: 100 if now < 8.0 else 350, length=lambda total, page: page))
    assert outcome.plan.frontier == 350


def test_a_hole_is_asked_for_again_and_then_given_up() -> None:
    """Empty answers in the middle of a list are a fault, never its end."""
    plan = WindowPlan(remembered=300)
    windows = [plan.next_step(0.0) for _ in range(4)]
    assert windows == [Window(0, 100), Window(100, 200), Window(200, 300), Window(300, 400)]
    plan.page_received(Window(0, 100), Arrival(count=100, length=300, first="a"), 1.0)
    plan.page_received(Window(100, 200), Arrival(count=0), 1.0)
    plan.page_received(Window(300, 400), Arrival(count=0), 1.0)
    assert plan.next_step(1.0) == Wait()  # what is in flight may still tell that 100 was the end
    plan.page_received(Window(200, 300), Arrival(count=100, first="c"), 1.0)
    now = 1.0
    for thirds in (1, 1, 2):  # the first one was asked cold, and does not count
        step = plan.next_step(now)
        assert step == LookAgain(pytest.approx(now + LOOK_AGAIN * thirds / 3))
        now = step.at + (thirds - 1)  # nobody need come in time
        assert plan.next_step(now) == Window(100, 200)
        plan.page_received(Window(100, 200), Arrival(count=0), now)
    assert plan.next_step(now) == Broken(Trouble.HOLE)
    assert plan.read() == ((0, 100), (200, 300))
    assert plan.missing() == ((100, 200), (300, None))


@pytest.mark.parametrize("first", ["a1", "x", 7])
@pytest.mark.parametrize("taken", [0, 50, 100])
def test_a_row_that_is_another_one_at_the_second_sight_breaks_the_listing(first: Hashable, taken: int) -> None:
    """A surplus row is a witness: if the next window begins with another row, the list moved."""
    plan = WindowPlan()
    plan.next_step(0.0)
    plan.page_received(Window(0, 100), Arrival(count=101, length=101, first="a", surplus="b"), 1.0)
    plan.taken(taken)
    assert plan.next_step(1.0) == Window(100, 101)
    assert plan.page_received(Window(100, 101), Arrival(count=1, length=101, first=first), 1.0) == 0
    assert plan.next_step(2.0) == Broken(Trouble.CHANGED)


def test_a_witness_of_rows_that_were_taken_is_forgotten() -> None:
    """It came after the window that it speaks of, so nobody will ask it; a long listing must not keep them all."""
    plan = WindowPlan(remembered=300)
    ask(plan)
    plan.page_received(*full(100), 1.0)
    plan.page_received(Window(0, 100), Arrival(count=101, first=0, surplus=100), 1.0)
    plan.taken(200)
    assert not plan._witnesses._beyond


def test_an_abandoned_window_is_asked_for_again() -> None:
    """A window whose answer will never come is missing, and may be asked for by somebody else."""
    plan = WindowPlan()
    plan.next_step(0.0)
    plan.window_abandoned(Window(0, 100))
    assert plan.missing() == ((0, None),)
    assert plan.next_step(0.0) == Window(0, 100)


def test_reading_ahead_is_bounded() -> None:
    """No window is asked for beyond the room that the reader left."""
    plan = WindowPlan(remembered=10_000, room=300)
    assert [plan.next_step(0.0) for _ in range(4)] == [Window(0, 100), Window(100, 200), Window(200, 300), Wait()]
    plan.page_received(Window(0, 100), Arrival(count=100, length=10_000, first=0), 1.0)
    assert plan.next_step(1.0) == Wait()
    plan.taken(100)
    assert plan.next_step(1.0) == Window(300, 400)


@pytest.mark.parametrize(("room", "windows"), [(100, [0]), (101, [0, 100]), (250, [0, 100, 200])])
def test_a_window_may_begin_where_there_is_room(room: int, windows: list[int]) -> None:
    """It may end beyond it: the room is not split."""
    assert starts(WindowPlan(remembered=10_000, room=room)) == windows


def test_by_default_there_is_room_for_2000_rows() -> None:
    """Twenty windows."""
    assert starts(WindowPlan(size=1, remembered=10_000)) == list(range(2000))
    assert starts(WindowPlan(remembered=10_000)) == list(range(0, 2000, 100))


def test_what_was_read_and_what_is_missing() -> None:
    """Ranges that touch are told as one; the last missing range is open until the end is proved."""
    plan = WindowPlan(remembered=400)
    for _ in range(5):
        plan.next_step(0.0)
    plan.page_received(Window(200, 300), Arrival(count=100, first=200, length=400), 1.0)
    plan.page_received(Window(300, 400), Arrival(count=100, first=300), 1.0)
    assert plan.read() == ((200, 400),)
    assert plan.missing() == ((0, 200), (400, None))
    plan.page_received(Window(0, 100), Arrival(count=100, first=0), 1.0)
    assert plan.read() == ((0, 100), (200, 400))
    plan.page_received(Window(100, 200), Arrival(count=100, first=100), 1.0)
    plan.page_received(Window(400, 500), Arrival(count=0), 1.0)
    assert plan.read() == ((0, 400),)
    assert plan.missing() == ()
    assert plan.next_step(1.0) == Complete()


def test_the_last_missing_range_is_open_while_anything_is_in_flight() -> None:
    """Even where the total and an empty answer agree: a row beyond them would say that both are wrong."""
    plan = WindowPlan(remembered=300)
    ask(plan)
    plan.page_received(*full(0, length=150), 1.0)
    plan.page_received(Window(100, 200), Arrival(count=50, length=150, first=100), 1.0)
    plan.page_received(Window(150, 200), Arrival(count=0), 1.0)
    assert plan.missing() == ((150, None),)
    for start in (200, 300):
        plan.page_received(Window(start, start + 100), Arrival(count=0), 1.0)
    assert plan.missing() == ()


def test_a_list_that_shrank_since_it_was_remembered() -> None:
    """The server's own total corrects a memory that is too large, without a second look."""
    outcome = perform(ModelList(rows=lambda now: 120), remembered=5000)
    assert isinstance(outcome.end, Complete)
    assert outcome.plan.frontier == 120
    assert outcome.plan.hint == 120
    assert outcome.seconds < LOOK_AGAIN


def test_a_length_of_a_page_does_not_correct_a_memory() -> None:
    """A number that is no larger than the rows up to here may speak of the page alone."""
    plan = WindowPlan(remembered=487)
    ask(plan)
    for start in (0, 100):
        plan.page_received(*full(start, length=100), 1.0)
        assert plan.hint == 487


@pytest.mark.parametrize(
    ("remembered", "length", "spoken_of"), [(None, None, 0), (487, 120, 487), (120, 487, 487), (None, 120, 120)]
)
def test_the_largest_number_ever_spoken_of(remembered: int | None, length: int | None, spoken_of: int) -> None:
    """By the server or by our memory, whichever was wrong: a listing that reads less tells so."""
    plan = WindowPlan(remembered=remembered)
    ask(plan)
    plan.page_received(*full(0, length=length), 1.0)
    assert plan.spoken_of == spoken_of


def test_two_totals_in_one_read_are_two_snapshots() -> None:
    """A total that changed between two answers tells that a refresh came in between."""
    steady = perform(ModelList(rows=lambda now: 350))
    grown = perform(ModelList(rows=lambda now: 350 if now < 1.0 else 420))
    assert not steady.plan.spans_refresh
    assert grown.plan.spans_refresh


@pytest.mark.parametrize("length", [None, 0, 50, 100])
def test_a_number_that_cannot_be_a_total_is_no_snapshot(length: int | None) -> None:
    """It does not exceed the rows of its own page, so it says nothing of the list."""
    plan = WindowPlan()
    ask(plan)
    plan.page_received(*full(0, length=length), 1.0)
    assert not plan.spans_refresh
    plan.page_received(*full(100, length=250), 1.0)
    assert not plan.spans_refresh


# From an index on, and up to one


def nothing(plan: WindowPlan, now: float, length: int | None) -> Window:
    """The plan asks for a window, and there is nothing in it."""
    window = plan.next_step(now)
    assert isinstance(window, Window)
    assert plan.page_received(window, Arrival(count=0, length=length), now) == 0
    return window


def test_reading_begins_where_it_is_told_to() -> None:
    """What precedes the start is neither asked for, nor read, nor missing."""
    plan = WindowPlan(start=250, remembered=480)
    assert (plan.frontier, plan.read(), plan.missing()) == (250, (), ((250, None),))
    assert [plan.next_step(0.0) for _ in range(4)] == [
        Window(250, 350),
        Window(350, 450),
        Window(450, 480),
        Window(480, 580),
    ]
    plan.page_received(Window(350, 450), Arrival(count=100, length=480), 1.0)
    assert (plan.read(), plan.missing()) == (((350, 450),), ((250, 350), (450, None)))
    for window, count in ((Window(250, 350), 100), (Window(450, 480), 30), (Window(480, 580), 0)):
        plan.page_received(window, Arrival(count=count, length=480), 1.0)
    assert plan.next_step(1.0) == Complete()
    assert (plan.read(), plan.missing(), plan.frontier) == (((250, 480),), (), 480)


def test_room_is_counted_from_the_start() -> None:
    plan = WindowPlan(start=1000, remembered=5000, room=200)
    assert [plan.next_step(0.0) for _ in range(3)] == [Window(1000, 1100), Window(1100, 1200), Wait()]


def test_nothing_new_is_believed_at_once_if_the_server_knows_how_long_the_list_is() -> None:
    """A cache that is still empty says nothing, or 0: who says exactly the start has the list before their eyes."""
    plan = WindowPlan(start=40)
    assert nothing(plan, 1.0, 40) == Window(40, 140)
    assert plan.next_step(1.0) == Complete()
    assert not plan.falls_short


@pytest.mark.parametrize("length", [None, 0, -1, 39])
def test_nothing_new_is_looked_at_twice_if_the_server_does_not_know(length: int | None) -> None:
    plan = WindowPlan(start=40)
    nothing(plan, 1.0, length)
    assert plan.next_step(1.0) == LookAgain(1.0 + LOOK_AGAIN)
    nothing(plan, 1.0 + LOOK_AGAIN, length)
    assert plan.next_step(1.0 + LOOK_AGAIN) == Complete()
    assert plan.falls_short is (length == 39)


def test_an_empty_list_is_looked_at_twice_though_it_says_so() -> None:
    """At index 0, a length of 0 is what a cache says that is still empty."""
    plan = WindowPlan()
    nothing(plan, 1.0, 0)
    assert plan.next_step(1.0) == LookAgain(1.0 + LOOK_AGAIN)


def test_rows_that_are_known_beyond_the_start_are_waited_for() -> None:
    plan = WindowPlan(start=40, remembered=60)
    now = 0.0
    while not isinstance(step := plan.next_step(now), Broken):
        if isinstance(step, LookAgain):
            now = step.at
        elif isinstance(step, Window):
            plan.page_received(step, Arrival(count=0, length=0), now)
    assert step.trouble is Trouble.WARMING
    assert now == pytest.approx(WARMING_LIMIT)


def test_a_part_ends_without_proof() -> None:
    """Where the list is known to go on, nothing need be asked behind the stop; the last window ends there."""
    plan = WindowPlan(start=50, stop=200)
    assert plan.missing() == ((50, 200),)
    assert plan.next_step(0.0) == Window(50, 150)
    plan.page_received(Window(50, 150), Arrival(count=100, length=900), 1.0)
    assert plan.next_step(1.0) == Window(150, 200)
    assert plan.next_step(1.0) == Wait()
    assert plan.page_received(Window(150, 200), Arrival(count=51, length=900), 1.0) == 50
    assert plan.next_step(1.0) == Complete()
    assert (plan.read(), plan.missing(), plan.hint, plan.spoken_of) == (((50, 200),), (), 200, 200)


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (70, 70), (80, 70)])
def test_an_empty_part_is_complete(start: int, stop: int) -> None:
    plan = WindowPlan(start=start, stop=stop)
    assert plan.next_step(0.0) == Complete()
    assert (plan.read(), plan.missing()) == ((), ())


def test_a_part_of_which_rows_are_gone_is_no_part() -> None:
    """The list was known to reach up to the stop: an end before it is a hole."""
    plan = WindowPlan(stop=200)
    plan.next_step(0.0)
    plan.page_received(Window(0, 100), Arrival(count=60, length=60), 1.0)
    now = 1.0
    while not isinstance(step := plan.next_step(now), Broken):
        if isinstance(step, LookAgain):
            now = step.at
        elif isinstance(step, Window):
            plan.page_received(step, Arrival(count=0, length=60), now)
    assert step.trouble is Trouble.HOLE
    assert plan.missing() == ((60, 200),)


def test_a_server_that_knows_at_the_second_look() -> None:
    """Two looks are enough, whatever the second one says."""
    plan = WindowPlan(start=40)
    nothing(plan, 1.0, None)
    nothing(plan, 1.0 + LOOK_AGAIN, 40)
    assert plan.next_step(1.0 + LOOK_AGAIN) == Complete()


def test_a_part_that_never_comes_is_still_warming() -> None:
    """No row of it was seen: that is no hole, and is waited for longer."""
    plan = WindowPlan(start=40, stop=200)
    now = 0.0
    while not isinstance(step := plan.next_step(now), Broken):
        if isinstance(step, LookAgain):
            now = step.at
        elif isinstance(step, Window):
            plan.page_received(step, Arrival(count=0, length=0), now)
    assert step.trouble is Trouble.WARMING
    assert now == pytest.approx(WARMING_LIMIT)


def test_a_part_of_which_the_beginning_is_missing() -> None:
    plan = WindowPlan(start=50, stop=200, remembered=900)
    assert [plan.next_step(0.0) for _ in range(2)] == [Window(50, 150), Window(150, 200)]
    plan.page_received(Window(150, 200), Arrival(count=50, length=900), 1.0)
    assert (plan.read(), plan.missing()) == (((150, 200),), ((50, 150),))


@pytest.mark.parametrize(
    ("start", "count", "length", "knows"),
    [
        pytest.param(0, 0, None, True, id="an empty list"),
        pytest.param(0, 40, None, True, id="all rows"),
        pytest.param(200, 40, None, True, id="all rows from the start on"),
        pytest.param(200, 0, 200, True, id="the server says that nothing follows"),
        pytest.param(200, 0, None, False, id="nobody says where the list ends"),
        pytest.param(200, 0, 40, False, id="the list ends before the start"),
    ],
)
def test_whether_the_end_is_that_of_the_list(start: int, count: int, length: int | None, knows: bool) -> None:
    """Where nothing was found, the list may have ended long before."""
    plan = WindowPlan(start=start)
    ask(plan)
    plan.page_received(Window(start, start + 100), Arrival(count=count, length=length, first=start), 1.0)
    assert plan.knows_total is knows


def test_a_list_that_is_said_to_go_on_does_not_fall_short() -> None:
    plan = WindowPlan(start=40)
    nothing(plan, 1.0, 60)
    assert not plan.falls_short
