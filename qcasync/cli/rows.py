"""Models as plain data for other programs: JSON objects, and flat rows for CSV.

The keys are the models' own names, in snake_case, so that the library's reference describes them. Enums are their
names, such as "PARTIALLY_FILLED", or the server's value where nobody has named it yet. Datetimes are ISO 8601 in UTC;
what ends in `_at` is Unix seconds. Mappings of the server's making, such as an order's properties, keep its keys.
"""

from collections.abc import Sequence
from typing import Final, cast

import msgspec

import qcasync

COLUMNS: Final = (
    "project_id",
    "index",
    "deployment",
    "deploy_id",
    "id",
    "time",
    "symbol",
    "symbol_id",
    "security_type",
    "type",
    "direction",
    "quantity",
    "status",
    "price",
    "price_currency",
    "value",
    "limit_price",
    "stop_price",
    "trigger_price",
    "filled_quantity",
    "events",
    "last_fill_time",
    "canceled_time",
    "broker_ids",
    "tag",
)
"""The columns of an order in CSV; `order_cells` has the same order."""


def plain(value: object) -> object:
    """A model, and everything in it, as dictionaries, lists and values that JSON knows."""
    if isinstance(value, msgspec.Struct):
        return fields(value)
    if isinstance(value, qcasync.OpenEnum):
        return value.name if value.is_known else value.value
    if isinstance(value, dict):
        return {key: plain(item) for key, item in cast("dict[object, object]", value).items()}  # of whatever
    if isinstance(value, tuple | list):
        return [plain(item) for item in cast("Sequence[object]", value)]  # of whatever
    return value


def fields(model: msgspec.Struct) -> dict[str, object]:
    """A model as a JSON object."""
    names = (name.removeprefix("_") for name in model.__struct_fields__)
    return {name: plain(getattr(model, name)) for name in names}


def order_object(project_id: int, index: int, order: qcasync.Order) -> dict[str, object]:
    """An order as a JSON object that stands for itself: it says whose it is.

    Args:
        project_id: The project.
        index: Its place in the project's list of orders.
        order: From a listing.
    """
    deployment = order.deployment
    return {
        "project_id": project_id,
        "index": index,
        **fields(order),
        "deployment": None if deployment is None else deployment.number,
        "deploy_id": order.deploy_id,
    }


def order_cells(project_id: int, index: int, order: qcasync.Order) -> tuple[object, ...]:
    """An order as a row of `COLUMNS`."""
    deployment = order.deployment
    return (
        project_id,
        index,
        None if deployment is None else deployment.number,
        order.deploy_id,
        order.id,
        order.time,
        order.symbol.value,
        order.symbol.id,
        plain(order.security_type),
        plain(order.type),
        plain(order.direction),
        order.quantity,
        plain(order.status),
        order.price,
        order.price_currency,
        order.value,
        order.limit_price,
        order.stop_price,
        order.trigger_price,
        order.filled_quantity,
        len(order.events),
        order.last_fill_time,
        order.canceled_time,
        " ".join(order.broker_ids),
        order.tag,
    )
