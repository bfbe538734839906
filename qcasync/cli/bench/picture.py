"""A run as a picture: the time of each decoder, in times of the baseline."""

import textwrap
from importlib import import_module
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from qcasync.cli.bench.contenders import BASELINE
from qcasync.cli.bench.payloads import VARIANTS
from qcasync.cli.bench.report import size
from qcasync.cli.bench.results import Row, Run

_OURS: Final = "#0b7a5b"
_OTHERS: Final = "#c3c8cf"
_INK: Final = "#1f2328"
_FAINT: Final = "#66707b"
_DPI: Final = 160
_WIDTH: Final = 8.0
_LEFT: Final = 0.21
_RIGHT: Final = 0.97
_LINE: Final = 0.23
_HEAD: Final = 0.9
_FOOT: Final = 0.5
_GAP: Final = 0.5
_LONGEST: Final = 3.0
"""Longer bars are cut, so that the others can be told apart; their labels have the numbers."""


def draw(run: Run, path: Path) -> bool:
    """Draw a run to a PNG file. Needs matplotlib.

    Args:
        run: What was measured.
        path: Where to; an existing file is replaced.

    Returns:
        False if there is nothing to draw, because the baseline took no part.
    """
    rows = [row for row in run.rows if row.side != "limit" and row.contender != BASELINE and row.timing.ratio]
    main = [row for row in rows if row.payload not in VARIANTS] or rows
    groups = [list(held) for _, held in groupby(main, key=attrgetter("payload"))]
    if not groups:
        return False
    lines = sum(len(rows) + 1 + _GAP for rows in groups) - _GAP
    height = lines * _LINE + _HEAD + _FOOT
    figure = import_module("matplotlib.figure").Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor="white")
    axes = figure.add_axes((_LEFT, _FOOT / height, _RIGHT - _LEFT, lines * _LINE / height))
    line = 0.0
    for rows in groups:
        heading = f"{rows[0].payload}, {size(rows[0].payload_bytes)}"
        start = (0.02 - _LEFT) / (_RIGHT - _LEFT)
        _write(axes, start, line, heading, weight="bold", size=10, transform=axes.get_yaxis_transform())
        for row in rows:
            line += 1
            _bar(axes, line, row)
        line += 1 + _GAP
    axes.axvline(1, color=_INK, linewidth=1, zorder=0.5)
    axes.set(xlim=(0, _LONGEST * 1.12), ylim=(lines - 0.5, -0.5))
    axes.set_axis_off()
    _write(axes, 1, -0.75, f"{BASELINE} = 1", ha="center", size=9, color=_FAINT)
    figure.text(
        0.02, 1 - 0.3 / height, f"Time to decode, relative to {BASELINE} on the same bytes", color=_INK, size=12.5
    )
    figure.text(0.02, 1 - 0.52 / height, "shorter is better; garbage collector on", color=_FAINT, size=9)
    figure.text(0.02, 0.12 / height, _footer(run), color=_FAINT, size=7.5)
    figure.savefig(path)
    return True


def _bar(axes: Any, line: float, row: Row) -> None:
    ratio = row.timing.ratio or 0.0
    ours = row.side == "qcasync"
    shown = min(ratio, _LONGEST)
    axes.barh(line, shown, height=0.74, color=_OURS if ours else _OTHERS)
    weight = "bold" if ours else "normal"
    _write(axes, -0.02, line, row.contender, ha="right", size=9, color=_INK if ours else _FAINT, weight=weight)
    label = f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
    _write(axes, shown + 0.025, line, label + (" »" if ratio > _LONGEST else ""), ha="left", size=9, weight=weight)


def _write(axes: Any, x: float, y: float, text: str, *, color: str = _INK, **how: Any) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}  # no line runs through a number
    axes.text(x, y, text, va="center_baseline", color=color, bbox=box, parse_math=False, **how)


def _footer(run: Run) -> str:
    told = {name: value for name, value in run.stamp.items() if name not in {"rounds", "cpus"} and value is not None}
    return textwrap.fill(" · ".join(f"{name}\xa0{value}" for name, value in told.items()), 125)
