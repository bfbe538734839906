"""Orders: what they tell beside their fields."""

import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from qcasync.models import (
    CashAmount,
    Deployment,
    Order,
    OrderDirection,
    OrderEvent,
    OrderFee,
    OrderPage,
    OrderProperties,
    OrderStatus,
    OrderType,
    Quarantined,
    Symbol,
    TimeInForce,
    TimeInForceKind,
)

DEPLOY = "L-00000000000000000000000000000abc"
EVENT = OrderEvent(
    id=f"{DEPLOY}-1-1",
    algorithm_id=DEPLOY,
    order_id=1,
    order_event_id=1,
    symbol="KRNL X1",
    time_at=1738593000.5,
    status=OrderStatus.FILLED,
    direction=OrderDirection.BUY,
)
ORDER = Order(
    type=OrderType.MARKET,
    id=1,
    symbol=Symbol(value="KRNL", id="KRNL X1"),
    time=datetime(2025, 2, 3, 14, 30, tzinfo=UTC),
    quantity=1.0,
    status=OrderStatus.FILLED,
    direction=OrderDirection.BUY,
    events=(EVENT,),
)
GTD = TimeInForce(kind=TimeInForceKind.GOOD_TIL_DATE, expiry=datetime(2025, 3, 1, tzinfo=UTC))


def test_the_deployment_is_the_listings_finding_else_what_the_first_event_says() -> None:
    nameless = Deployment(number=1, deploy_id=None, start=0, end=1)
    named = Deployment(number=1, deploy_id="L-other", start=0, end=1)

    assert ORDER.deploy_id == DEPLOY
    assert msgspec.structs.replace(ORDER, deployment=nameless).deploy_id == DEPLOY
    assert msgspec.structs.replace(ORDER, deployment=named).deploy_id == "L-other"
    assert msgspec.structs.replace(ORDER, events=()).deploy_id is None
    assert msgspec.structs.replace(ORDER, events=(msgspec.structs.replace(EVENT, algorithm_id=""),)).deploy_id is None


def test_an_order_is_frozen_but_a_listing_can_tell_its_deployment() -> None:
    order = msgspec.structs.replace(ORDER)
    deployment = Deployment(number=1, deploy_id=DEPLOY, start=0, end=1)

    with pytest.raises(AttributeError):
        order.deployment = deployment  # type: ignore[misc]
    msgspec.structs.force_setattr(order, "deployment", deployment)
    assert order.deployment is deployment


def test_models_survive_pickle() -> None:
    page = OrderPage(orders=(ORDER,), quarantined=(Quarantined(index=1, reason="r", raw=b"{}"),), quirks=("q",))

    assert pickle.loads(pickle.dumps(page)) == page


def test_an_event_tells_its_time_and_its_fee() -> None:
    charged = msgspec.structs.replace(EVENT, order_fee_amount=1.5, order_fee_currency="USD")

    assert EVENT.time == datetime(2025, 2, 3, 14, 30, 0, 500000, tzinfo=UTC)
    assert EVENT.order_fee is None
    assert charged.order_fee == OrderFee(value=CashAmount(amount=1.5, currency="USD"))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, TimeInForce()),
        ({"timeInForce": None}, TimeInForce()),
        ({"timeInForce": {}}, TimeInForce()),
        ({"timeInForce": []}, TimeInForce()),
        ({"timeInForce": 0}, TimeInForce()),
        ({"timeInForce": "0"}, TimeInForce(kind=TimeInForceKind("0"))),
        ({"timeInForce": 1}, TimeInForce(kind=TimeInForceKind.DAY)),
        ({"duration": 2, "durationValue": "2025-03-01T00:00:00Z"}, GTD),
        ({"duration": 2, "durationValue": "never"}, TimeInForce(kind=TimeInForceKind.GOOD_TIL_DATE)),
        ({"timeInForce": "Day"}, TimeInForce(kind=TimeInForceKind.DAY)),
        (
            {"timeInForce": {"$type": "QuantConnect.Orders.TimeInForces.DayTimeInForce"}},
            TimeInForce(kind=TimeInForceKind.DAY),
        ),
        ({"timeInForce": {"$type": "A.GoodTilDateTimeInForce", "Expiry": "2025-03-01 00:00:00"}}, GTD),
        ({"timeInForce": {"$type": "GoodTilDateTimeInForce", "expiry": "2025-03-01T01:00:00+01:00"}}, GTD),
        ({"timeInForce": {"$type": "A.AuctionTimeInForce"}}, TimeInForce(kind=TimeInForceKind("Auction"))),
        ({"timeInForce": 7}, TimeInForce(kind=TimeInForceKind("7"))),
        ({"timeInForce": True}, TimeInForce(kind=TimeInForceKind.DAY)),
    ],
)
def test_every_form_of_time_in_force(sent: dict[str, Any], expected: TimeInForce) -> None:
    assert OrderProperties(sent).time_in_force == expected
    assert msgspec.structs.replace(ORDER, _properties=sent).time_in_force == expected


def test_properties_are_an_open_mapping_and_a_copy() -> None:
    order = msgspec.structs.replace(ORDER, _properties={"postOnly": True})

    order.properties.clear()
    assert order.properties == {"postOnly": True}


def test_rows_of_a_page_come_in_the_servers_order() -> None:
    second = msgspec.structs.replace(ORDER, id=2)
    first_broken = Quarantined(index=0, reason="r", raw=b"1")
    last_broken = Quarantined(index=3, reason="r", raw=b"2")
    page = OrderPage(orders=(ORDER, second), quarantined=(first_broken, last_broken))

    assert list(page.rows()) == [first_broken, ORDER, second, last_broken]
    assert page.count == 4


def test_what_is_filled_counts_once_and_of_its_own_security_only() -> None:
    replace = msgspec.structs.replace
    fill = replace(EVENT, fill_quantity=0.1)
    rest = replace(fill, id=f"{DEPLOY}-1-2", order_event_id=2, fill_quantity=0.2)
    assert replace(ORDER, events=(fill, fill, rest)).filled_quantity == pytest.approx(0.3)
    assert replace(ORDER, events=()).filled_quantity == 0
    option = Symbol(value="KRNL C", id="KRNL C1", underlying=ORDER.symbol)
    exercise = replace(fill, symbol=option.id, fill_quantity=-1.0), replace(rest, fill_quantity=100.0)
    assert replace(ORDER, symbol=option, events=exercise).filled_quantity == -1
    huge = replace(fill, fill_quantity=1.7e308), replace(rest, fill_quantity=1.7e308)
    assert replace(ORDER, events=huge).filled_quantity == float("inf")


def test_what_is_filled_is_exact_where_the_order_is() -> None:
    order: Any = msgspec.structs.replace(ORDER, quantity=Decimal(1), events=())
    fills = [msgspec.structs.replace(EVENT, order_event_id=at, fill_quantity=Decimal("0.1")) for at in range(3)]
    assert repr(order.filled_quantity) == "Decimal('0')"
    assert msgspec.structs.replace(order, events=tuple(fills)).filled_quantity == Decimal("0.3")
