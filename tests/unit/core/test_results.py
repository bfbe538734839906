"""Documented results: one pass where nothing is odd, member by member where something is, and the same in the end."""

import json
from collections.abc import Callable
from typing import Any

import pytest

import qcasync
from qcasync._core.results import read_documented
from qcasync.simulator import bodies

SMALL = bodies.LiveRecipe(holdings=3, orders=4, events=10, closed=2, charts=3, points=20)
BODY = bodies.live_results(size=SMALL)
KEBAB = bodies.live_results(size=SMALL, events="kebab")
EVENT = {
    "id": "L-1-1-1",
    "algorithm-id": "L-1",
    "order-id": 1,
    "order-event-id": 1,
    "symbol": "SPY R1",
    "time": 1738593000.5,
    "status": "filled",
    "direction": "buy",
}

Change = Callable[[dict[str, Any]], object]


def changed(change: Change, body: bytes = BODY) -> bytes:
    answer = json.loads(body)
    change(answer["LiveResults"]["results"])
    return json.dumps(answer, separators=(",", ":")).encode()


def result(body: bytes) -> qcasync.LiveResult:
    found = qcasync.decode_live(body).results
    assert found is not None
    return found


def first(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(iter(told.values()))
    return found


CHANGES: dict[str, Change] = {
    "an unknown member": lambda told: told.update(Invented={"a": 1}),
    "an unknown key in a chart": lambda told: first(told["Charts"]).update(Invented=1),
    "an unknown key in a series": lambda told: first(first(told["Charts"])["Series"]).update(Invented=1),
    "an unknown key in a holding": lambda told: first(told["Holdings"]).update(Invented=1),
    "a number for text in a symbol": lambda told: first(told["Orders"])["Symbol"].update(Permtick=7),
    "text for a number in an event": lambda told: told["OrderEvents"][3].update(FillPrice="1.5"),
    "text for a number in an order": lambda told: first(told["Orders"]).update(ContingentId="0"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("body", [BODY, KEBAB], ids=["nested", "kebab"])
def test_a_quirk_in_one_member_changes_no_other(body: bytes, change: Change) -> None:
    clean, odd = result(body), result(changed(change, body))

    assert read_documented(changed(change, body)) is None or change is CHANGES["text for a number in an event"]
    assert odd.orders.keys() == clean.orders.keys()
    assert [event.id for event in odd.order_events] == [event.id for event in clean.order_events]
    assert odd.holdings == clean.holdings
    assert odd.cash == clean.cash
    assert odd.profit_loss == clean.profit_loss
    assert odd.charts == clean.charts


def test_a_broken_order_of_a_result_is_quarantined() -> None:
    def spoil(told: dict[str, Any]) -> None:
        told["Orders"]["2"]["Quantity"] = "lots"

    found = result(changed(spoil))
    assert list(found.orders) == ["1", "3", "4"]
    (entry,) = found.quarantined
    assert (entry.index, entry.reason.endswith("['2'].quantity"), b'"lots"' in entry.raw) == (1, True, True)
    assert len(found.order_events) == 10


@pytest.mark.parametrize("key", ["Events", "events"])
def test_events_of_an_order_in_a_result_are_kept_under_either_key(key: str) -> None:
    found = result(changed(lambda told: first(told["Orders"]).update({key: [EVENT]})))

    assert [event.id for event in found.orders["1"].events] == ["L-1-1-1"]
    assert [order.events for order in found.orders.values()][1:] == [()] * 3


def test_the_documents_name_for_trailing_as_percentage_is_known_in_a_result() -> None:
    trailing = {"TrailingAmount": 0.5, "TrailingPercentage": True}

    assert result(changed(lambda told: first(told["Orders"]).update(trailing))).orders["1"].trailing_as_percentage


@pytest.mark.parametrize("name", ["Holdings", "Cash", "Charts", "Orders", "OrderEvents", "ProfitLoss", "Statistics"])
@pytest.mark.parametrize("nothing", [None, []])
def test_nothing_is_an_empty_member(name: str, nothing: object) -> None:
    found = result(changed(lambda told: told.update({name: nothing})))

    assert not getattr(found, {"OrderEvents": "order_events", "ProfitLoss": "profit_loss"}.get(name, name.lower()))
    assert found.runtime_statistics == result(BODY).runtime_statistics


@pytest.mark.parametrize(
    ("told", "number"), [(None, None), (7, 7.0), (1.5, 1.5), (True, None), ("$-1,234.56", -1234.56)]
)
def test_an_odd_statistic_costs_no_other(told: object, number: float | None) -> None:
    found = result(changed(lambda members: members["Statistics"].update(Odd=told)))

    assert found.statistics.number("Odd") == number
    assert ("Odd" in found.statistics) == (told is not None)
    assert found.statistics["Total Orders"] == result(BODY).statistics["Total Orders"]


def test_an_event_before_unix_time_is_refused_as_elsewhere() -> None:
    def spoil(told: dict[str, Any]) -> None:
        told["OrderEvents"][0]["UtcTime"] = "0001-01-01T00:00:00+14:00"

    with pytest.raises(qcasync.DecodeError):
        qcasync.decode_live(changed(spoil))


@pytest.mark.parametrize("success", [b'"success":false', b'"Success":false', b'"success":0'])
def test_a_refusal_is_no_result(success: bytes) -> None:
    with pytest.raises(qcasync.APIError):
        qcasync.decode_live(BODY.replace(b'"success":true', success))
