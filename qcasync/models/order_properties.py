"""What a brokerage is told beside price and quantity, foremost how long an order stays in force."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from qcasync.models._base import Model, as_utc
from qcasync.models._json import is_object
from qcasync.models.enums import TimeInForceKind

__all__ = ["OrderProperties", "TimeInForce"]


class TimeInForce(Model, frozen=True, kw_only=True):
    """How long an order stays in force.

    Attributes:
        kind: Until canceled, for the day, or until a date.
        expiry: The date of a good-til-date order; None otherwise.
    """

    kind: TimeInForceKind = TimeInForceKind.GOOD_TIL_CANCELED
    expiry: datetime | None = None


_LEGACY = {0: TimeInForceKind.GOOD_TIL_CANCELED, 1: TimeInForceKind.DAY, 2: TimeInForceKind.GOOD_TIL_DATE}


class OrderProperties(dict[str, Any]):
    """The properties of an order, under the names that the server uses today. A copy: changing it changes no order.

    Brokerages add their own (`exchange`, `postOnly`, `outsideRegularTradingHours`, ...), so the mapping is open.
    """

    __slots__ = ()

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__({key[:1].lower() + key[1:]: value for key, value in told.items()})

    @property
    def time_in_force(self) -> TimeInForce:
        """How long the order stays in force.

        Lean writes good-til-canceled as an empty object, which PHP turns into an empty list; the other kinds name their
        .NET class. Older engines wrote a number, and the expiry beside it.
        """
        told: Any = self.get("timeInForce", self.get("duration"))
        if not told and told != 0:
            return TimeInForce()
        if is_object(told):
            name = str(told.get("$type", "GoodTilCanceled")).rpartition(".")[2].removesuffix("TimeInForce")
            return TimeInForce(kind=TimeInForceKind(name), expiry=_moment(told.get("Expiry", told.get("expiry"))))
        legacy = _LEGACY.get(told) if isinstance(told, int) else None
        return TimeInForce(kind=legacy or TimeInForceKind(str(told)), expiry=_moment(self.get("durationValue")))


def _moment(told: object) -> datetime | None:
    try:
        return as_utc(msgspec.convert(told, datetime | None))
    except msgspec.ValidationError:
        return None
