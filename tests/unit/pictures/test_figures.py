import json
import math
import random
from datetime import UTC, datetime
from typing import Any

import msgspec
import plotly.graph_objects as go
import pytest

import qcasync
from qcasync.pictures import _thinning
from qcasync.pictures._points import Points
from qcasync.pictures.figures import chart_figure, drawdown_of, equity_figure
from qcasync.simulator.series import CHART_NAMES, make_chart
from tests.unit.pictures.drawing import BEGIN, HOSTILE, STEP, chart, equity, headings, line, order, series, traces, walk


def strict(figure: dict[str, Any]) -> dict[str, Any]:
    """What Plotly accepts, and JSON can say: no NaN."""
    go.Figure(figure)
    return json.loads(json.dumps(figure, allow_nan=False))


class TestChart:
    @pytest.mark.parametrize(
        ("number", "kind", "mode"),
        [
            (0, "scatter", "lines"),
            (1, "scatter", "markers"),
            (3, "bar", None),
            (4, "scatter", "markers"),
            (5, "scatter", "lines"),
            (6, "pie", None),
            (7, "treemap", None),
            (9, "heatmap", None),
            (10, "scatter", "markers"),
            (8, "scatter", "lines"),
            (42, "scatter", "lines"),
        ],
    )
    def test_every_type_is_drawn(self, number: int, kind: str, mode: str | None) -> None:
        figure = strict(
            chart_figure(chart(series("A", line(), seriesType=number), series("B", line(), seriesType=number)))
        )
        assert {(trace["type"], trace.get("mode")) for trace in figure["data"]} == {(kind, mode)}

    def test_candles(self) -> None:
        found = strict(chart_figure(chart(series("C", walk(4), seriesType=2))))["data"][0]
        assert found["type"] == "candlestick"
        assert found["x"] == [1000 * candle[0] for candle in walk(4)]
        assert [
            list(each) for each in zip(*(found[name] for name in ("open", "high", "low", "close")), strict=True)
        ] == [candle[1:] for candle in walk(4)]

    def test_plain_points_in_a_candle_series_are_a_line(self) -> None:
        found = strict(chart_figure(chart(series("Equity", line(), seriesType=2))))["data"][0]
        assert (found["type"], found["y"]) == ("scatter", [100.0, 101.0, 102.0, 103.0, 104.0])

    @pytest.mark.parametrize("name", CHART_NAMES)
    def test_the_simulators_charts(self, name: str) -> None:
        content = make_chart("seed", name, range(BEGIN, BEGIN + 100 * STEP, STEP))
        strict(chart_figure(qcasync_chart(content)))

    def test_gaps_are_gaps_and_a_point_between_them_is_a_dot(self) -> None:
        values = [[BEGIN, 1], [BEGIN + 1, None], [BEGIN + 2, 3], [BEGIN + 3, None], [BEGIN + 4, 5], [BEGIN + 5, 6]]
        found = strict(chart_figure(chart(series("A", values))))["data"][0]
        assert found["y"] == [1.0, None, 3.0, None, 5.0, 6.0]
        assert found["mode"] == "lines+markers"
        assert found["marker"]["size"] == [5, 0, 5, 0, 0, 0]
        assert not found.get("connectgaps")

    def test_panes_are_the_indexes_and_share_the_time_axis(self) -> None:
        figure = strict(
            chart_figure(
                chart(series("A", line(), index=3), series("B", line(), index=1), series("C", line(), index=3))
            )
        )
        axes = {name: trace["yaxis"] for name, trace in traces(figure).items()}
        assert axes == {"B": "y", "A": "y2", "C": "y2"}
        assert {trace["xaxis"] for trace in figure["data"]} == {"x"}
        low, high = figure["layout"]["yaxis2"]["domain"], figure["layout"]["yaxis"]["domain"]
        assert low[1] < high[0]
        assert figure["layout"]["xaxis"]["anchor"] == "y2"
        assert headings(figure) == ["B", ""]
        assert [trace["showlegend"] for trace in figure["data"]] == [False, True, True]

    def test_a_stacked_chart_has_a_pane_for_each_series(self) -> None:
        figure = chart_figure(chart(series("A", line()), series("B", line()), chartType=1))
        assert [trace["yaxis"] for trace in figure["data"]] == ["y", "y2"]

    def test_two_units_have_an_axis_each(self) -> None:
        figure = strict(
            chart_figure(chart(series("A", line()), series("B", line(), unit="%"), series("C", line(), unit="BTC")))
        )
        assert {name: trace["yaxis"] for name, trace in traces(figure).items()} == {"A": "y", "B": "y2", "C": "y"}
        layout = figure["layout"]
        assert layout["yaxis"]["tickformat"].startswith("$")
        assert (layout["yaxis2"]["ticksuffix"], layout["yaxis2"]["side"], layout["yaxis2"]["overlaying"]) == (
            "%",
            "right",
            "y",
        )

    def test_time_is_utc_and_says_so(self) -> None:
        axis = chart_figure(chart(series("A", line())))["layout"]["xaxis"]
        assert (axis["type"], axis["title"]["text"]) == ("date", "Time (UTC)")
        assert "UTC" in axis["hoverformat"]

    def test_colours_and_markers_are_the_series_own(self) -> None:
        told = series("A", line(), seriesType=1, color="#1234AB", scatterMarkerSymbol="triangle-down")
        marker = chart_figure(chart(told))["data"][0]["marker"]
        assert (marker["color"], marker["symbol"]) == ("#1234ab", "triangle-down")

    def test_white_on_white_is_darkened(self) -> None:
        assert chart_figure(chart(series("A", line(), color="#FFFFFF")))["data"][0]["line"]["color"] not in {
            "#ffffff",
            "#FFFFFF",
        }

    @pytest.mark.parametrize("color", ["", "red", "#12345", "#123456;x:expression(1)", "url(x)"])
    def test_what_is_no_colour_is_not_used(self, color: str) -> None:
        assert chart_figure(chart(series("A", line(), color=color)))["data"][0]["line"]["color"] == "#3366a0"

    def test_tooltips(self) -> None:
        values = [{"x": BEGIN, "y": 1, "tooltip": "in <b>"}, {"x": BEGIN + 9, "y": 2}]
        found = chart_figure(chart(series("A", values, seriesType=1)))["data"][0]
        assert found["text"] == ["in &lt;b&gt;", ""]
        assert "%{text}" in found["hovertemplate"]

    def test_stacked_areas_share_their_times(self) -> None:
        one = [[BEGIN, 10], [BEGIN + 100, 20], [BEGIN + 200, None]]
        other = [[BEGIN + 50, 1], [BEGIN + 100, 2]]
        figure = strict(chart_figure(chart(series("A", one, seriesType=5), series("B", other, seriesType=5))))
        found = traces(figure)
        assert found["A"]["x"] == found["B"]["x"] == [1000 * (BEGIN + at) for at in (0, 50, 100, 200)]
        assert found["A"]["y"] == [10.0, 15.0, 20.0, 0.0]
        assert found["B"]["y"] == [0.0, 1.0, 2.0, 0.0]
        assert found["A"]["stackgroup"] == found["B"]["stackgroup"]

    @pytest.mark.parametrize("number", [6, 7])
    def test_shares_have_the_size_of_the_last_value(self, number: int) -> None:
        told = [
            series("A", [[BEGIN, 1], [BEGIN + 1, -3]], seriesType=number),
            series("B", [[BEGIN, 2], [BEGIN + 1, None]], seriesType=number),
        ]
        found = strict(chart_figure(chart(*told)))["data"][0]
        assert found["values"] == [3.0, 2.0]
        assert found["text"] == ["\N{MINUS SIGN}&#36;3.00", "&#36;2.00"]

    def test_a_heatmap_has_a_row_for_each_series(self) -> None:
        told = [
            series("A", [[BEGIN, 1], [BEGIN + 1, None]], seriesType=9),
            series("B", [[BEGIN + 1, -5]], seriesType=9),
        ]
        figure = strict(chart_figure(chart(*told)))
        assert figure["data"][0]["z"] == [[1.0, None], [None, -5.0]]
        assert figure["layout"]["yaxis"]["ticktext"] == ["A", "B"]

    def test_times_that_no_calendar_has_are_left_out(self) -> None:
        values = [[BEGIN, 1], [10**17, 2], [-(10**17), 3], [BEGIN + 1, 4]]
        assert chart_figure(chart(series("A", values)))["data"][0]["y"] == [1.0, 4.0]

    def test_numbers_that_no_axis_can_span_are_gaps(self) -> None:
        values = [[BEGIN, 1], [BEGIN + 1, 1.7e308], [BEGIN + 2, -1.7e308], [BEGIN + 3, 4]]
        assert strict(chart_figure(chart(series("A", values))))["data"][0]["y"] == [1.0, None, None, 4.0]

    @pytest.mark.parametrize("number", [0, 1, 2, 3, 5])
    def test_points_in_any_order_are_drawn_by_time(self, number: int) -> None:
        values = walk(9) if number == 2 else line(9)
        mixed = random.Random(4).sample(values, len(values))
        figures = [chart_figure(chart(series("A", each, seriesType=number))) for each in (values, mixed)]
        assert figures[0] == figures[1]

    def test_tooltips_go_with_their_points(self) -> None:
        values = [{"x": BEGIN + at, "y": at, "tooltip": f"T{at}"} for at in (2, 0, 1)]
        assert chart_figure(chart(series("A", values, seriesType=1)))["data"][0]["text"] == ["T0", "T1", "T2"]

    def test_numbers_too_small_for_an_axis_are_0(self) -> None:
        values = [[BEGIN, 1e-300], [BEGIN + 1, -5e-324], [BEGIN + 2, 1e-280]]
        assert chart_figure(chart(series("A", values)))["data"][0]["y"] == [0.0, 0.0, 1e-280]

    def test_bars_of_a_pane_stand_side_by_side(self) -> None:
        told = [series("A", line(), seriesType=3), series("B", line(), seriesType=3, unit="%")]
        figure = strict(chart_figure(chart(*told, series("L", line()))))
        first, second = figure["data"][:2]
        assert figure["layout"]["barmode"] == "group"
        assert (first["width"], second["width"]) == (1_440_000, 1_440_000)
        assert (first["offset"], second["offset"]) == (-1_440_000, 0)

    def test_a_bar_alone_stands_at_its_time(self) -> None:
        assert "offset" not in chart_figure(chart(series("A", line(), seriesType=3)))["data"][0]

    def test_slices_that_are_named_alike_stay_apart(self) -> None:
        names = ["A", "A (2)", "A", "A", "x" * 70 + "1", "x" * 70 + "2"]
        labels = chart_figure(chart(*(series(name, line(), seriesType=6) for name in names)))["data"][0]["labels"]
        assert labels[:4] == ["A", "A (2)", "A (3)", "A (4)"]
        assert len(set(labels)) == len(names)

    def test_an_axis_tells_tiny_prices_apart(self) -> None:
        axis = chart_figure(chart(series("A", [[BEGIN, 1e-9], [BEGIN + 1, 1.5e-9]])))["layout"]["yaxis"]
        assert (axis["tickformat"], axis["hoverformat"]) == ("$,.13~f", "$,.13f")

    @pytest.mark.parametrize(
        "each", [(), (series("A", []),), (series("A", [], seriesType=2),), (series("A", [], seriesType=5),)]
    )
    def test_nothing_to_draw(self, each: tuple[dict[str, Any], ...]) -> None:
        layout = strict(chart_figure(chart(*each)))["layout"]
        assert (layout["xaxis"]["visible"], layout["yaxis"].get("visible", True)) == (bool(each), bool(each))

    def test_a_thousand_indexes_are_a_few_panes(self) -> None:
        figure = strict(chart_figure(chart(*(series(f"S{at}", line(), index=at) for at in range(100)))))
        assert len(figure["data"]) == 100
        assert len(headings(figure)) == 20

    @pytest.mark.parametrize("number", [0, 1, 4, 5, 6, 7, 9])
    def test_hostile_names_are_labels(self, number: int) -> None:
        told = [
            series(
                name,
                [{"x": BEGIN, "y": 1, "tooltip": name}],
                seriesType=number,
                unit=name,
                indexName=name,
                tooltip=name,
            )
            for name in HOSTILE
        ]
        figure = strict(chart_figure(chart(*told, name=HOSTILE[0])))
        for text in texts(figure):
            assert "<" not in text.replace("<br>", "").replace("<extra>", "").replace("</extra>", "")
            assert text.isprintable()


