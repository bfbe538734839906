"""Values that JSON allows and no field promises: they cost a field or an order, never the others of the page.

`C42`, `C43`, `C45` and `C46` are rows of the catalogue of faults by which this library was designed.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from qcasync import (
    AlgorithmStatus,
    ChartResolution,
    ChartType,
    LiveAlgorithm,
    LogPage,
    OpenEnum,
    OrderProperties,
    ScatterMarkerSymbol,
    SeriesType,
    decode_chart,
    decode_live,
    decode_orders,
    decode_portfolio,
)
from qcasync._core.decoding import read_logs
from tests import bodies
from tests.bodies import FULL_EVENT, FULL_ORDER
from tests.promises import outcome
from tests.unit.core.hostile import REQUIRED, Mode, Path, changed, every_mode, nodes, page_with, put, write

TOLD_OTHERWISE = {"time", "symbol", "direction"}
"""What is required, and yet found elsewhere if it is missing: `createdTime`, an empty symbol, the quantity's sign."""

OTHER_TYPES: tuple[Any, ...] = (
    None,
    True,
    7,
    -1,
    1.5,
    "text",
    "",
    [],
    {},
    [1],
    [None],
    {"a": 1},
    {"0": {}},
    [[]],
    "1",
    "é",
)


@every_mode
@pytest.mark.parametrize("path", [path for path, _ in nodes(FULL_ORDER)], ids=lambda path: ".".join(map(str, path)))
def test_c42_a_field_that_is_missing_null_renamed_or_of_another_type(path: Path, mode: Mode) -> None:
    for value in OTHER_TYPES:
        page_with(write(changed(FULL_ORDER, path, put(value))), mode)
    name = str(path[-1])
    for other in (name.upper(), name[:1].upper() + name[1:], f"x{name}", "", "events", "@deployment"):
        renamed = changed(FULL_ORDER, path, lambda inner, key, other=other: _rename(inner, key, other))
        page_with(write(renamed), mode)
    found = page_with(write(changed(FULL_ORDER, path, lambda inner, key: inner.__delitem__(key))), mode)
    if len(path) == 1:
        assert len(found.quarantined) == (name in REQUIRED - TOLD_OTHERWISE)


def _rename(inner: Any, key: Any, other: str) -> None:
    if isinstance(inner, dict):
        inner[other] = inner.pop(key)


@every_mode
@pytest.mark.parametrize("none", [None, [], {}])
def test_c42_events_that_are_null_are_no_events(none: Any, mode: Mode) -> None:
    assert page_with(write(FULL_ORDER | {"events": none}), mode).orders[1].events == ()


@every_mode
def test_c42_unknown_fields_are_ignored(mode: Mode) -> None:
    extra = {"invented": [{"a": None}], "Invented-too": 1e300, "": "", "tags": "x"}
    more = FULL_ORDER | extra | {"events": [FULL_EVENT | extra]}

    found = page_with(write(more), mode)
    assert found.orders[1] == found.orders[0]
    assert found.quirks == ()


@every_mode
def test_c42_one_broken_order_of_a_hundred_is_kept_as_it_came(mode: Mode) -> None:
    orders: list[Any] = [FULL_ORDER | {"id": number} for number in range(1, 101)]
    orders[57] |= {"id": "fifty-seven"}

    found = decode_orders(write({"orders": orders, "length": 100, "success": True}), **mode)
    assert [order.id for order in found.orders] == [number for number in range(1, 101) if number != 58]
    assert [(entry.index, entry.raw) for entry in found.quarantined] == [(57, write(orders[57]))]


@pytest.mark.parametrize("tree", [*bodies.FLAT, *bodies.DOCUMENTED, *bodies.CHARTS, *bodies.PORTFOLIOS])
def test_c42_other_answers_survive_any_change_of_one_node(tree: Any) -> None:
    decode = decode_portfolio if "portfolio" in tree else decode_chart if "chart" in tree else decode_live
    for path, _ in nodes(tree):
        for value in OTHER_TYPES:
            outcome(decode, write(changed(tree, path, put(value))))
        for token in (b"NaN", b"1e999", b"9" * 30, b"9" * 5000, rb'"\ud800"'):
            outcome(decode, write(changed(tree, path, put("@"))).replace(b'"@"', token))


MOMENT = datetime(2025, 2, 3, 14, 30, tzinfo=UTC)
DATES = {
    "2025-02-03T14:30:00Z": MOMENT,
    "2025-02-03T14:30:00": MOMENT,
    "2025-02-03 14:30:00": MOMENT,
    "2025-02-03T14:30:00.1234567Z": MOMENT.replace(microsecond=123457),
    "2016-12-31T23:59:60Z": None,
    "0001-01-01T00:00:00": None,
    "10000-01-01T00:00:00Z": None,
    "2025-02-30T00:00:00Z": None,
    "yesterday": None,
    "": None,
}
ZONED = {
    "2025-02-03T16:30:00+02:00": MOMENT,
    "2025-02-03T00:30:00-14:00": MOMENT,
    "0001-01-01T00:00:00Z": None,
    "0001-01-01T00:00:00+14:00": None,
    "9999-12-31T23:59:59-14:00": None,
}
every_date = pytest.mark.parametrize(("text", "moment"), DATES.items(), ids=[text or "empty" for text in DATES])


