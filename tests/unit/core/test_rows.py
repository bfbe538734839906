"""Which rows of a window count, and what tells one from another."""

import pytest
from msgspec.structs import replace

from qcasync._core.rows import cut, identity, identity_of_lines
from qcasync.models import InsightPage, LogLine, LogPage, OrderPage, Quarantined, TradePage
from tests.unit.core.test_records import CLOSED, READ
from tests.unit.models.test_orders import ORDER

BROKEN = Quarantined(index=1, reason="why", raw=b"null")
PAGES = [
    OrderPage(orders=(ORDER, ORDER), quarantined=(BROKEN,), length=9),
    InsightPage(insights=(READ, READ), quarantined=(BROKEN,), length=9),
    TradePage(trades=(CLOSED, CLOSED), quarantined=(BROKEN,), length=9),
    LogPage(lines=("a", "b", "c"), length=9, deployment_offset=4),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: type(page).__name__)
@pytest.mark.parametrize("count", range(4))
def test_a_page_is_cut_at_its_end(page: OrderPage | InsightPage | TradePage | LogPage, count: int) -> None:
    found = cut(page, 40, count)
    assert (type(found), found.start, found.length, found.count) == (type(page), 40, 9, count)
    rows = list(page.rows())[:count]
    if isinstance(found, LogPage):
        assert [line.text for line in found.rows()] == [line.text for line in rows if isinstance(line, LogLine)]
        assert found.deployment_offset == 4
    else:
        assert list(found.rows()) == rows


def test_a_row_is_itself_whatever_happens_to_it() -> None:
    rows = [ORDER, READ, CLOSED, BROKEN, LogLine(number=0, text="a")]
    assert identity(rows, 0) == (ORDER.id, ORDER.time, ORDER.symbol.id)
    assert identity(rows, 1) == ("a01", READ.generated_time_at, READ.symbol)
    assert identity(rows, 2) == ("t1", CLOSED.entry_time, CLOSED.exit_time, CLOSED.quantity, CLOSED.order_ids)
    assert identity(rows, 3) == hash(b"null")
    assert identity(rows, 4) is identity(rows, 5) is identity([], 0) is None


@pytest.mark.parametrize("nothing", ["", "0" * 32])
def test_rows_without_an_id_of_their_own_are_known_by_their_times(nothing: str) -> None:
    first, second = replace(CLOSED, id=nothing), replace(CLOSED, id=nothing, entry_time=CLOSED.exit_time)
    assert identity([first], 0) == identity([replace(first, mfe=7.0)], 0) != identity([second], 0)
    one, other = replace(READ, id=nothing), replace(READ, id=nothing, generated_time_at=1.5)
    assert identity([one], 0) == identity([replace(one, score_is_final=True)], 0) != identity([other], 0)
    assert identity([one], 0) != identity([replace(one, symbol="SPX 31")], 0)


def lines(*texts: str) -> list[LogLine]:
    return [LogLine(number=number, text=text) for number, text in enumerate(texts)]


def test_pages_of_a_log_are_known_by_their_beginnings() -> None:
    """Up to the first line of another second: a server that ignores where a page begins is found out at any length."""
    early, late = "2025-06-15 15:06:41 beat", "2025-06-15 15:06:42 beat"
    assert identity_of_lines(lines(early, "more", late)) is not None
    assert identity_of_lines(lines(early, "more", late)) == identity_of_lines(lines(early, "more", late))
    assert identity_of_lines(lines(early, "more", late)) != identity_of_lines(lines(early, "else", late))
    assert identity_of_lines(lines(early, late)) == identity_of_lines(lines(early, late, "no date", late))
    assert identity_of_lines(lines(early, late)) != identity_of_lines(lines(early, early, late))
    assert identity_of_lines(lines("no date", early, late)) == identity_of_lines(lines("no date", early, late, early))
    assert identity_of_lines(lines("no date", early, late)) != identity_of_lines(lines(early, late))


@pytest.mark.parametrize("texts", [(), ("a", "b"), ("2025-06-15 15:06:41 beat",) * 250, ("2025-06-15 15:06:41 a",)])
def test_a_page_that_may_have_an_equal_is_not_known(texts: tuple[str, ...]) -> None:
    """A loop may log one text by the thousand in a second; that is no server which repeats itself."""
    assert identity_of_lines(lines(*texts)) is None
