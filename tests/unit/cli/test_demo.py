"""What the demonstration says when something is not as it should be. That all is well is told in tests/integration."""

import math
import time

import pytest

from qcasync.cli.demo import perform
from qcasync.cli.settings import Settings
from qcasync.simulator import FaultKind, Simulator


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(seed=7, now=time.time())


def test_what_cannot_be_read_or_decoded_is_not_verified(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator.add_project([12], name="Well")
    broken = simulator.add_project([150], name="Broken")
    simulator.conditions.broken_orders = frozenset({120})
    failing = simulator.add_project([40], name="Failing")
    simulator.fault(FaultKind.FAILURE_LASTING, project_id=failing.id, times=math.inf)
    assert not perform(simulator, Settings())
    out, err = capsys.readouterr()
    verdicts = {line.split()[0]: line.split()[-1] for line in out.splitlines() if "✓" in line or "✗" in line}
    assert verdicts == {"Well": "yes", "Broken": "no", "Failing": "no"}
    assert f"warning: {broken.name}: order 120 was not decoded" in err
    assert "error: live/orders/read: QuantConnect refused the request" in err
    assert "Verified" not in err
