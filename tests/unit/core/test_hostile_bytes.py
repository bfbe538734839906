"""Bytes that are no JSON, or JSON that nobody should write, through every public function.

`C37`, `C38`, `C41` and `C44` are rows of the catalogue of faults by which this library was designed.
"""

import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import qcasync
from qcasync import DecodeError, OrderPage, decode_chart, decode_live, decode_orders, decode_portfolio
from tests import bodies
from tests.promises import MAX_DEPTH, examine, outcome, touch


class Answer(NamedTuple):
    """A public function with its options, a clean answer for it, and where that has its payload."""

    decode: Callable[..., Any]
    options: dict[str, bool]
    tree: dict[str, Any]
    payload: str

    @property
    def body(self) -> bytes:
        return write(self.tree)

    def outcome(self, body: bytes) -> Any:
        return outcome(self.decode, body, **self.options)


ANSWERS = {
    "orders": Answer(decode_orders, {}, bodies.ORDERS[0], "orders"),
    "orders-decimal": Answer(decode_orders, {"decimal": True}, bodies.ORDERS[0], "orders"),
    "orders-lazy": Answer(decode_orders, {"lazy_events": True}, bodies.ORDERS[0], "orders"),
    "live-flat": Answer(decode_live, {}, bodies.FLAT[0], "deployId"),
    "live-documented": Answer(decode_live, {}, bodies.DOCUMENTED[1], "LiveResults"),
    "chart": Answer(decode_chart, {}, bodies.CHARTS[0], "chart"),
    "portfolio": Answer(decode_portfolio, {}, bodies.PORTFOLIOS[0], "portfolio"),
    "portfolio-decimal": Answer(decode_portfolio, {"decimal": True}, bodies.PORTFOLIOS[0], "portfolio"),
}
every_answer = pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)


