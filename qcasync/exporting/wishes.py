"""What somebody wants to have exported, checked before anything is sent: tables, charts, a form of files."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, get_args

from qcasync.errors import ConfigurationError

Table = Literal["orders", "order_events", "closed_trades", "equity", "holdings", "cash", "insights", "log_lines"]
"""A table that can be exported, and the name of its file."""
Format = Literal["parquet", "csv", "jsonl"]

TABLES: Final[tuple[Table, ...]] = get_args(Table)
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
OF_ORDERS: Final = frozenset[str]({"orders", "order_events", "closed_trades"})
"""The tables that one pass over the orders makes."""
QUARANTINED: Final = "quarantined.jsonl"
EQUITY: Final = "Strategy Equity"

_MAX_SLUG: Final = 60


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is to be written.

    Attributes:
        tables: The tables, each once, in the order of `TABLES`.
        charts: Further charts, and the file of each.
        format: The form of all files.
        since: Rows from then on only; None for all.
    """

    tables: tuple[Table, ...]
    charts: Mapping[str, str]
    format: Format
    since: datetime | None

    @property
    def stems(self) -> tuple[str, ...]:
        """The names of all files, without their ending."""
        return (*self.tables, *self.charts.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all files."""
        return tuple(f"{stem}.{self.format}" for stem in self.stems)


def wishes(tables: Iterable[str], charts: Iterable[str], form: str, since: datetime | None) -> Wishes:
    """Check what somebody wants.

    Raises:
        ConfigurationError: There is no such table or format, nothing is left to do, or `since` is naive.
    """
    wanted = set(tables)
    for unknown in sorted(wanted.difference(TABLES)):
        raise ConfigurationError(f"There is no table {unknown!r}.", f"Choose from {', '.join(TABLES)}.")
    if form not in FORMATS:
        raise ConfigurationError(f"There is no format {form!r}.", f"Choose from {', '.join(FORMATS)}.")
    if since is not None and since.tzinfo is None:
        raise ConfigurationError("`since` has no time zone.", "Give it one, such as datetime.UTC.")
    files = chart_files(charts)
    if not wanted and not files:
        raise ConfigurationError("There is nothing to export.", "Name a table or a chart.")
    return Wishes(
        tables=tuple(table for table in TABLES if table in wanted),
        charts=files,
        format=next(known for known in FORMATS if known == form),
        since=None if since is None else since.astimezone(UTC),
    )


def chart_files(charts: Iterable[str]) -> dict[str, str]:
    """Name the file of each chart, without its ending: "chart-" and what of the name is ASCII letters and digits.

    Where that is not the whole name, or another chart has the same, a digest of the name follows.
    """
    names = list(dict.fromkeys(charts))
    for name in names:
        if not name.strip():
            raise ConfigurationError("A chart without a name cannot be exported.", "Name it.")
    slugs = {name: _slug(name) for name in names}
    often = Counter(slugs.values())
    files: dict[str, str] = {}
    for name, slug in slugs.items():
        is_whole = name.lower().replace(" ", "-") == slug and often[slug] == 1
        mark = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
        files[name] = "-".join(part for part in ("chart", slug, "" if is_whole else mark) if part)
    return files


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_MAX_SLUG]
