"""Task groups of a watch, out of which one error comes: that of the block, or else what made the others fail."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup

from qcasync.errors import CheckpointError


@asynccontextmanager
async def one_cause() -> AsyncGenerator[TaskGroup, None]:
    """An anyio task group. What its block raises comes out as it is, even if that is a group.

    When somebody takes the checkpoint, several tasks notice; the first one's error stands for all.
    """
    own: BaseException | None = None
    failed: BaseException | None = None
    try:
        async with anyio.create_task_group() as group:
            try:
                yield group
            except Exception as error:
                own = error
                raise
    except BaseExceptionGroup as errors:
        failed = _cause(errors, own)
    if failed is not None:  # out here, where it does not get the group for its context
        raise failed


def _cause(errors: BaseExceptionGroup[BaseException], own: BaseException | None) -> BaseException:
    others = [error for error in errors.exceptions if error is not own]
    leaves = [leaf for error in others for leaf in _leaves(error)]
    for leaf in leaves:
        if not isinstance(leaf, Exception):
            return errors if len(leaves) > 1 else leaf  # the interpreter is to end
    if own is not None:
        return own
    for leaf in leaves:
        if isinstance(leaf, CheckpointError):
            return leaf
    return leaves[0] if len({type(leaf) for leaf in leaves}) == 1 else errors


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            yield from _leaves(each)  # pyright: ignore[reportUnknownArgumentType]
    else:
        yield error
