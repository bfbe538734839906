"""A project's list joins its deployments: where each begins, and what is odd."""

from datetime import UTC, datetime

import pytest

from qcasync._core.runs import DeploymentRuns
from qcasync.models.deployments import Deployment
from qcasync.models.enums import OrderDirection, OrderStatus, OrderType
from qcasync.models.order_events import OrderEvent
from qcasync.models.orders import Order
from qcasync.models.quarantine import Quarantined
from qcasync.models.symbols import Symbol

AAPL = Symbol(id="AAPL R735QTJ8XC9X", value="AAPL")


def order(order_id: int, *deploy_ids: str, event_order_id: int | None = None, event_ids: str = "123456789") -> Order:
    """An order with one event per deployment id."""
    return Order(
        id=order_id,
        type=OrderType.MARKET,
        symbol=AAPL,
        time=datetime(2026, 1, 2, tzinfo=UTC),
        quantity=1.0,
        status=OrderStatus.FILLED,
        direction=OrderDirection.BUY,
        events=tuple(
            OrderEvent(
                id=f"{deploy_id}-{order_id}-{event_id}",
                algorithm_id=deploy_id,
                order_id=order_id if event_order_id is None else event_order_id,
                order_event_id=int(event_id),
                symbol=AAPL.id,
                time_at=0.0,
                status=OrderStatus.FILLED,
                direction=OrderDirection.BUY,
            )
            for deploy_id, event_id in zip(deploy_ids, event_ids, strict=False)
        ),
    )


def rows(script: str) -> list[Order | Quarantined]:
    """Rows from words: `2A` is order 2 of deployment A, `2` one without events, `?` one that cannot be decoded."""
    broken = Quarantined(index=0, reason="broken", raw=b"")
    return [
        broken if word == "?" else order(int(word.rstrip("AB")), *word.lstrip("0123456789")) for word in script.split()
    ]


TABLE = [
    pytest.param("", "", [], id="nothing"),
    pytest.param("1A 2A 3A", "111", [("A", 0, 3)], id="one deployment"),
    pytest.param("1 2 3", "111", [(None, 0, 3)], id="one without any event"),
    pytest.param("1 2A 3", "111", [("A", 0, 3)], id="named by a later order"),
    pytest.param("1A 2A 1B 2B", "1122", [("A", 0, 2), ("B", 2, 4)], id="two deployments"),
    pytest.param("1A 1B", "12", [("A", 0, 1), ("B", 1, 2)], id="two of one order each"),
    pytest.param("1 2 1 2", "1122", [(None, 0, 2), (None, 2, 4)], id="two without events: ids restart"),
    pytest.param("1A 2A 1 2", "1122", [("A", 0, 2), (None, 2, 4)], id="the second has no event"),
    pytest.param("1 1B", "12", [(None, 0, 1), ("B", 1, 2)], id="the first has no event"),
    pytest.param("1A ? 3A", "111", [("A", 0, 3)], id="a broken row inside"),
    pytest.param("? 2A", "11", [("A", 0, 2)], id="a broken row first"),
    pytest.param("? ? 1A", "111", [("A", 0, 3)], id="broken rows first, of whichever deployment"),
    pytest.param("1A ? 1B", "112", [("A", 0, 2), ("B", 2, 3)], id="a broken row between"),
    pytest.param("1A ? ? 2B", "1112", [("A", 0, 3), ("B", 3, 4)], id="the second one's first order is broken"),
    pytest.param("?", "1", [], id="nothing but a broken row"),
]


@pytest.mark.parametrize(("script", "numbers", "deployments"), TABLE)
def test_runs(script: str, numbers: str, deployments: list[tuple[str | None, int, int]]) -> None:
    """Every row gets its deployment's number, and nothing is odd about a list that is in order."""
    runs = DeploymentRuns()
    assert runs.rows_read(0, rows(script)) == [int(number) for number in numbers]
    assert runs.deployments == tuple(
        Deployment(number=number, deploy_id=deploy_id, start=start, end=end)
        for number, (deploy_id, start, end) in enumerate(deployments, 1)
    )
    assert runs.anomalies == []