def write(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def at_depth(frames: int, work: Callable[[], Any]) -> Any:
    """Do work where the stack is as deep as in somebody's large program."""
    return work() if frames == 0 else at_depth(frames - 1, work)


@every_answer
def test_a_clean_answer_decodes(answer: Answer) -> None:
    assert not isinstance(answer.outcome(answer.body), qcasync.QuantConnectError)


@every_answer
@pytest.mark.parametrize("odd", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"], ids=bytes.hex)
@pytest.mark.parametrize("place", [b'"%b":%b', b'"skipped":"%b",%b', b'"skipped":{"a":["%b"]},%b'])
def test_c37_invalid_utf_8_is_refused_also_where_nobody_reads(answer: Answer, odd: bytes, place: bytes) -> None:
    whole = answer.body
    body = b"{" + place % (odd, b"1," if b":%b" in place else b"") + whole[1:]

    found = answer.outcome(body)
    assert isinstance(found, DecodeError)
    assert found.reason.startswith("not UTF-8 (byte ")


@every_answer
@pytest.mark.parametrize("text", [rb"\ud800", rb"\udc00\ud800", rb"\ud800\u0041"])
def test_c37_half_a_surrogate_pair_never_becomes_text(answer: Answer, text: bytes) -> None:
    for word in ("KRNL", "L-1", "Equity", "main.py", "USD", "Strategy Equity", "#4A90E2"):
        answer.outcome(answer.body.replace(word.encode(), text))
    answer.outcome(b'{"skipped":"%b",%b' % (text, answer.body[1:]))


NESTED = {"arrays": (b"[", b"1", b"]"), "objects": (b'{"a":', b"1", b"}"), "both": (b'[{"a":', b"[]", b"}]")}


@every_answer
@pytest.mark.parametrize("depth", [10**3, 10**4, 10**5, 10**6])
@pytest.mark.parametrize(("opening", "core", "closing"), NESTED.values(), ids=NESTED)
def test_c38_endless_nesting_is_no_recursion(
    answer: Answer, depth: int, opening: bytes, core: bytes, closing: bytes
) -> None:
    for nested in (opening * depth, opening * depth + core + closing * depth):
        known = write(answer.tree | {answer.payload: "@"}).replace(b'"@"', nested)
        survived = sys.version_info >= (3, 12) and depth == 10**3  # there, C code has a limit of its own
        assert survived or isinstance(answer.outcome(known), DecodeError)
        unknown = b'{"skipped":%b,%b' % (nested, answer.body[1:])
        assert survived or isinstance(answer.outcome(unknown), DecodeError)


PLACES = {
    "properties": (decode_orders, bodies.ORDERS[1], '"timeInForce":{}', '"a":@'),
    "unknown": (decode_orders, bodies.ORDERS[1], '"tag":', '"a":@,"tag":'),
    "points": (decode_chart, bodies.CHARTS[0], '"values":[', '"values":[@,'),
    "tooltip": (decode_chart, bodies.CHARTS[0], '"tooltip":"t"', '"tooltip":@'),
    "files": (decode_live, bodies.FLAT[0], '"files":[', '"files":[@,'),
    "holding": (decode_portfolio, bodies.PORTFOLIOS[0], '"KRNL X1":{', '"KRNL X1":{"a":@,"b":1,'),
}


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 150, 300, 450, 700, 900])
@pytest.mark.parametrize(("decode", "tree", "old", "new"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("frames", [0, 300])
def test_c38_what_was_decoded_can_be_used_wherever_the_stack_stands(
    decode: Callable[..., Any], tree: Any, old: str, new: str, depth: int, frames: int
) -> None:
    """What is nested so deep that it decodes only where the stack is low must not fail later, when it is used."""
    unit = b'{"value":"a","id":"b","underlying":' if "underlying" in old else b'{"a":'
    assert old in write(tree).decode()
    body = write(tree).replace(old.encode(), new.encode().replace(b"@", unit * depth + b"null" + b"}" * depth), 1)
    try:
        value = decode(body)
    except DecodeError:
        return
    at_depth(frames, lambda: (touch(value), examine(value)))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="before, one limit counts Python's frames and C's")
def test_c38_the_interpreter_survives_what_c_code_can_nest() -> None:
    for depth in (2_000, 5_000, 9_000):
        outcome(
            decode_orders, write(bodies.ORDERS[1]).replace(b'"timeInForce":{}', b'"a":' + b"[" * depth + b"]" * depth)
        )


@every_answer
def test_c41_of_duplicate_keys_the_last_wins(answer: Answer) -> None:
    expected = answer.decode(answer.body, **answer.options)

    first = b"[]" if answer.payload == "orders" else b'"L-0"' if answer.payload == "deployId" else b"{}"
    assert answer.outcome(b'{"%b":%b,%b' % (answer.payload.encode(), first, answer.body[1:])) == expected


@pytest.mark.parametrize("options", [{}, {"decimal": True}, {"lazy_events": True}], ids=["float", "decimal", "lazy"])
@pytest.mark.parametrize("repair", [b"", b'"isMarketable":1,'], ids=["clean", "repaired"])
def test_c41_of_duplicate_fields_the_last_wins(options: dict[str, bool], repair: bytes) -> None:
    whole = write(bodies.ORDERS[0])
    double = whole.replace(b'"id":1,', b'"id":5,%b"quantity":7.0,"events":[],"id":1,' % repair, 1)

    assert double != whole
    (order,) = decode_orders(double, **options).orders
    (expected,) = decode_orders(whole, **options).orders
    assert (order.id, order.quantity, order.events) == (1, expected.quantity, expected.events)


NO_ANSWERS = {
    "empty": b"",
    "blank": b" \n",
    "null": b"null",
    "true": b"true",
    "number": b"7",
    "text": b'"{}"',
    "array": b"[]",
    "nothing-told": b"{}",
    "byte-order-mark": b"\xef\xbb\xbf%b",
    "utf-16": b"\xff\xfe{\x00}\x00",
    "in-an-array": b"[%b]",
    "trailing-text": b"%b trailing",
    "trailing-brace": b"%b}",
    "trailing-nul": b"%b\x00",
    "two-documents": b"%b{}",
    "two-lines": b"%b\n%b",
    "comment": b"%b // done",
    "prefix": b")]}',\n%b",
}


@every_answer
@pytest.mark.parametrize("form", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_c44_what_is_no_single_object_is_a_decode_error(answer: Answer, form: bytes) -> None:
    found = answer.outcome(form.replace(b"%b", answer.body))

    assert isinstance(found, DecodeError)
    assert found.endpoint.startswith("live/")
    assert found.status_code == 200


@every_answer
def test_c44_an_answer_that_is_cut_off_is_a_decode_error_wherever_that_is(answer: Answer) -> None:
    for length in range(1, len(answer.body)):
        assert isinstance(answer.outcome(answer.body[:length]), DecodeError), answer.body[:length]


@every_answer
def test_c44_an_excerpt_is_short_and_shows_no_hash(answer: Answer) -> None:
    digest = "0123456789abcdef" * 4
    found = answer.outcome(write({"hash": digest, "text": "é" * 1000} | answer.tree) + digest.encode())

    assert isinstance(found, DecodeError)
    assert found.excerpt.startswith('{"hash":"[redacted]","text":"é')
    assert len(found.excerpt) == 200
    assert digest[:32] not in str(found)


@every_answer
@pytest.mark.parametrize("space", [b" ", b"\n", b"\r\n\t"])
def test_blanks_between_tokens_change_nothing(answer: Answer, space: bytes) -> None:
    body = json.dumps(answer.tree, ensure_ascii=False, indent=1).encode().replace(b"\n", space)

    assert answer.outcome(space + body + space) == answer.outcome(answer.body)


@pytest.mark.parametrize("options", [{}, {"decimal": True}, {"lazy_events": True}], ids=["float", "decimal", "lazy"])
def test_a_page_that_is_cut_in_its_last_order_gives_no_order(options: dict[str, bool]) -> None:
    """The rest of it cannot be trusted: the envelope that tells success is missing."""
    whole = write({"orders": [bodies.FULL_ORDER] * 5, "success": True})

    assert isinstance(outcome(decode_orders, whole, **options), OrderPage)
    assert isinstance(outcome(decode_orders, whole[:-40], **options), DecodeError)
