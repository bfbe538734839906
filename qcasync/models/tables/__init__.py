"""Models as Arrow tables, which polars, pandas and duckdb take without a copy. They need pyarrow: `qcasync[arrow]`.

Each kind of table is a constant here, such as `ORDERS`, that has a schema, and makes batches and tables of models:

    table = tables.ORDERS.table(orders)

docs/tables.md has every column. pyarrow is imported when the first table is made.
"""

from qcasync.models.tables._changes import CHANGES
from qcasync.models.tables._closed_trades import CLOSED_TRADES
from qcasync.models.tables._kind import Kind
from qcasync.models.tables._orders import ORDER_EVENTS, ORDERS
from qcasync.models.tables._portfolio import CASH, HOLDINGS
from qcasync.models.tables._records import INSIGHTS, LOG_LINES, TRADES
from qcasync.models.tables._series import SERIES

__all__ = [
    "CASH",
    "CHANGES",
    "CLOSED_TRADES",
    "HOLDINGS",
    "INSIGHTS",
    "LOG_LINES",
    "ORDERS",
    "ORDER_EVENTS",
    "SERIES",
    "TRADES",
    "Kind",
]
