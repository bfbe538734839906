"""A task group whose lone error comes out as itself: callers catch the error, not a group around it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

import anyio
from anyio.abc import TaskGroup


@asynccontextmanager
async def task_group() -> AsyncGenerator[TaskGroup, None]:
    """An anyio task group. An exception group with one member is unwrapped, at every depth."""
    try:
        async with anyio.create_task_group() as group:
            yield group
    except BaseExceptionGroup as errors:
        error = _lone(errors)
        raise error from error.__cause__


def _lone(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    only = errors.exceptions[0]
    if len(errors.exceptions) > 1:
        return errors
    return only if not isinstance(only, BaseExceptionGroup) else _lone(cast("BaseExceptionGroup[BaseException]", only))
