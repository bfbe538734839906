"""The file of intents, on a real disk: who may read it, what it survives, and what it says of each call."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
import anyio.lowlevel
import msgspec
import pytest

import qcasync
from qcasync import Intent, Journal, JournalError, Outcome, OutcomeKind
from qcasync._intents import Intents
from qcasync._journal import JournalFile, account_digest
from qcasync.simulator import Simulator, SimulatorTransport
from qcasync.transports.protocol import Phase, Progress, Request, Response

posix = pytest.mark.skipif(os.name != "posix", reason="a matter of POSIX")
AT = datetime(2025, 6, 15, tzinfo=UTC)
PATIENCE = 5.0
"""Seconds: none of these disks is slow."""


@pytest.fixture
def anyio_backend() -> str:
    """In real time, because files are written by threads; tests that need both loops say so."""
    return "asyncio"


def intent(name: str, *, account: str = "mine") -> Intent:
    return Intent(
        id=name, account=account, endpoint="live/update/stop", project_id=7, deploy_id="L-1", at=AT, uncertainty=1.5
    )


def outcome(name: str, kind: OutcomeKind = OutcomeKind.CONFIRMED, *, final: bool = True) -> Outcome:
    return Outcome(kind=kind, endpoint="live/update/stop", project_id=7, intent_id=name, reason="because", final=final)


@pytest.fixture
def journal(tmp_path: Path) -> JournalFile:
    """A journal that is not there yet."""
    return JournalFile(tmp_path / "journal")


async def write(journal: Journal, *entries: Intent | Outcome) -> None:
    for entry in entries:
        await journal.write(entry)


def names(journal: Journal, account: str = "mine") -> str:
    """What is unresolved, in one word."""
    return "".join(each.id for each in journal.unresolved(account))


# What it says


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("entries", "unresolved"),
    [
        ([], ""),
        ([intent("a")], "a"),
        ([intent("b"), intent("a"), intent("c")], "bac"),
        ([intent("a"), outcome("a")], ""),
        ([intent("a"), intent("b"), outcome("a"), intent("c")], "bc"),
        ([intent("a"), outcome("a", OutcomeKind.UNKNOWN, final=False)], "a"),
        ([intent("a"), outcome("a", OutcomeKind.UNKNOWN, final=True)], ""),
        ([intent("a"), outcome("a", OutcomeKind.UNKNOWN, final=False), outcome("a", OutcomeKind.REFUSED)], ""),
        ([intent("a"), outcome("a", OutcomeKind.NOT_SENT)], ""),
        ([outcome("x"), intent("a")], "a"),
        ([intent("a", account="other"), intent("b")], "b"),
    ],
)
async def test_what_is_unresolved(entries: list[Intent | Outcome], unresolved: str, journal: JournalFile) -> None:
    """Oldest first, of this account; "unknown" settles an intent only if looking again cannot tell more."""
    await write(journal, *entries)
    assert names(journal) == unresolved


@pytest.mark.anyio
async def test_an_outcome_may_overtake_its_intent(journal: JournalFile) -> None:
    """A disk that was slow for the intent only: the thread that was left alone writes it afterwards."""
    await write(journal, outcome("a"), intent("a"), intent("b"))
    assert names(journal) == "b"


@pytest.mark.anyio
async def test_what_is_written_comes_back(journal: JournalFile) -> None:
    """Every field, after a restart."""
    made = Intent(
        id="1",
        account="mine",
        endpoint="live/create",
        project_id=2**40,
        known=("L-1", "L-2"),
        at=datetime(2025, 6, 15, 12, 0, 0, 250_000, UTC),
        uncertainty=None,
    )
    await write(journal, made)
    assert JournalFile(journal.path).unresolved("mine") == (made,)


@pytest.mark.anyio
async def test_two_accounts_in_one_file(journal: JournalFile) -> None:
    """Each sees its own; an outcome names the intent, and so needs no account."""
    await write(journal, intent("a"), intent("b", account="other"), outcome("a"))
    assert (names(journal), names(journal, "other")) == ("", "b")


def test_an_account_is_a_digest() -> None:
    """Sixteen digits, which differ by the user and by the server, and are the same after a restart."""
    url = "https://www.quantconnect.com/api/v2/"
    mine = account_digest("123456", url)
    assert len(mine) == 16
    assert "123456" not in mine
    assert len({mine, account_digest("123457", url), account_digest("123456", url + "x/")}) == 3
    assert mine == account_digest("123456", url)


@pytest.mark.anyio
async def test_one_line_each(journal: JournalFile) -> None:
    """JSON, for whoever looks at it with other tools, and defaults are left out."""
    await write(journal, intent("a"), outcome("a"))
    first, second = map(msgspec.json.decode, journal.path.read_bytes().splitlines())
    assert set(first) == {"intent"}
    assert set(second) == {"outcome"}
    assert second["outcome"]["kind"] == "confirmed"


# What it survives


TORN = msgspec.json.encode({"intent": intent("x")})[:-9]
FOREIGN = [
    b"",
    b"{}",
    b"null",
    b"\x00" * 50,
    b"\xff\xfe",
    b'{"intent":null}',
    b'{"intent":{"id":1}}',
    b'{"outcome":{"kind":"eaten"}}',
    b'{"later":"version"}',
    b"[" * 100_000,
    TORN,
]


@pytest.mark.anyio
@pytest.mark.parametrize("line", FOREIGN, ids=lambda line: line[:12].hex())
async def test_foreign_lines_are_passed_over(line: bytes, journal: JournalFile) -> None:
    """Whatever stands between our own."""
    await write(journal, intent("a"))
    with journal.path.open("ab") as file:
        file.write(line + b"\n")
    await write(journal, intent("b"))
    assert names(journal) == "ab"


@pytest.mark.anyio
@pytest.mark.parametrize("size", range(1, len(TORN), 23))
async def test_a_torn_last_line_costs_itself_only(size: int, journal: JournalFile) -> None:
    """The next line begins on a line of its own."""
    await write(journal, intent("a"))
    with journal.path.open("ab") as file:
        file.write(TORN[:size])
    assert names(journal) == "a"
    await write(journal, intent("b"), outcome("a"))
    assert names(journal) == "b"


@posix
@pytest.mark.anyio
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
async def test_private_from_birth(mask: int, journal: JournalFile) -> None:
    """Mode 0600, whatever the process's mask would allow."""
    before = os.umask(mask)
    try:
        await write(journal, intent("a"))
    finally:
        os.umask(before)
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


