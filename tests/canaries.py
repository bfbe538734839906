"""Secrets in whatever the suite prints: a pytest plugin that fails the test that showed one, in any encoding.

Every secret of a test looks like one: a simulated token, a signature, an Authorization value. So one scanner knows them
all, and what it finds is told by its form and place, never repeated. It reads what tests leave on stdout and stderr,
what they read of it themselves, every log record down to DEBUG, and the reports of failures.

It does not see what a process of a test's own wrote into a pipe that the test read itself.
"""

import base64
import logging
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Final
from urllib.parse import unquote

import pytest
import rich.traceback

HELD_BACK: Final = "[a line with a secret, held back]"
LIBRARIES: Final = ("qcasync", "httpx", "httpcore", "httpx2", "httpcore2", "aiohttp", "asyncio", "trio", "uvicorn")
"""Whose records are to be seen down to DEBUG: nobody may keep them from the root logger."""

_TOKEN = re.compile("simulated-[0-9a-f]{24}")
_HASH = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_BASIC = re.compile("basic [a-z0-9+/_-]{40,}")
_PERCENT = re.compile("%[0-9a-fA-F]{2}")
_BASE64 = re.compile("(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{40,}")
_HEX = re.compile("(?<![0-9a-fA-F])[0-9a-fA-F]{66,}")


def invent(number: int) -> str:
    """A secret that the scanner knows, for a test that needs one of its own."""
    return f"simulated-{0x5EC12E7 * (number + 1):024x}"


def find(text: str, known: Iterable[str] = ()) -> str | None:
    """The form in which `text` shows a secret, or None.

    Args:
        text: Anything that is shown.
        known: Secrets that do not look like one.
    """
    known = [secret.lower() for secret in known]
    return next((form for form, view in _views(text) if _shows(view.lower(), known)), None)


def hold_back(text: str, known: Iterable[str] = ()) -> str:
    """`text` without its lines that show a secret."""
    known = list(known)
    kept = "\n".join(HELD_BACK if find(line, known) else line for line in text.split("\n"))
    return HELD_BACK if find(kept, known) else kept


def _shows(view: str, known: Iterable[str]) -> bool:
    """Whether lower-case text holds a secret, in plain."""
    return bool(
        ("simulated-" in view and _TOKEN.search(view))
        or _HASH.search(view)
        or ("basic " in view and _BASIC.search(view))
        or any(secret in view for secret in known)
    )


