"""A listing is a sequence of orders that knows how it came about."""

import pickle
from collections.abc import Sequence
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import msgspec
import pytest

from qcasync.models import Anomaly, Deployment, OrderListing, Quarantined
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
