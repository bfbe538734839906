"""What a body is before it is decoded."""

import json
import re

import msgspec
import pytest

from qcasync._core.screening import excerpt, html_title, mend, quote_numbers, screen, undecodable, unquote_numbers
from qcasync.errors import DecodeError


@pytest.mark.parametrize("body", [b"{}", b" \r\n\t{", '{"a": "é"}'.encode(), b"{ this is for msgspec to refuse"])
def test_what_may_be_a_json_object_passes(body: bytes) -> None:
    screen(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "an empty body"),
        (b" \n", "an empty body"),
        (b"null", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'"{}"', "not a JSON object"),
        (b"\xef\xbb\xbf{}", "not a JSON object"),
        (b"\xff\xfe{\x00}\x00", "not a JSON object"),
        (b"<xml/>", "not a JSON object"),
        (b'{"a": "\xff"}', "not UTF-8 (byte 7)"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8 (byte 7)"),
        (b"<!DOCTYPE html><html>", "HTML, perhaps a proxy or maintenance page"),
        (
            b"<html><title>502 Bad\n Gateway</title>",
            "HTML titled '502 Bad Gateway', perhaps a proxy or maintenance page",
        ),
        (b"<title>" + b"a" * 64, "HTML titled '[redacted]', perhaps a proxy or maintenance page"),
    ],
)
def test_what_cannot_be_one_is_named(body: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=f"^{re.escape('the answer cannot be decoded: ' + reason)}") as caught:
        screen(body)
    assert (caught.value.reason, caught.value.path) == (reason, "")


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b"", None),
        (b"{}", None),
        (b"<htmlx>", None),
        (b"<html><body>", ""),
        (b"\n\xef\xbb\xbf <!-- hello --><title lang='en'> a  b </title>", "a b"),
        (b"<HTML><TITLE>\xff</TITLE>", "\ufffd"),
    ],
)
def test_the_title_of_a_page(body: bytes, title: str | None) -> None:
    assert html_title(body) == title


def test_an_excerpt_is_short_and_shows_no_hash() -> None:
    shown = excerpt(b'{"hash": "' + b"0aF" * 20 + b'", "text": "' + "é".encode() * 1000)

    assert shown.startswith('{"hash": "[redacted]", "text": "é')
    assert len(shown) == 200
    assert excerpt(b"\xff") == "\ufffd"


def test_an_excerpt_keeps_31_hexadecimal_digits() -> None:
    assert excerpt(b"f" * 31) == "f" * 31
    assert excerpt(b"f" * 32) == "[redacted]"


def test_an_error_has_the_excerpt_and_the_path() -> None:
    error = undecodable("r", b"{}", "$.a")

    assert (error.endpoint, error.status_code, error.reason, error.path, error.excerpt) == ("", 200, "r", "$.a", "{}")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b'{"a":NaN,"b":[-Infinity,Infinity]}', b'{"a":"NaN","b":["-Infinity","Infinity"]}'),
        (b"[1e999,-1.5E+999,1E0400]", b'["1e999","-1.5E+999","1E0400"]'),
        (b"[1e-999,1e99,1.5,-0]", b"[1e-999,1e99,1.5,-0]"),
        (b'["NaN","a\\"NaN","\\\\",NaN]', b'["NaN","a\\"NaN","\\\\","NaN"]'),
        (b'{"NaN":1,"x":"1e999"}', b'{"NaN":1,"x":"1e999"}'),
        (b"[NaNs,xNaN,1e9999x]", b"[NaNs,xNaN,1e9999x]"),
        (b'["unclosed NaN', b'["unclosed NaN'),
        (b'["unclosed \\', b'["unclosed \\'),
    ],
)
def test_numbers_that_json_lacks_are_quoted_outside_of_text(sent: bytes, expected: bytes) -> None:
    quoted = re.sub(rb'"\\u00([0-9a-f]{2})', lambda found: b'"' + bytes.fromhex(found[1].decode()), quote_numbers(sent))
    assert quoted == expected


@pytest.mark.parametrize(
    "body", [b'"' + b'\\"' * 500_000, b" " * 1_000_000, b"<title" * 200_000, b"1" * 1_000_000, b"<" + b"-" * 1_000_000]
)
def test_no_body_takes_long(body: bytes) -> None:
    """A pattern that goes back and forth over these would not end within the test's 20 seconds."""
    quote_numbers(body)
    html_title(body)
    with pytest.raises(DecodeError):
        screen(body)


@pytest.mark.parametrize("position", [0, 1, 2**20 - 5, 2**20 - 1, 2**20, 2 * 2**20 + 7])
@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80"])
def test_bytes_that_are_no_utf8_are_found_wherever_they_stand(position: int, bad: bytes) -> None:
    text = "ä".encode() * (2**20 + 100)
    body = b'{"' + text[:position][: position // 2 * 2] + b"x" * (position % 2) + bad + b"x" + text

    with pytest.raises(DecodeError, match=rf"byte {position + 2}\)"):
        screen(body)


def test_characters_across_the_pieces_in_which_utf8_is_checked_are_whole() -> None:
    screen(b'{ "' + "ä€𝄞".encode() * 300_000 + b'":1}')
    with pytest.raises(DecodeError, match="not UTF-8"):
        screen(b"{" + "ä".encode() * 2**20 + b"\xc3")


@pytest.mark.parametrize("number", [b"NaN", b"-NaN", b"Infinity", b"-Infinity", b"1e999", b"-12.5E+1000", b"7.25e400"])
def test_numbers_are_quoted_so_that_it_can_be_undone(number: bytes) -> None:
    body = b'{"a":%b,"b":["NaN",%b],"c":"\\u004e"}' % (number, number)

    quoted = quote_numbers(body)
    assert json.loads(quoted) == {"a": number.decode(), "b": ["NaN", number.decode()], "c": "N"}
    assert unquote_numbers(quoted) == body


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (rb'"half \ud83d"', "half \N{REPLACEMENT CHARACTER}"),
        (rb'"\uDE00 first"', "\N{REPLACEMENT CHARACTER} first"),
        (rb'"\ude00\ud83d"', "\N{REPLACEMENT CHARACTER}" * 2),
        (rb'"\uD83D\ud83d\ude00"', "\N{REPLACEMENT CHARACTER}\N{GRINNING FACE}"),
        (rb'"\ud83d\ude00 whole"', "\N{GRINNING FACE} whole"),
        (rb'"not one: \\ud83d"', "not one: \\ud83d"),
        (rb'"\\\ud83d"', "\\\N{REPLACEMENT CHARACTER}"),
        (rb'"\u00e4\n"', "ä\n"),
    ],
)
def test_half_a_character_costs_no_more_than_itself(sent: bytes, read: str) -> None:
    """Texts are cut by UTF-16 units somewhere, and JSON writes what is left as an escape."""
    assert msgspec.json.decode(mend(sent)) == read
