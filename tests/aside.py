"""What waits more than it computes runs in a process of its own, while the other tests run here.

That is what is marked `aside`: the tests with sockets, processes and terminals. A second pytest runs them, in the order
that this one has chosen, and leaves its reports in a file; here they come out as if the tests had run here.

`--together` runs all in one process. So does whatever needs a terminal or a debugger; and where nothing else was
chosen, there is nothing to run beside. Of the options, the other process gets those of `PASSED_ON`: what chooses tests,
what stops early and what is kept of a run is this one's affair. Why not pytest-xdist: docs/decisions/0029.
"""

import base64
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TextIO

import pytest

NAME: Final = "tests.aside"
SHOWN: Final = 4000
"""Characters of the other process's output that are shown when it ends otherwise than it should."""
ENDING: Final = 30.0
"""Seconds that it may take to end, once it has nothing more to run."""
PASSED_ON: Final = ("runs", "mutations", "seed", "timeout", "tbstyle")
"""Options that both processes have, apart from what chooses tests."""
OTHER = pytest.StashKey["Other"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("aside", "tests that run in a process of their own (tests/aside.py)")
    group.addoption("--together", action="store_true", help="run all tests in this process")
    group.addoption("--aside-of", type=Path, help="used by the first process to start the other one")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "aside: runs in another process, if there is something to run meanwhile")
    folder: Path | None = config.getoption("--aside-of")
    if folder is not None:
        config.pluginmanager.register(Aside(config, folder))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=is_aside)  # the others stay in their order, and meanwhile these get done


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the other process."""
    option = session.config.option
    if option.together or option.aside_of or option.collectonly or option.usepdb or option.capture == "no":
        return
    chosen = [item for item in session.items if is_aside(item)]
    if chosen and len(chosen) < len(session.items):
        session.config.stash[OTHER] = Other(session.config, chosen)
        for item in chosen:
            item.add_marker(pytest.mark.timeout(0))  # it may have to wait here; there, each has its time


def is_aside(item: pytest.Item) -> bool:
    """Whether another process may run it. What waits for a job of this session may not."""
    return item.get_closest_marker("aside") is not None and item.get_closest_marker("early") is None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Tell what became of a test in the other process."""
    other = item.config.stash.get(OTHER, None)
    if other is None or not is_aside(item):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in other.reports(item):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """The other process must have ended as its reports say; if this one was stopped, it is stopped, too."""
    other = session.config.stash.get(OTHER, None)
    stopped = session.shouldfail or session.shouldstop or exitstatus not in {0, pytest.ExitCode.TESTS_FAILED}
    if other is not None and not other.end(hurry=bool(stopped)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    other = config.stash.get(OTHER, None)
    if other is not None:
        for line in other.told:
            terminalreporter.write_line(f"aside: {line}")


class Other:
    """The other process, as this one sees it.

    Attributes:
        told: What is to be said about it at the end.
    """

    def __init__(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        self.told: list[str] = []
        self._config = config
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        (folder / "chosen").write_bytes(pickle.dumps([item.nodeid for item in items]))
        (folder / "reports").touch()
        self._output = folder / "output"
        self._lines: TextIO = (folder / "reports").open()
        self._half = ""
        self._came: dict[str, list[Any]] = {}
        self._failed = False
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [*self._command(folder), *sorted({str(item.path) for item in items})],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=config.rootpath,
                env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
                start_new_session=True,  # Ctrl-C comes here, and is passed on once
            )

    def _command(self, folder: Path) -> list[str]:
        option = self._config.option
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            NAME,
            "-p",
            "no:cacheprovider",  # it would overwrite which tests failed here
            f"--aside-of={folder}",
            f"--rootdir={self._config.rootpath}",
        ]
        if self._config.pluginmanager.hasplugin("randomly"):
            command += [f"--randomly-seed={option.randomly_seed}", "--randomly-dont-reorganize"]
        else:
            command += ["-p", "no:randomly"]
        flags = {"tbstyle": "--tb", **{name: f"--{name}" for name in PASSED_ON if name != "tbstyle"}}
        return command + [
            f"{flags[name]}={value}" for name in PASSED_ON if (value := getattr(option, name, None)) is not None
        ]

    def reports(self, item: pytest.Item) -> Iterator[pytest.TestReport]:
        """The reports of a test, in their order; waits for them."""
        while True:
            ended = self._process.poll() is not None
            self._read()
            came = self._came.get(item.nodeid, [])
            if came and came[-1].when == "teardown":
                yield from came
                return
            if ended:
                yield from came
                self._failed = True
                yield pytest.TestReport(
                    item.nodeid, item.location, {}, "failed", f"The other process ended.\n{self._tail()}", "call"
                )
                return
            time.sleep(0.02)

    def _read(self) -> None:
        *lines, self._half = (self._half + self._lines.read()).split("\n")
        for line in lines:
            data = pickle.loads(base64.b64decode(line))
            report = self._config.hook.pytest_report_from_serializable(config=self._config, data=data)
            self._came.setdefault(report.nodeid, []).append(report)
            self._failed |= report.failed

    def end(self, *, hurry: bool) -> bool:
        """Wait for its end, or bring it about. Returns whether it ended as its reports say."""
        if hurry and sys.platform != "win32":
            self._process.send_signal(signal.SIGINT)  # its fixtures end what they have begun
        elif hurry:
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING)
        self._process.kill()  # nothing, if it has ended
        status = self._process.wait()
        self._read()
        as_told = hurry or status == int(self._failed)
        output = self._output.read_text(errors="replace")
        self.told += [line for line in output.splitlines() if line.startswith(("canaries: ", "  after the last test"))]
        if not as_told:
            self.told += [f"it ended with status {status}:", *self._tail().splitlines()]
        self._lines.close()
        self._folder.cleanup()
        return as_told

    def _tail(self) -> str:
        return self._output.read_text(errors="replace")[-SHOWN:]


class Aside:
    """The other process, as it sees itself: it runs what was chosen, and writes its reports down."""

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self._config = config
        self._chosen: list[str] = pickle.loads((folder / "chosen").read_bytes())
        self._reports = folder / "reports"
        self._parent = os.getppid()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Take the chosen ones, in the order of the first process."""
        found = {item.nodeid: item for item in items}
        items[:] = [found[nodeid] for nodeid in self._chosen]

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        with self._reports.open("a") as file:
            file.write(base64.b64encode(pickle.dumps(data)).decode() + "\n")
        if os.getppid() != self._parent:
            pytest.exit("the process that waits for these tests is gone")
