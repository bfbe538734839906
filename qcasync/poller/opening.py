"""What `Client.watch` returns: a watch that is opened by `async with`, and says so to who tries otherwise."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import NoReturn

from qcasync.errors import ConfigurationError
from qcasync.poller.delivery import Changes


class Opening(AbstractAsyncContextManager[Changes, None]):
    """A watch that is not open yet.

    Args:
        opening: Opens it.
    """

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[Changes]]) -> None:
        self._opening = opening
        self._open: AbstractAsyncContextManager[Changes] | None = None

    async def __aenter__(self) -> Changes:
        if self._open is not None:
            raise ConfigurationError("This watch was opened before.", "Call watch() again for another one.")
        self._open = self._opening()
        return await self._open.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._open is not None  # noqa: S101 (it was entered)
        await self._open.__aexit__(kind, error, trace)

    def __aiter__(self) -> NoReturn:
        """Refuse `async for` on it."""
        raise _not_open("iterated")

    def __await__(self) -> NoReturn:
        """Refuse `await` on it."""
        raise _not_open("awaited")

    def __enter__(self) -> NoReturn:
        """Refuse `with` without `async`."""
        raise _not_open("entered without `async`")

    def __exit__(self, *_: object) -> None:
        """Nothing was entered."""


def _not_open(done: str) -> ConfigurationError:
    return ConfigurationError(
        f"watch() cannot be {done}: it is to be opened, and closed at the end.",
        "async with client.watch(...) as changes: async for change in changes: ...",
    )
