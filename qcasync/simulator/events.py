"""The events of one order, as the engine's SerializedOrderEvent writes them."""

from collections.abc import Iterator
from typing import Final, cast

from qcasync.simulator.wire import JsonObject

_DIRECTIONS: Final = ("buy", "sell", "hold")
_UNSAID: Final = ""


class Events:
    """Writes the events of one order, numbered from 1, with their keys as the engine arranges them.

    Args:
        order: In camelCase. Only read; the caller puts `entries` into it.
        deploy_id: The deployment, which is part of each event's identity.

    Attributes:
        entries: The events so far, oldest first.
        filled_quantity: The sum of their fills, signed like the order.
    """

    def __init__(self, order: JsonObject, deploy_id: str) -> None:
        self._order = order
        self._deploy_id = deploy_id
        self._symbol = cast("JsonObject", order["symbol"])  # Orders are made by this package: shapes are known.
        self.quantity: float = cast("float", order["quantity"])
        self.entries: list[JsonObject] = []
        self.filled_quantity: float = 0.0

    @classmethod
    def of(cls, order: JsonObject, deploy_id: str) -> "Events":
        """Continue after the events that `order` already has, without changing them."""
        events = cls(order, deploy_id)
        events.entries = list(cast("list[JsonObject]", order.get("events", [])))
        events.filled_quantity = sum(cast("Iterator[float]", (entry["fillQuantity"] for entry in events.entries)))
        return events

    def add(
        self,
        at: float,
        status: str,
        *,
        fill_price: float = 0.0,
        fill_quantity: float = 0.0,
        fee: float | None = None,
        message: str | None = _UNSAID,
    ) -> JsonObject:
        """Append an event and return it, so that a rare key can be added.

        Args:
            at: Unix time.
            status: In camelCase.
            fill_price: 0 when nothing was filled.
            fill_quantity: What this event filled, signed like the order.
            fee: In dollars; None leaves its two keys out.
            message: None is written as null, the empty text not at all: the wire has both.
        """
        number = len(self.entries) + 1
        order_id = self._order["id"]
        event: JsonObject = {
            "id": f"{self._deploy_id}-{order_id}-{number}",
            "algorithmId": self._deploy_id,
            "orderId": order_id,
            "orderEventId": number,
            "symbol": self._symbol["id"],
            "symbolValue": self._symbol["value"],
            "symbolPermtick": self._symbol["permtick"],
            "time": round(at, 4),
            "status": status,
            **({} if fee is None else {"orderFeeAmount": fee, "orderFeeCurrency": "USD"}),
            "fillPrice": fill_price,
            "fillPriceCurrency": self._order["priceCurrency"],
            "fillQuantity": fill_quantity,
            "direction": _DIRECTIONS[cast("int", self._order["direction"])],
            **({} if message == _UNSAID else {"message": message}),
            "isAssignment": False,
            "quantity": self.quantity,
            **{key: self._order[key] for key in ("stopPrice", "limitPrice") if key in self._order},
        }
        self.entries.append(event)
        self.filled_quantity += fill_quantity
        return event

    def add_fill(self, at: float, price: float, fee: float | None) -> JsonObject:
        """Append the event that fills what was left, and return it."""
        rest = self.quantity - self.filled_quantity
        return self.add(at, "filled", fill_price=price, fill_quantity=rest, fee=fee)