def _views(text: str) -> Iterator[tuple[str, str]]:
    """The text, and what it may have been before somebody encoded it. Reversed case is what `_shows` does not mind."""
    yield "plain", text
    yield "reversed", text[::-1]
    if _PERCENT.search(text):
        yield "URL-quoted", unquote(text)
    for run in _HEX.findall(text):
        for digits in (run, run[::-1]):
            for start in (0, 1):
                yield "hex", bytes.fromhex(digits[start : start + (len(digits) - start) // 2 * 2]).decode("latin-1")
    for run in _BASE64.findall(text):
        standard = run.replace("-", "+").replace("_", "/")
        for letters in (standard, standard.swapcase(), standard[::-1]):
            for start in range(4):
                padding = "A" * (-(len(letters) - start) % 4)
                yield "base64", base64.b64decode(letters[start:] + padding).decode("latin-1")


def with_rich(error: BaseException, apart_from: str) -> str:
    """What `rich.traceback.install(show_locals=True)` shows of an error: nothing is cut short, and no line is wrapped.

    Args:
        error: Shown with all that led to it.
        apart_from: Frames of files below this folder are left out.
    """
    parts: list[str] = []
    waiting: list[BaseException | None] = [error]
    seen: list[BaseException] = []
    while waiting:
        each = waiting.pop()
        if each is None or each in seen:
            continue
        seen.append(each)
        waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
        stack = _extracted(each)
        parts += [stack.exc_type, stack.exc_value, *getattr(stack, "notes", ())]
        shown = [frame for frame in stack.frames if not frame.filename.startswith(apart_from)]
        nodes = [(name, node) for frame in shown for name, node in (frame.locals or {}).items()]
        parts += [f"{name} = {node.render(max_width=10**9)}" for name, node in nodes]
    return "\n".join(parts)


def _extracted(error: BaseException) -> rich.traceback.Stack:
    """Of the error itself, without what led to it: rich does not follow all of that."""
    trace = rich.traceback.Traceback.extract(
        type(error),
        error,
        error.__traceback__,
        show_locals=True,
        locals_max_length=None,  # type: ignore[arg-type] - which is what shows everything
        locals_max_string=None,  # type: ignore[arg-type]
        locals_hide_dunder=False,
    )
    return trace.stacks[0]


class Ear(logging.Handler):
    """Hears every record, and keeps what it says until it is scanned."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append((f"a record of {record.name} at {record.levelname}", self.format(record)))

    def take(self) -> list[tuple[str, str]]:
        """Return where and what was heard since the last time."""
        heard, self.heard = self.heard, []
        return heard


class Canaries:
    """What was scanned, and what was found.

    Attributes:
        texts: How many were scanned.
        found: Where, and in which form.
    """

    def __init__(self) -> None:
        self.texts = 0
        self.found: list[str] = []
        self.ear = Ear()
        self._known: set[str] = set()
        self._read: list[tuple[str, str]] = []

    def know(self, secret: str) -> None:
        """Look for this secret, too, from now on."""
        if len(secret) < 8:
            message = f"{len(secret)} characters will be found everywhere"
            raise ValueError(message)
        self._known.add(secret)

    def scan(self, told: Iterable[tuple[str, str]]) -> list[str]:
        """The places among `told` that show a secret, each with the form."""
        told = list(told)
        self.texts += len(told)
        if find("\n".join(text for _, text in told), self._known) is None:  # one search is faster than many
            return []
        return [f"{form} in {place}" for place, text in told if (form := find(text, self._known)) is not None]

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self) -> Generator[None, Any, Any]:
        """Listen to what tests read of their own output: it is in no report."""
        made = yield
        if isinstance(made, pytest.CaptureFixture):
            made.readouterr = self._overhearing(made.readouterr)  # type: ignore[method-assign]
        return made

    def _overhearing(self, read: Callable[[], Any]) -> Callable[[], Any]:
        def readouterr() -> Any:
            outputs = read()
            for name, output in zip(("stdout", "stderr"), outputs, strict=True):
                text = output.decode(errors="replace") if isinstance(output, bytes) else output
                self._read.append((f"{name}, read by the test", text))
            return outputs

        return readouterr

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Scan all that a phase of a test has left, and fail it for what it showed."""
        report = yield
        read, self._read = self._read, []
        told = [(name, text) for name, text in report.sections if name.endswith(report.when or "")]
        told += [*read, *self.ear.take()]
        if report.failed:
            told.append(("the report of the failure", report.longreprtext))
        if item.get_closest_marker("shows_secrets") is not None:
            return report
        if places := self.scan(told):
            self._fail(report, places)
        return report

    def _fail(self, report: pytest.TestReport, places: list[str]) -> None:
        self.found += [f"{report.nodeid}: {place}" for place in places]
        was = f"{hold_back(report.longreprtext, self._known)}\n\n" if report.failed else ""
        report.outcome = "failed"
        report.longrepr = was + "\n".join(f"a secret was shown: {place}" for place in places)
        report.sections = [(name, hold_back(text, self._known)) for name, text in report.sections]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Scan what came after the last report."""
        places = self.scan(self.ear.take())
        self.found += [f"after the last test: {place}" for place in places]
        if places:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """One line, and one more for each place."""
        terminalreporter.write_line(f"canaries: {len(self.found)} found in {self.texts} texts")
        for place in self.found:
            terminalreporter.write_line(f"  {place}")


CANARIES = pytest.StashKey[Canaries]()
ROOT_LEVEL = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Let every record be made."""
    config.addinivalue_line("markers", "shows_secrets(reason): the output is meant to show a token; say why")
    root = logging.getLogger()
    config.stash[ROOT_LEVEL] = root.level
    root.setLevel(logging.DEBUG)
    canaries = config.stash[CANARIES] = Canaries()
    root.addHandler(canaries.ear)
    config.pluginmanager.register(canaries, "canaries")


def pytest_sessionstart(session: pytest.Session) -> None:
    """What a report shows, and `caplog` holds, begins at the level at which it would without us."""
    capturing = session.config.pluginmanager.get_plugin("logging-plugin")
    if capturing is not None and capturing.log_level is None:
        for handler in (capturing.caplog_handler, capturing.report_handler):
            handler.setLevel(session.config.stash[ROOT_LEVEL])


def pytest_unconfigure(config: pytest.Config) -> None:
    root = logging.getLogger()
    root.removeHandler(config.stash[CANARIES].ear)
    root.setLevel(config.stash[ROOT_LEVEL])


@pytest.fixture
def canaries(request: pytest.FixtureRequest) -> Canaries:
    """The watch over this session, for a test whose secret does not look like one."""
    return request.config.stash[CANARIES]