@posix
@pytest.mark.anyio
async def test_a_symbolic_link_is_not_followed(journal: JournalFile, tmp_path: Path) -> None:
    """Somebody else may have put it there."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs\n")
    journal.path.symlink_to(elsewhere)
    for told, action in (("written", partial(write, journal, intent("a"))), ("read", partial(_read, journal))):
        with pytest.raises(JournalError) as caught:
            await action()
        assert caught.value.problem == f"cannot be {told}: it is a symbolic link, which is not followed"
    assert elsewhere.read_text() == "theirs\n"


@posix
@pytest.mark.anyio
async def test_a_link_to_nothing_makes_nothing(journal: JournalFile, tmp_path: Path) -> None:
    """The file that it names is not made."""
    journal.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError, match="cannot be written"):
        await write(journal, intent("a"))
    assert not (tmp_path / "elsewhere").exists()


@posix
@pytest.mark.anyio
async def test_a_pipe_does_not_block(journal: JournalFile) -> None:
    """Neither writing nor reading waits for somebody at its other end."""
    os.mkfifo(journal.path)
    with pytest.raises(JournalError, match="no regular file"):
        await write(journal, intent("a"))
    interrupted = signal.signal(signal.SIGALRM, _fail)
    signal.alarm(2)
    try:
        with pytest.raises(JournalError, match="cannot be read"):
            journal.unresolved("mine")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, interrupted)


def _fail(*_: object) -> None:
    raise TimeoutError("reading waits for ever")


@posix
@pytest.mark.anyio
async def test_a_device_is_no_file(journal: JournalFile) -> None:
    """What is written there is gone."""
    with pytest.raises(JournalError, match="no regular file"):
        await write(JournalFile("/dev/null"), intent("a"))


def test_a_directory_is_refused_at_once(tmp_path: Path) -> None:
    """Before a client is made of it."""
    with pytest.raises(qcasync.ConfigurationError, match="is a directory"):
        JournalFile(tmp_path)
    with pytest.raises(qcasync.ConfigurationError, match=r"absent, which does not exist"):
        qcasync.Client(1, "x", journal=tmp_path / "absent" / "journal")


@pytest.mark.anyio
async def test_a_directory_that_comes_later(journal: JournalFile) -> None:
    """In the place of the file, or instead of the directory."""
    journal.path.mkdir()
    with pytest.raises(JournalError, match="cannot be written"):
        await write(journal, intent("a"))
    with pytest.raises(JournalError, match="cannot be read"):
        journal.unresolved("mine")


@pytest.mark.anyio
async def test_a_directory_that_goes_away(journal: JournalFile) -> None:
    """Nothing is made above the file."""
    journal.path.parent.rmdir()
    with pytest.raises(JournalError, match="No such file"):
        await write(journal, intent("a"))
    assert journal.unresolved("mine") == ()


async def _write_as_nobody(path: str) -> None:
    """Root may do anything, so that it has to be somebody else."""
    if os.geteuid() == 0:
        os.setuid(65534)
    journal = JournalFile(path)
    await write(journal, intent("a"))
    for mode in (0o400, 0):
        journal.path.chmod(mode)
        for action in (write(journal, intent("b")), _read(journal)):
            try:
                await action
            except JournalError as error:
                print(error.problem)


async def _read(journal: JournalFile) -> None:
    print(names(journal))


@posix
def test_a_file_that_may_not_be_written() -> None:
    """Nor read, which is told as well."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)
        told, _ = _python("_write_as_nobody", f"{directory}/journal").communicate(timeout=15)
    assert told.splitlines() == [
        "cannot be written: Permission denied",
        "a",
        "cannot be written: Permission denied",
        "cannot be read: Permission denied",
    ]


