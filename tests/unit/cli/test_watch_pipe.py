"""Lines in a pipe whose reader is slow, stands still, or leaves. In real time: a pipe knows no other."""

import io
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import anyio
import pytest

from qcasync.cli.watch_pipe import Pipe

LINE = b"x" * 300_000 + b"\n"
"""Longer than any pipe takes at once."""


@dataclass
class Ends:
    """A pipe: what we read from, and where it writes to."""

    reader: int
    stdout: TextIO

    def read(self, size: int) -> "Future[bytes]":
        """Begin to read in a thread."""
        return self._thread.submit(self._read, size)

    def leave(self) -> None:
        os.close(self.reader)
        self.reader = -1

    def __post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)

    def _read(self, size: int) -> bytes:
        parts: list[bytes] = []
        while sum(map(len, parts)) < size:
            parts.append(os.read(self.reader, 65_536))
        return b"".join(parts)


@pytest.fixture
def pipe() -> Iterator[Ends]:
    reader, writer = os.pipe()
    with open(writer, "w", encoding="utf-8") as stdout:
        ends = Ends(reader, stdout)
        yield ends
    if ends.reader >= 0:
        ends.leave()


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def soon() -> None:
        with anyio.fail_after(5):
            await work()

    anyio.run(soon)


def test_a_slow_reader_gets_all_of_a_long_line(pipe: Ends) -> None:
    read = pipe.read(len(LINE))
    run(lambda: Pipe(pipe.stdout).write(LINE))
    assert read.result(5) == LINE


def test_a_reader_that_stands_still_stops_nothing_else(pipe: Ends) -> None:
    async def work() -> None:
        with anyio.move_on_after(0.05) as scope:
            while True:
                await Pipe(pipe.stdout).write(b"short\n")
        assert scope.cancelled_caught

    run(work)
    assert os.read(pipe.reader, 1_000_000).endswith(b"short\n")


def test_a_line_that_has_begun_is_finished_when_all_ends(pipe: Ends) -> None:
    reads: list[Future[bytes]] = []

    async def work() -> None:
        late = threading.Timer(0.3, lambda: reads.append(pipe.read(len(LINE))))
        with anyio.move_on_after(0.05) as scope:
            late.start()
            await Pipe(pipe.stdout).write(LINE)
        assert scope.cancelled_caught

    run(work)
    assert reads[0].result(5) == LINE


def test_but_not_for_ever(pipe: Ends) -> None:
    async def work() -> None:
        with anyio.move_on_after(0.05):
            await Pipe(pipe.stdout).write(LINE)

    began = time.monotonic()
    run(work)
    assert time.monotonic() - began < 2.0


def test_that_nobody_reads_any_more_is_an_error_of_the_line(pipe: Ends) -> None:
    pipe.leave()
    with pytest.raises(BrokenPipeError):
        run(lambda: Pipe(pipe.stdout).write(b"x\n"))


def test_that_nobody_reads_any_more_is_seen_without_a_line(pipe: Ends) -> None:
    async def work() -> None:
        with anyio.move_on_after(0.05) as scope:
            await Pipe(pipe.stdout).see_the_reader_leave()
        assert scope.cancelled_caught
        pipe.leave()
        await Pipe(pipe.stdout).see_the_reader_leave()

    with pytest.raises(BrokenPipeError):
        run(work)


@pytest.mark.parametrize("kind", ["file", "nothing of the operating system's"])
def test_what_is_no_pipe_takes_lines_too(kind: str, tmp_path: Path) -> None:
    raw = (tmp_path / "out").open("w+b") if kind == "file" else io.BytesIO()
    with io.TextIOWrapper(raw, encoding="utf-8") as stdout:
        lines = Pipe(stdout)
        run(lines.see_the_reader_leave)
        run(lambda: lines.write(b"a line\n"))
        stdout.seek(0)
        assert stdout.read() == "a line\n"
