"""The table of operations, written a second time, and what must hold of every row."""

import dataclasses
from typing import Any

import pytest

from qcasync._core import endpoints
from qcasync._core.decoding import Loading, Refusal
from qcasync._core.endpoints import (
    ENDPOINTS,
    READ_LIVE_INSIGHTS,
    READ_LIVE_LOGS,
    READ_LIVE_ORDERS,
    READ_LIVE_TRADES,
    Endpoint,
)
from qcasync._core.retrying import Effect
from qcasync.errors import DecodeError

MIB = 2**20

TABLE = """
    AUTHENTICATE               authenticate           READ    90   1   -    -
    CREATE_LIVE_ALGORITHM      live/create            CREATE  300  64  -    trading
    READ_LIVE_ALGORITHM        live/read              READ    90   64  -    -
    READ_LIVE_ALGORITHM_LIST   live/read              READ    90   64  -    -
    LIST_LIVE_ALGORITHMS       live/list              READ    90   64  -    -
    READ_LIVE_ORDERS           live/orders/read       READ    120  16  100  -
    READ_LIVE_CHART            live/chart/read        READ    120  64  -    -
    READ_LIVE_PORTFOLIO        live/portfolio/read    READ    90   64  -    -
    READ_LIVE_LOGS             live/logs/read         READ    120 16  200  -
    READ_LIVE_INSIGHTS         live/insights/read     READ    120 16  100  -
    READ_LIVE_TRADES           live/trades/read       READ    120 16  100  -
    LIQUIDATE_LIVE_ALGORITHM   live/update/liquidate  MARKET  90   1   -    trading
    STOP_LIVE_ALGORITHM        live/update/stop       MARKET  90   1   -    trading
    CREATE_LIVE_COMMAND        live/commands/create   MARKET  90   1   -    trading
    BROADCAST_LIVE_COMMAND     live/commands/broadcast MARKET 90   1   -    trading
"""
"""Operation, path, effect, seconds for a call, MiB for an answer, rows of a window, whether trading must be allowed."""

every = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.operation)


def test_the_table() -> None:
    """Every operation is what the sources say, and there is no other."""
    assert [
        [
            row.operation,
            row.path,
            row.effect.name,
            f"{row.seconds:g}",
            f"{row.max_body_bytes / MIB:g}",
            "-" if row.window is None else str(row.window),
            "trading" if row.trading else "-",
        ]
        for row in ENDPOINTS
    ] == [line.split() for line in TABLE.strip().splitlines()]


def test_every_row_is_in_the_table_under_its_own_name() -> None:
    """`READ_LIVE_ORDERS` is found by searching for QuantConnect's name."""
    rows = {name: value for name, value in vars(endpoints).items() if isinstance(value, Endpoint)}
    assert {name: row.operation for name, row in rows.items()} == {name: name for name in rows}
    assert set(rows.values()) == set(ENDPOINTS)


@every
def test_a_path_is_joined_once(endpoint: Endpoint[object]) -> None:
    """The base URL ends with a slash, so no path begins with one; and none leads elsewhere."""
    assert endpoint.path == endpoint.path.strip("/ ")
    assert not set(endpoint.path) & set(":?#.\\@")


@every
def test_effect(endpoint: Endpoint[object]) -> None:
    """What acts on the market must be allowed, and says how to find out whether it happened; reading needs neither."""
    acts = endpoint.effect in (Effect.CREATE, Effect.MARKET)
    assert endpoint.trading is acts
    assert bool(endpoint.how_to_check) is acts
    assert endpoint.how_to_check.endswith(".") is acts


@every
def test_hints_are_sentences(endpoint: Endpoint[object]) -> None:
    """A part of the server's text, and what to do."""
    assert all(pattern and hint.endswith(".") for pattern, hint in endpoint.hints)


@every
def test_every_reader_knows_a_refusal(endpoint: Endpoint[object]) -> None:
    """Failures look alike everywhere."""
    assert endpoint.read(b'{"success":false,"errors":["no"]}') == Refusal(("no",))


@every
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"<html>", b"{}", b'{"success"'])
def test_every_reader_takes_any_bytes(endpoint: Endpoint[object], body: bytes) -> None:
    """Garbage, and a document without an answer, are a DecodeError, and never an empty collection."""
    with pytest.raises(DecodeError):
        endpoint.read(body)


def test_only_listings_of_a_snapshot_load() -> None:
    """Word of loading is understood where QuantConnect says it."""
    loading = b'{"success":true,"progress":0.5,"status":"loading"}'
    for row in (READ_LIVE_ORDERS, READ_LIVE_LOGS, READ_LIVE_INSIGHTS, READ_LIVE_TRADES):
        assert row.read(loading) == Loading(0.5)


def test_rows_do_not_change() -> None:
    """The table is data that every task shares."""
    field: Any = "path"
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(READ_LIVE_ORDERS, field, "elsewhere")


def test_decimals_are_offered_where_a_row_says_so() -> None:
    """An operation without them refuses: it must not answer with floats instead."""
    assert READ_LIVE_ORDERS.exactly().read is READ_LIVE_ORDERS.read_exactly
    with pytest.raises(LookupError, match="AUTHENTICATE"):
        endpoints.AUTHENTICATE.exactly()
