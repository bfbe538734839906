"""What an export tells while it runs, and in the end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from qcasync.models.listings import Anomaly

Stage = Literal["begins anew", "goes on", "reads", "writes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportProgress:
    """How far an export is.

    Attributes:
        stage: What it does. "goes on": it found the draft of an interrupted export and uses it. "begins anew": it found
            one that it cannot use, and says why in `detail`.
        table: What is read or written, such as "orders".
        rows: How many rows of it are done.
        expected: How many there seem to be; 0 while nobody knows.
        detail: More in words.
    """

    stage: Stage
    table: str = ""
    rows: int = 0
    expected: int = 0
    detail: str = ""


ProgressCallback = Callable[[ExportProgress], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A file that an export has written.

    Attributes:
        path: Where it is.
        table: Its table; of a chart, "series".
        rows: How many rows it has.
        size: How many bytes.
    """

    path: Path
    table: str
    rows: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What an export has done.

    Attributes:
        project_id: The project.
        files: The files, in the order of their tables.
        observed_from: When the first row was seen, in UTC.
        observed_until: When the last row was seen, in UTC.
        resumed_rows: How many orders came from the draft of an interrupted export, and were not read again.
        anomalies: What was odd about the list of orders, or about the trades made of them.
        quarantined: How many rows of each table could not be decoded. They are in "quarantined.jsonl", as they came.
    """

    project_id: int
    files: tuple[ExportedFile, ...]
    observed_from: datetime
    observed_until: datetime
    resumed_rows: int
    anomalies: tuple[Anomaly, ...]
    quarantined: Mapping[str, int]

    @property
    def complete(self) -> bool:
        """Whether the files hold every row: nothing is quarantined."""
        return not any(self.quarantined.values())
