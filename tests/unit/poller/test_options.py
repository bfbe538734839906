"""A user's words about a watch, checked before anything is done."""

import math
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest

from qcasync.errors import ConfigurationError
from qcasync.models.enums import AlgorithmStatus
from qcasync.poller.options import PERIODS, RENEWED, SHORTEST, Options, Projects, options


def wanted(projects: Projects | None = (7,), **others: Any) -> Options:
    words: dict[str, Any] = {"status": None, "start": "now", "often": {}, "status_every": True, "charts": ()}
    return options(projects, **(words | others))


def test_what_a_watch_does_by_default() -> None:
    assert wanted([7, 8], often={"orders": True, "logs": False}) == Options(
        project_ids=(7, 8),
        ask=None,
        status=None,
        periods={"orders": 600.0},
        status_seconds=60.0,
        charts=(),
        from_beginning=False,
    )


def test_projects_are_ids_a_function_or_a_status() -> None:
    assert wanted(iter([8, 7, 8])).project_ids == (8, 7)

    def ask() -> Iterable[int]:
        return []

    asked = wanted(ask)
    assert (asked.project_ids, asked.ask, asked.status) == (None, ask, None)
    chosen = wanted(None, status="running")
    assert (chosen.project_ids, chosen.ask, chosen.status) == (None, None, AlgorithmStatus.RUNNING)
    assert wanted(None, status=AlgorithmStatus.STOPPED).status is AlgorithmStatus.STOPPED


def test_each_aspect_has_a_period_of_its_own() -> None:
    """Its default for True, else what is wanted, in seconds."""
    assert wanted(often=dict.fromkeys(PERIODS, True), charts=["Equity"]).periods == {
        "orders": 600.0,
        "portfolio": 600.0,
        "statistics": 60.0,
        "logs": 300.0,
        "insights": 600.0,
        "charts": 600.0,
    }
    often = {"orders": 30, "portfolio": timedelta(minutes=2), "logs": SHORTEST, "insights": False}
    assert wanted(often=often).periods == {"orders": 30.0, "portfolio": 120.0, "logs": 1.0}
    assert wanted(often={"orders": 1}).periods == {"orders": 1.0}
    assert wanted(often={}).periods == {}
    assert wanted(status_every=timedelta(seconds=90)).status_seconds == 90.0
    assert set(PERIODS) > RENEWED


def test_charts_are_looked_at_if_some_are_named() -> None:
    assert wanted(often={"charts": 60.0}).periods == {}
    named = wanted(often={"charts": 60.0}, charts=["Equity", "Own", "Equity"])
    assert (named.charts, named.periods) == (("Equity", "Own"), {"charts": 60.0})


def test_from_where_it_tells() -> None:
    assert not wanted(start="now").from_beginning
    assert wanted(start="beginning").from_beginning


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: wanted(None), "watch() needs projects to watch"),
        (lambda: wanted([7], status="Running"), "not both"),
        (lambda: wanted([]), "no projects to watch"),
        (lambda: wanted([0]), "project_id must be a positive integer"),
        (lambda: wanted(["7"]), "project_id must be a positive integer"),
        (lambda: wanted(7), "watch([7])"),
        (lambda: wanted("7"), "project ids, not '7'"),
        (lambda: wanted(None, status="Runing"), "Unknown status 'Runing'"),
        (lambda: wanted(start="yesterday"), "start must be 'now' or 'beginning', not 'yesterday'"),
        (lambda: wanted(charts="Equity"), "charts=['Equity']"),
        (lambda: wanted(charts=[" "]), "charts must not be empty"),
        (lambda: wanted(often={"orders": 0.5}), "orders=0.5 is no number of seconds"),
        (lambda: wanted(often={"orders": 0}), "orders=0 is no number of seconds"),
        (lambda: wanted(often={"logs": -1}), "300 is the default"),
        (lambda: wanted(often={"logs": timedelta(0)}), "logs=0"),
        (lambda: wanted(often={"orders": math.nan}), "orders=nan"),
        (lambda: wanted(often={"orders": math.inf}), "orders=inf"),
        (lambda: wanted(often={"orders": None}), "orders=None says neither whether to look, nor how often"),
        (lambda: wanted(often={"logs": "often"}), "seconds between two looks: logs=300"),
        (lambda: wanted(status_every=None), "status_every=None"),
        (lambda: wanted(charts=None), "charts must be names of charts, not None"),
        (lambda: wanted(status_every=0.9), "status_every=0.9"),
        (lambda: wanted(often={"charts": 0.0}, charts=["Equity"]), "charts=0"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(ask: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ask()
    assert sentence in str(caught.value)
