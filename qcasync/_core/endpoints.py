"""The API as one table: everything that is true of an operation stands in its row, and nowhere else.

Adding an operation means adding a row, its request in `requests.py`, its reader in `decoding.py`, and a typed method.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any, Final, Generic, TypeVar

from qcasync._core import decoding
from qcasync._core.decoding import Loading, Refusal
from qcasync._core.requests import MAX_WINDOW, SURE_LOG_LINES
from qcasync._core.retrying import Effect
from qcasync.models.charts import Chart
from qcasync.models.insights import InsightPage
from qcasync.models.live import CreateLiveAlgorithmResponse, LiveAlgorithm, LiveDeployment
from qcasync.models.logs import LogPage
from qcasync.models.orders import OrderPage
from qcasync.models.portfolio import Portfolio
from qcasync.models.trades import TradePage

T_co = TypeVar("T_co", covariant=True)

_MIB: Final = 2**20


@dataclass(frozen=True, kw_only=True)
class Endpoint(Generic[T_co]):
    """One operation.

    Attributes:
        operation: QuantConnect's name for it, for searching.
        path: Below the base URL.
        effect: What sending it twice can do.
        read: The body of an answer becomes its value, "still loading", or a refusal.
        read_exactly: The same with numbers as `Decimal`, where that is offered.
        seconds: The whole call's deadline, unless the caller gives one.
        max_body_bytes: The largest answer, after decompression.
        window: How many rows of a list are asked for at once.
        trading: Whether it needs a client that was opened with `allow_trading=True`.
        ends: Whether it ends what runs: for that, permits are reserved, and refused credentials are tried once more.
        hints: A part of the server's error text, and what to tell the user when it appears.
        how_to_check: For a call with effect: how a person finds out whether it happened.
    """

    operation: str
    path: str
    effect: Effect
    read: Callable[[bytes], T_co | Loading | Refusal]
    read_exactly: Callable[[bytes], Any] | None = None
    seconds: float = 90.0
    max_body_bytes: int = 64 * _MIB
    window: int | None = None
    trading: bool = False
    ends: bool = False
    hints: tuple[tuple[str, str], ...] = ()
    how_to_check: str = ""

    def exactly(self) -> "Endpoint[Any]":
        """The same operation with numbers as `Decimal`.

        Raises:
            LookupError: It has none.
        """
        if self.read_exactly is None:
            raise LookupError(f"{self.operation} offers no decimals")
        return self.reading(self.read_exactly)

    def reading(self, read: Callable[[bytes], Any]) -> "Endpoint[Any]":
        """The same operation with another reader of its answer."""
        return replace(self, read=read)


AUTHENTICATE: Final[Endpoint[None]] = Endpoint(
    operation="AUTHENTICATE",
    path="authenticate",
    effect=Effect.READ,
    read=decoding.read_success,
    max_body_bytes=_MIB,
)
CREATE_LIVE_ALGORITHM: Final[Endpoint[CreateLiveAlgorithmResponse]] = Endpoint(
    operation="CREATE_LIVE_ALGORITHM",
    path="live/create",
    effect=Effect.CREATE,
    read=decoding.read_create,
    seconds=300.0,
    trading=True,
    how_to_check="Look with live.list() for a new deployment of the project before deploying again.",
    hints=(("Brokerage data must be an array", "brokerage must be a mapping with an 'id'."),),
)
READ_LIVE_ALGORITHM: Final[Endpoint[LiveAlgorithm]] = Endpoint(
    operation="READ_LIVE_ALGORITHM",
    path="live/read",
    effect=Effect.READ,
    read=decoding.read_live,
    hints=(("No live deployment", "The project was never deployed; live.list() shows what is."),),
)
READ_LIVE_ALGORITHM_LIST: Final[Endpoint[tuple[LiveDeployment, ...]]] = Endpoint(
    operation="READ_LIVE_ALGORITHM_LIST",
    path="live/read",
    effect=Effect.READ,
    read=decoding.read_live_list,
    hints=(("Invalid argument", "QuantConnect no longer answers this form; use live.list()."),),
)
LIST_LIVE_ALGORITHMS: Final[Endpoint[tuple[LiveDeployment, ...]]] = Endpoint(
    operation="LIST_LIVE_ALGORITHMS",
    path="live/list",
    effect=Effect.READ,
    read=decoding.read_live_list,
)
READ_LIVE_ORDERS: Final[Endpoint[OrderPage]] = Endpoint(
    operation="READ_LIVE_ORDERS",
    path="live/orders/read",
    effect=Effect.READ,
    read=decoding.read_orders,
    read_exactly=partial(decoding.read_orders, number=Decimal),
    seconds=120.0,
    max_body_bytes=16 * _MIB,
    window=MAX_WINDOW,
)
READ_LIVE_CHART: Final[Endpoint[Chart]] = Endpoint(
    operation="READ_LIVE_CHART",
    path="live/chart/read",
    effect=Effect.READ,
    read=decoding.read_chart,
    seconds=120.0,
)
READ_LIVE_PORTFOLIO: Final[Endpoint[Portfolio]] = Endpoint(
    operation="READ_LIVE_PORTFOLIO",
    path="live/portfolio/read",
    effect=Effect.READ,
    read=decoding.read_portfolio,
    read_exactly=partial(decoding.read_portfolio, number=Decimal),
    hints=(("No live deployment", "The project was never deployed; live.list() shows what is."),),
)
READ_LIVE_LOGS: Final[Endpoint[LogPage]] = Endpoint(
    operation="READ_LIVE_LOGS",
    path="live/logs/read",
    effect=Effect.READ,
    read=decoding.read_logs,
    seconds=120.0,
    max_body_bytes=16 * _MIB,
    window=SURE_LOG_LINES,
    hints=(
        ("Log lines can be read in pages", "Ask for at most 200 lines at a time."),
        ("No live deployment", "deploy_id is that of one of the project's deployments; live.list() shows them."),
    ),
)
READ_LIVE_INSIGHTS: Final[Endpoint[InsightPage]] = Endpoint(
    operation="READ_LIVE_INSIGHTS",
    path="live/insights/read",
    effect=Effect.READ,
    read=decoding.read_insights,
    seconds=120.0,
    max_body_bytes=16 * _MIB,
    window=MAX_WINDOW,
)
READ_LIVE_TRADES: Final[Endpoint[TradePage]] = Endpoint(
    operation="READ_LIVE_TRADES",
    path="live/trades/read",
    effect=Effect.READ,
    read=decoding.read_trades,
    seconds=120.0,
    max_body_bytes=16 * _MIB,
    # The documents allow 1,000, which nobody has measured here. Their limits were too high or too low for orders,
    # logs and insights; 100 is in their own example, and a project has fewer trades than orders.
    window=MAX_WINDOW,
    hints=(("No live deployment", "deploy_id is that of one of the project's deployments; live.list() shows them."),),
)
LIQUIDATE_LIVE_ALGORITHM: Final[Endpoint[None]] = Endpoint(
    operation="LIQUIDATE_LIVE_ALGORITHM",
    path="live/update/liquidate",
    effect=Effect.MARKET,
    read=decoding.read_success,
    max_body_bytes=_MIB,
    trading=True,
    ends=True,
    how_to_check="Look with live.read() whether the deployment is still running before repeating the call.",
)
STOP_LIVE_ALGORITHM: Final[Endpoint[None]] = Endpoint(
    operation="STOP_LIVE_ALGORITHM",
    path="live/update/stop",
    effect=Effect.MARKET,
    read=decoding.read_success,
    max_body_bytes=_MIB,
    trading=True,
    ends=True,
    how_to_check="Look with live.read() whether the deployment is still running before repeating the call.",
)
CREATE_LIVE_COMMAND: Final[Endpoint[None]] = Endpoint(
    operation="CREATE_LIVE_COMMAND",
    path="live/commands/create",
    effect=Effect.MARKET,
    read=decoding.read_success,
    max_body_bytes=_MIB,
    trading=True,
    how_to_check="Nothing in the API tells whether a command ran: look at the project's orders and log.",
)
BROADCAST_LIVE_COMMAND: Final[Endpoint[None]] = Endpoint(
    operation="BROADCAST_LIVE_COMMAND",
    path="live/commands/broadcast",
    effect=Effect.MARKET,
    read=decoding.read_success,
    max_body_bytes=_MIB,
    trading=True,
    how_to_check="Nothing in the API tells whether a command ran: look at each project's orders and log.",
)

ENDPOINTS: Final[tuple[Endpoint[object], ...]] = (
    AUTHENTICATE,
    CREATE_LIVE_ALGORITHM,
    READ_LIVE_ALGORITHM,
    READ_LIVE_ALGORITHM_LIST,
    LIST_LIVE_ALGORITHMS,
    READ_LIVE_ORDERS,
    READ_LIVE_CHART,
    READ_LIVE_PORTFOLIO,
    READ_LIVE_LOGS,
    READ_LIVE_INSIGHTS,
    READ_LIVE_TRADES,
    LIQUIDATE_LIVE_ALGORITHM,
    STOP_LIVE_ALGORITHM,
    CREATE_LIVE_COMMAND,
    BROADCAST_LIVE_COMMAND,
)