@every_mode
@every_date
def test_c43_a_date_is_a_moment_in_utc_or_none(text: str, moment: datetime | None, mode: Mode) -> None:
    """`outcome` holds it against the promise that its zone is UTC: to convert the year 1 would overflow."""
    found = page_with(write(FULL_ORDER | {"lastFillTime": text}), mode)
    assert found.orders[1].last_fill_time == moment
    assert (found.quirks != ()) >= (moment is None)

    required = page_with(write(FULL_ORDER | {"time": text, "createdTime": None}), mode)
    assert len(required.quarantined) == (moment is None)
    assert moment is None or required.orders[1].time == moment


@every_mode
@pytest.mark.parametrize(("text", "moment"), ZONED.items(), ids=ZONED)
def test_c43_a_server_that_writes_another_zone_is_read_in_utc(text: str, moment: datetime | None, mode: Mode) -> None:
    """A serializer writes all dates alike, so the first order of a page tells for all (decision 14)."""
    order = FULL_ORDER | {"lastFillTime": text}
    found = outcome(decode_orders, write({"orders": [order] * 3, "success": True}), **mode)
    assert [each.last_fill_time for each in found.orders] == [moment] * 3
    assert all(each.last_fill_time is None or each.last_fill_time.tzinfo is UTC for each in found.orders)


@pytest.mark.parametrize(("text", "moment"), [*DATES.items(), *ZONED.items()], ids=[*DATES, *ZONED])
def test_c43_a_date_of_a_deployment_is_a_moment_in_utc_or_none(text: str, moment: datetime | None) -> None:
    live = outcome(decode_live, write(bodies.FLAT[0] | {"launched": text, "files": [{"modified": text}]}))

    assert isinstance(live, LiveAlgorithm)
    assert (live.launched, live.files[0].modified) == (moment, moment)


@every_mode
@pytest.mark.parametrize("value", [97, -1, "sideways", "Sideways", "é", "x" * 1000])
def test_c45_an_unknown_word_is_kept(value: int | str, mode: Mode) -> None:
    event = FULL_EVENT | {"status": value, "direction": value}
    names = ("type", "status", "securityType", "direction", "priceAdjustmentMode")
    odd = FULL_ORDER | dict.fromkeys(names, value) | {"events": [event]}

    order = page_with(write(odd), mode).orders[1]
    told = (order.type, order.status, order.security_type, order.direction, order.price_adjustment_mode)
    told += (order.events[0].status, order.events[0].direction)
    assert [(word.value, word.name, word.is_known) for word in told] == [(value, "UNKNOWN", False)] * 7


@pytest.mark.parametrize("value", [97, "sideways"])
def test_c45_an_unknown_word_is_kept_in_every_answer(value: int | str) -> None:
    series = {"seriesType": value, "scatterMarkerSymbol": value}
    chart = outcome(decode_chart, write({"chart": {"chartType": value, "series": {"s": series}}, "success": True}))
    flat = outcome(decode_live, write({"status": value, "success": True}))
    documented = outcome(decode_live, write({"LiveResults": {"resolution": value}, "success": True}))

    found: list[tuple[OpenEnum, type[OpenEnum]]] = [
        (chart.chart_type, ChartType),
        (chart.series["s"].series_type, SeriesType),
        (chart.series["s"].scatter_marker_symbol, ScatterMarkerSymbol),
        (flat.status, AlgorithmStatus),
        (documented.resolution, ChartResolution),
    ]
    for word, vocabulary in found:
        assert (type(word), str(word.value), word.is_known) == (vocabulary, str(value), False)


@every_mode
def test_c46_an_empty_list_is_an_empty_dictionary_of_an_order(mode: Mode) -> None:
    for properties in ([], {"timeInForce": []}):
        found = page_with(write(FULL_ORDER | {"properties": properties, "orderSubmissionData": []}), mode)
        order = found.orders[1]
        assert order.properties == OrderProperties({} if properties == [] else properties)
        assert order.time_in_force.kind.name == "GOOD_TIL_CANCELED"
        assert order.order_submission_data.bid_price == 0


@pytest.mark.parametrize("tree", [*bodies.FLAT, *bodies.DOCUMENTED, *bodies.CHARTS, *bodies.PORTFOLIOS])
def test_c46_an_empty_list_is_an_empty_dictionary_in_every_answer(tree: Any) -> None:
    decode = decode_portfolio if "portfolio" in tree else decode_chart if "chart" in tree else decode_live
    payloads = {("chart",), ("portfolio",), ("LiveResults",), ("LiveResults", "results")}
    never_empty = {"symbol", "Symbol", "securitySymbols", "orders", "Orders", "orderEvents", "OrderEvents", "files"}
    for path, item in nodes(tree):
        if not isinstance(item, dict) or path in payloads or never_empty & set(path):
            continue
        empty = decode(write(changed(tree, path, put({}))))
        assert decode(write(changed(tree, path, put([])))) == empty, path


@every_mode
def test_half_a_character_costs_no_more_than_itself(mode: Mode) -> None:
    """A writer that cuts texts by UTF-16 leaves an escape that is no character, and msgspec refuses the whole body."""
    cut = write({**FULL_ORDER, "tag": "TAG"}).replace(b"TAG", rb"cut \ud83d")
    assert page_with(cut, mode).orders[1].tag == "cut \N{REPLACEMENT CHARACTER}"


def test_half_a_character_in_a_log_line() -> None:
    page = read_logs(rb'{"logs":["cut \ud83d","fine"],"success":true}')
    assert isinstance(page, LogPage)
    assert page.lines == ("cut \N{REPLACEMENT CHARACTER}", "fine")
