"""A recorder harms nobody: not the file that is there, not the service it serves, not the account it records."""

import gzip
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import zlib
from pathlib import Path

import anyio
import msgspec
import pytest

import qcasync
from qcasync import AnswerReceived, Client, ConfigurationError, Recorder, ReplayTransport
from qcasync._core.skew import Reading
from qcasync.simulator import Conditions, Simulator
from qcasync.transports.protocol import Progress, Request
from tests.canaries import find, invent
from tests.support import EPOCH, world
from tests.unit.recording.playing import play, record, text_of

posix = pytest.mark.skipif(os.name != "posix", reason="a matter of POSIX")


def answer(number: int = 1, body: bytes = b'{"success":true}') -> AnswerReceived:
    return AnswerReceived(
        endpoint="live/list",
        attempt=1,
        request=b"{}",
        status_code=200,
        headers={"date": "Sun, 15 Jun 2025 15:06:40 GMT", "server": "x"},
        body=body,
        seconds=0.25,
        read_at=EPOCH + number,
        mono_sent=number - 0.25,
        mono_answered=number - 0.125,
        mono_read=float(number),
    )


def written(path: Path, answers: int, body: bytes = b'{"success":true}') -> Path:
    with Recorder(path) as recorder:
        for number in range(1, answers + 1):
            recorder(answer(number, body))
    assert recorder.answers == answers
    return path


# What is in the file.


def test_a_line(tmp_path: Path) -> None:
    heading, line = map(json.loads, text_of(written(tmp_path / "r", 1)).splitlines())
    assert heading["qcasync_recording"] == 1
    assert line == {
        "number": 1,
        "read_at": EPOCH + 1,
        "mono_sent": 0.75,
        "mono_answered": 0.875,
        "mono_read": 1.0,
        "seconds": 0.25,
        "endpoint": "live/list",
        "request": {},
        "status": 200,
        "headers": {"date": "Sun, 15 Jun 2025 15:06:40 GMT"},
        "body": '{"success":true}',
    }


def test_a_body_that_is_no_text(tmp_path: Path) -> None:
    line = json.loads(text_of(written(tmp_path / "r", 1, b"\xff\x00")).splitlines()[1])
    assert (line["body_base64"], "body" in line) == ("/wA=", False)


@pytest.mark.anyio
async def test_only_who_asks_for_bodies_is_told_them(tmp_path: Path) -> None:
    class Reader(list[qcasync.Observation]):
        wants_bodies = True

        def __call__(self, observation: qcasync.Observation) -> None:
            self.append(observation)

    simulator, reader, other = Simulator(1, EPOCH), Reader(), list[qcasync.Observation]()
    project = simulator.add_project([3])

    async def work(client: Client) -> None:
        await client.live.read_orders(project.id, 0, 100)
        await client.live.stop(project.id)

    await record(tmp_path / "r", simulator, work, observers=[reader, other.append], allow_trading=True)
    (told,) = (each for each in reader if isinstance(each, AnswerReceived) and each.endpoint == "live/orders/read")
    assert (told.status_code, told.attempt, json.loads(told.body)["length"]) == (200, 1, 3)
    assert json.loads(told.request)["projectId"] == project.id
    assert [each for each in reader if not isinstance(each, AnswerReceived)] == other
    assert not any(each.endpoint.startswith("live/update") for each in reader if isinstance(each, AnswerReceived))
    assert "live/update" not in text_of(tmp_path / "r")


@pytest.mark.anyio
async def test_without_a_reader_nothing_is_made_of_an_answer() -> None:
    async with world() as here:
        await here.client.live.list()
        assert here.client._exchange.observing.tells_bodies is False
        assert here.observed
        assert not here.told(AnswerReceived)


def test_a_body_is_not_printed() -> None:
    told = answer(body=invent(1).encode())
    assert find(repr(told) + str(told) + f"{[told]}") is None
    assert repr(told) == "<AnswerReceived live/list 200 (34 bytes)>"


@pytest.mark.anyio
@pytest.mark.parametrize("refusal", ["hash", "user", "unauthorized", "server_error"])
async def test_no_secret_is_in_the_file(tmp_path: Path, refusal: str) -> None:
    """A wrong token, whose hash is repeated; a right one; a command; files."""
    simulator = Simulator(1, EPOCH, conditions=Conditions(refusal=refusal))  # type: ignore[arg-type]
    project = simulator.add_project([3])

    async def work(client: Client) -> None:
        try:
            assert (await client.live.read(project.id)).files[0].content
            await client.live.list_orders(project.id)
            await client.live.liquidate(project.id)
        except qcasync.QuantConnectError as error:
            assert not right, error  # noqa: PT017 - only one of the two may fail

    for right in (False, True):
        path = tmp_path / str(right)
        token = None if right else invent(6)
        await record(path, simulator, work, token=token, allow_trading=True, max_attempts=2)
        text = text_of(path)
        assert text.count("\n") > 1
        assert find(text, [simulator.api_token, invent(6), str(simulator.user_id)]) is None
        assert find(path.read_bytes().decode("latin-1")) is None
        assert '\\"content\\":\\"\\"' in text or not right