class TestEquity:
    def test_candles_marks_drawdown_and_the_rest(self) -> None:
        told = [order(BEGIN + 90, 10), order(BEGIN + 5 * STEP, -4)]
        figure = strict(equity_figure(equity(), told, drawdown=None))
        assert headings(figure) == ["Equity", "Drawdown", "Return"]
        assert [trace["name"] for trace in figure["data"]] == ["Equity", "Buys", "Sells", "Drawdown", "Return"]
        found = traces(figure)
        assert found["Buys"]["yaxis"] == found["Equity"]["yaxis"] == found["Sells"]["yaxis"]
        assert found["Buys"]["marker"]["symbol"] != found["Sells"]["marker"]["symbol"]

    def test_marks_lie_on_the_line_at_the_time_of_the_fill(self) -> None:
        between, on = BEGIN + 3.25 * STEP, BEGIN + 7 * STEP
        found = traces(equity_figure(equity(), [order(between, 1), order(on, 1)], drawdown=None))["Buys"]
        closes = [candle[4] for candle in walk(50)]
        assert found["x"] == [round(1000 * between), 1000 * on]
        assert found["y"] == [pytest.approx(closes[3] + 0.25 * (closes[4] - closes[3])), closes[7]]

    def test_fills_beyond_the_ends_have_the_height_of_the_end(self) -> None:
        closes = [candle[4] for candle in walk(50)]
        found = traces(equity_figure(equity(), [order(BEGIN - 9, 1), order(BEGIN + 999 * STEP, 1)], drawdown=None))
        assert found["Buys"]["y"] == [closes[0], closes[-1]]

    def test_only_fills_of_the_stretch(self) -> None:
        told = [order(BEGIN - 1, 1), order(BEGIN, 1), order(BEGIN + 10, 1), order(BEGIN + 11, 1)]
        since, until = (datetime.fromtimestamp(at, UTC) for at in (BEGIN, BEGIN + 10))
        found = traces(equity_figure(equity(), told, drawdown=None, since=since, until=until))["Buys"]
        assert found["x"] == [1000 * BEGIN, 1000 * (BEGIN + 10)]

    def test_what_a_mark_says(self) -> None:
        found = traces(equity_figure(equity(), [order(BEGIN, -1500, symbol="A<b>", price=596.125)], drawdown=None))[
            "Sells"
        ]
        assert found["text"] == ["Sell 1,500 A&lt;b&gt; at &#36;596.125<br>2024-06-03 07:33:20 UTC"]

    def test_fills_of_one_second_share_a_mark(self) -> None:
        told = [order(BEGIN + at / 10, 1, symbol=f"S{at}") for at in range(9)]
        found = traces(equity_figure(equity(), told, drawdown=None))["Buys"]
        assert len(found["x"]) == 1
        assert found["text"][0].count("Buy ") == 6
        assert "and 3 more" in found["text"][0]

    def test_an_event_that_is_told_twice_is_one_fill(self) -> None:
        told = order(BEGIN, 5)
        twice = msgspec.structs.replace(told, events=[*told.events, *told.events])
        assert traces(equity_figure(equity(), [twice], drawdown=None))["Buys"]["text"][0].count("Buy ") == 1

    def test_a_coin_keeps_its_price(self) -> None:
        found = traces(equity_figure(equity(), [order(BEGIN, 2, price=1.23e-9)], drawdown=None))["Buys"]
        assert "at &#36;0.00000000123<br>" in found["text"][0]

    def test_marks_lie_on_the_line_whatever_the_order_of_its_points(self) -> None:
        values = line(9)
        mixed = chart(series("Equity", random.Random(4).sample(values, len(values))))
        found = traces(equity_figure(mixed, [order(BEGIN + 2.5 * STEP, 1)], drawdown=None))
        assert found["Buys"]["y"] == [102.5]
        assert found["Drawdown"]["y"] == [0.0] * 9

    def test_many_marks_are_joined_and_none_is_lost(self) -> None:
        told = [order(BEGIN + at * 60, 1) for at in range(3_000)]
        found = traces(equity_figure(equity(), told, drawdown=None))["Buys"]
        assert len(found["x"]) <= 1_001
        assert sum(text.count("Buy ") for text in found["text"]) == 3_000

    def test_an_order_without_events_is_one_fill(self) -> None:
        told = order(BEGIN, -3, events=[], price=500.0, lastFillTime="2024-06-03T08:00:00Z")
        found = traces(equity_figure(equity(), [told], drawdown=None))["Sells"]
        assert found["x"] == [1000 * 1_717_401_600]

    def test_orders_that_filled_nothing_are_not_marked(self) -> None:
        told = [order(BEGIN, 0.0), order(BEGIN, 1, events=[], status=5)]
        assert "Buys" not in traces(equity_figure(equity(), told, drawdown=None))

    def test_the_drawdown_of_the_server_wins(self) -> None:
        drawn = chart(series("Equity Drawdown", [[BEGIN, 0], [BEGIN + STEP, -2.5]], unit="%"), name="Drawdown")
        assert traces(equity_figure(equity(), [], drawdown=drawn))["Drawdown"]["y"] == [0.0, -2.5]

    @pytest.mark.parametrize(
        "drawn",
        [
            None,
            chart(name="Drawdown"),
            chart(series("Equity Drawdown", []), name="Drawdown"),
            chart(series("Equity Drawdown", [[BEGIN, None]]), name="Drawdown"),
        ],
    )
    def test_else_it_is_computed(self, drawn: qcasync.Chart | None) -> None:
        values = [[BEGIN + at, close] for at, close in enumerate([100, 110, 99, None, 121, 60.5])]
        told = chart(series("Equity", values), name="Strategy Equity")
        found = traces(equity_figure(told, [], drawdown=drawn))["Drawdown"]
        assert found["y"] == [0.0, 0.0, pytest.approx(-10.0), None, 0.0, pytest.approx(-50.0)]

    def test_without_an_equity(self) -> None:
        strict(equity_figure(chart(name="Strategy Equity"), [order(BEGIN, 1)], drawdown=None))

    def test_the_simulators_drawdown_is_that_of_its_equity(self) -> None:
        times = range(BEGIN, BEGIN + 200 * STEP, STEP)
        curve = make_chart("seed", "Strategy Equity", times)["series"]["Equity"]["values"]
        told = make_chart("seed", "Drawdown", times)["series"]["Equity Drawdown"]["values"]
        closes = Points([at for at, *_ in curve], [math.nan if each[-1] is None else each[-1] for each in curve], {})
        known = [at for at, each in enumerate(curve) if each[-1] is not None]
        computed = drawdown_of(closes)
        assert known != []
        for at in known:
            assert told[at][1] == pytest.approx(computed.values[at], abs=1e-4)


