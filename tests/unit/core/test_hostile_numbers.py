"""Numbers that JSON allows, or not even that, and no field promises: they cost a field or an order, never the others.

`C39` and `C40` are rows of the catalogue of faults by which this library was designed.
"""

from decimal import Decimal
from typing import Any

import pytest

from qcasync import DecodeError, decode_orders, decode_portfolio
from tests.bodies import FULL_EVENT, FULL_ORDER
from tests.promises import outcome
from tests.unit.core.hostile import (
    REQUIRED,
    REQUIRED_OF_EVENT,
    Mode,
    Path,
    changed,
    every_mode,
    nodes,
    page_with,
    put,
    write,
)


def numbers(tree: Any) -> list[Path]:
    return [path for path, item in nodes(tree) if type(item) in (int, float)]


@every_mode
@pytest.mark.parametrize("token", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1E+999", b'"NaN"'], ids=bytes.decode)
def test_c39_a_number_that_is_none_costs_at_most_its_order(token: bytes, mode: Mode) -> None:
    for path in numbers(FULL_ORDER):
        odd = write(changed(FULL_ORDER, path, put("@"))).replace(b'"@"', token)
        found = page_with(odd, mode)

        name = path[0]
        if len(path) == 1 and name not in REQUIRED and isinstance(FULL_ORDER[name], float):
            exact = "decimal" in mode and b"99" in token and b'"' not in token  # a decimal can be as large as that
            assert exact or [f"{name}: not a finite number"] == list(found.quirks)
            assert not found.quarantined


@every_mode
def test_c39_a_number_that_is_none_costs_no_event(mode: Mode) -> None:
    """An order without its events would lose them in silence: what an event cannot do without makes it unreadable."""
    for path in numbers(FULL_EVENT):
        odd = write(changed(FULL_ORDER, ("events", 0, *path), put("@"))).replace(b'"@"', b"NaN")
        found = page_with(odd, mode)
        for order in found.orders:
            try:
                assert len(order.events) == 1, path
            except DecodeError:
                assert "lazy_events" in mode
                assert path[0] in REQUIRED_OF_EVENT


@every_mode
def test_c39_a_combo_is_no_single_order_because_a_number_is_none(mode: Mode) -> None:
    for path in numbers(FULL_ORDER["groupOrderManager"]):
        odd = write(changed(FULL_ORDER, ("groupOrderManager", *path), put("@"))).replace(b'"@"', b"NaN")
        assert all(order.group_order_manager is not None for order in page_with(odd, mode).orders), path


@every_mode
@pytest.mark.parametrize("token", [b"-0", b"-0.0", b"0e5", b"-0E-300"], ids=bytes.decode)
def test_c39_minus_zero_is_a_number(token: bytes, mode: Mode) -> None:
    odd = write(FULL_ORDER | {"price": "@"}).replace(b'"@"', token)

    found = page_with(odd, mode)
    assert found.orders[1].price == 0
    assert (found.quirks, found.quarantined) == ((), ())


@every_mode
@pytest.mark.parametrize("digits", [20, 30, 5000])
def test_c40_an_integer_beyond_64_bits_costs_only_its_order(digits: int, mode: Mode) -> None:
    integers = [path for path, item in nodes(FULL_ORDER) if type(item) is int]
    for path in integers:
        for sign in (b"", b"-"):
            odd = write(changed(FULL_ORDER, path, put("@"))).replace(b'"@"', sign + b"9" * digits)
            found = page_with(odd, mode)
            if path[0] in ("id", "contingentId"):
                assert [entry.index for entry in found.quarantined] == [1]


@every_mode
@pytest.mark.parametrize("kept", [2**63 - 1, -(2**63) + 1])
def test_c40_an_integer_of_64_bits_is_kept(kept: int, mode: Mode) -> None:
    assert page_with(write(FULL_ORDER | {"id": kept, "contingentId": kept}), mode).orders[1].id == kept


@every_mode
def test_c40_an_integral_float_is_an_integer(mode: Mode) -> None:
    odd = FULL_ORDER | {"id": 7.0, "contingentId": 8.0, "events": [FULL_EVENT | {"orderId": 7.0, "orderEventId": 2.0}]}

    found = page_with(write(odd), mode)
    order = found.orders[1]
    assert (order.id, order.contingent_id, order.events[0].order_id, order.events[0].order_event_id) == (7, 8, 7, 2)
    assert [type(number) for number in (order.id, order.events[0].order_id)] == [int, int]


@pytest.mark.parametrize("digits", ["79228162514264337593543950335.0", "0.123456789012345678901234567891", "7.9E+28"])
@pytest.mark.parametrize("repair", [b"", b'"isMarketable":1,'], ids=["clean", "repaired"])
def test_c40_a_decimal_of_30_digits_is_exact_if_asked_for(digits: str, repair: bytes) -> None:
    order = (
        b"{" + repair + write(FULL_ORDER | {"price": "@", "isMarketable": True}).replace(b'"@"', digits.encode())[1:]
    )
    order = order.replace(b',"isMarketable":true', b"") if repair else order
    body = b'{"orders":[%b],"success":true}' % order

    assert decode_orders(body).orders[0].price == float(digits)
    assert str(decode_orders(body, decimal=True).orders[0].price) == str(Decimal(digits))


@pytest.mark.parametrize("token", ["1e999999999999999999999999999999", "1e-999999999999999999999999999999", "9" * 5000])
def test_c40_an_absurd_exponent_is_no_number_for_decimals_either(token: str) -> None:
    for name in ("price", "quantity"):
        page_with(write(FULL_ORDER | {name: "@"}).replace(b'"@"', token.encode()), {"decimal": True})
    holding = write({"portfolio": {"holdings": {"A": {"q": "@"}}}, "success": True}).replace(b'"@"', token.encode())
    for options in ({}, {"decimal": True}):
        outcome(decode_portfolio, holding, **options)


@pytest.mark.parametrize("text", ["1_0", "٣", "0x10", "1e5_0"])
def test_c42_text_that_only_python_takes_for_a_number_is_none(text: str) -> None:
    assert page_with(write(FULL_ORDER | {"quantity": text}), {}).quarantined