# The file itself.


@posix
def test_it_is_private_from_the_beginning(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with Recorder(tmp_path / "r"):
            assert stat.S_IMODE((tmp_path / "r").stat().st_mode) == 0o600
    finally:
        os.umask(before)


@pytest.mark.parametrize("there", ["file", "empty", "directory", "link", "no directory"])
def test_nothing_is_overwritten(tmp_path: Path, there: str) -> None:
    path = tmp_path / "r"
    match there:
        case "file" | "empty":
            path.write_bytes(b"mine" if there == "file" else b"")
        case "directory":
            path.mkdir()
        case "link":
            path.symlink_to(tmp_path / "elsewhere")
        case _:
            path = tmp_path / "none" / "r"
    before = sorted(tmp_path.iterdir()), path.read_bytes() if path.is_file() else None
    with pytest.raises(ConfigurationError, match="HINT: Name a new file"):
        Recorder(path)
    assert (sorted(tmp_path.iterdir()), path.read_bytes() if path.is_file() else None) == before


def test_after_closing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r")
    recorder(answer())
    recorder.close()
    recorder.close()
    recorder(answer())
    assert text_of(tmp_path / "r").count("\n") == 2
    assert repr(recorder) == f"<qcasync.Recorder to {tmp_path / 'r'}: 1 answers>"
    assert recorder.stopped is None


CRASH = """
import os, sys, time
sys.path.insert(0, sys.argv[2])
from tests.unit.recording.test_recorder import Recorder, answer
recorder = Recorder(sys.argv[1])
for number in range(1, 101):
    recorder(answer(number))
while recorder.answers < 50:
    time.sleep(0.001)
os._exit(1)
"""


def test_a_killed_process_loses_the_last_ones_at_most(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[3])
    subprocess.run([sys.executable, "-c", CRASH, tmp_path / "r", root], check=False, timeout=15)
    assert 50 <= ReplayTransport(tmp_path / "r").answers <= 100


# What may go wrong while it records.


FULL = """
import resource, signal, sys
sys.path.insert(0, sys.argv[2])
from tests.unit.recording.test_recorder import full
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
full(sys.argv[1])
"""


def full(path: str) -> None:
    """Run in a process of its own, in which no file may grow beyond 4,000 bytes."""
    logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")

    async def main() -> None:
        simulator = Simulator(1, EPOCH)
        project = simulator.add_project([300])
        transport = qcasync.simulator.SimulatorTransport(simulator, lambda: EPOCH)  # type: ignore[attr-defined]
        with Recorder(path) as recorder:
            async with Client(
                simulator.user_id,
                simulator.api_token,
                transport=transport,
                clock=qcasync.Clock(wall=lambda: EPOCH),
                observers=[recorder],
            ) as client:
                await client.live.list()
                print((await client.live.list_orders(project.id)).total, "orders")
        print(recorder.stopped)

    anyio.run(main)


@posix
def test_a_full_disk_ends_the_recording_and_nothing_else(tmp_path: Path) -> None:
    assert signal.SIGXFSZ
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "r", root], check=True, timeout=15, capture_output=True, text=True
    )
    told = done.stdout  # by two threads, whose lines may run into each other
    answers = ReplayTransport(tmp_path / "r").answers
    assert answers >= 1
    error = f"ERROR the recording {tmp_path / 'r'} ends after {answers} answers: File too large"
    assert [told.count(each) for each in (error, "300 orders", "File too large", "\n")] == [1, 1, 2, 3]
    assert ReplayTransport(tmp_path / "r").torn is None