class TestLong:
    """100,000 points make a figure that a browser can handle, with the same extremes."""

    def test_lines_keep_their_extremes(self) -> None:
        values = [math.sin(at / 700) + (at == 77_777) * 9 - (at == 33_333) * 9 for at in range(100_000)]
        kept = _thinning.line_points(values)
        assert len(kept) <= _thinning.POINTS
        assert list(kept) == sorted(set(kept))
        assert {0, 33_333, 77_777, 99_999} <= set(kept)

    def test_lines_keep_their_gaps(self) -> None:
        values = [math.nan if 50_000 <= at < 50_003 else 1.0 for at in range(100_000)]
        assert any(math.isnan(values[at]) for at in _thinning.line_points(values))

    def test_candles_are_joined(self) -> None:
        times = range(9_000)
        given = _thinning.Candles(
            times,
            [float(at) for at in times],
            [at + 2.0 for at in times],
            [at - 2.0 for at in times],
            [at + 1.0 for at in times],
        )
        found = _thinning.joined(given, 3)
        assert found == (
            [0, 3_000, 6_000],
            [0.0, 3_000.0, 6_000.0],
            [3_001.0, 6_001.0, 9_001.0],
            [-2.0, 2_998.0, 5_998.0],
            [3_000.0, 6_000.0, 9_000.0],
        )

    def test_candles_of_gaps_are_a_gap(self) -> None:
        nothing = [math.nan] * 4
        found = _thinning.joined(_thinning.Candles(range(4), nothing, nothing, nothing, nothing), 2)
        assert all(math.isnan(price) for price in found.close)

    def test_bars_keep_the_greatest(self) -> None:
        values = [0.1] * 10_000
        values[5_555] = -7.0
        kept = _thinning.bar_points(values)
        assert len(kept) <= _thinning.BARS
        assert 5_555 in kept

    def test_a_short_series_is_as_it_was(self) -> None:
        assert list(_thinning.line_points([1.0, math.nan, 2.0])) == [0, 1, 2]

    @pytest.mark.parametrize("number", [0, 1, 2, 3, 5, 9])
    def test_a_long_figure_is_small(self, number: int) -> None:
        values = [[BEGIN + at * 60, 100.0 + math.sin(at / 99)] for at in range(20_000)]
        if number == 2:
            values = [[at, y, y + 1, y - 1, y] for at, y in values]
        figure = chart_figure(chart(series("A", values, seriesType=number)))
        assert len(json.dumps(figure)) < 200_000


def qcasync_chart(content: dict[str, Any]) -> qcasync.Chart:
    return msgspec.json.decode(json.dumps(content), type=qcasync.Chart)


def texts(value: object) -> list[str]:
    """Every text in a figure."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []
