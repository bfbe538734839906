"""A run on a terminal: a table for each payload, and what follows from them in sentences."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

from rich.console import Console
from rich.table import Table

from qcasync.cli.bench.payloads import Seeded
from qcasync.cli.bench.results import Row, Run, StallRow
from qcasync.cli.output import row, table

_STYLES = {"qcasync": "bold", "other": "", "limit": "dim"}


def show(run: Run, console: Console) -> None:
    """Write everything that a run found."""
    console.print(stamp(run), soft_wrap=not console.is_terminal)
    for name, rows in groupby(run.rows, key=attrgetter("payload")):
        console.print()
        console.print(_times(name, list(rows)))
    if run.stalls:
        console.print()
        console.print(_stalls(run.stalls))
    console.print()
    for sentence in findings(run):
        console.print(sentence, soft_wrap=not console.is_terminal)


def stamp(run: Run) -> str:
    """What took part, and where, in one line."""
    return " · ".join(f"{name} {value}" for name, value in run.stamp.items() if value is not None)


def findings(run: Run) -> Iterator[str]:
    """Yield what cannot be read off a single table."""
    times = {(each.payload, each.contender): each for each in run.rows}
    ours = times.get((Seeded.ORDERS, "qcasync"))
    if ours is None:
        return
    if (old := times.get((Seeded.PASCAL, "qcasync"))) is not None:
        by_order, by_byte = ours.timing.min / old.timing.min, old.bytes_per_second / ours.bytes_per_second
        yield f"PascalCase: {by_order:.2f} of the orders per second of today's spelling, {by_byte:.2f} of the MB/s."
    for payload, difficulty in ((Seeded.BROKEN, "one broken order"), (Seeded.QUIRKY, "three quirky orders")):
        if (page := times.get((payload, "qcasync"))) is not None:
            share = page.timing.min / ours.timing.min
            yield f"A page with {difficulty} takes {share:.2f} times as long as a clean one."
    for contender, way in (("pydantic from JSON", "from JSON"), ("json + pydantic", "after json.loads")):
        if (theirs := times.get((Seeded.ORDERS, contender))) is not None:
            yield f"pydantic {way} takes {theirs.timing.min / ours.timing.min:.1f} times as long as qcasync."


def _times(name: str, rows: list[Row]) -> Table:
    shown = table(f"{name}, {size(rows[0].payload_bytes)}")
    has_orders = rows[0].orders_per_second is not None
    shown.add_column("Decoder", no_wrap=True, vertical="bottom")
    for title in ("min\nms", "med.\nms", "time /\norjson", "same,\nno GC", "\nMB/s"):
        shown.add_column(title, justify="right", no_wrap=True)
    if has_orders:
        shown.add_column("orders\nper ms", justify="right", no_wrap=True)
    for title in ("peak/\nsize", "left\nto GC"):
        shown.add_column(title, justify="right", no_wrap=True)
    for each in rows:
        orders = [f"{(each.orders_per_second or 0) / 1e3:,.0f}"] if has_orders else []
        cells = [
            each.contender,
            milliseconds(each.timing.min),
            milliseconds(each.timing.median),
            _ratio(each.timing.ratio),
            _ratio(each.timing_gc_off.ratio),
            f"{each.bytes_per_second / 1e6:,.0f}",
            *orders,
            _ratio(each.peak_ratio),
            None if each.tracked is None else f"{each.tracked:,}",
        ]
        row(shown, *cells, style=_STYLES[each.side])
    return shown


def _stalls(stalls: tuple[StallRow, ...]) -> Table:
    shown = table("Worst stall of an event loop")
    shown.add_column("Payload", no_wrap=True)
    for title in ("orjson inline, ms", "through the client, ms", "ratio"):
        shown.add_column(title, justify="right", no_wrap=True)
    for each in stalls:
        inline = None if each.inline is None else milliseconds(each.inline)
        row(shown, each.payload, inline, milliseconds(each.client), "" if each.ratio is None else f"{each.ratio:.3f}")
    return shown


def milliseconds(seconds: float) -> str:
    """Milliseconds, to about three digits."""
    return f"{seconds * 1e3:.3f}" if seconds < 0.01 else f"{seconds * 1e3:.1f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def size(count: int) -> str:
    """A size as people say it."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"
