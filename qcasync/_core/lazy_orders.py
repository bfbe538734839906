"""Orders whose events are decoded when somebody looks at them."""

from decimal import Decimal
from typing import Any, Final

from msgspec import Raw

from qcasync._core.reading import read_value
from qcasync.models.order_events import OrderEvent
from qcasync.models.orders import Order

_SLOT: Final[Any] = vars(Order)["events"]
_become: Final = vars(object)["__class__"].__set__  # past the guard of a frozen struct


class LazyOrder(Order[Any], frozen=True, kw_only=True):
    """An order that keeps its events as JSON until they are used for the first time. Then it becomes an `Order`."""

    def __repr__(self) -> str:
        return repr(_awake(self))

    def __eq__(self, other: object) -> bool:
        return _awake(self) == (_awake(other) if isinstance(other, LazyOrder) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __reduce__(self) -> Any:
        return _awake(self).__reduce__()

    __hash__ = None  # type: ignore[assignment]  # like an order's: its properties are a dictionary


def _awake(order: LazyOrder) -> Order[Any]:
    raw = _SLOT.__get__(order)
    if isinstance(raw, Raw):
        exact = isinstance(order.quantity, Decimal)
        kind: Any = tuple[OrderEvent[Decimal], ...] if exact else tuple[OrderEvent, ...]
        events = () if bytes(raw) in {b"", b"null"} else read_value(raw, kind, "$.events")
        _SLOT.__set__(order, events)
    _become(order, Order)
    return order


LazyOrder.events = property(lambda order: _awake(order).events)  # type: ignore[assignment]  # stands before the slot
