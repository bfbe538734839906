"""Where the orders of `qcasync orders` go. A sink is called page by page, in a worker thread."""

import sys
from collections.abc import Callable, Sequence

import qcasync
from qcasync.cli.csv_file import CSVFile
from qcasync.cli.output import json_line
from qcasync.cli.rows import order_cells, order_object

Sink = Callable[[Sequence[tuple[int, qcasync.Order]]], None]
"""Takes the next orders, each with its place in the project's list."""


def json_sink(project: int) -> Sink:
    """JSON lines on stdout, page by page: who stops reading early stops the download."""

    def write(orders: Sequence[tuple[int, qcasync.Order]]) -> None:
        lines = (json_line(order_object(project, index, order)) for index, order in orders)
        sys.stdout.buffer.write(b"".join(lines))
        sys.stdout.buffer.flush()

    return write


def csv_sink(project: int, file: CSVFile) -> Sink:
    """Rows of a CSV file."""

    def write(orders: Sequence[tuple[int, qcasync.Order]]) -> None:
        file.write(order_cells(project, index, order) for index, order in orders)

    return write
