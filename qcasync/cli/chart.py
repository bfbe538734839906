"""`qcasync chart`: a chart of a project in the terminal, as a page, as an image, or as JSON lines."""

import enum
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import anyio
import typer

import qcasync
from qcasync.cli import whole_file
from qcasync.cli.chart_reading import Seen, Wanted, read, read_names
from qcasync.cli.exit_codes import FAILED
from qcasync.cli.moments import moment
from qcasync.cli.output import clean, explain, is_read_by_programs, messages, results, say, write_json
from qcasync.cli.settings import Settings
from qcasync.pictures import images, pages, terminal
from qcasync.pictures.chart_reading import EQUITY
from qcasync.pictures.figures import Figure, chart_figure, equity_figure

_SPARE_LINES: Final = 3
"""Lines of the terminal that are not the picture's: its title, and the prompt."""


class _Form(enum.Enum):
    """What comes out."""

    LINES = enum.auto()
    TERMINAL = enum.auto()
    HTML = enum.auto()
    PNG = enum.auto()


def chart(
    context: typer.Context,
    project: Annotated[int, typer.Argument(min=1, metavar="PROJECT", help="Its id.", show_default=False)],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The chart.")] = EQUITY,
    *,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page (.html) or an image (.png).", show_default=False)
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(metavar="TIME", parser=moment, help="UTC; default: first launch.", show_default=False),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(metavar="TIME", parser=moment, help="UTC; default: now.", show_default=False)
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="About how many samples.")] = 1_000,
    names: Annotated[bool, typer.Option("--list", help="Only list the charts.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Points as JSON lines, as when piped.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Let --to replace an existing file.")] = False,
) -> None:
    """Draw a chart of a project, by default the equity with its trades.

    On a terminal a small plot; JSON lines when piped; with --to a file that opens offline. Times are UTC.
    """
    settings = Settings.of(context)
    if names:
        _list(project, anyio.run(read_names, settings, project), as_json=as_json)
        return
    form = _form(to, as_json=as_json)
    _check(form, to, force=force)
    wanted = Wanted(project=project, name=name, since=since, until=until, count=count, whole=form is not _Form.LINES)
    seen = anyio.run(read, settings, wanted)
    if not any(len(series.time) for series in seen.chart.series.values()):
        explain(LookupError(f"{seen.chart.name!r} has no points from {_utc(seen.since)} to {_utc(seen.until)}."))
        raise typer.Exit(FAILED)
    if form is _Form.LINES:
        write_json(_points(project, seen.chart))
        return
    figure = _figure(seen)
    if to is None:
        _show(project, seen, figure)
        return
    content = _page(project, seen, figure) if form is _Form.HTML else _image(project, seen, figure)
    whole_file.write(to, content, overwrite=force)
    say(f"{clean(seen.chart.name)} written to {clean(to)} ({len(content) / 1e6:.1f} MB).")


def _form(to: Path | None, *, as_json: bool) -> _Form:
    if to is None:
        return _Form.LINES if as_json or is_read_by_programs() else _Form.TERMINAL
    if as_json:
        raise typer.BadParameter("choose one of --json and --to")
    match to.suffix.lower():
        case ".html" | ".htm":
            return _Form.HTML
        case ".png":
            return _Form.PNG
        case _:
            raise typer.BadParameter(f"--to writes .html or .png, not {to.suffix or 'a file without suffix'}")


def _check(form: _Form, to: Path | None, *, force: bool) -> None:
    """Fail before anything is read, if it would fail afterwards."""
    if to is not None:
        whole_file.probe(to, overwrite=force)
    match form:
        case _Form.HTML:
            pages.check()
        case _Form.PNG:
            images.check()
        case _Form.TERMINAL:
            terminal.check()
        case _Form.LINES:
            pass


def _figure(seen: Seen) -> Figure:
    if seen.chart.name != EQUITY:
        return chart_figure(seen.chart)
    return equity_figure(seen.chart, seen.orders, drawdown=seen.drawdown, since=seen.since, until=seen.until)


def _list(project: int, names: tuple[str, ...], *, as_json: bool) -> None:
    if as_json or is_read_by_programs():
        write_json({"project_id": project, "chart": name} for name in names)
        return
    for name in names:
        results().print(clean(name), soft_wrap=True)


def _show(project: int, seen: Seen, figure: Figure) -> None:
    console = results()
    console.print(f"{_title(project, seen)} (UTC)", style="bold", soft_wrap=False)
    drawn = terminal.draw(
        figure,
        console.width,
        console.height - _SPARE_LINES,
        color=console.color_system is not None and not console.no_color,
        ascii_only=not console.encoding.lower().startswith("utf"),
    )
    sys.stdout.write(drawn)
    sys.stdout.flush()


def _page(project: int, seen: Seen, figure: Figure) -> bytes:
    facts = [
        ("Project", project),
        ("From", _utc(seen.since)),
        ("To", _utc(seen.until)),
        ("Observed", _utc(seen.observed_at)),
    ]
    untitled = {**figure, "layout": {**figure["layout"], "title": {"text": ""}}}  # the page has it already
    return pages.page(_title(project, seen), [untitled], facts=facts).encode("utf-8", "backslashreplace")


def _image(project: int, seen: Seen, figure: Figure) -> bytes:
    note = f"Project {project}. Observed {_utc(seen.observed_at)}."
    with messages().status("drawing ..."):
        return images.png(figure, title=_title(project, seen), note=note)


def _title(project: int, seen: Seen) -> str:
    return f"{clean(seen.project_name).strip() or f'Project {project}'}: {clean(seen.chart.name)}"


def _points(project: int, chart: qcasync.Chart) -> Iterator[dict[str, object]]:
    for series in chart.series.values():
        common = {"project_id": project, "chart": chart.name, "series": series.name, "unit": series.unit}
        for point in series.points():
            if isinstance(point, qcasync.Candlestick):
                prices = {"open": point.open, "high": point.high, "low": point.low, "close": point.close}
                yield {**common, "time": point.time, **prices}
            else:
                yield {**common, "time": point.time, "y": point.y, "tooltip": point.tooltip}


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
