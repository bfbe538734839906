"""Seeded mutations of answers: each gives a value that keeps every promise, or an error of this library.

A failing seed replays alone: `pytest tests/chaos/test_mutations.py --mutations 1000 --seed SEED`.
"""

import math
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest

from qcasync import QuantConnectError, decode_chart, decode_live, decode_orders, decode_portfolio
from tests import bodies
from tests.bodies import Tree
from tests.chaos.mutations import mutations
from tests.chaos.trees import grow, lay_out
from tests.chaos.workers import Run
from tests.conftest import ENDS
from tests.promises import examine, touch

CHUNKS = 20
BATCH = 1000
"""Mutations of one seed."""

DOCUMENTS = 20
"""Documents that a seed grows before it mutates them."""

EVERY = 20
"""Of so many values one is examined at length; all are touched."""


class Decoder(NamedTuple):
    """A public function with its options.

    Attributes:
        decode: The function.
        trees: What it is given.
        exact: Whether it gives decimals.
    """

    decode: Callable[[bytes], Any]
    trees: tuple[Tree, ...]
    exact: bool = False


DECODERS = (
    Decoder(decode_orders, bodies.ORDERS),
    Decoder(partial(decode_orders, decimal=True), bodies.ORDERS, exact=True),
    Decoder(partial(decode_orders, lazy_events=True), bodies.ORDERS),
    Decoder(partial(decode_orders, decimal=True, lazy_events=True), bodies.ORDERS, exact=True),
    Decoder(decode_live, bodies.FLAT),
    Decoder(decode_live, bodies.DOCUMENTED),
    Decoder(decode_chart, bodies.CHARTS),
    Decoder(decode_portfolio, bodies.PORTFOLIOS),
    Decoder(partial(decode_portfolio, decimal=True), bodies.PORTFOLIOS, exact=True),
)
"""A seed takes one of them."""


def mutate(seed: int) -> Counter[str]:
    """Decode the mutations of a seed. Returns how often it ended how."""
    rng = random.Random(seed)
    decode, trees, exact = DECODERS[seed % len(DECODERS)]
    layouts = [lay_out(grow(rng.choice(trees), bodies.ALL, rng)) for _ in range(DOCUMENTS)]
    ends: Counter[str] = Counter()
    for what, body in mutations(layouts, BATCH, rng):
        try:
            try:
                value = decode(body)
                touch(value)
            except QuantConnectError as error:
                ends[type(error).__name__] += 1
            else:
                ends["decoded"] += 1
                if ends["decoded"] % EVERY == 0:
                    examine(value, exact=exact)
        except BaseException as error:
            error.add_note(f"{decode} after {what} of {body!r}")
            raise
    return ends


def seeded(config: pytest.Config, chunk: int) -> tuple[Run, range]:
    """What a chunk runs."""
    count, first = config.getoption("--mutations"), config.getoption("--seed")
    return mutate, range(first + chunk, first + math.ceil(count / BATCH), CHUNKS)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_mutation_escapes(chunk: int, ends: Counter[str], request: pytest.FixtureRequest) -> None:
    request.config.stash[ENDS]["mutations"].update(ends)
    assert min(ends["decoded"], ends["DecodeError"]) > ends.total() * 0.2 or ends.total() < 10 * BATCH
