"""What can become of an answer on its way: exchanges of tokens that keep it JSON, and of bytes, which rarely do.

A mutation must cost a few microseconds: the places of all tokens are known (`trees.Layout`), so each is two slices.
"""

import random
from collections.abc import Callable, Iterator
from typing import Final

from tests.chaos.trees import Layout, Span

DIGITS: Final = b"123456789012345678901234567890"
TOKENS: Final = (
    *(b"null", b"true", b"false", b"[]", b"{}", b'""', b"0", b"1", b"-1", b"-0", b"-0.0", b"1.0", b"2.5", b"4"),
    *(
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        b"-1e999",
        b"1E400",
        b"1e-999",
        b"1E+28",
        b"nan",
        b"+1",
        b"01",
        b".",
    ),
    *(b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b"253402300800", b"1e18", b"0x10"),
    *(DIGITS, b"-" + DIGITS, DIGITS + b".5", b"0." + DIGITS, b"79228162514264337593543950335.0", b"1738593000.5"),
    *(b'"1"', b'"1.5"', b'"NaN"', b'"1e999"', b'"-Infinity"', b'"1_0"', b'" 7 "', b'"\xd9\xa3"', b'"true"', b'"L-1"'),
    *(b'"filled"', b'"Filled"', b'"onHold"', b'"Market"', b'"sideways"', b'"second"', b'"loading"', b'"Undefined"'),
    *(b'"2025-02-03T14:30:00"', b'"2025-02-03 14:30:00"', b'"2016-12-31T23:59:60Z"', b'"0001-01-01T00:00:00"'),
    *(
        b'"9999-12-31T23:59:59.9999999-14:00"',
        b'"0001-01-01T00:00:00+14:00"',
        b'"10000-01-01T00:00:00Z"',
        b'"2025-02-30"',
    ),
    *(
        b'"\\ud800"',
        b'"\\ud83d\\ude00"',
        b'"\\u0000"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\xc3',
        b"\xef\xbb\xbf",
        b'"\\x"',
    ),
    *(
        b'"' + b"f" * 64 + b'"',
        b'"' + b"x" * 300 + b'"',
        b'{"a":[null]}',
        b"[[]]",
        b'[{"x":1}]',
        b'{"0":{}}',
        b'{"id":{}}',
    ),
    *(b"[1,2]", b"[1,2,3,4,5]", b"[null,null]", b'["1",2]', b"[[1,2],[3,4]]", b'{"x":1,"y":2}', b"[[1,2,3,4,5]]"),
    *(
        b'{"value":"a","id":"b"}',
        b'{"Value":"a"}',
        b'{"$type":1}',
        b'{"$type":"x","Expiry":1}',
        b'{"status":{"status":3}}',
    ),
)
RARE: Final = (
    *(b"[" * depth + b"]" * depth for depth in (60, 70, 400, 900, 2000)),
    *(b'{"a":' * depth + b"1" + b"}" * depth for depth in (60, 70, 400, 900)),
    *(b'{"value":"a","id":"b","underlying":' * depth + b"null" + b"}" * depth for depth in (3, 70, 400)),
    *(b'{"status":' * depth + b"1" + b"}" * depth for depth in (3, 70, 900)),
    *(b"9" * 5000, b"1." + b"9" * 5000, b"1" * 400 + b".5", b'"' + b"9" * 5000 + b'"', b"1e" + b"9" * 30, b"[" * 5000),
)
BYTES: Final = tuple(
    bytes([byte]) for byte in b'"\\{}[],:.-+eENnItf0123456789 \t\n\x00\x1f/aZ_\x7f\x80\xc3\xe2\xed\xf0\xff'
)
KEYS: Final = (
    *(b"id", b"ID", b"Id", b"i-d", b"value", b"symbol", b"Symbol", b"status", b"Status", b"time", b"Time", b"Events"),
    *(
        b"events",
        b"order-id",
        b"orderId",
        b"Order",
        b"orders",
        b"length",
        b"success",
        b"progress",
        b"errors",
        b"message",
    ),
    *(b"UtcTime", b"OrderFee", b"trailingPercentage", b"LiveResults", b"results", b"Holdings", b"chart", b"portfolio"),
    *(b"values", b"x", b"0", b"", b"@deployment", b"@results", b"\\u0069d", b"\\ud800", b"\xc4\xb0", b"$type", b"a b"),
)

Mutation = Callable[[Layout, Layout, random.Random], bytes]
"""Returns what becomes of the first layout. The second is another document."""


def mutated(layout: Layout, other: Layout, rng: random.Random) -> tuple[str, bytes]:
    """Return a mutated body, and the names of what happened to it."""
    mutation = TABLE[int(rng.random() * len(TABLE))]
    body = mutation(layout, other, rng)
    if rng.random() < 0.85:
        return mutation.__name__, body
    again = BLIND[int(rng.random() * len(BLIND))]
    return f"{mutation.__name__}, {again.__name__}", again(Layout(body, *layout[1:]), other, rng)


