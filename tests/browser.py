"""Opens a page in headless Chromium, and tells what happened there: requests, messages, errors, dialogs.

Chromium is the system's, /usr/bin/chromium or what CHROMIUM says. Tests that need it are skipped where there is none.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or ""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_LOOKS, _BETWEEN = 500, 20
"""How often to look whether something is so, and milliseconds between: 10 s in all."""

DESKTOP = 1280, 900
PHONE = 390, 844

needs_browser = pytest.mark.skipif(not CHROMIUM, reason="no Chromium: apt install chromium, or set CHROMIUM")


@dataclass
class Sight:
    """A page that is open, and what happened on it so far.

    Attributes:
        requests: Addresses that it asked for.
        messages: What it wrote to the console, as "kind: text", and errors that nobody caught.
        dialogs: Texts of dialogs that it opened.
    """

    _page: Any  # playwright's Page: its module is imported where a browser is
    _thread: ThreadPoolExecutor
    requests: list[str] = field(default_factory=list[str])
    messages: list[str] = field(default_factory=list[str])
    dialogs: list[str] = field(default_factory=list[str])

    @property
    def outside(self) -> list[str]:
        """Requests that left the file."""
        return [url for url in self.requests if not url.startswith(("file:", "data:", "blob:", "about:"))]

    def do(self, work: Callable[[Any], Any]) -> Any:
        """Do something with Playwright's page, where it lives."""
        return self._thread.submit(work, self._page).result()

    def evaluate(self, script: str) -> Any:
        """What a JavaScript expression gives."""
        return self.do(lambda page: page.evaluate(script))

    def wait_for(self, script: str) -> None:
        """Wait until a JavaScript expression is true. Playwright's own way is refused by a page that forbids `eval`."""
        for _ in range(_LOOKS):
            if self.evaluate(script):
                return
            self.do(lambda page: page.wait_for_timeout(_BETWEEN))
        pytest.fail(f"{script} did not become true; the page said {self.messages}")

    def screenshot(self, path: Path) -> None:
        """Keep a picture of the whole page."""
        self.do(lambda page: page.screenshot(path=path, full_page=True))


class Browser:
    """A headless Chromium, in a thread of its own: Playwright runs an event loop there, and tests have their own."""

    def __init__(self, chromium: Any, thread: ThreadPoolExecutor) -> None:
        self._chromium = chromium
        self._thread = thread

    @contextlib.contextmanager
    def open(
        self,
        file: Path,
        *,
        size: tuple[int, int] = DESKTOP,
        scheme: Literal["light", "dark"] = "light",
        offline: bool = True,
        touch: bool = False,
        until: str = "document.readyState === 'complete'",
    ) -> Generator[Sight, None, None]:
        """Open a file, and wait until an expression is true. There is no network unless `offline` is False."""
        context = self._thread.submit(
            self._chromium.new_context,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            offline=offline,
            has_touch=touch,
        ).result()
        try:
            sight = Sight(self._thread.submit(context.new_page).result(), self._thread)
            sight.do(lambda page: _observe(page, sight))
            sight.do(lambda page: page.goto(file.resolve().as_uri()))
            sight.wait_for(until)
            yield sight
        finally:
            self._thread.submit(context.close).result()


@contextlib.contextmanager
def browser() -> Generator[Browser, None, None]:
    """A browser for all tests of a module: it takes half a second to come up."""
    with ThreadPoolExecutor(1) as thread:
        playwright = thread.submit(_start).result()
        try:
            launch = partial(playwright.chromium.launch, executable_path=CHROMIUM, args=list(FLAGS))
            chromium = thread.submit(launch).result()
            try:
                yield Browser(chromium, thread)
            finally:
                thread.submit(chromium.close).result()
        finally:
            thread.submit(playwright.stop).result()


def _start() -> Any:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of the test group; not where no browser is

    return sync_playwright().start()


def _observe(page: Any, sight: Sight) -> None:
    def dismiss(dialog: Any) -> None:
        sight.dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("request", lambda request: sight.requests.append(request.url))  # pyright: ignore[reportUnknownLambdaType, reportUnknownMemberType, reportUnknownArgumentType]
    page.on("console", lambda message: sight.messages.append(f"{message.type}: {message.text}"))  # pyright: ignore[reportUnknownLambdaType, reportUnknownMemberType]
    page.on("pageerror", lambda error: sight.messages.append(f"uncaught: {error}"))  # pyright: ignore[reportUnknownLambdaType]
    page.on("dialog", dismiss)
