"""Ready-made simulators."""

from qcasync.simulator.simulator import DEFAULT_NOW, Simulator


def demo(now: float = DEFAULT_NOW, *, seed: int = 7) -> Simulator:
    """One account with a small project (12 orders), one of three deployments (487 orders), and one of 25,000 orders."""
    simulator = Simulator(seed, now)
    simulator.add_project([12], name="Small")
    simulator.add_project([40, 120, 327], name="Redeployed")
    simulator.add_project([25_000], name="Large")
    return simulator
