from collections.abc import Callable
from datetime import UTC, datetime

import pytest

import qcasync
from qcasync.simulator import Simulator


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(seed=7)


@pytest.fixture
def order() -> Callable[..., qcasync.Order]:
    """Makes an order, alike but for what a test says."""

    def make(**told: object) -> qcasync.Order:
        deployment = qcasync.Deployment(number=2, deploy_id="L-0", start=40, end=60)
        alike: dict[str, object] = {
            "type": qcasync.OrderType.LIMIT,
            "id": 7,
            "symbol": qcasync.Symbol(value="SPY", id="SPY R735QTJ8XC9X"),
            "time": datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC),
            "quantity": -3.0,
            "status": qcasync.OrderStatus.PARTIALLY_FILLED,
            "direction": qcasync.OrderDirection.SELL,
            "deployment": deployment,
        }
        return qcasync.Order(**(alike | told))  # type: ignore[arg-type]

    return make
