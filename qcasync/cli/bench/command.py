"""`qcasync bench decode`: how fast this machine decodes QuantConnect's answers, and how fast others do."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

import qcasync
from qcasync.cli.bench.measuring import Plan, measure
from qcasync.cli.bench.payloads import Kind, Payload, Seeded, from_file, seeded
from qcasync.cli.bench.picture import draw
from qcasync.cli.bench.report import show
from qcasync.cli.bench.results import Run
from qcasync.cli.output import clean, is_read_by_programs, messages, results, say, write_json


def decode(
    *,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            help=f"An answer of yours: the body of {', '.join(Kind)}.",
            show_default=False,
        ),
    ] = None,
    payload: Annotated[
        list[Seeded] | None,
        typer.Option(metavar="NAME", help=f"Repeatable: {', '.join(Seeded)}.", show_default="all of them"),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="How often each decoder is timed.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, as when piped.")] = False,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Draw a chart.", show_default=False)
    ] = None,
) -> None:
    """Time decoders on answers of QuantConnect's API.

    On seeded payloads, or on an answer in a FILE, which may be compressed with gzip. Nothing is sent anywhere.
    """
    if file is not None and payload:
        raise typer.BadParameter("choose one of FILE and --payload")
    if png is not None:
        check_picture(png)
    with messages().status("reads the payload ...") as status:
        payloads = [from_file(file)] if file is not None else make(payload or list(Seeded))
        run = measure(payloads, Plan(rounds=rounds), lambda text: status.update(clean(text)))
    if as_json or is_read_by_programs():
        write_json(lines(run))
    else:
        show(run, results())
    for sentence in run.left_out:
        say(f"Left out: {clean(sentence)}", "dim")
    if png is not None:
        drawn = draw(run, png)
        say(f"Drawn to {clean(png)}." if drawn else "No chart: orjson took no part, and all times are relative to its.")


def make(names: list[Seeded], *, small: bool = False) -> list[Payload]:
    """Make seeded payloads, each once."""
    return [seeded(name, small=small) for name in dict.fromkeys(names)]


def check_picture(path: Path) -> None:
    """Find out before a long run whether its picture can be drawn.

    Raises:
        ConfigurationError: It cannot.
    """
    if find_spec("matplotlib") is None:
        raise qcasync.ConfigurationError("A chart needs matplotlib.", "pip install 'qcasync[bench]'")
    if not path.absolute().parent.is_dir():
        raise qcasync.ConfigurationError(f"There is no folder {path.parent}.", "Create it first.")


def lines(run: Run) -> list[object]:
    """What is written for programs: the run, its decoders, its stalls. `about` tells them apart."""
    return [{"about": "run", **run.stamp, "left_out": run.left_out}, *run.rows, *run.stalls]
