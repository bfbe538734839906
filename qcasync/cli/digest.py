"""What a terminal shows of a project's orders: its deployments, how the orders ended, and the last ones."""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

import qcasync
from qcasync.cli.meter import Meter
from qcasync.cli.output import clean, name_of, results, row, table, when

_LAST_ORDERS: Final = 10
_LAST_DEPLOYMENTS: Final = 10


class Digest:
    """Takes all orders of a project and remembers little, however many there are."""

    def __init__(self, project: int) -> None:
        self._project = project
        self._count = 0
        self._statuses: Counter[str] = Counter()
        self._last: deque[tuple[int, qcasync.Order]] = deque(maxlen=_LAST_ORDERS)

    def __call__(self, orders: Sequence[tuple[int, qcasync.Order]]) -> None:
        """Take the next orders, each with its place in the list."""
        self._count += len(orders)
        self._statuses.update(name_of(order.status) for _, order in orders)
        self._last.extend(orders)

    def show(self, deployments: Sequence[qcasync.Deployment], meter: Meter, seconds: float) -> None:
        """Write the summary to stdout."""
        console = results()
        retries = f" ({meter.retries} repeated)" if meter.retries else ""
        console.print(
            Text.assemble(
                (f"{self._count:,} orders of project {self._project}", "bold"),
                f"\n{meter.windows:,} windows in {meter.requests:,} requests{retries}, "
                f"{meter.body_bytes / 1e6:.1f} MB ({meter.wire_bytes / 1e6:.1f} MB on the wire), {seconds:.1f} s",
            )
        )
        if not self._count:
            return
        statuses = ", ".join(f"{count:,} {status}" for status, count in self._statuses.most_common())
        console.print(Text(clean(statuses)))
        self._show_deployments(deployments)
        self._show_last()

    def _show_deployments(self, deployments: Sequence[qcasync.Deployment]) -> None:
        shown = table(_titled("Deployments", len(deployments), _LAST_DEPLOYMENTS))
        shown.add_column("#", justify="right")
        shown.add_column("Deployment", no_wrap=True)
        shown.add_column("Orders", justify="right")
        shown.add_column("At", no_wrap=True)
        for each in deployments[-_LAST_DEPLOYMENTS:]:
            row(
                shown,
                each.number,
                each.deploy_id or "unknown",
                f"{each.end - each.start:,}",
                f"{each.start:,} to {each.end - 1:,}",
            )
        _print(shown)

    def _show_last(self) -> None:
        shown = table(_titled("Orders", self._count, _LAST_ORDERS))
        for title in ("#", "Id"):
            shown.add_column(title, justify="right", no_wrap=True)
        shown.add_column("Time (UTC)", no_wrap=True)
        for title in ("Symbol", "Type"):
            shown.add_column(title)
        for title in ("Quantity", "Price"):
            shown.add_column(title, justify="right", no_wrap=True)
        for title in ("Status", "Tag"):
            shown.add_column(title)
        for _, order in self._last:
            row(
                shown,
                order.deployment.number if order.deployment else "",
                order.id,
                when(order.time)[5:],
                order.symbol.value,
                name_of(order.type),
                f"{order.quantity:,g}",
                f"{order.price:,.10g}",
                name_of(order.status),
                order.tag,
            )
        _print(shown)


def _titled(title: str, count: int, shown: int) -> str:
    return title if count <= shown else f"Last {shown} of {count:,} {title.lower()}"


def _print(shown: Table) -> None:
    console = results()
    console.line()
    console.print(shown)