def test_a_disk_that_is_too_slow(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Memory stays bounded: what waits is at most so much."""
    big = answer(body=b'{"success":true,"x":"' + b"a" * (60 * 2**20) + b'"}')
    with Recorder(tmp_path / "r") as recorder:
        for _ in range(9):
            recorder(big)
        assert recorder.stopped is not None
    assert recorder.stopped == "the disk is slower than the answers come"
    assert [entry.levelname for entry in caplog.records] == ["ERROR"]
    assert recorder.answers < 4


def test_the_first_reason_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two threads may find one at the same time."""
    with Recorder(tmp_path / "r") as recorder:
        recorder._stop("first")
        recorder._stop("second")
    assert recorder.stopped == "first"
    assert len(caplog.records) == 1


def test_an_answer_that_cannot_be_written_down(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Which is a defect: said once, and without the answer."""
    with Recorder(tmp_path / "r") as recorder:
        recorder(msgspec.structs.replace(answer(), headers={"date": invent(1).encode()}))  # type: ignore[dict-item]
        recorder(answer(2))
    assert recorder.stopped == "an answer of live/list could not be written down (TypeError)"
    assert recorder.answers == 0
    assert len(caplog.records) == 1


# What may be wrong with a file that is read.


def test_a_torn_file_is_read_up_to_the_tear(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Wherever it was cut: every answer before the tear, a word about it, and no crash."""
    whole = written(tmp_path / "r", 3).read_bytes()
    ends = [at for at in range(1, len(whole) + 1) if _is_whole(whole[:at])]
    assert len(ends) == 4
    for size in range(len(whole)):
        path = tmp_path / "cut"
        path.write_bytes(whole[:size])
        answers = sum(end <= size for end in ends) - 1
        caplog.clear()
        if answers < 0:
            with pytest.raises(ConfigurationError, match="is not a recording"):
                ReplayTransport(path)
            continue
        replay = ReplayTransport(path)
        assert replay.answers == answers
        assert replay.torn == (
            None if size in ends else f"it was cut in the middle of an answer, after {answers} answers"
        )
        assert len(caplog.records) == (size not in ends)


def _is_whole(data: bytes) -> bool:
    try:
        gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return False
    return True


@pytest.mark.anyio
async def test_what_is_before_a_tear_can_be_replayed(tmp_path: Path) -> None:
    path = tmp_path / "r"
    written(path, 3, b'{"success":true,"live":[]}')
    path.write_bytes(path.read_bytes()[:-5])

    async def work(client: Client) -> None:
        for _ in range(2):
            assert await client.live.list() == ()
        with pytest.raises(qcasync.RecordingEnded):
            await client.live.list()

    await play(path, work)


@pytest.mark.anyio
async def test_the_moments_of_an_exchange_are_repeated(tmp_path: Path) -> None:
    """To a client's monotonic clock, bytes move when they moved then."""
    replay = ReplayTransport(written(tmp_path / "r", 2))
    assert replay.clock.read() == Reading(EPOCH + 1 - 0.25, 0.75)
    for number in (1, 2):
        progress = Progress(replay.clock.mono)
        await replay.exchange(Request(url="http://127.0.0.1/live/list", body=b"{}"), progress)
        assert (progress.sent_at, progress.answered_at) == (number - 0.25, number - 0.125)
        assert replay.clock.read() == Reading(EPOCH + number, number)


def test_damage_in_the_middle(tmp_path: Path) -> None:
    """Any byte that is changed is noticed, or changes nothing (a few bytes of gzip's heads mean nothing)."""
    whole = written(tmp_path / "r", 3).read_bytes()
    path = tmp_path / "damaged"
    noticed = 0
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            replay = ReplayTransport(path)
        except ConfigurationError:
            noticed += 1
        else:
            noticed += replay.torn is not None
            assert replay.torn is not None or replay.answers == 3
    assert noticed > 0.8 * len(whole)


HEADING = b'{"qcasync_recording":1,"began_at":0}\n'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not a recording"),
        (b"text\n", "is not a recording"),
        (HEADING, "is not a recording"),
        (gzip.compress(b""), "is not a recording"),
        (gzip.compress(b"[]"), "is not a recording"),
        (gzip.compress(b'{"intent":{}}'), "is not a recording"),
        (gzip.compress(b"\xff"), "is not a recording"),
        (gzip.compress(b"[" * 10**6), "is not a recording"),
        (gzip.compress(b'{"qcasync_recording":2,"began_at":0}'), "in format 2; this version reads format 1"),
        (None, "No such file"),
        ("directory", "is no regular file"),
        ("pipe", "is no regular file"),
    ],
    ids=str,
)
def test_a_foreign_file(tmp_path: Path, content: bytes | str | None, says: str) -> None:
    path = tmp_path / "r"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "directory":
        path.mkdir()
    elif content == "pipe":
        os.mkfifo(path)
    with pytest.raises(ConfigurationError, match=says) as caught:
        ReplayTransport(path)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("line", "says"),
    [(b"{}", "holds a line that is no answer"), (b"[" * 10**6, "holds a line that is no answer")],
    ids=["foreign", "deep"],
)
def test_a_line_that_is_no_answer(tmp_path: Path, line: bytes, says: str) -> None:
    (tmp_path / "r").write_bytes(gzip.compress(HEADING) + gzip.compress(line))
    assert ReplayTransport(tmp_path / "r").torn == f"it {says}, after 0 answers"
