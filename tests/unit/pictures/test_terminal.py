import re

import pytest

from qcasync.pictures._cells import cells
from qcasync.pictures._ticks import moments, ticks, told
from qcasync.pictures.figures import chart_figure, equity_figure
from qcasync.pictures.terminal import draw
from tests.unit.pictures.drawing import BEGIN, HOSTILE, STEP, chart, equity, line, order, series, walk

STYLE = re.compile(r"\x1b\[[0-9;]*m")


class TestDraw:
    def test_the_equity_with_its_marks(self) -> None:
        told = [order(BEGIN + 9 * STEP, 1), order(BEGIN + 30 * STEP, -1)]
        text = draw(equity_figure(equity(), told, drawdown=None), 100, 40, color=False)
        assert [name for name in ("Equity", "▲ Buys", "▼ Sells", "Drawdown", "Return") if name not in text] == []
        body = text.split("Drawdown")[0].split("\n", 1)[1]
        assert (body.count("▲"), body.count("▼")) == (1, 1)
        assert "$" in body
        assert any("\u2800" < character < "\u2900" for character in body)

    @pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 27), (60, 30), (120, 50), (40, 12), (200, 100)])
    def test_it_fits(self, width: int, height: int) -> None:
        text = draw(equity_figure(equity(), [order(BEGIN, 1)], drawdown=None), width, height, color=False)
        lines = text.splitlines()
        assert max(map(len, lines)) <= width
        assert len(lines) <= max(height, 10)

    def test_without_colour_there_are_no_escapes(self) -> None:
        figure = equity_figure(equity(), [order(BEGIN, 1)], drawdown=None)
        assert "\x1b" not in draw(figure, 80, 24, color=False)
        coloured = draw(figure, 80, 24)
        assert "\x1b[38;5;" in coloured
        assert "\x1b" not in STYLE.sub("", coloured)

    def test_ascii(self) -> None:
        text = draw(equity_figure(equity(), [order(BEGIN, 1)], drawdown=None), 80, 24, color=False, ascii_only=True)
        assert text.isascii()
        assert "^" in text

    def test_gaps_are_not_bridged(self) -> None:
        values = [[BEGIN + at * 60, None if 30 < at < 70 else 1.0] for at in range(100)]
        text = draw(chart_figure(chart(series("A", values))), 80, 12, color=False, ascii_only=True)
        longest = max(re.findall(r"\*[* ]*\*", text), key=len)
        assert "   " in longest

    def test_shares_are_bars(self) -> None:
        told = [series("SPY", [[BEGIN, 30]], seriesType=7), series("AAPL", [[BEGIN, 10]], seriesType=7)]
        first, second = draw(chart_figure(chart(*told)), 80, 24, color=False).splitlines()
        assert first.split()[0] == "SPY"
        assert first.split()[-1] == "$30.00"
        assert first.count("█") == pytest.approx(3 * second.count("█"), abs=2)

    @pytest.mark.parametrize("number", [0, 6])
    @pytest.mark.parametrize("name", ["A rather long name of a series", "名前の長い系列", "e\u0301" * 30])
    def test_many_long_names_fit(self, number: int, name: str) -> None:
        told = [series(f"{name} {at}", [[BEGIN, 9e22 + at]], seriesType=number) for at in range(40)]
        lines = draw(chart_figure(chart(*told)), 40, 20, color=False).splitlines()
        assert max(map(cells, lines)) <= 40
        assert len(lines) <= 20
        assert "…" in lines[0] or number == 6

    def test_shares_without_room_are_counted(self) -> None:
        told = [series(f"S{at}", [[BEGIN, at]], seriesType=7) for at in range(40)]
        lines = draw(chart_figure(chart(*told)), 80, 12, color=False).splitlines()
        assert [text.split()[0] for text in lines[:2]] == ["S39", "S38"]
        assert lines[-1] == f" and {40 - (len(lines) - 1)} more"

    def test_what_has_no_room_is_named(self) -> None:
        text = draw(chart_figure(chart(*(series(f"S{at}", line(), index=at) for at in range(6)))), 80, 20, color=False)
        assert "not shown here: S2, S3, S4, S5" in text

    @pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 42])
    def test_every_type_with_hostile_names(self, number: int) -> None:
        values = walk(5) if number == 2 else line()
        told = [series(name, values, seriesType=number, unit=name) for name in HOSTILE]
        text = STYLE.sub("", draw(chart_figure(chart(*told, name=HOSTILE[0])), 80, 24))
        assert all(character.isprintable() or character == "\n" for character in text)

    @pytest.mark.parametrize(
        "values",
        [
            [],
            [[BEGIN, 5]],
            [[BEGIN, None]],
            [[BEGIN, 0], [BEGIN + 60, 0]],
            [[253402300799, 1]],
            [[BEGIN, 0], [BEGIN + 1, 5e-324]],
        ],
    )
    def test_little_to_draw(self, values: list[list[float]]) -> None:
        assert draw(chart_figure(chart(series("A", values))), 80, 24, color=False)


class TestTicks:
    @pytest.mark.parametrize(
        ("low", "high", "most", "expected"),
        [
            (98_400, 106_000, 5, ["$100,000", "$102,000", "$104,000", "$106,000"]),
            (-2.3, 0, 3, ["-$2", "$0"]),
            (0.1, 0.14, 5, ["$0.10", "$0.12", "$0.14"]),
            (5, 5, 4, ["$5"]),
        ],
    )
    def test_round_numbers(self, low: float, high: float, most: int, expected: list[str]) -> None:
        assert told(ticks(low, high, most), "$", "") == expected

    @pytest.mark.parametrize(
        ("span", "last"), [(10 * 86_400_000, "2024-06-13"), (3_600_000, "06-03 08:33"), (60_000, "07:34:20")]
    )
    def test_moments_say_what_differs(self, span: int, last: str) -> None:
        assert moments(BEGIN * 1000, BEGIN * 1000 + span, 3)[1][-1] == last
