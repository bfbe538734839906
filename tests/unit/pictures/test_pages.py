import html
import json
import re
from typing import Any

import pytest
from markupsafe import Markup

import qcasync
from qcasync.pictures import images, pages
from qcasync.pictures._extra import library
from qcasync.pictures._palette import PAPER, darkened, legible
from qcasync.pictures._text import label, shown, unlabel
from qcasync.pictures.figures import chart_figure
from tests.unit.pictures.drawing import HOSTILE, chart, line, series

PLOTLY = "plotly.js v"


def embedded(page: str) -> list[object]:
    """The JSON of a page's figures."""
    return [
        json.loads(text)
        for text in re.findall(r'<script type="application/json" data-figure="[^"]*">(.*?)</script>', page)
    ]


class TestPage:
    def test_the_library_is_in_it_once(self) -> None:
        figure = chart_figure(chart(series("A", line())))
        page = pages.page("Two", [figure, figure])
        assert page.count(PLOTLY) == 1
        assert len(embedded(page)) == 2

    def test_a_page_without_figures_has_no_script(self) -> None:
        page = pages.page("Words", [Markup("<p>only words</p>")])
        assert "<script" not in page
        assert "<p>only words</p>" in page
        assert len(page) < 10_000

    def test_nothing_points_outside(self) -> None:
        page = pages.page("P", [chart_figure(chart(series("A", line())))])
        ours = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
        assert not re.findall(r"""(?:src|href|url\()\s*=?["']?(?:https?:)?//""", ours)
        assert "default-src 'none'" in html.unescape(ours)

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_is_text(self, text: str) -> None:
        figure = chart_figure(chart(series(text, line()), name=text))
        page = pages.page(text, [figure], facts=[(text, text)], note=text)
        ours = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
        assert "<img" not in ours
        assert "<a " not in ours
        assert ours.count("</script>") == 2  # the figure, and what is dark
        assert all(character.isprintable() or character == "\n" for character in ours)
        assert html.escape(shown(text, 120)) in ours or str(Markup.escape(shown(text, 120))) in ours

    def test_a_title_is_a_heading_unless_it_is_the_pages(self) -> None:
        figure = chart_figure(chart(series("A", line()), name="R&D"))
        assert "<h2>R&amp;D</h2>" in pages.page("Other", [figure])
        assert "<h2>" not in pages.page("R&D", [figure])

    def test_the_figure_stays_as_it_was(self) -> None:
        figure = chart_figure(chart(series("A", line())))
        before = json.dumps(figure)
        pages.page("P", [figure])
        assert json.dumps(figure) == before

    def test_text_of_unknown_origin_is_refused(self) -> None:
        with pytest.raises(TypeError, match="Markup"):
            pages.page("P", ["<p>whose?</p>"])  # type: ignore[list-item]

    def test_data_cannot_end_its_element(self) -> None:
        figure = chart_figure(chart(series("A", line())))
        figure["data"][0]["customdata"] = ["</script><!--<script>", "\u2028&amp;"]
        page = pages.page("P", [figure])
        found: Any = embedded(page)
        assert found[0]["data"][0]["customdata"] == figure["data"][0]["customdata"]
        assert "<!--" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)

    def test_the_page_that_draws_images_loads_nothing_from_the_network(self) -> None:
        assert "http" not in images._drawing_page().generate_index()

    def test_facts_and_the_note(self) -> None:
        page = pages.page("P", [], facts=[("Observed", "2024-06-01 12:00:00 UTC")])
        assert "<dt>Observed</dt><dd>2024-06-01 12:00:00 UTC</dd>" in page
        assert "Times are UTC" in page


class TestText:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_a_label_shows_the_text_and_is_read_as_nothing_else(self, text: str) -> None:
        found = label(text, 1_000)
        assert unlabel(found) == shown(text, 1_000)
        assert not set("<>$") & set(found)

    def test_long_text_is_cut(self) -> None:
        assert label("x" * 100) == "x" * 59 + "…"

    def test_what_steers_is_shown(self) -> None:
        assert shown("a\u202eb\x1b[1m\n") == "a\\u202eb\\x1b[1m\\n"


class TestColours:
    @pytest.mark.parametrize("color", ["#ffffff", "#fefefe", "#ffff00", "#c0c0c0"])
    def test_pale_ones_are_seen_on_white(self, color: str) -> None:
        assert legible(color, PAPER.light) != color

    @pytest.mark.parametrize("color", ["#000000", "#d55e00", "#0072b2"])
    def test_others_stay(self, color: str) -> None:
        assert legible(color, PAPER.light) == color

    def test_every_colour_of_a_series_gets_a_dark_one(self) -> None:
        figure = chart_figure(
            chart(series("A", line(), color="#000080"), series("B", line(), color="#EEEE00", seriesType=6))
        )
        found = darkened([figure])
        assert found["#000080"] == legible("#000080", PAPER.dark) != "#000080"
        assert all(
            legible(dark, PAPER.dark) == dark
            for light, dark in found.items()
            if light not in {PAPER.light, "#e8eaed", "#c3c9d0"} and dark[0] == "#"
        )


class TestExtra:
    def test_what_is_missing_says_how_to_get_it(self) -> None:
        with pytest.raises(qcasync.ConfigurationError) as refused:
            library("no_such_library.part", "A PNG")
        assert "A PNG needs no_such_library." in str(refused.value)
        assert "pip install 'qcasync[plot]'" in str(refused.value)
