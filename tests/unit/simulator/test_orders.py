import re
from collections import Counter
from typing import Any

import msgspec
import pytest

from qcasync.models import Order, OrderEvent
from qcasync.simulator import Simulator
from qcasync.simulator.spelling import kebab, pascal

from .calling import Caller

TYPE_KEYS = {
    1: {"limitPrice"},
    2: {"stopPrice"},
    3: {"stopPrice", "stopTriggered", "limitPrice"},
    7: {"triggerPrice", "triggerTouched", "limitPrice"},
    8: {"groupOrderManager"},
    9: {"groupOrderManager"},
    10: {"groupOrderManager", "limitPrice"},
    11: {"stopPrice", "trailingAmount", "trailingAsPercentage"},
}
ANY_TYPE_KEY = {key for keys in TYPE_KEYS.values() for key in keys}


@pytest.fixture(scope="module")
def orders() -> tuple[dict[str, Any], ...]:
    simulator = Simulator(seed=7)
    return simulator.orders(simulator.add_project([1000]).id)


def events_of(orders: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    return [event for order in orders for event in order.get("events", [])]


def test_all_twelve_types_with_the_keys_of_their_own_only(orders: tuple[dict[str, Any], ...]) -> None:
    assert {order["type"] for order in orders} == set(range(12))
    for order in orders:
        assert set(order) & ANY_TYPE_KEY == TYPE_KEYS.get(order["type"], set())


@pytest.mark.parametrize(("model", "part"), [(Order, "order"), (OrderEvent, "event")])
def test_keys_in_the_order_of_the_models(
    orders: tuple[dict[str, Any], ...], model: type[msgspec.Struct], part: str
) -> None:
    """A model has its fields in the order of Lean's serializer, and every key occurs among a thousand orders."""
    keys = [field.encode_name for field in msgspec.structs.fields(model) if not field.encode_name.startswith("@")]
    entries = orders if part == "order" else events_of(orders)
    for entry in entries:
        assert list(entry) == [key for key in keys if key in entry]
    assert set().union(*entries) == set(keys)


def test_a_fill_keeps_the_order_of_keys(simulator: Simulator) -> None:
    project = simulator.add_project([3])
    simulator.trade(project.id, 40, leave_open=True)
    for index in range(3, 43):
        simulator.fill(project.id, index)
    simulator.flush(project.id)
    keys = [field.encode_name for field in msgspec.structs.fields(Order)]
    for order in simulator.orders(project.id)[3:]:
        assert order["status"] == 3
        assert list(order) == [key for key in keys if key in order]


def test_ids_count_from_one(orders: tuple[dict[str, Any], ...]) -> None:
    assert [order["id"] for order in orders] == list(range(1, 1001))


def test_every_status_occurs(orders: tuple[dict[str, Any], ...]) -> None:
    assert {order["status"] for order in orders} == {0, 1, 2, 3, 5, 7, 9}
    assert {event["status"] for event in events_of(orders)} == {
        "submitted",
        "partiallyFilled",
        "filled",
        "canceled",
        "invalid",
        "updateSubmitted",
    }


def test_fills_add_up(orders: tuple[dict[str, Any], ...]) -> None:
    for order in orders:
        filled = sum(event["fillQuantity"] for event in order.get("events", []))
        if order["status"] == 3:
            assert filled == order["quantity"]
        elif order["status"] == 2:
            assert 0 < abs(filled) < abs(order["quantity"])
        else:
            assert filled == 0


def test_event_identity(orders: tuple[dict[str, Any], ...]) -> None:
    for order in orders:
        for number, event in enumerate(order.get("events", []), start=1):
            assert event["id"] == f"{event['algorithmId']}-{order['id']}-{number}"
            assert re.fullmatch("L-[0-9a-f]{32}", event["algorithmId"])
            assert isinstance(event["time"], float)
            assert event["symbol"] == order["symbol"]["id"]


def test_events_are_in_time_order(orders: tuple[dict[str, Any], ...]) -> None:
    for order in orders:
        times = [event["time"] for event in order.get("events", [])]
        assert times == sorted(times)


def test_quirks_occur(orders: tuple[dict[str, Any], ...]) -> None:
    times_in_force = [order["properties"]["timeInForce"] for order in orders]
    assert {} in times_in_force
    assert [] in times_in_force
    assert any("$type" in value for value in times_in_force)
    assert any("Expiry" in value for value in times_in_force)
    events = events_of(orders)
    assert {"absent" if "message" not in event else type(event["message"]) for event in events} == {
        "absent",
        type(None),
        str,
    }
    assert any("orderFeeAmount" not in event for event in events if event["status"] == "filled")
    assert any("isInTheMoney" in event for event in events)
    assert any("events" not in order for order in orders)
    assert any(order.get("events") == [] for order in orders)
    assert any(order["time"] is None for order in orders)
    assert any(order["orderSubmissionData"] is None for order in orders)
    assert any("tag" not in order for order in orders)
    assert any("lastFillTime" not in order for order in orders)
    assert any("underlying" in order["symbol"] for order in orders)
    assert any(order["brokerId"] == [] for order in orders)


def test_combos_are_whole(orders: tuple[dict[str, Any], ...]) -> None:
    groups = [order["groupOrderManager"] for order in orders if "groupOrderManager" in order]
    for group in groups:
        members: list[dict[str, Any]] = [orders[number - 1] for number in group["orderIds"]]
        assert len(members) == group["count"]
        assert all(member["groupOrderManager"] == group for member in members)


def test_bytes_on_the_wire(simulator: Simulator, call: Caller) -> None:
    body = call.send("live/orders/read", {"projectId": simulator.add_project([100]).id, "start": 0, "end": 100}).body
    assert body.isascii()
    assert re.search(rb'"quantity":-?\d+\.0,', body)  # .NET decimals keep their fraction,
    assert re.search(rb'"value":-?\d+\.\d{12},', body)  # and their trailing zeros.
    assert rb"\/" in body  # PHP escapes slashes,
    assert rb"\u2713" in body  # and everything beyond ASCII.


def test_old_spelling(simulator: Simulator) -> None:
    project = simulator.add_project([300], spelling="pascal")
    orders: tuple[dict[str, Any], ...] = simulator.orders(project.id)
    keys = [pascal(field.encode_name) for field in msgspec.structs.fields(Order)]
    event_keys = [kebab(field.encode_name) for field in msgspec.structs.fields(OrderEvent)]
    for order in orders:
        assert list(order) == [key for key in keys if key in order]
        assert set(order["Symbol"]) - {"Underlying"} == {"ID", "Value", "Permtick"}
        assert "PriceAdjustmentMode" not in order
        assert order["CanceledTime"] is None or order["Status"] == 5
        for event in order["Events"]:
            assert list(event) == [key for key in event_keys if key in event]
            assert {"order-id", "order-event-id", "algorithm-id", "fill-price-currency"} <= set(event)
            assert not any(any(letter.isupper() for letter in key) for key in event)


def test_ids_restart_in_each_deployment(simulator: Simulator) -> None:
    project = simulator.add_project([40, 120, 327])
    orders: tuple[dict[str, Any], ...] = simulator.orders(project.id)
    assert [order["id"] for order in orders] == [*range(1, 41), *range(1, 121), *range(1, 328)]
    deployments = Counter(order["events"][0]["algorithmId"] for order in orders if order.get("events"))
    assert list(deployments) == [deployment.deploy_id for deployment in project.deployments]


def test_the_seed_decides_everything() -> None:
    def world(seed: int) -> object:
        simulator = Simulator(seed)
        project = simulator.add_project([5, 150])
        return simulator.user_id, simulator.api_token, project.id, simulator.orders(project.id)

    assert world(1) == world(1)
    assert world(1) != world(2)


def test_the_order_of_reading_changes_nothing() -> None:
    one, two = Simulator(seed=3), Simulator(seed=3)
    project_id = one.add_project([1000]).id
    two.add_project([1000])
    late_first = Caller(one).orders(project_id, 900, 1000)
    whole = two.orders(project_id)
    assert tuple(late_first) == whole[900:]
    assert tuple(Caller(one).orders(project_id, 0, 100)) == whole[:100]


def test_traffic_does_not_change_what_exists() -> None:
    one, two = Simulator(seed=3), Simulator(seed=3)
    one.conditions.jitter = 1.0
    for _ in range(10):
        Caller(one)("authenticate")
    assert one.orders(one.add_project([50]).id) == two.orders(two.add_project([50]).id)
