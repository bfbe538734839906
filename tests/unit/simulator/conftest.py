import pytest

from qcasync.simulator import Simulator

from .calling import Caller


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(seed=7)


@pytest.fixture
def call(simulator: Simulator) -> Caller:
    return Caller(simulator)
