"""A task group whose lone error comes out as itself: callers catch the error, not a group around it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup


@asynccontextmanager
async def task_group() -> AsyncGenerator[TaskGroup, None]:
    """An anyio task group. An exception group with one member is unwrapped, at every depth."""
    try:
        async with anyio.create_task_group() as group:
            yield group
    except BaseExceptionGroup as group_error:
        error = _lone(group_error)
        raise error from error.__cause__


def _lone(error: BaseException) -> BaseException:
    members: tuple[BaseException, ...] = getattr(error, "exceptions", ()) if isinstance(error, BaseExceptionGroup) else ()
    return _lone(members[0]) if len(members) == 1 else error
