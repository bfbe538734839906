"""A listing is a sequence of orders that knows how it came about."""

import pickle
from collections.abc import Sequence
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from qcasync.models import (
    Anomaly,
    Deployment,
    InsightListing,
    Listing,
    LogLine,
    LogListing,
    OrderListing,
    Quarantined,
    TradeListing,
)
from tests.unit.core.test_records import CLOSED, READ
from tests.unit.models.test_orders import DEPLOY, ORDER

SECOND = msgspec.structs.replace(ORDER, id=2)
LISTING = OrderListing(
    orders=(ORDER, SECOND),
    total=3,
    observed_from=datetime(2025, 2, 3, tzinfo=UTC),
    observed_until=datetime(2025, 2, 4, tzinfo=UTC),
    complete=True,
    windows=2,
    deployments=(Deployment(number=1, deploy_id=DEPLOY, start=0, end=3),),
    anomalies=(Anomaly(kind="gap", index=2, detail="d"),),
    quarantined=(Quarantined(index=2, reason="r", raw=b"{}"),),
)


def test_a_listing_is_a_sequence_whose_slices_are_tuples() -> None:
    assert isinstance(LISTING, Sequence)
    assert (len(LISTING), LISTING[1], LISTING[-2:]) == (2, SECOND, (ORDER, SECOND))
    assert list(LISTING) == [ORDER, SECOND]
    assert SECOND in LISTING
    assert list(reversed(LISTING)) == [SECOND, ORDER]


def test_a_listing_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        LISTING.total = 4  # type: ignore[misc]


def test_the_repr_is_short_and_honest() -> None:
    assert repr(LISTING) == "<OrderListing: 2 orders in 1 deployments, complete, 1 anomalies, 1 quarantined>"
    assert "incomplete" in repr(
        OrderListing(
            orders=(),
            total=0,
            observed_from=LISTING.observed_from,
            observed_until=LISTING.observed_until,
            complete=False,
            windows=1,
        )
    )


def test_a_listing_survives_pickle() -> None:
    assert pickle.loads(pickle.dumps(LISTING)) == LISTING


HOW: dict[str, Any] = {
    "total": 2,
    "observed_from": LISTING.observed_from,
    "observed_until": LISTING.observed_until,
    "complete": True,
    "windows": 1,
}
LINE = LogLine(number=7, text="2025-06-15 15:06:41 =1+1 \x1b[31m")
INSIGHTS = InsightListing(insights=(READ, READ), **HOW)
TRADES = TradeListing(trades=(CLOSED, CLOSED), **HOW)
LOG = LogListing(lines=(LINE, LINE), deploy_id="L-1", **HOW)


@pytest.mark.parametrize("listing", [INSIGHTS, TRADES, LOG], ids=lambda listing: listing.noun)
def test_every_listing_is_a_sequence_of_its_rows(listing: Listing[object]) -> None:
    first = listing[0]
    assert isinstance(listing, Sequence)
    assert (len(listing), list(listing), listing[1:], listing.rows) == (2, [first] * 2, (first,), (first, first))
    assert repr(listing) == f"<{type(listing).__name__}: 2 {listing.noun}, complete, 0 anomalies, 0 quarantined>"
    assert pickle.loads(pickle.dumps(listing)) == listing
    with pytest.raises(FrozenInstanceError):
        listing.total = 4  # type: ignore[misc]


def test_listings_become_tables() -> None:
    """One row for each of theirs, and of orders one more table for their events."""
    assert INSIGHTS.to_arrow().column("id").to_pylist() == ["a01", "a01"]
    assert TRADES.to_arrow().column("duration").to_pylist() == [3600.0, 3600.0]
    assert LOG.to_arrow().column("number").to_pylist() == [7, 7]
    assert LOG.to_arrow().column("text").to_pylist() == [LINE.text] * 2
    assert LISTING.to_arrow().column("id").to_pylist() == [1, 2]
    assert LISTING.events_to_arrow().num_rows == sum(len(order.events) for order in LISTING) > 0
