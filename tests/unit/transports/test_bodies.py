"""Bodies are bounded before they exist, and end properly or not at all."""

import gzip
import tracemalloc
import zlib

import pytest

from qcasync.transports._bodies import ACCEPT_ENCODING, BoundedBody
from qcasync.transports.protocol import Fault, TransportError

GZIP = {"content-encoding": "gzip"}
TEXT = b'{"orders":[' + b"1234567890," * 500 + b"0]}"
MIB = 2**20


def packed(body: bytes) -> bytes:
    """The same bytes in every run: a gzip header would hold the time."""
    return gzip.compress(body, mtime=0)


def grow(bounded: BoundedBody, piece: bytes) -> int:
    """Feed one piece."""
    return sum(bounded.feed(piece))


def read(headers: dict[str, str], body: bytes, max_bytes: int = MIB, piece: int = 64) -> bytes:
    """Feed a body in pieces."""
    bounded = BoundedBody(headers, max_bytes)
    for start in range(0, len(body), piece):
        grow(bounded, body[start : start + piece])
    return bounded.finish()


@pytest.mark.parametrize("piece", [1, 7, 64, 10**6])
@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " gzip ", "", "identity"])
def test_a_body(encoding: str, piece: int) -> None:
    """The same bytes come out however they were cut, compressed or not."""
    wire = packed(TEXT) if "gzip" in encoding.lower() else TEXT
    assert read({"content-encoding": encoding}, wire, piece=piece) == TEXT


def test_a_body_without_headers() -> None:
    """Nothing need be said about a plain body."""
    assert read({}, TEXT) == TEXT
    assert read({}, b"") == b""


def test_the_size_on_the_wire_is_counted() -> None:
    """Before inflation."""
    wire = packed(TEXT)
    bounded = BoundedBody(GZIP, MIB)
    grow(bounded, wire)
    assert bounded.wire_bytes == len(wire) < len(TEXT)


def test_an_empty_body_may_call_itself_gzip() -> None:
    """Some servers mark a 204 so."""
    assert read(GZIP, b"") == b""


@pytest.mark.parametrize("piece", [1, 64, 10**6])
@pytest.mark.parametrize("headers", [{}, GZIP])
def test_the_limit_is_exact(headers: dict[str, str], piece: int) -> None:
    """As many bytes as allowed are allowed; one more is not."""
    wire = packed(TEXT) if headers else TEXT
    assert read(headers, wire, max_bytes=len(TEXT), piece=piece) == TEXT
    with pytest.raises(TransportError, match=f"more than {len(TEXT) - 1} bytes") as caught:
        read(headers, wire, max_bytes=len(TEXT) - 1, piece=piece)
    assert caught.value.fault is Fault.TOO_LARGE


@pytest.mark.parametrize("piece", [1024, 10**9])
def test_a_bomb_is_stopped_at_the_limit(piece: int) -> None:
    """200 MiB in 200 KB never exist: memory stays near the limit, whatever the pieces."""
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(MIB)) for _ in range(200)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(TransportError, match=f"more than {MIB} bytes") as caught:
            read(GZIP, bomb, piece=piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.fault is Fault.TOO_LARGE
    assert peak < 4 * MIB


@pytest.mark.parametrize("missing", [1, 4, 8, 20])
@pytest.mark.parametrize("piece", [1, 10**6])
def test_a_stream_that_is_cut_short(missing: int, piece: int) -> None:
    """A checksum that did not come is a body that did not come, even if all its data did."""
    with pytest.raises(TransportError, match="cut short") as caught:
        read(GZIP, packed(TEXT)[:-missing], piece=piece)
    assert caught.value.fault is Fault.DAMAGED


@pytest.mark.parametrize("more", [b"\0", b"x" * 100, packed(b"more")], ids=["one", "many", "member"])
@pytest.mark.parametrize("piece", [1, 64, 10**6])
def test_data_after_the_end(more: bytes, piece: int) -> None:
    """Whether it comes in the same piece or not, what follows the end is never dropped without a word."""
    with pytest.raises(TransportError, match="data after the end of the gzip stream") as caught:
        read(GZIP, packed(TEXT) + more, piece=piece)
    assert caught.value.fault is Fault.DAMAGED


def test_nothing_after_the_end_is_no_data() -> None:
    """An HTTP library may hand over an empty piece."""
    bounded = BoundedBody(GZIP, MIB)
    grow(bounded, packed(TEXT))
    grow(bounded, b"")
    assert bounded.finish() == TEXT


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(TEXT, id="not gzip at all"),
        pytest.param(zlib.compress(TEXT), id="deflate that calls itself gzip"),
        pytest.param(packed(TEXT)[:20] + b"\xff" * 40, id="damaged data"),
        pytest.param(packed(TEXT)[:-8] + b"\0" * 8, id="wrong checksum"),
        pytest.param(packed(TEXT)[:-4] + b"\0" * 4, id="wrong size"),
    ],
)
@pytest.mark.parametrize("piece", [1, 10**6])
def test_corrupt_gzip(wire: bytes, piece: int) -> None:
    """Damage is an error, never a shorter body."""
    with pytest.raises(TransportError, match="corrupt gzip") as caught:
        read(GZIP, wire, piece=piece)
    assert caught.value.fault is Fault.DAMAGED
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "x" * 1000])
def test_an_encoding_that_was_not_asked_for(encoding: str) -> None:
    """Only gzip was offered; the name is quoted, but not at any length."""
    with pytest.raises(TransportError, match="was not asked for") as caught:
        BoundedBody({"content-encoding": encoding}, MIB)
    assert caught.value.fault is Fault.DAMAGED
    assert len(caught.value.detail) < 100
    assert ACCEPT_ENCODING == "gzip"


@pytest.mark.parametrize(
    ("length", "refused"),
    [
        ("0", False),
        ("1000", False),
        ("1001", True),
        ("00001001", True),
        ("9" * 19, True),
        ("9" * 20, False),
        ("9" * 5000, False),
        ("-1", False),
        ("1001, 1001", False),
        ("1e9", False),
        ("٩٩٩٩", False),
        ("", False),
    ],
)
def test_an_announced_length(length: str, refused: bool) -> None:
    """A length above the limit is refused before anything is read; nonsense is no length, and what comes is counted."""
    if not refused:
        assert read({"content-length": length}, b"ok", max_bytes=1000) == b"ok"
        return
    with pytest.raises(TransportError, match="announced, at most 1000 allowed") as caught:
        BoundedBody({"content-length": length}, 1000)
    assert caught.value.fault is Fault.TOO_LARGE


@pytest.mark.parametrize("headers", [{"content-length": "5"}, {"content-length": "5", **GZIP}])
def test_a_length_that_lies(headers: dict[str, str]) -> None:
    """A short promise does not open the door to a long body."""
    with pytest.raises(TransportError, match="more than 1000 bytes"):
        read(headers, packed(TEXT) if len(headers) > 1 else TEXT, max_bytes=1000)
