"""The operations that the simulator knows, by path: functions from a call to a reply, one module per family."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from qcasync.simulator.endpoints.call import Call
from qcasync.simulator.endpoints.charts import read_chart
from qcasync.simulator.endpoints.commands import broadcast, command, create, liquidate, stop
from qcasync.simulator.endpoints.insights import read_insights
from qcasync.simulator.endpoints.lists import list_deployments
from qcasync.simulator.endpoints.live import read_live
from qcasync.simulator.endpoints.logs import read_logs
from qcasync.simulator.endpoints.orders import read_orders
from qcasync.simulator.endpoints.portfolio import read_portfolio
from qcasync.simulator.endpoints.trades import read_trades
from qcasync.simulator.wire import Reply, success

__all__ = ["ENDPOINTS", "Call"]


def authenticate(_call: Call, /) -> Reply:
    """Answer that the sender is known. Who is not never gets here."""
    return success()


ENDPOINTS: Mapping[str, Callable[[Call], Reply]] = MappingProxyType(
    {
        "authenticate": authenticate,
        "live/create": create,
        "live/read": read_live,
        "live/list": list_deployments,
        "live/orders/read": read_orders,
        "live/portfolio/read": read_portfolio,
        "live/chart/read": read_chart,
        "live/logs/read": read_logs,
        "live/insights/read": read_insights,
        "live/trades/read": read_trades,
        "live/update/stop": stop,
        "live/update/liquidate": liquidate,
        "live/commands/create": command,
        "live/commands/broadcast": broadcast,
    }
)
