import time

from qcasync.simulator import Server, Simulator, demo


def test_the_fixtures_of_the_plugin(qc_simulator: Simulator, qc_server: Server) -> None:
    assert qc_server.simulator is qc_simulator
    assert abs(qc_simulator.now - time.time()) < 60


def test_the_demonstration() -> None:
    simulator = demo()
    assert [sum(deployment.snapshot.size for deployment in project.deployments) for project in simulator.projects] == [
        12,
        487,
        25_000,
    ]
