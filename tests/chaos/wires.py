"""What can become of a whole HTTP answer on its way: its status line, headers, framing, compression and body.

Each mutation is small and knows what it hits. The blind ones, which do not, come on top of some of them.
"""

import gzip
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

CRLF: Final = b"\r\n"

STATUS_LINES: Final = (
    *(b"HTTP/1.1 %d X" % code for code in (100, 101, 102, 103, 199, 200, 201, 202, 203, 204, 205, 206, 226, 299)),
    *(b"HTTP/1.1 %d X" % code for code in (300, 301, 302, 303, 304, 305, 307, 308, 399, 400, 401, 402, 403, 404, 405)),
    *(b"HTTP/1.1 %d X" % code for code in (407, 408, 409, 410, 411, 413, 417, 421, 425, 426, 429, 431, 451, 499)),
    *(b"HTTP/1.1 %d X" % code for code in (500, 501, 502, 503, 504, 505, 511, 520, 599, 600, 999)),
    *(b"HTTP/1.0 200 OK", b"HTTP/0.9 200 OK", b"HTTP/1.2 200 OK", b"HTTP/2 200", b"HTTP/2.0 200 OK", b"HTTP/3 200"),
    *(b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1  200 OK", b"HTTP/1.1\t200\tOK", b" HTTP/1.1 200 OK", b"HTTP/1.1"),
    *(b"HTTP/1.1 000 X", b"HTTP/1.1 -1 X", b"HTTP/1.1 20 X", b"HTTP/1.1 2000 X", b"HTTP/1.1 2\xb20 X", b"HTTP/1.1 X"),
    *(b"http/1.1 200 OK", b"HTTP 200 OK", b"HTP/1.1 200 OK", b"ICY 200 OK", b"SSH-2.0-x", b"", b"\x16\x03\x01\x02"),
    *(b"HTTP/1.1 200 \xff\xfe", b"HTTP/1.1 200 O\x00K", b"HTTP/1.1 200 " + b"x" * 70_000, b"POST / HTTP/1.1"),
    *(b"HTTP/11111111111111111111.1 200 OK", b"HTTP/1.1 " + b"9" * 5000 + b" X", b"HTTP/1.1 429 X", b"HTTP/1.1 503 X"),
)
LENGTHS: Final = (
    *(b"0", b"1", b"-1", b"+5", b"0x10", b"1e3", b"5, 5", b"5, 6", b"", b" ", b"7 7", b"007", b"nan", b"1.0", b"\xb2"),
    *(b"9" * 30, b"9223372036854775808", b"18446744073709551617", b"2147483648", b"99999999", b"1_0", b"9" * 5000),
)
CODINGS: Final = (
    *(b"chunked", b"Chunked", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"identity", b"xchunked", b""),
    *(b"chunked\x00", b" chunked", b"chunked;q=1", b"\x0bchunked", b"trailers"),
)
ENCODINGS: Final = (b"gzip", b"GZIP", b"x-gzip", b"deflate", b"br", b"zstd", b"gzip, gzip", b"identity", b"", b"\xff")
FIELDS: Final = (
    *(b"connection: close", b"connection: keep-alive", b"connection: upgrade", b"connection: \xff", b"upgrade: h2c"),
    *(b"connection: keep-alive, close", b"keep-alive: timeout=0", b"proxy-connection: close", b"trailer: x"),
    *(b"location: http://127.0.0.1:9/", b"location: //", b"location: ", b"location: http://[::", b"location: \xff\xfe"),
    *(b"retry-after: 0", b"retry-after: -1", b"retry-after: nan", b"retry-after: " + b"9" * 35, b"retry-after: 1e9"),
    *(b"retry-after: Fri, 31 Dec 99999 23:59:59 GMT", b"retry-after: \xb2", b"age: 5", b"age: \x00", b"vary: *"),
    *(b"date: Thu, 01 Jan 1970 00:00:00 GMT", b"date: nonsense", b"date: \xff", b"date: ", b"set-cookie: a=b; \xff"),
    *(b"no colon at all", b": no name", b"a b: c", b"x : y", b" folded", b"\tfolded", b"x\x00y: z", b"x: y\x00z"),
    *(b"x: \r", b"x: y\rz: a", b"x: y\nz: a", b"\xc3\xa9: y", b"x: " + b"y" * 9_000, b"x: " + b"y" * 70_000, b"=: ()"),
    *(b"content-type: \xff", b"content-type: text/html", b"content-range: bytes 0-1/5", b"www-authenticate: Basic x="),
    b"\r\n".join(b"x-%d: y" % number for number in range(300)),
)
SIZES: Final = (
    *(b"0", b"", b"-5", b"+5", b"0x5", b"5 ", b" 5", b"5;a=b", b'5;a="', b"zz", b"00000000000005", b"5\r", b"5\n5"),
    *(b"F" * 16, b"F" * 17, b"7FFFFFFFFFFFFFFF", b"8000000000000000", b"F" * 5000, b"\xb2", b"1.0", b"1_0", b"5\x00"),
)
INJECTED: Final = (
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\n\n",
    b"\x00",
    b"\xff",
    b" ",
    b":",
    b"\t",
    b"\x0b",
    b"0",
    b"\x7f",
)
BEFORE: Final = (
    *(b"\r\n", b"\n", b"\r\n" * 50, b"\x00", b"garbage\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"\xef\xbb\xbf"),
    *(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n" * 5, b"HTTP/1.1 100\r\n\r\n"),
    *(b"HTTP/1.1 100 Continue\r\n\r\n" * 300, b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
    *(b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 100 Continue\r\ncontent-length: 5\r\n\r\nhello", b"0\r\n\r\n"),
)


@dataclass(frozen=True)
class Answer:
    """An answer in its parts.

    Attributes:
        fields: Header lines, without what frames or compresses the body.
        framing: "length", "chunked" or "close".
        sizes: Which chunks' sizes are lies, and what they say.
        ending: After the last chunk.
    """

    status: bytes
    fields: tuple[bytes, ...]
    body: bytes
    framing: str = "length"
    encoding: bytes | None = None
    length: bytes | None = None
    sizes: dict[int, bytes] = field(default_factory=dict)
    ending: bytes = b"0\r\n\r\n"
    line_end: bytes = CRLF

    def wire(self) -> bytes:
        """As it travels."""
        lines = [self.status, *self.fields]
        body = gzip.compress(self.body, 1) if self.encoding == b"gzip" else self.body
        if self.encoding is not None:
            lines.append(b"content-encoding: " + self.encoding)
        if self.framing == "chunked":
            lines.append(b"transfer-encoding: chunked")
            body = self._chunks(body)
        if self.framing == "length" or self.length is not None:
            lines.append(b"content-length: " + (b"%d" % len(body) if self.length is None else self.length))
        return self.line_end.join([*lines, b"", b""]) + body

    def _chunks(self, body: bytes) -> bytes:
        step = max(1, len(body) // 3)
        pieces = [body[at : at + step] for at in range(0, len(body), step)]
        told = [self.sizes.get(number, b"%x" % len(piece)) for number, piece in enumerate(pieces)]
        return b"".join(size + CRLF + piece + CRLF for size, piece in zip(told, pieces, strict=True)) + self.ending


Mutation = Callable[[Answer, random.Random], Answer]


def as_it_is(answer: Answer, rng: random.Random) -> Answer:
    return answer


def another_status(answer: Answer, rng: random.Random) -> Answer:
    return replace(answer, status=rng.choice(STATUS_LINES))


def another_length(answer: Answer, rng: random.Random) -> Answer:
    wrong = b"%d" % max(0, len(answer.body) + rng.choice([-2, -1, 1, 2, 1000]))
    return replace(answer, length=rng.choice([wrong, rng.choice(LENGTHS)]))


def two_lengths(answer: Answer, rng: random.Random) -> Answer:
    return replace(answer, fields=(*answer.fields, b"content-length: " + rng.choice(LENGTHS)))


def another_coding(answer: Answer, rng: random.Random) -> Answer:
    return replace(answer, fields=(*answer.fields, b"transfer-encoding: " + rng.choice(CODINGS)))


def another_encoding(answer: Answer, rng: random.Random) -> Answer:
    return replace(answer, fields=(*answer.fields, b"content-encoding: " + rng.choice(ENCODINGS)))


def another_field(answer: Answer, rng: random.Random) -> Answer:
    fields = list(answer.fields)
    fields.insert(rng.randint(0, len(fields)), rng.choice(FIELDS))
    return replace(answer, fields=tuple(fields))


def without_a_field(answer: Answer, rng: random.Random) -> Answer:
    gone = rng.choice(answer.fields)
    return replace(answer, fields=tuple(each for each in answer.fields if each is not gone))


def fields_exchanged(answer: Answer, rng: random.Random) -> Answer:
    names, values = zip(*(each.partition(b":")[::2] for each in answer.fields), strict=True)
    return replace(answer, fields=tuple(b"%b:%b" % each for each in zip(names, reversed(values), strict=True)))


def bare_line_ends(answer: Answer, rng: random.Random) -> Answer:
    return replace(answer, line_end=rng.choice([b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b""]))


def another_chunk_size(answer: Answer, rng: random.Random) -> Answer:
    return replace(answer, framing="chunked", sizes={rng.randint(0, 2): rng.choice(SIZES)})


def another_ending(answer: Answer, rng: random.Random) -> Answer:
    ending = rng.choice(
        [b"", b"0", b"0\r\n", b"0\r\nx: y\r\n\r\n", b"0\r\nno colon\r\n\r\n", b"0\r\n\r\nmore", b"\r\n"]
    )
    return replace(answer, framing="chunked", ending=ending)


def broken_gzip(answer: Answer, rng: random.Random) -> Answer:
    packed = bytearray(gzip.compress(answer.body, 1))
    match rng.randint(0, 3):
        case 0:
            packed[rng.randrange(len(packed))] ^= 1 << rng.randrange(8)
        case 1:
            del packed[rng.randrange(len(packed)) :]
        case 2:
            packed += rng.choice([bytes(packed), b"x", b"\x1f\x8b", b"\x00" * 20])
        case _:
            packed = bytearray(gzip.compress(bytes(packed)))
    return replace(answer, body=bytes(packed), fields=(*answer.fields, b"content-encoding: gzip"), encoding=None)


def a_bomb(answer: Answer, rng: random.Random) -> Answer:
    return replace(answer, body=b'{"success":true,"x":"' + bytes(2_000_000) + b'"}', encoding=b"gzip")


def another_body(answer: Answer, rng: random.Random) -> Answer:
    odd = [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"true",
        b"<html><title>Moved</title>",
        b'{"success":false}',
        b"\x00",
        b"\xff" * 9,
    ]
    return replace(answer, body=rng.choice([*odd, answer.body[: len(answer.body) // 2], answer.body * 2]))


MUTATIONS: Final[tuple[Mutation, ...]] = (
    *(as_it_is, as_it_is, another_status, another_length, two_lengths, another_coding, another_encoding, another_field),
    *(without_a_field, fields_exchanged, bare_line_ends, another_chunk_size, another_ending, broken_gzip, another_body),
)


def cut_off(wire: bytes, rng: random.Random) -> bytes:
    return wire[: rng.randrange(len(wire) + 1)]


def cut_out(wire: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(wire))
    return wire[:at] + wire[at + rng.randint(1, 40) :]


def injected(wire: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(min(len(wire), 400))
    return wire[:at] + rng.choice(INJECTED) + wire[at:]


def flipped(wire: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(wire))
    return wire[:at] + bytes([wire[at] ^ 1 << rng.randrange(8)]) + wire[at + 1 :]


def twice(wire: bytes, rng: random.Random) -> bytes:
    return wire + wire


def repeated(wire: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(wire))
    return wire[: at + rng.randint(1, 60)] + wire[at:]


def swapped(wire: bytes, rng: random.Random) -> bytes:
    first, second = sorted(rng.randrange(len(wire)) for _ in range(2))
    return wire[second:] + wire[first:second] + wire[:first]


def with_more_before(wire: bytes, rng: random.Random) -> bytes:
    return rng.choice(BEFORE) + wire


def with_more_after(wire: bytes, rng: random.Random) -> bytes:
    return wire + rng.choice(
        [b"x", b"\r\n", b"\x00", b"HTTP/1.1 200 OK\r\n\r\n", b"0\r\n\r\n", b"HTTP/1.1 408 X\r\n\r\n"]
    )


BLIND: Final = (cut_off, cut_out, injected, flipped, twice, repeated, swapped, with_more_before, with_more_after)


def mutated(answer: Answer, rng: random.Random) -> tuple[str, bytes]:
    """What becomes of an answer on the wire, and the names of what happened to it. Some stay as they are."""
    answer = replace(answer, framing=rng.choice(["length", "length", "chunked"]), encoding=rng.choice([None, b"gzip"]))
    mutation = a_bomb if rng.random() < 0.01 else rng.choice(MUTATIONS)
    names, wire = [mutation.__name__], mutation(answer, rng).wire()
    while wire and rng.random() < 0.35:
        blind = rng.choice(BLIND)
        names.append(blind.__name__)
        wire = blind(wire, rng)
    return ", ".join(names), wire
