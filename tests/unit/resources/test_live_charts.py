"""`client.live.chart_names`, `list_charts` and `iter_charts`, against the simulator, in virtual time."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import anyio
import pytest

import qcasync
from qcasync.simulator import Conditions, FaultKind
from tests.support import EPOCH, world

pytestmark = pytest.mark.anyio

NOW = datetime.fromtimestamp(EPOCH, UTC)
WEEK: dict[str, Any] = {"start": NOW - timedelta(days=7), "end": NOW, "count": 50}
NAMES = (
    "Strategy Equity",
    "Drawdown",
    "Benchmark",
    "Exposure",
    "Assets Sales Volume",
    "Portfolio Turnover",
    "Portfolio Margin",
    "Signals",
)
"""The simulator's charts."""


@pytest.mark.parametrize("answer", ["flat", "results"])
async def test_chart_names(answer: Any) -> None:
    """One request, whichever form live/read answers in."""
    async with world(Conditions(live_answer=answer)) as here:
        project = here.simulator.add_project([5])
        names = await here.client.live.chart_names(project.id)
        assert names[: len(NAMES)] == NAMES
        assert here.count() == 1


async def test_every_chart_at_once() -> None:
    """One request for the names, and one round for all charts; in the order of the names."""
    async with world(Conditions(latency=1.0)) as here:
        project = here.simulator.add_project([5])
        await here.client.authenticate()
        began = anyio.current_time()
        charts = await here.client.live.list_charts(project.id, **WEEK)
        assert tuple(charts) == NAMES
        assert anyio.current_time() - began == pytest.approx(2.0)
        assert (here.count("live/read"), here.count("live/chart/read")) == (1, len(NAMES))
        alone = await here.client.live.read_chart(project.id, "Drawdown", **WEEK)
        assert charts["Drawdown"] == alone
        assert len(charts["Drawdown"].series["Equity Drawdown"].time) > 40
        assert all(chart.name == name for name, chart in charts.items())


async def test_only_some_charts() -> None:
    """The names are not asked for; a name that comes twice is read once."""
    async with world() as here:
        project = here.simulator.add_project([5])
        charts = await here.client.live.list_charts(project.id, names=["Signals", "Drawdown", "Signals"], **WEEK)
        assert tuple(charts) == ("Signals", "Drawdown")
        assert (here.count("live/read"), here.count("live/chart/read")) == (0, 2)
        assert await here.client.live.list_charts(project.id, names=[], **WEEK) == {}


async def test_the_gate_bounds_what_is_in_flight() -> None:
    async with world(Conditions(latency=1.0), max_concurrency=3) as here:
        project = here.simulator.add_project([5])
        await here.client.live.list_charts(project.id, **WEEK)
        assert here.transport.max_in_flight == 3


async def test_charts_load_side_by_side() -> None:
    """Each is put off three times; together they wait no longer than one does."""
    async with world(Conditions(loading=3)) as here:
        project = here.simulator.add_project([5])
        began = anyio.current_time()
        await here.client.live.read_chart(project.id, "Drawdown", **WEEK)
        one = anyio.current_time() - began
        other = here.simulator.add_project([5])
        assert tuple(await here.client.live.list_charts(other.id, **WEEK)) == NAMES
        assert anyio.current_time() - began < 3 * one
        assert here.count("live/chart/read") == 4 * (1 + len(NAMES))


async def test_charts_are_streamed_as_they_arrive() -> None:
    """The first is there while others are still under way, and each comes once."""
    async with world(Conditions(latency=1.0), max_concurrency=2) as here:
        project = here.simulator.add_project([5])
        seen: dict[str, float] = {}
        async with here.client.live.iter_charts(project.id, **WEEK) as charts:
            assert charts.names == NAMES
            began = anyio.current_time()
            async for name, chart in charts:
                assert chart.name == name
                seen[name] = round(anyio.current_time() - began, 6)
        assert sorted(seen) == sorted(NAMES)
        assert sorted(seen.values()) == [1, 1, 2, 2, 3, 3, 4, 4]
        assert [pair async for pair in charts] == []


async def test_a_slow_reader_holds_the_charts_back() -> None:
    """At most one chart a worker waits to be taken."""
    async with world(max_concurrency=2) as here:
        project = here.simulator.add_project([5])
        taken = 0
        async with here.client.live.iter_charts(project.id, **WEEK) as charts:
            async for _ in charts:
                taken += 1
                await anyio.sleep(1)
                assert here.count("live/chart/read") <= taken + 2
        assert taken == len(NAMES)


async def test_leaving_early_cancels_what_is_in_flight() -> None:
    async with world(Conditions(latency=1.0)) as here:
        project = here.simulator.add_project([5])
        async with here.client.live.iter_charts(project.id, **WEEK) as charts:
            await anyio.sleep(0.5)
            assert here.transport.in_flight == len(NAMES)
        assert here.transport.in_flight == 0
        requests = here.count()
        with pytest.raises(qcasync.ConfigurationError, match="The stream was left"):
            await anext(charts)
        await anyio.sleep(60)
        assert here.count() == requests


