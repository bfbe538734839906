"""Parsed answers, changed as servers and proxies change them: respelled, reordered, retyped, swapped, left out.

`lay_out` writes such a tree, and remembers where everything stands, so that bytes can be exchanged without parsing.
"""

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.bodies import Tree

Span = tuple[int, int]
"""From the first byte to the one after the last."""


class Layout(NamedTuple):
    """A tree as it is sent.

    Attributes:
        body: Its JSON.
        values: Where each value stands; the whole body is the last one.
        keys: Where each key stands, with its quotes.
        items: Where the members of objects and the items of arrays stand; those of one container with commas between.
    """

    body: bytes
    values: list[Span]
    keys: list[Span]
    items: list[Span]


def lay_out(tree: Tree) -> Layout:
    """Write a tree as compact JSON in UTF-8."""
    out, values, keys, items = bytearray(), list[Span](), list[Span](), list[Span]()

    def put(value: Tree) -> None:
        start = len(out)
        if isinstance(value, dict):
            for key, item in value.items():
                out.extend(b"," if len(out) > start else b"{")
                begin = len(out)
                out.extend(_json(key))
                keys.append((begin, len(out)))
                out.extend(b":")
                put(item)
                items.append((begin, len(out)))
            out.extend(b"}" if value else b"{}")
        elif isinstance(value, list | tuple):
            for item in value:
                out.extend(b"," if len(out) > start else b"[")
                begin = len(out)
                put(item)
                items.append((begin, len(out)))
            out.extend(b"]" if value else b"[]")
        else:
            out.extend(_json(value))
        values.append((start, len(out)))

    put(tree)
    return Layout(bytes(out), values, keys, items)


def grow(tree: Tree, others: tuple[Tree, ...], rng: random.Random) -> Tree:
    """Return a copy of a tree in which a few nodes are no longer what they were. Every other tree stays as it is."""
    if rng.random() < 0.5:
        return tree
    chance = rng.choice([0.0, 0.03, 0.1])
    respell = rng.choice([None, None, None, *_SPELLINGS])

    def copy(node: Tree) -> Tree:
        if chance and rng.random() < chance:
            node = rng.choice(_CHANGES)(node, others, rng)
        if isinstance(node, dict):
            return {respell(key) if respell else key: copy(item) for key, item in node.items()}
        return [copy(item) for item in node] if isinstance(node, list | tuple) else node

    return copy(tree)


def _json(value: Tree) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _kebab(key: str) -> str:
    return "".join("-" + letter.lower() if letter.isupper() else letter for letter in key)


_SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda key: key[:1].upper() + key[1:],
    lambda key: key[:1].lower() + key[1:],
    _kebab,
    lambda key: _kebab(key).replace("-", "_"),
    str.upper,
)


def _swapped(node: Tree, others: tuple[Tree, ...], rng: random.Random) -> Tree:
    """What stands somewhere in another tree."""
    found = rng.choice(others)
    while isinstance(found, dict | list | tuple) and found and rng.random() < 0.8:
        found = rng.choice(list(found.values() if isinstance(found, dict) else found))
    return found


def _reordered(node: Tree, others: tuple[Tree, ...], rng: random.Random) -> Tree:
    if isinstance(node, dict):
        return dict(rng.sample(list(node.items()), len(node)))
    return list(reversed(node)) if isinstance(node, list) else node


def _thinned(node: Tree, others: tuple[Tree, ...], rng: random.Random) -> Tree:
    if isinstance(node, dict):
        return {key: item for key, item in node.items() if rng.random() < 0.7}
    return node[:-1] if isinstance(node, list | str) else None


def _by_php(node: Tree, others: tuple[Tree, ...], rng: random.Random) -> Tree:
    """A list for a dictionary, and the reverse."""
    if isinstance(node, dict):
        return list(node.values())
    return {str(at + 3): item for at, item in enumerate(node)} if isinstance(node, list | tuple) else [node]


def _retyped(node: Tree, others: tuple[Tree, ...], rng: random.Random) -> Tree:
    if isinstance(node, bool) or node is None:
        return str(node).lower()
    if isinstance(node, str):
        return len(node)
    return str(node) if isinstance(node, int | float) else json.dumps(node)


_CHANGES: tuple[Callable[[Tree, tuple[Tree, ...], random.Random], Any], ...] = (
    _swapped,
    _reordered,
    _thinned,
    _by_php,
    _retyped,
    lambda node, others, rng: [node, node],
    lambda node, others, rng: {rng.choice(["value", "id", "Value", "Order", "LiveResults", "0"]): node},
)
