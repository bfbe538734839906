"""Every change survives being written down."""

import msgspec
import pytest

from qcasync._core.change_codec import decode_change, encode_change
from qcasync.models.changes import (
    Change,
    Gap,
    InsightAdded,
    OrderAdded,
    OrderChanged,
    OrderEventAdded,
    OrderEventAmended,
)
from qcasync.models.enums import InsightDirection, InsightType, OrderStatus
from qcasync.models.insights import Insight
from tests.unit.core.test_deltas import A, event, moment, order

COMMON = {"project_id": 7, "key": "key", "sequence": 3, "observed_at": moment(0), "attempt": 2}


@pytest.mark.parametrize(
    "change",
    [
        OrderAdded(**COMMON, deployment=1, deploy_id=A, index=4, order=order()),
        OrderChanged(**COMMON, deployment=1, deploy_id=None, index=4, order=order(status=OrderStatus(77))),
        OrderEventAdded(**COMMON, deployment=1, order_id=1, position=0, event=event(1)),
        OrderEventAdded(**COMMON, deployment=1, order_id=1, position=0, event=event(1, status=OrderStatus("novel"))),
        OrderEventAmended(
            **COMMON, deployment=1, order_id=1, position=0, event=event(1, status=OrderStatus.PARTIALLY_FILLED)
        ),
        InsightAdded(
            **COMMON,
            index=0,
            insight=Insight(
                id="i",
                generated_time_at=1.0,
                close_time_at=2.0,
                symbol="SPY R735QTJ8XC9X",
                type=InsightType.PRICE,
                direction=InsightDirection.UP,
                period=60.0,
            ),
        ),
        Gap(**COMMON, what="logs", deploy_id=None, detail="some"),
    ],
    ids=lambda change: type(change).__name__,
)
def test_there_and_back(change: Change) -> None:
    assert decode_change(encode_change(change)) == change


def test_events_say_their_status_in_words() -> None:
    told = OrderEventAdded(**COMMON, deployment=1, order_id=1, position=0, event=event(1))
    assert msgspec.json.decode(encode_change(told))["event"]["status"] == "submitted"


def test_what_somebody_else_wrote_is_an_error() -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_change(b'{"kind": "novel"}')
