"""Every public coroutine is cancelled after k turns of the event loop, for every k, in six styles.

Nothing may be left of it: no connection, no permit, no task, no socket; and the client works on. httpcore 1.0.9 by
itself loses connections at a few of these turns: see `test_what_the_child_task_is_for`.

The tables are worked through by other processes, behind the other tests.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

import qcasync
from tests.integration.stacks import STACKS, Stack
from tests.integration.ticks import (
    CALLS,
    ENDINGS,
    ENOUGH,
    LINES,
    STYLES,
    Act,
    Cancel,
    SkippingLoop,
    cancel_at_every_turn,
    cancel_closing,
)

WAYS = [
    pytest.param(stack, style, id=f"{stack}-{style}")
    for stack in STACKS
    for style in STYLES
    if stack.backend == "asyncio" or style == "scope"
]
STYLES_PER_CALL = 2
"""Of the libraries that lose nothing by themselves, for each call; httpx gets all six. With 6, the table is full."""
ELSEWHERE = {"Client.settle", "Live.reconcile"}
"""The one sends nothing, the other looks after seconds only: tests/unit cancels them, in virtual time."""
ALIKE = {f"Live.{way}_{what}" for way in ("list", "iter") for what in ("insights", "logs", "trades")} - {
    "Live.list_logs"
}
"""What orders and logs go through, with another window and another model. `Live.chart_names` is `Live.read`."""
FEWEST = 6
"""Turns that the shortest call takes. A table in which calls end at once would test nothing."""


def styles_of(stack: Stack, call: str) -> list[str]:
    """The styles in which a call is cancelled on a stack: a part of them, and another part for the next call."""
    if stack.backend == "trio":
        return ["scope"]
    names = list(STYLES)
    first = list(CALLS).index(call) * STYLES_PER_CALL + STACKS.index(stack)
    many = len(names) if stack.library == "httpx" else STYLES_PER_CALL
    return [names[(first + further) % len(names)] for further in range(many)]


CELLS = [
    pytest.param(stack, style, call, id=f"{stack}-{style}-{call}")
    for stack in STACKS
    for call in CALLS
    for style in styles_of(stack, call)
]


def run(stack: Stack, cancel: Callable[..., Awaitable[int]], *arguments: object) -> int:
    """Run on the stack's event loop. On asyncio its clock can be moved, for the timeouts."""
    options = {"loop_factory": SkippingLoop} if stack.backend == "asyncio" else {}
    return anyio.run(cancel, stack, *arguments, backend=stack.backend, backend_options=options)


def waits(function: Any) -> bool:
    """Whether a function is a coroutine function, or makes an asynchronous context manager of a generator."""
    function = inspect.unwrap(function)
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def test_the_tables_are_complete() -> None:
    """What a user can await stands in one of them."""
    public = {
        f"{owner.__name__}.{name}"
        for owner in (qcasync.Client, qcasync.Live)
        for name, member in inspect.getmembers(owner, inspect.isfunction)
        if waits(member) and (not name.startswith("_") or name == "__aexit__")
    }
    assert public == {name.partition(",")[0] for name in (*CALLS, *ENDINGS)} | ELSEWHERE | ALIKE | {"Live.chart_names"}


def test_each_stack_meets_each_call_and_each_style() -> None:
    """What is left out of the table are combinations of three only."""
    met = [tuple(cell.values) for cell in CELLS]
    styles = {(str(stack), style) for stack, style, _ in met}
    assert {(str(stack), call) for stack, _, call in met} == {(str(stack), call) for stack in STACKS for call in CALLS}
    assert styles == {(str(way.values[0]), way.values[1]) for way in WAYS}
    assert sum(stack.library == "httpx" for stack, *_ in met) == len(CALLS) * (len(STYLES) + 1)


def cancel_a_call(stack: Stack, style: str, call: str) -> int:
    return run(stack, cancel_at_every_turn, STYLES[style], CALLS[call])


@pytest.mark.early(job=cancel_a_call)
@pytest.mark.parametrize(("stack", "style", "call"), CELLS)
def test_every_turn_of_every_call(stack: Stack, style: str, call: str, early: int) -> None:
    """On one connection that is kept, with one permit."""
    assert early >= FEWEST, f"{call} on {stack}, cancelled by {style}"


def cancel_on_a_new_connection(stack: Stack, style: str) -> int:
    return run(stack, cancel_at_every_turn, STYLES[style], CALLS["Client.authenticate"], LINES["cold"])


@pytest.mark.early(job=cancel_on_a_new_connection)
@pytest.mark.parametrize(("stack", "style"), WAYS)
def test_every_turn_of_a_new_connection(stack: Stack, style: str, early: int) -> None:
    """Opening one takes turns of its own."""
    assert early > FEWEST, f"{stack}, cancelled by {style}"


def cancel_with_tls(stack: Stack, style: str) -> int:
    return run(stack, cancel_at_every_turn, STYLES[style], CALLS["Client.authenticate"], LINES["cold TLS"])


@pytest.mark.early(job=cancel_with_tls)
@pytest.mark.parametrize(
    ("stack", "style"), [way for way in WAYS if way.values[1] in styles_of(way.values[0], "Client.authenticate")]
)
def test_every_turn_of_a_new_connection_with_tls(stack: Stack, style: str, early: int) -> None:
    """The handshake takes many."""
    assert early > FEWEST, f"{stack}, cancelled by {style}"


def cancel_the_end(stack: Stack, style: str, ending: str) -> int:
    return run(stack, close_at_every_turn, STYLES[style], ENDINGS[ending])


async def close_at_every_turn(stack: Stack, cancel: Cancel, act: Act) -> int:
    """Returns how many turns there were."""
    turns = finished = 0
    while finished < ENOUGH:
        finished = 0 if await cancel_closing(stack, cancel, act, turns) else finished + 1
        turns += 1
    return turns


@pytest.mark.early(job=cancel_the_end)
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("stack", "style"), WAYS)
def test_every_turn_of_closing(stack: Stack, style: str, ending: str, early: int) -> None:
    """All connections are closed, though nobody asks a second time."""
    assert early >= ENOUGH, f"{ending} on {stack}, cancelled by {style}"