def _one(spans: list[Span], rng: random.Random) -> Span:
    return spans[int(rng.random() * len(spans))] if spans else (0, 0)


def exchange_value(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    start, end = _one(layout.values, rng)
    return layout.body[:start] + TOKENS[int(rng.random() * len(TOKENS))] + layout.body[end:]


def exchange_two_values(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    (start, end), (later, last) = sorted([_one(layout.values, rng), _one(layout.values, rng)])
    if later < end:
        later, last = end, end
    first, second = TOKENS[int(rng.random() * len(TOKENS))], TOKENS[int(rng.random() * len(TOKENS))]
    return b"".join((layout.body[:start], first, layout.body[end:later], second, layout.body[last:]))


def put_something_rare(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    start, end = _one(layout.values, rng)
    return layout.body[:start] + RARE[int(rng.random() * len(RARE))] + layout.body[end:]


def transplant_value(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    start, end = _one(layout.values, rng)
    first, last = _one(other.values, rng)
    return layout.body[:start] + other.body[first:last] + layout.body[end:]


def rename_key(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    start, end = _one(layout.keys, rng)
    return b'%b"%b"%b' % (layout.body[:start], KEYS[int(rng.random() * len(KEYS))], layout.body[end:])


def respell_key(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    start, end = _one(layout.keys, rng)
    spell = (bytes.upper, bytes.title, bytes.swapcase, bytes.lower)[int(rng.random() * 4)]
    return layout.body[:start] + spell(layout.body[start:end]) + layout.body[end:]


def leave_out_item(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    start, end = _one(layout.items, rng)
    body = layout.body
    if body[end : end + 1] == b",":
        return body[:start] + body[end + 1 :]
    return (body[: start - 1] if body[start - 1 : start] == b"," else body[:start]) + body[end:]


def add_item(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    """Beside another: a duplicate key, a key of another object, a member in an array, an item in an object."""
    _, end = _one(layout.items, rng)
    source = layout if rng.random() < 0.5 else other
    first, last = _one(source.items, rng)
    return b"%b,%b%b" % (layout.body[:end], source.body[first:last], layout.body[end:])


def exchange_bytes(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    body = layout.body
    for _ in range(1 + int(rng.random() * 3)):
        at = int(rng.random() * len(body))
        body = body[:at] + BYTES[int(rng.random() * len(BYTES))] + body[at + 1 :]
    return body


def flip_bit(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    at, bit = int(rng.random() * len(layout.body)), 1 << int(rng.random() * 8)
    return layout.body[:at] + bytes(byte ^ bit for byte in layout.body[at : at + 1]) + layout.body[at + 1 :]


def insert(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    at = int(rng.random() * (len(layout.body) + 1))
    what = (TOKENS, BYTES)[int(rng.random() * 2)]
    return layout.body[:at] + what[int(rng.random() * len(what))] + layout.body[at:]


def cut(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    at = int(rng.random() * len(layout.body))
    return layout.body[:at] + layout.body[at + 1 + int(rng.random() * 12) :]


def truncate(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    return layout.body[: int(rng.random() * len(layout.body))]


def double(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    start, length = int(rng.random() * len(layout.body)), int(rng.random() * 60)
    return layout.body[: start + length] + layout.body[start:]


def splice(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    return layout.body[: int(rng.random() * len(layout.body))] + other.body[int(rng.random() * len(other.body)) :]


def surround(layout: Layout, other: Layout, rng: random.Random) -> bytes:
    around = (
        b" %b\n",
        b"\xef\xbb\xbf%b",
        b"%b}",
        b"%b trailing",
        b"%b{}",
        b"[%b]",
        b'{"a":%b}',
        b"\x00%b",
        b"<html>%b",
    )
    return around[int(rng.random() * len(around))] % layout.body


BLIND: Final[tuple[Mutation, ...]] = (exchange_bytes, flip_bit, insert, cut, truncate, double, splice, surround)
"""They know nothing of tokens."""

SHARES: Final[dict[Mutation, int]] = {
    exchange_value: 36,
    exchange_two_values: 12,
    put_something_rare: 1,
    transplant_value: 12,
    rename_key: 12,
    respell_key: 12,
    leave_out_item: 12,
    add_item: 9,
    exchange_bytes: 12,
    flip_bit: 12,
    insert: 12,
    cut: 9,
    truncate: 6,
    double: 6,
    splice: 6,
    surround: 3,
}
"""How often each happens, in relation to the others."""

TABLE: Final = tuple(mutation for mutation, share in SHARES.items() for _ in range(share))


def mutations(layouts: list[Layout], count: int, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield mutated bodies, and the names of what happened to them."""
    for number in range(count):
        yield mutated(layouts[number % len(layouts)], layouts[int(rng.random() * len(layouts))], rng)