@pytest.mark.parametrize(("script", "numbers", "deployments"), TABLE)
def test_runs_in_pages(script: str, numbers: str, deployments: list[tuple[str | None, int, int]]) -> None:
    """It makes no difference where a page ends."""
    whole, paged = DeploymentRuns(), DeploymentRuns()
    given = whole.rows_read(0, rows(script))
    assert [paged.rows_read(index, [row])[0] for index, row in enumerate(rows(script))] == given
    assert paged.deployments == whole.deployments


NOT_FIRST = "the first order id of a deployment is"
TWICE = "deployment A appears in two places"


@pytest.mark.parametrize(
    ("script", "anomalies"),
    [
        pytest.param("1A 3A", ["gap 1: order id 3 follows 1"], id="an id is missing"),
        pytest.param("1A ? 4A", ["gap 2: order id 4 follows 1"], id="more missing than broken"),
        pytest.param("1A 2A 2A", ["disorder 2: order id 2 follows 2 in one deployment"], id="an id twice"),
        pytest.param(
            "1A 3A 2A",
            ["gap 1: order id 3 follows 1", "disorder 2: order id 2 follows 3 in one deployment"],
            id="exchanged",
        ),
        pytest.param("2A", [f"gap 0: {NOT_FIRST} 2"], id="does not begin at 1"),
        pytest.param("0A", [f"gap 0: {NOT_FIRST} 0"], id="begins below 1"),
        pytest.param("? 3A", [f"gap 1: {NOT_FIRST} 3"], id="nor with a broken row"),
        pytest.param("1A 3B", [f"gap 1: {NOT_FIRST} 3"], id="nor the second one"),
        pytest.param("1A 1B 2A", [f"gap 2: {NOT_FIRST} 2", f"split 2: {TWICE}"], id="torn in two"),
        pytest.param("1A 1B 1 2A", [f"split 3: {TWICE}"], id="torn, and named late"),
        pytest.param("1AB", ["mixed 0: events of order 1 name several deployments"], id="events of two deployments"),
    ],
)
def test_anomalies(script: str, anomalies: list[str]) -> None:
    """What breaks the order of the list is told with its place; no row is dropped for it."""
    runs = DeploymentRuns()
    assert len(runs.rows_read(0, rows(script))) == len(script.split())
    assert [f"{odd.kind} {odd.index}: {odd.detail}" for odd in runs.anomalies] == anomalies


def test_events_of_another_order() -> None:
    """An event that names another order, and two events of one id, are told."""
    runs = DeploymentRuns()
    runs.rows_read(40, [order(1, "A", event_order_id=9), order(2, "A", "A", event_ids="11")])
    assert [(odd.kind, odd.index, odd.detail) for odd in runs.anomalies] == [
        ("foreign_event", 40, "an event of order 1 names another order"),
        ("duplicate_event", 41, "order 2 has two events of the same id"),
    ]


def test_indexes_begin_where_the_caller_says() -> None:
    """A listing that starts in the middle has the list's own indexes."""
    runs = DeploymentRuns()
    runs.rows_read(100, rows("? 2A"))
    assert runs.deployments == (Deployment(number=1, deploy_id="A", start=100, end=102),)


def test_reading_may_begin_in_the_middle_of_a_deployment() -> None:
    """How it began is then nobody's business; how the next one begins is."""
    runs = DeploymentRuns(start=388)
    assert runs.rows_read(388, [order(349, "A"), order(350, "A"), order(1, "B")]) == [1, 1, 2]
    assert runs.anomalies == []
    assert runs.deployments == (
        Deployment(number=1, deploy_id="A", start=388, end=390),
        Deployment(number=2, deploy_id="B", start=390, end=391),
    )
    runs.rows_read(391, [order(7, "C")])
    assert [(each.kind, each.index) for each in runs.anomalies] == [("gap", 391)]
