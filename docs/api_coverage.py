"""Write docs/api-coverage.md from the endpoint table: `python docs/api_coverage.py`."""

from pathlib import Path

from qcasync._core.endpoints import ENDPOINTS
from qcasync._core.retrying import Effect

PAGE = Path(__file__).with_name("api-coverage.md")

METHODS = {
    "AUTHENTICATE": "authenticate",
    "CREATE_LIVE_ALGORITHM": "live.create",
    "READ_LIVE_ALGORITHM": "live.read, live.chart_names",
    "READ_LIVE_ALGORITHM_LIST": "live.read_list",
    "LIST_LIVE_ALGORITHMS": "live.list",
    "READ_LIVE_ORDERS": "live.read_orders, live.list_orders, live.iter_orders",
    "READ_LIVE_CHART": "live.read_chart, live.list_charts, live.iter_charts",
    "READ_LIVE_PORTFOLIO": "live.read_portfolio",
    "READ_LIVE_LOGS": "live.read_logs, live.list_logs, live.iter_logs",
    "READ_LIVE_INSIGHTS": "live.read_insights, live.list_insights, live.iter_insights",
    "READ_LIVE_TRADES": "live.read_trades, live.list_trades, live.iter_trades",
    "LIQUIDATE_LIVE_ALGORITHM": "live.liquidate",
    "STOP_LIVE_ALGORITHM": "live.stop",
    "CREATE_LIVE_COMMAND": "live.create_command",
    "BROADCAST_LIVE_COMMAND": "live.broadcast_command",
}


def render() -> str:
    """The page, as it should be."""
    lines = [
        "# API coverage",
        "",
        "Written by `python docs/api_coverage.py` from the endpoint table; a test keeps it true.",
        "",
        "| operation | endpoint | methods of the client | effect | sent again after it may have arrived | deadline |",
        "|---|---|---|---|---|---|",
    ]
    for row in ENDPOINTS:
        methods = ", ".join(f"`{name}`" for name in METHODS[row.operation].split(", "))
        again = "yes" if row.effect in (Effect.READ, Effect.WRITE) else "never"
        lines.append(
            f"| {row.operation} | POST /{row.path} | {methods} | {row.effect.value} | {again} | {row.seconds:g} s |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render())
