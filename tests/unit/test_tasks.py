"""A lone error leaves a task group as itself."""

import anyio
import pytest

from qcasync._tasks import task_group

pytestmark = pytest.mark.anyio


class Failure(Exception):
    pass


async def fail(error: Exception) -> None:
    raise error


async def test_a_lone_error_comes_out_as_itself() -> None:
    """With the cause it had, and without the group in its traceback."""
    cause = OSError("the cause")
    error = Failure("of a child")
    error.__cause__ = cause
    with pytest.raises(Failure) as caught:
        async with task_group() as group:
            group.start_soon(fail, error)
    assert caught.value is error
    assert caught.value.__cause__ is cause
    assert caught.value.__suppress_context__


async def test_a_lone_error_comes_out_of_any_depth() -> None:
    """Groups around groups around one error are no news."""
    error = Failure()
    with pytest.raises(Failure) as caught:
        async with task_group() as outer:
            outer.start_soon(fail, ExceptionGroup("outer", [ExceptionGroup("inner", [error])]))
    assert caught.value is error


async def test_an_error_of_the_body_comes_out_as_itself() -> None:
    """The body is one of the tasks."""
    error = Failure()
    with pytest.raises(Failure) as caught:
        async with task_group():
            raise error
    assert caught.value is error


async def test_several_errors_stay_together() -> None:
    """Only what has a single cause is unwrapped."""
    first, second = Failure("first"), Failure("second")
    with pytest.raises(ExceptionGroup) as caught:
        async with task_group() as group:
            group.start_soon(fail, ExceptionGroup("both", [first, second]))
    assert caught.value.exceptions == (first, second)


async def test_without_an_error_it_is_a_task_group() -> None:
    """It waits for its tasks."""
    done = anyio.Event()

    async def work() -> None:
        await anyio.sleep(1.0)
        done.set()

    async with task_group() as group:
        group.start_soon(work)
    assert done.is_set()


async def test_cancellation_passes() -> None:
    """A scope around the group is cancelled without an error."""
    with anyio.move_on_after(1.0) as scope:
        async with task_group() as group:
            group.start_soon(anyio.sleep_forever)
    assert scope.cancelled_caught
