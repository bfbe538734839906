"""What became different about orders."""

from qcasync.models.changes.base import Change
from qcasync.models.order_events import OrderEvent
from qcasync.models.orders import Order


class OrderAdded(Change, frozen=True, kw_only=True):
    """An order was seen for the first time.

    Attributes:
        deployment: The deployment's number in this checkpoint, from 1; with `order.id` it identifies the order.
        deploy_id: The deployment, as far as its orders told by then.
        index: The order's place in the project's list.
        order: The order without its events: each of them follows as an `OrderEventAdded`.
    """

    deployment: int
    deploy_id: str | None
    index: int
    order: Order


class OrderChanged(Change, frozen=True, kw_only=True):
    """Something about an order, apart from its events, is different now.

    Attributes:
        deployment: The deployment's number in this checkpoint.
        deploy_id: The deployment.
        index: The order's place in the project's list.
        order: The order as it is now, without its events.
    """

    deployment: int
    deploy_id: str | None
    index: int
    order: Order


class OrderEventAdded(Change, frozen=True, kw_only=True):
    """Something happened to an order: submitted, filled, canceled, ...

    Attributes:
        deployment: The deployment's number in this checkpoint.
        order_id: The order's number within the deployment.
        position: The event's place among the order's events, from 0.
        event: The event.
    """

    deployment: int
    order_id: int
    position: int
    event: OrderEvent


class OrderEventAmended(Change, frozen=True, kw_only=True):
    """QuantConnect tells an event differently than before.

    Attributes:
        deployment: The deployment's number in this checkpoint.
        order_id: The order's number within the deployment.
        position: The event's place among the order's events, from 0.
        event: The event as it is told now.
    """

    deployment: int
    order_id: int
    position: int
    event: OrderEvent
