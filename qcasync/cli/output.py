"""Where output goes and what it looks like: consoles, tables, JSON lines, error messages.

What comes from the server is shown as text, never as markup, and without characters that steer a terminal.
"""

import errno
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

import qcasync

_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Legal inside JSON, but a terminal may obey them: DEL, the C1 controls, line separators, changes of direction."""


def results() -> Console:
    """The console for results: stdout."""
    return Console(markup=False, highlight=False, emoji=False)


def messages() -> Console:
    """The console for everything else: stderr."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def is_read_by_programs() -> bool:
    """Whether results go to a file or another program. Unlike colors, no environment variable can change that."""
    return sys.stdout is None or not sys.stdout.isatty()


def clean(text: object) -> str:
    r"""Text that is safe to show: what is not printable becomes its escape, such as \n."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in str(text)
    )


def when(moment: datetime | None) -> str:
    """A moment, to the second, in UTC; "" if there is none."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def name_of(value: qcasync.OpenEnum | None) -> str:
    """The member's name as people write it; the server's own value if nobody has named it yet."""
    if value is None:
        return ""
    return clean(value.name.replace("_", " ").lower() if value.is_known else value.value)


def table(title: str = "") -> Table:
    """An empty table in this command line's style. Fill it by `row`."""
    return Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def row(to: Table, *cells: object, style: str = "", fold: bool = False) -> None:
    """Add a row. Cells are shown as text, whatever they hold; None shows nothing.

    Where space is short, columns that are not `no_wrap` give way first: by an ellipsis, or with `fold`, by more lines.
    """
    to.add_row(*(cell if isinstance(cell, Text) else _cell(cell, style, fold) for cell in cells))


def _cell(value: object, style: str, fold: bool) -> Text:
    text = "" if value is None else clean(value)
    return Text(text, style) if fold else Text(text, style, no_wrap=True, overflow="ellipsis")


def say(text: str, style: str = "") -> None:
    """Write a message for people. Lines stay as they are when a program reads them."""
    console = messages()
    console.print(Text(text, style), soft_wrap=not console.is_terminal)


def warn(text: str) -> None:
    """Write a message about something that is not as it should be."""
    say(f"warning: {clean(text)}", "yellow")


def explain(error: Exception) -> None:
    """Write what an error says, and what to do about it."""
    lines = [line for part in (str(error), *getattr(error, "__notes__", ())) for line in str(part).splitlines()]
    first, *rest = [clean(line) for line in lines] or [type(error).__name__]
    console = messages()
    console.print(Text.assemble(("error: ", "bold red"), first), soft_wrap=not console.is_terminal)
    for line in rest:
        console.print(Text(line), soft_wrap=not console.is_terminal)


def write_json(values: Iterable[object]) -> None:
    """Write one line of JSON per value to stdout, as UTF-8.

    Raises:
        OSError: Nobody reads it, the disk is full, or there is no stdout.
    """
    if sys.stdout is None:  # closed by whoever started us
        raise OSError(errno.EBADF, "stdout is closed")
    content = b"".join(json_line(value) for value in values)
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def json_line(value: object) -> bytes:
    """One line of JSON, its end included."""
    text = msgspec.json.encode(value).decode()
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode() + b"\n"