async def _write_until_full(*paths: str) -> None:
    import resource  # noqa: PLC0415 - Windows has none

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for room, path in zip((0, 40), paths, strict=True):
        journal = JournalFile(path)
        await write(journal, intent("a"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (journal.path.stat().st_size + room, resource.RLIM_INFINITY))
        try:
            await write(journal, intent("b"))
        except JournalError as error:
            print(error.problem)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await write(journal, intent("c"))


@posix
def test_a_full_disk(tmp_path: Path) -> None:
    """It is told, and what was there before stays readable, also if there was room for a part of the line."""
    paths = tmp_path / "no room", tmp_path / "some room"
    told, _ = _python("_write_until_full", *map(str, paths)).communicate(timeout=15)
    assert told.splitlines() == [
        "cannot be written: File too large",
        "cannot be written: the disk took a part of the line only",
    ]
    assert [len(path.read_bytes().splitlines()) for path in paths] == [2, 3]
    assert [names(JournalFile(path)) for path in paths] == ["ac", "ac"]


# Processes


def _python(function: str, *arguments: str) -> "subprocess.Popen[str]":
    """A process that runs a coroutine function of this module."""
    code = f"import sys, anyio; from {__name__} import {function} as run; anyio.run(run, *sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


LINES = 200


async def _write_many(path: str, sign: str) -> None:
    journal = JournalFile(path)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(LINES):
        await write(journal, intent(f"{sign}{number}"))


def test_two_processes_at_once_lose_no_line(tmp_path: Path) -> None:
    """Each line is appended whole, wherever the others are."""
    path = tmp_path / "journal"
    writers = [_python("_write_many", str(path), sign) for sign in "pq"]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        assert writer.communicate(timeout=15)[0] == ""
    found = [each.id for each in JournalFile(path).unresolved("mine")]
    # whoever sees half of the other's line begins a new one: a blank line is no harm
    assert len(found) == len(path.read_bytes().split()) == 2 * LINES
    for sign in "pq":
        assert [each for each in found if each.startswith(sign)] == [f"{sign}{number}" for number in range(LINES)]


NOW = 1_750_000_000


class Killer(SimulatorTransport):
    """The process is killed while the answer to a stop is waited for."""

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        if request.url.endswith("stop"):
            progress.reached(Phase.SENT)
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().exchange(request, progress)


async def _stop_and_be_killed(path: str) -> None:
    simulator = Simulator(1, NOW)
    project = simulator.add_project([5])
    async with qcasync.Client(
        simulator.user_id,
        simulator.api_token,
        transport=Killer(simulator, lambda: NOW),
        clock=qcasync.Clock(wall=lambda: NOW),
        journal=path,
        allow_trading=True,
    ) as client:
        await client.live.stop(project.id)


@posix
@pytest.mark.anyio
async def test_killed_before_the_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Row B26: the intent is on the disk before the request leaves, and the next start tells of it."""
    path = tmp_path / "journal"
    dying = _python("_stop_and_be_killed", str(path))
    dying.communicate(timeout=15)
    assert dying.returncode == -signal.SIGKILL
    simulator = Simulator(1, NOW)
    project = simulator.add_project([5])
    async with qcasync.Client(simulator.user_id, simulator.api_token, journal=path) as client:
        (left,) = client.unresolved()
        assert (left.endpoint, left.project_id) == ("live/update/stop", project.id)
        assert left.deploy_id == project.deployments[0].deploy_id
        assert left.at.timestamp() == pytest.approx(NOW, abs=2)
    assert f"live/update/stop of project {project.id}" in caplog.text
    async with qcasync.Client(simulator.user_id + 1, simulator.api_token, journal=path) as client:
        assert client.unresolved() == ()


# Time


class SlowJournal(JournalFile):
    """A disk that takes its time, or holds a write until it is let go."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.reads, self.writes = os.pipe()

    def _append(self, data: bytes) -> None:
        os.read(self.reads, 1)
        super()._append(data)

    def let_go(self) -> None:
        os.close(self.writes)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_slow_disk_holds_nobody_up(anyio_backend: str, tmp_path: Path) -> None:
    """Whoever gives up leaves at once; the write goes on in its thread, and gets there."""
    journal = SlowJournal(tmp_path / "journal")
    with anyio.move_on_after(0.02) as scope:
        await journal.write(intent("a"))
    assert scope.cancelled_caught
    assert journal.unresolved("mine") == ()
    journal.let_go()
    with anyio.fail_after(PATIENCE):
        await journal.write(outcome("b"))
        while len(journal.path.read_bytes().splitlines()) < 2:
            await anyio.lowlevel.checkpoint()
    assert names(journal) == "a"
    os.close(journal.reads)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_disk_may_outlive_the_event_loop(backend: str, tmp_path: Path) -> None:
    """Whoever gave up has gone when the write ends, and the thread ends with it, quietly."""
    journal = SlowJournal(tmp_path / "journal")

    async def give_up() -> None:
        with anyio.move_on_after(0.02):
            await journal.write(intent("a"))

    anyio.run(give_up, backend=backend)
    journal.let_go()
    for thread in threading.enumerate():
        if "journal" in thread.name:
            thread.join(PATIENCE)
            assert not thread.is_alive()
    assert names(journal) == "a"
    os.close(journal.reads)


async def _write_to_a_disk_that_hangs(path: str) -> None:
    with anyio.move_on_after(0.02):
        await SlowJournal(Path(path)).write(intent("a"))
    print("given up")


def test_a_disk_that_hangs_keeps_no_process_from_ending(tmp_path: Path) -> None:
    """The thread is left behind."""
    process = _python("_write_to_a_disk_that_hangs", str(tmp_path / "journal"))
    assert process.communicate(timeout=15) == ("given up\n", None)
    assert process.returncode == 0


class StuckJournal(JournalFile):
    """A disk that does not even let itself be read until it is let go."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.reads, self.writes = os.pipe()

    def _content(self) -> bytes:
        os.read(self.reads, 1)
        return super()._content()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_disk_that_hangs_keeps_no_client_from_opening(
    anyio_backend: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked for its time and no more, others work meanwhile, and a warning says what was not read."""
    journal, turns, opened = StuckJournal(tmp_path / "journal"), 0, False

    async def others() -> None:
        nonlocal turns
        while not opened:
            turns += 1
            await anyio.sleep(0.01)

    interrupted = signal.signal(signal.SIGALRM, _fail)
    signal.alarm(5)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(others)
            await Intents(journal, "account", lambda observation: None, patience=0.2).warn_of_unresolved()
            opened = True
            assert turns > 1
            assert "the journal was not read within 0.2 s" in caplog.text
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, interrupted)
        os.close(journal.writes)
        with anyio.fail_after(PATIENCE):  # or the loop ends while the thread tells it that it is done
            while any("journal" in thread.name for thread in threading.enumerate()):
                await anyio.lowlevel.checkpoint()
        os.close(journal.reads)


@pytest.mark.anyio
async def test_an_intent_that_is_closed_by_hand_stays_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """After a restart nobody warns of it, and the file says why."""
    path, simulator = tmp_path / "journal", Simulator(1, NOW)
    account = account_digest(str(simulator.user_id), "https://www.quantconnect.com/api/v2/")
    await write(JournalFile(path), intent("a", account=account), intent("b", account=account))
    async with qcasync.Client(simulator.user_id, simulator.api_token, journal=path) as client:
        assert "nobody knows what became of 2 calls" in caplog.text
        await client.settle(client.unresolved()[0], "it was liquidated on the website")
    caplog.clear()
    async with qcasync.Client(simulator.user_id, simulator.api_token, journal=path) as client:
        assert [each.id for each in client.unresolved()] == ["b"]
    assert "nobody knows what became of 1 calls" in caplog.text
    assert b"it was liquidated on the website" in path.read_bytes()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_many_tasks_write_at_once(anyio_backend: str, journal: JournalFile) -> None:
    """No line is lost or torn."""
    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(journal.write, intent(f"{number}"))
    assert sorted(int(each.id) for each in journal.unresolved("mine")) == list(range(50))
    assert len(journal.path.read_bytes().split()) == 50
