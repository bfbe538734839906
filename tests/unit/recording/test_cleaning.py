"""What is kept of an answer: all of the data, byte for byte, and nothing that opens an account."""

import base64
import json

import msgspec
import pytest

import qcasync
from qcasync.recording._cleaning import clean, kept_headers
from tests.canaries import find

HASH = "0123456789abcdef" * 4
ECHO = f"Hash doesn't match. UID: 4711 Hash: {HASH} Timestamp: 1750000000"
BASIC = "Basic " + base64.b64encode(f"4711:{HASH}".encode()).decode()

VERBATIM = [
    b'{"success":true,"orders":[ {"tag":"1.10","price":1.10000000000000000001} ],"length":1}',
    b'{"orders":[],"errors":[]}',
    b'{"success": true, "errors": null, "live":[{"error":"x","content":"not a file"}]}',
    b"",
    b'{"orders":[{"brokerId":["' + HASH.encode() + b'"]}],"success":true}',  # dYdX names orders so
    '{"success":true,"description":"é\\u00e9 \U0001f600"}'.encode(),
    b'{"orders":[{"price":NaN}],"success":true}' + b" " * 900,
]


@pytest.mark.parametrize("body", VERBATIM, ids=str)
def test_data_is_kept_as_it_came(body: bytes) -> None:
    assert clean(200, body) == body


REFUSALS: list[tuple[int, str]] = [
    (200, json.dumps({"success": False, "errors": [ECHO]})),
    (200, json.dumps({"success": False, "messages": {"deep": [{ECHO: BASIC}]}, "userId": 4711})),
    (200, json.dumps({"Success": "false", "x": ECHO})),
    (200, json.dumps({"success": True, "errors": [ECHO], "orders": []})),
    (200, json.dumps({"Messages": ECHO, "orders": []})),
    (401, json.dumps({"success": True, "x": ECHO})),
    (500, f"<html><title>Oops</title>{'<p>filler</p>' * 200}{ECHO} {BASIC}{'<p>filler</p>' * 200}</html>"),
    (200, ECHO),
    (200, json.dumps([ECHO])),
    (200, '{"success":true,"errors":["' + ECHO),
    (200, '{"success":true,"price":NaN,"errors":["' + ECHO + '"]}'),
    (502, " ".join(HASH[i : i + 2] for i in range(0, 64, 2))),
    (200, '{"success":false,"x":' + "[" * 5000 + f'"{HASH}"' + "]" * 5000 + "}"),
]


@pytest.mark.parametrize(("status", "body"), REFUSALS, ids=lambda value: str(value)[:60])
def test_refusals_are_scrubbed(status: int, body: str) -> None:
    for raw in (body.encode(), body.encode() + b"\xff"):
        cleaned = clean(status, raw).decode("latin-1")
        assert HASH not in cleaned
        assert find(cleaned) is None
        assert "4711" not in cleaned
        assert "[redacted]" in cleaned


def test_a_refusal_reads_as_before() -> None:
    """As far as it is not secret: also a page of any length."""
    assert json.loads(clean(200, json.dumps({"success": False, "errors": ["No such project"]}).encode())) == {
        "success": False,
        "errors": ["No such project"],
    }
    page = "<html><title>Just a moment</title>" + "<p>word, word</p>\n" * 5000 + "</html>"
    assert clean(503, page.encode()) == page.encode()
    long = "x, " * 1000
    assert json.loads(clean(200, json.dumps({"success": False, "errors": [long]}).encode()))["errors"] == [long]


FILES = [
    b'{"files":[{"name":"main.py","content":"KEY = 1"},{"name":"b.py","content":"KEY"}],"success":true,"n":1.10}',
    b'{"success":true,"Files":[{"Name":"main.py","Content":"KEY"}],"n":1.10}',
    b'{"success":true,"live":[{"a":[{"files":{"x":{"content":"KEY"}}}]}],"n":1.10}',
    b'{"success":true,"LiveResults":{"files":[{"content":["KEY"]}]},"n":1.10}',
    b'{"success":true,"files":[{"content" : "KEY \\" KEY \\\\"}],"n":1.10,"m":NaN}',
]


@pytest.mark.parametrize("body", FILES, ids=str)
def test_files_lose_their_contents_and_nothing_else(body: bytes) -> None:
    cleaned = clean(200, body)
    assert b"KEY" not in cleaned
    assert b'"n":1.10' in cleaned
    assert cleaned.lower().count(b'"content"') == body.lower().count(b'"content"')


def test_a_live_algorithm_without_contents_is_still_one() -> None:
    body = msgspec.json.encode(
        {"success": True, "deployId": "L-1", "status": "Running", "files": [{"name": "main.py", "content": "KEY"}]}
    )
    live = qcasync.decode_live(clean(200, body))
    assert [(file.name, file.content) for file in live.files] == [("main.py", "")]


def test_headers() -> None:
    sent = {
        "date": "Sun, 15 Jun 2025 15:06:40 GMT",
        "set-cookie": "session=1",
        "retry-after": "3",
        "content-type": f"text/{HASH}",
        "location": "https://example.com",
    }
    assert kept_headers(sent) == {"date": sent["date"], "retry-after": "3", "content-type": "text/[redacted]"}
