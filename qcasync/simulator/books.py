"""The orders of one deployment: which exist, when each was placed, and its bytes. Generated when first needed."""

import bisect
import random
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Literal, NamedTuple, TypeAlias

from qcasync.simulator.orders import BLOCK, Life, OrderMaker, Terms, fill
from qcasync.simulator.spelling import pascal_order
from qcasync.simulator.wire import JsonObject, encode

Spelling: TypeAlias = Literal["camel", "pascal"]


class _Run(NamedTuple):
    # Orders that were placed together, from `first` on.
    first: int
    placed_at: float
    step: float
    life: Life | None


class OrderBook:
    """The orders of one deployment, in the order of their ids.

    Args:
        seed: Decides every order.
        deploy_id: Part of every event's identity.
        spelling: How the orders are written.

    Attributes:
        size: How many orders exist.
    """

    def __init__(self, seed: str, deploy_id: str, spelling: Spelling) -> None:
        self.size: int = 0
        self._seed = seed
        self._deploy_id = deploy_id
        self._spelling = spelling
        self._runs: list[_Run] = []
        self._blocks: dict[int, list[bytes]] = {}
        self._changed: dict[int, JsonObject] = {}

    def place(self, count: int, at: float, *, step: float = 0.0, life: Life | None = None) -> None:
        """Add `count` orders, the first placed at `at`, each `step` seconds after the one before.

        Raises:
            ValueError: `count` is less than one.
        """
        if count < 1:
            message = f"cannot place {count} orders"
            raise ValueError(message)
        self._runs.append(_Run(self.size, at, step, life))
        self.size += count

    def fill(self, index: int, at: float) -> bytes:
        """Fill the order at `index` and return what it is from now on.

        Raises:
            IndexError: There is no such order.
            ValueError: It can no longer fill.
        """
        if not 0 <= index < self.size:
            raise IndexError(index)
        order = self._changed.get(index)
        if order is None:
            block, position = divmod(index, BLOCK)
            order = next(islice(self._make(block), position, None))
        self._changed[index] = filled = fill(order, self._deploy_id, at)
        return self._write(filled)

    def orders(self, count: int) -> list[JsonObject]:
        """The first orders, as today's engine would spell them."""
        count = min(count, self.size)
        blocks = (self._make(block) for block in range(-(-count // BLOCK)))
        fresh = islice(chain.from_iterable(blocks), count)
        return [self._changed.get(index, order) for index, order in enumerate(fresh)]

    def placed(self, start: int, stop: int) -> Iterator[JsonObject]:
        """The orders in `[start, stop)` as they were placed, whatever became of them later."""
        for block in range(start // BLOCK, -(-stop // BLOCK)):
            first = block * BLOCK
            yield from islice(self._make(block), max(start - first, 0), stop - first)

    def filled(self, index: int) -> JsonObject:
        """The order at `index` as `fill` left it."""
        return self._changed[index]

    def rows(self, start: int, stop: int, changes: Mapping[int, bytes]) -> list[bytes]:
        """The JSON of the orders in `[start, stop)`, with `changes` in place of those they name."""
        rows: list[bytes] = []
        for block in range(start // BLOCK, -(-stop // BLOCK)):
            first = block * BLOCK
            rows += self._block(block)[max(start - first, 0) : stop - first]
        if changes:
            rows = [changes.get(start + offset, row) for offset, row in enumerate(rows)]
        return rows

    def _block(self, block: int) -> list[bytes]:
        wanted = min(BLOCK, self.size - block * BLOCK)
        rows = self._blocks.get(block, [])
        if len(rows) < wanted:
            # Made again from its start: the draws are the same, so the orders that were there come out unchanged.
            rows = self._blocks[block] = [self._write(order) for order in islice(self._make(block), wanted)]
        return rows

    def _make(self, block: int) -> Iterator[JsonObject]:
        first = block * BLOCK
        maker = OrderMaker(random.Random(f"{self._seed}/{block}"), self._deploy_id)
        return maker.block(first + 1, lambda position: self._terms(first + position))

    def _terms(self, index: int) -> Terms:
        run = self._runs[bisect.bisect_right(self._runs, index, key=lambda run: run.first) - 1]
        return Terms(run.placed_at + run.step * (index - run.first), run.life)

    def _write(self, order: JsonObject) -> bytes:
        return encode(pascal_order(order) if self._spelling == "pascal" else order)
