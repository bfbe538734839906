"""Any bytes give what was promised, `Loading`, a `Refusal`, or a DecodeError."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from qcasync._core.decoding import (
    Loading,
    Refusal,
    read_chart,
    read_create,
    read_insights,
    read_live,
    read_live_list,
    read_logs,
    read_orders,
    read_portfolio,
    read_refusal,
    read_success,
)
from qcasync._core.pages import Wish
from qcasync._core.pages import read_page as read_in_one_pass
from qcasync._core.refusals import MAX_TEXT, MAX_TEXTS
from qcasync.errors import DecodeError
from qcasync.models import Chart, ChartResolution, LiveAlgorithm, OrderPage, Portfolio
from qcasync.models.quarantine import MAX_RAW

READERS: list[Callable[[bytes], Any]] = [
    read_orders,
    read_live,
    read_live_list,
    read_create,
    read_chart,
    read_portfolio,
    read_logs,
    read_insights,
    read_success,
    read_refusal,
]
STRICT_READERS = READERS[:-1]

EVENT = {
    "id": "L-1-1-1",
    "algorithmId": "L-1",
    "orderId": 1,
    "orderEventId": 1,
    "symbol": "KRNL X1",
    "time": 1738593000.5,
    "status": "filled",
    "direction": "buy",
}
ORDER = {
    "type": 0,
    "id": 1,
    "symbol": {"value": "KRNL", "id": "KRNL X1"},
    "time": "2025-02-03T14:30:00Z",
    "quantity": 2.0,
    "status": 3,
    "direction": 0,
    "events": [EVENT],
}


def page(*orders: Any, **envelope: Any) -> bytes:
    return json.dumps({"orders": orders, "length": len(orders), "success": True} | envelope).encode()


def read_page(body: bytes) -> OrderPage:
    answer = read_orders(body)
    assert isinstance(answer, OrderPage)
    return answer


def error(read: Callable[[bytes], Any], body: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        read(body)
    assert (caught.value.endpoint, caught.value.status_code) == ("", 200)
    return caught.value


FAULTS = [
    b"",
    b" ",
    b"null",
    b"[]",
    b"{",
    b"{}{}",
    b"{} trailing",
    b'{"orders": [}',
    b'{"orders": [{"id": 1}',
    b"\xef\xbb\xbf{}",
    b'{"orders": "\xff"}',
    b'{"skipped": "\xff", "success": true}',
    b"<html><title>Maintenance</title></html>",
    b"{'single': 1}",
    b'{"a": 1,}',
    b'{"a": tru}',
    b'{"a": 01}',
    b'{"a": "\x01"}',
    b'{"a": "\\ud800',
    b'{"a":' * 2_000,
    b'{"orders":' + b"[" * 100_000,
    b'{"orders":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]


@pytest.mark.parametrize("read", STRICT_READERS)
@pytest.mark.parametrize("body", FAULTS, ids=range(len(FAULTS)))
def test_what_is_no_json_object_is_a_decode_error(read: Callable[[bytes], Any], body: bytes) -> None:
    caught = error(read, body)

    assert caught.reason
    assert len(caught.excerpt) <= 200


@pytest.mark.parametrize("read", STRICT_READERS[:-1])
def test_success_without_a_payload_is_an_error(read: Callable[[bytes], Any]) -> None:
    assert error(read, b'{"success": true}').path in ("", "$")
    assert error(read, b'{"success": true, "orders": null, "live": null}').path in ("", "$")


def test_an_answer_that_tells_neither_success_nor_failure_is_no_success() -> None:
    assert read_success(b'{"success": true}') is None
    assert error(read_success, b"{}").reason == "neither success nor failure"


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (b'{"success": false}', ()),
        (b'{"success": false, "errors": []}', ()),
        (b'{"success": false, "errors": ["a", "b"]}', ("a", "b")),
        (b'{"success": false, "errors": [], "messages": ["m"]}', ("m",)),
        (b'{"success": false, "Message": "m"}', ("m",)),
        (b'{"success": false, "message": "", "error": ["e"]}', ("e",)),
        (b'{"success": false, "errors": "one text"}', ("one text",)),
        (b'{"success": false, "errors": {"3": "php"}}', ("php",)),
        (b'{"success": false, "errors": [null, "", 7, {"a": 1}, "e"]}', ("e",)),
        (b'{"success": 0, "errors": ["e"]}', ("e",)),
        (b'{"success": "false", "errors": ["e"]}', ("e",)),
        (b'{"success": null, "errors": ["e"]}', ("e",)),
        (b'{"Success": false, "Errors": ["e"]}', ("e",)),
        (b'{"errors": ["e"]}', ("e",)),
        (b'{"Message": "m"}', ("m",)),
        (b'{"success": false, "orders": [], "live": [], "errors": ["e"]}', ("e",)),
    ],
)
@pytest.mark.parametrize("read", READERS)
def test_a_refusal_is_told_in_many_ways(read: Callable[[bytes], Any], body: bytes, texts: tuple[str, ...]) -> None:
    assert read(body) == Refusal(texts)


@pytest.mark.parametrize("success", [b"true", b"1", b'"true"', b'"True"'])
def test_success_is_told_in_many_ways(success: bytes) -> None:
    assert read_success(b'{"success": ' + success + b"}") is None
    assert read_orders(b'{"orders": [], "success": ' + success + b"}") == OrderPage(orders=())


def test_texts_of_a_refusal_are_bounded() -> None:
    body = json.dumps({"success": False, "errors": ["x" * 10_000] * 1000}).encode()

    refusal = read_refusal(body)
    assert refusal is not None
    assert refusal.errors == ("x" * MAX_TEXT,) * MAX_TEXTS


@pytest.mark.parametrize("body", FAULTS, ids=range(len(FAULTS)))
def test_a_failure_without_a_json_object_has_no_refusal(body: bytes) -> None:
    assert read_refusal(body) is None


def test_a_failure_with_any_json_object_has_one() -> None:
    assert read_refusal(b'{"status": 404}') == Refusal()


@pytest.mark.parametrize(
    ("body", "progress"),
    [
        (b'{"status": "loading", "progress": 0.25, "success": true}', 0.25),
        (b'{"progress": 0}', 0.0),
        (b'{"progress": "0.5", "orders": null}', 0.5),
        (b'{"progress": null}', None),
        (b'{"progress": "soon"}', None),
        (b'{"progress": NaN}', None),
        (b'{"status": "loading"}', None),
    ],
)
def test_loading_is_told_by_status_or_progress(body: bytes, progress: float | None) -> None:
    assert read_orders(body) == Loading(progress)


def test_orders_count_more_than_word_of_loading() -> None:
    assert read_orders(b'{"orders": [], "status": "loading", "progress": 1}') == OrderPage(orders=())


def test_another_status_is_no_word_of_loading() -> None:
    assert "loading" in error(read_orders, b'{"status": "Running", "success": true}').reason


@pytest.mark.parametrize("order", [ORDER, ORDER | {"events": []}, ORDER | {"tag": None, "invented": [{}]}])
def test_a_clean_page_needs_no_second_pass(order: Any) -> None:
    strict = read_in_one_pass(page(order), Wish())

    assert strict is not None
    assert read_orders(page(order)) == strict


@pytest.mark.parametrize("key", ["Events", "trailingPercentage"])
def test_keys_of_the_other_spelling_are_not_skipped(key: str) -> None:
    trailing = ORDER | {"type": 11, "trailingAmount": 0.5, "trailingAsPercentage": True}
    renamed = {"Events": "events", "trailingPercentage": "trailingAsPercentage"}[key]
    other = {key if name == renamed else name: value for name, value in trailing.items()}

    assert read_page(page(trailing, other)).orders == read_page(page(trailing, trailing)).orders


@pytest.mark.parametrize(
    ("orders", "count"),
    [([], 0), ({}, 0), ({"7": ORDER, "9": ORDER}, 2), (ORDER, 1)],
)
def test_orders_may_come_as_an_object(orders: Any, count: int) -> None:
    assert len(read_page(page(orders=orders)).orders) == count


@pytest.mark.parametrize("orders", [7, "text", True])
def test_orders_of_any_other_type_are_an_error(orders: Any) -> None:
    caught = error(read_orders, page(orders=orders))

    assert (caught.reason, caught.path) == ("expected a list", "$.orders")


@pytest.mark.parametrize(
    ("length", "expected"), [("2", 2), (2.0, 2), (None, None), ("many", None), (10**30, None), ([], None)]
)
def test_an_odd_length_is_no_reason_to_lose_a_page(length: Any, expected: int | None) -> None:
    answer = read_page(page(ORDER, length=length))

    assert (len(answer.orders), answer.length) == (1, expected)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "expected an integer, got null at $.orders[1].id"),
        ({"id": 10**30}, "an integer beyond 64 bits at $.orders[1].id"),
        ({"quantity": "lots"}, "expected a number, got text at $.orders[1].quantity"),
        ({"events": 7}, "expected a list, got a number at $.orders[1].events"),
        ({"time": "yesterday"}, "not a date at $.orders[1].time"),
    ],
)
def test_a_broken_order_costs_no_other(change: dict[str, Any], reason: str) -> None:
    answer = read_page(page(ORDER, ORDER | change, ORDER))

    (entry,) = answer.quarantined
    assert (len(answer.orders), entry.index, entry.reason) == (2, 1, reason)
    assert json.loads(entry.raw) == ORDER | change


def test_what_is_kept_of_a_broken_order_is_bounded() -> None:
    (entry,) = read_page(page(ORDER | {"id": None, "tag": "x" * 10**6})).quarantined

    assert len(entry.raw) == MAX_RAW


def test_deep_nesting_in_one_order_costs_only_that_order() -> None:
    symbol = b'{"value":"a","id":"b","underlying":' * 800 + b"null" + b"}" * 800

    answer = read_page(page(ORDER, ORDER | {"id": "1", "symbol": "deep"}).replace(b'"deep"', symbol))
    assert [entry.reason for entry in answer.quarantined] == ["nested too deeply at $.orders[1]"]


def test_a_live_algorithm_needs_a_payload_and_survives_odd_members() -> None:
    body = (
        b'{"deployId": null, "status": "running", "launched": "soon", "cloneId": "8", "success": true, "public": NaN}'
    )

    caught = error(read_live, body)
    assert caught.path == "$.public"
    live = read_live(body.replace(b"NaN", b"1"))
    assert isinstance(live, LiveAlgorithm)
    assert (live.deploy_id, live.status.name, live.launched, live.clone_id, live.public) == (
        "",
        "RUNNING",
        None,
        8,
        True,
    )


@pytest.mark.parametrize(
    ("inner", "version", "resolution", "has_results"),
    [
        (b"{}", None, None, False),
        (b'{"results": null, "version": "x", "resolution": null}', None, None, False),
        (b'{"Results": {}, "Version": 1.0, "Resolution": "SECOND"}', 1, ChartResolution.SECOND, True),
    ],
)
def test_the_documented_form_may_lack_any_part(
    inner: bytes, version: int | None, resolution: ChartResolution | None, has_results: bool
) -> None:
    live = read_live(b'{"LiveResults": ' + inner + b', "success": true}')

    assert isinstance(live, LiveAlgorithm)
    assert (live.version, live.resolution, live.results is not None) == (version, resolution, has_results)


@pytest.mark.parametrize("inner", [b"null", b"7", b'{"results": 7}', b'{"results": {"Holdings": 7}}'])
def test_a_broken_result_is_an_error(inner: bytes) -> None:
    error(read_live, b'{"LiveResults": ' + inner + b', "success": true}')


@pytest.mark.parametrize("success", [b"true", b"1"])
def test_a_chart_may_come_in_either_spelling(success: bytes) -> None:
    today = read_chart(b'{"chart": {"name": "c", "series": {"s": {"name": "s"}}}, "success": %b}' % success)
    old = read_chart(b'{"Chart": {"Name": "c", "Series": {"s": {"Name": "s"}}}, "Success": %b}' % success)

    assert isinstance(today, Chart)
    assert today == old
    assert read_chart(b'{"status": "loading", "progress": 0.5}') == Loading(0.5)


@pytest.mark.parametrize("number", [float, Decimal])
def test_a_portfolio_may_come_in_either_spelling(number: type[float] | type[Decimal]) -> None:
    today = read_portfolio(b'{"portfolio": {"holdings": {"K": {"q": 0.10}}, "cash": []}}', number=number)
    old = read_portfolio(b'{"Portfolio": {"Holdings": {"K": {"Quantity": 0.10}}}}', number=number)

    assert isinstance(today, Portfolio)
    assert today == old
    assert str(today.holdings["K"].quantity) == ("0.1" if number is float else "0.10")


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b'{"live": []}', 0),
        (b'{"live": {}}', 0),
        (b'{"live": {"Live": {"algorithms": []}}}', 0),
        (b'{"live": {"projectId": 1, "deployId": "L-1"}}', 1),
        (b'{"live": {"5": {"projectId": 1, "deployId": "L-1"}, "7": {"projectId": 1, "deployId": "L-2"}}}', 2),
        (b'{"live": [{"projectId": 1, "deployId": "L-1", "invented": 1}]}', 1),
    ],
)
def test_a_list_of_deployments_has_many_forms(body: bytes, count: int) -> None:
    assert len(read_live_list(body)) == count  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "path"),
    [(b'{"live": [{"projectId": 1}]}', "$.live[0]"), (b'{"live": {"algorithms": 7}}', "$.live.algorithms")],
)
def test_a_broken_list_of_deployments_is_an_error(body: bytes, path: str) -> None:
    assert error(read_live_list, body).path == path


def test_a_created_deployment_needs_its_id() -> None:
    assert error(read_create, b'{"projectId": 1, "success": true}').reason == "no `deployId`"
    assert error(read_create, b'{"projectId": 1, "deployId": null, "success": true}').path == "$.deployId"


def test_an_error_shows_no_hash() -> None:
    body = b'{"live": [{"projectId": "' + b"0123456789abcdef" * 4 + b'"}], "success": true}'

    assert "0123456789abcdef" not in str(error(read_live_list, body))