async def test_an_error_in_the_block_comes_out_as_itself() -> None:
    async with world() as here:
        project = here.simulator.add_project([5])
        with pytest.raises(ZeroDivisionError):
            async with here.client.live.iter_charts(project.id, **WEEK) as charts:
                async for _ in charts:
                    raise ZeroDivisionError


@pytest.mark.parametrize("name", ["Signal", "x' \x1b[31m\n", "n" * 5000])
async def test_an_unknown_chart_is_named(name: str) -> None:
    """Where a refusal says no more than "Invalid argument", what was asked for says which; harmlessly."""
    async with world() as here:
        project = here.simulator.add_project([5])
        with pytest.raises(qcasync.APIError, match="Invalid argument") as caught:
            await here.client.live.read_chart(project.id, name, **WEEK)
        assert f"The chart asked for was {name[:200]!r}" in caught.value.hint
        assert "chart_names" in caught.value.hint
        assert not set("\x1b\r") & set(str(caught.value))
        assert len(str(caught.value)) < 600
        with pytest.raises(qcasync.APIError, match="Invalid argument") as caught:
            await here.client.live.list_charts(project.id, names=["Drawdown", name], **WEEK)
        assert caught.value.__notes__ == [f"It was the chart {name[:200]!r} that was read."]


async def test_a_project_that_is_not_there_is_to_blame_and_not_the_chart() -> None:
    async with world() as here:
        with pytest.raises(qcasync.NotFoundError) as caught:
            await here.client.live.read_chart(4711, "Drawdown", **WEEK)
        assert caught.value.hint == ""


async def test_one_chart_that_fails_fails_them_all() -> None:
    """No part of the charts is passed off as all of them; what is in flight ends."""
    async with world(Conditions(latency=1.0)) as here:
        project = here.simulator.add_project([5])
        here.simulator.fault(FaultKind.FAILURE_LASTING, path="live/chart/read", nth=4)
        with pytest.raises(qcasync.APIError, match="permission"):
            await here.client.live.list_charts(project.id, **WEEK)
        assert here.transport.in_flight == 0


async def test_after_a_failure_nothing_more_is_read() -> None:
    """Though others could still be; whoever asks again is told the same."""
    async with world(max_concurrency=2) as here:
        project = here.simulator.add_project([5])
        here.simulator.fault(FaultKind.FAILURE_LASTING, path="live/chart/read", nth=2)
        async with here.client.live.iter_charts(project.id, **WEEK) as charts:
            await anyio.sleep(1)
            with pytest.raises(qcasync.APIError, match="permission"):
                while True:
                    await anext(charts)
                    await anyio.sleep(1)
            with pytest.raises(qcasync.APIError, match="permission"):
                await anext(charts)
            await anyio.sleep(60)
        assert here.count("live/chart/read") == 2


async def test_the_deadline_holds_for_all_of_it() -> None:
    """Names, loading, and every chart: `NotReady` says when it passed."""
    async with world(Conditions(loading=float("inf"))) as here:
        project = here.simulator.add_project([5])
        with pytest.raises(qcasync.NotReady) as caught:
            await here.client.live.list_charts(project.id, timeout=7, **WEEK)
        assert anyio.current_time() <= 7
        assert "It was the chart" in caught.value.__notes__[0]


BAD_INPUT: dict[str, tuple[Any, str]] = {
    "no project": (lambda live: live.list_charts(0, **WEEK), "positive integer"),
    "no project of names": (lambda live: live.chart_names(-1), "positive integer"),
    "reversed": (lambda live: live.list_charts(1, **WEEK | {"end": NOW - timedelta(days=9)}), "empty or reversed"),
    "of no seconds": (lambda live: live.list_charts(1, start=NOW, end=NOW + timedelta(milliseconds=1)), "empty or"),
    "one text": (lambda live: live.list_charts(1, names="Equity", **WEEK), "several names.*not 'Equity'"),
    "no names": (lambda live: live.list_charts(1, names=5, **WEEK), "several names.*not 5"),
    "no such year": (
        lambda live: live.list_charts(1, start=datetime.min.replace(tzinfo=timezone(timedelta(hours=1))), end=NOW),
        "0001-01-01 00:00:00.01:00 is out of range",
    ),
    "no zone": (lambda live: live.list_charts(1, **WEEK | {"start": datetime(2025, 1, 1)}), "has no zone"),  # noqa: DTZ001
    "no samples": (lambda live: live.list_charts(1, **WEEK | {"count": 0}), "count must be"),
    "blank name": (lambda live: live.list_charts(1, names=["Drawdown", " "], **WEEK), "must not be empty"),
    "no time": (lambda live: live.list_charts(1, timeout=0, **WEEK), "timeout must be positive"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
async def test_bad_input_is_refused_before_any_request(case: str) -> None:
    call, sentence = BAD_INPUT[case]
    async with world() as here:
        with pytest.raises(qcasync.ConfigurationError, match=sentence) as caught:
            await call(here.client.live)
        assert caught.value.hint
        assert here.count() == 0
