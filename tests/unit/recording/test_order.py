"""In which order answers are given, told the time."""

from qcasync.recording._order import REST, Asker, Key, Order

A, B, C = [(name, b"") for name in "abc"]


def order(*keys: Key, moments: tuple[float, ...] = (), pace: float | None = None) -> Order:
    return Order(keys, moments or tuple(range(len(keys))), pace=pace, patience=30.0)


def look(line: Order, now: float, *askers: Asker) -> list[int | None]:
    """Everybody looks once; what each has then."""
    for asker in askers:
        if asker.index is None:
            line.advance(asker, now)
    return [asker.index for asker in askers]


def test_one_at_a_time_in_recorded_order() -> None:
    line = order(A, B, C)
    c, b = line.ask(C, 0.0), line.ask(B, 0.0)
    assert look(line, 0.0, c, b) == [None, None]
    a = line.ask(A, 1.0)
    assert look(line, 1.0, c, a, b) == [None, 0, None]
    assert line.next_look(b, 1.0) == 1.0 + REST
    assert look(line, 1.0 + REST, c, b) == [None, 1]
    assert look(line, 1.0 + 2 * REST, c) == [2]
    assert (line.given, line.passed_over) == (3, 0)


def test_who_asks_first_gets_the_first() -> None:
    line = order(A, A)
    first, second = line.ask(A, 0.0), line.ask(A, 0.0)
    assert look(line, 0.0, second, first) == [None, 0]
    assert look(line, 1.0, second) == [1]


def test_what_was_not_taken_is_given_to_the_next() -> None:
    """Who waits already, or who comes."""
    for waits in (True, False):
        line = order(A, A)
        first = line.ask(A, 0.0)
        second = line.ask(A, 0.0) if waits else None
        assert look(line, 0.0, first) == [0]
        line.leave(first)
        second = second or line.ask(A, 1.0)
        assert second.index == 0
        assert (line.given, line.passed_over) == (1, 0)


def test_patience() -> None:
    """All that nobody asks for is passed over at once, up to what somebody does."""
    line = order(A, A, B, A, C)
    c, b = line.ask(C, 0.0), line.ask(B, 20.0)
    assert line.next_look(c, 0.0) == 30.0
    assert look(line, 29.9, c, b) == [None, None]
    assert look(line, 30.0, c, b) == [None, 2]
    assert look(line, 30.0 + REST, c) == [4]
    assert line.passed_over == 3
    assert [line.ask(A, 31.0).index for _ in range(3)] == [0, 1, 3]
    assert line.passed_over == 0


def test_patience_begins_when_an_answer_is_due() -> None:
    """At a pace, the recording's own pauses try nobody's patience."""
    line = order(A, B, moments=(0.0, 100.0), pace=1.0)
    b = line.ask(B, 0.0)
    assert line.next_look(b, 0.0) == 130.0
    assert look(line, 60.0, b) == [None]
    a = line.ask(A, 60.0)
    assert look(line, 60.0, a, b) == [0, None]
    assert line.next_look(b, 61.0) == 100.0
    assert look(line, 99.0, b) == [None]
    assert look(line, 100.0, b) == [1]


def test_the_end() -> None:
    """Of one key, and of all: only once nothing was given to anybody for as long."""
    line = order(A, B)
    a = line.ask(A, 0.0)
    assert look(line, 0.0, a) == [0]
    more = line.ask(A, 10.0)
    b = line.ask(B, 20.0)
    assert look(line, 20.0, b) == [1]
    assert not line.has_ended_for(more, 39.0)
    assert line.has_ended_for(more, 40.0)
    assert not line.has_ended(40.0)
    assert line.has_ended(50.0)


def test_the_end_at_a_pace() -> None:
    """What is not due yet may still be asked for."""
    line = order(A, B, moments=(0.0, 100.0), pace=1.0)
    assert look(line, 0.0, line.ask(A, 0.0)) == [0]
    assert not line.has_ended(129.0)
    assert line.has_ended(130.0)
