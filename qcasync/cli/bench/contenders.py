"""Who decodes which answers, as a table."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Final, Literal

from qcasync.cli.bench import others, ours
from qcasync.cli.bench.ours import Decode
from qcasync.cli.bench.payloads import Kind

BASELINE: Final = "orjson"
"""The contender that all times are divided by."""

Side = Literal["qcasync", "other", "limit"]
"""Whose a contender is; a limit is nobody's, because it does less than the work."""

_TOO_SLOW: Final = 10_000_000
_FAST: Final = "'qcasync[fast]'"
_BENCH: Final = "'qcasync[bench]'"

_LIBRARIES: Final[Mapping[str, tuple[str, str]]] = {
    "orjson": ("orjson", _BENCH),
    "pydantic": ("pydantic", _BENCH),
    "simdjson": ("pysimdjson", _FAST),
    "numpy": ("numpy", _FAST),
    "lean": ("lean", "lean"),
}
"""By the name to import: the name of the distribution, and what to ask pip for."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to decode a payload.

    Attributes:
        name: What it is called.
        make: Prepares it for a body. What a program does once, such as building a decoder, is done here.
        side: Whose it is.
        needs: The modules without which there is no such contender.
        max_bytes: The largest body that it is worth waiting for.
    """

    name: str
    make: Callable[[bytes], Decode]
    side: Side = "other"
    needs: tuple[str, ...] = ()
    max_bytes: float = math.inf

    @property
    def missing(self) -> tuple[str, ...]:
        """What it needs and is not installed."""
        return tuple(module for module in self.needs if find_spec(module) is None)


def remedy(module: str) -> str:
    """The sentence that says how to get a library."""
    name, wanted = _LIBRARIES.get(module, (module, module))
    return f"{name} is not installed: pip install {wanted}"


def versions() -> dict[str, str]:
    """The versions of what takes part, by distribution."""
    installed = [name for module, (name, _) in _LIBRARIES.items() if find_spec(module) is not None]
    return {name: version(name) for name in ("qcasync", "msgspec", *installed)}


def simdjson_kernel() -> str | None:
    """The instructions that simdjson uses here; None if it is not installed."""
    if find_spec("simdjson") is None:
        return None
    return str(import_module("simdjson").Parser().implementation[0])


def _ours(name: str, make: Callable[[bytes], Decode], *needs: str) -> Contender:
    return Contender(name=f"qcasync, {name}" if name else "qcasync", make=make, side="qcasync", needs=needs)


_UNTYPED: Final = (
    Contender(name=BASELINE, make=others.with_orjson, needs=("orjson",)),
    Contender(name="msgspec untyped", make=others.with_msgspec),
    Contender(name="json", make=others.with_json),
    Contender(name="simdjson to dicts", make=others.with_simdjson, needs=("simdjson",)),
    Contender(name="simdjson parse only", make=others.with_simdjson_parse, side="limit", needs=("simdjson",)),
)

_ARRAYS: Final = Contender(name="orjson + numpy", make=others.with_orjson_and_numpy, needs=("orjson", "numpy"))


def _pydantic(name: str, make: Callable[[bytes], Decode]) -> Contender:
    return Contender(name=name, make=make, needs=("pydantic",), max_bytes=_TOO_SLOW)


CONTENDERS: Final[Mapping[Kind, tuple[Contender, ...]]] = {
    Kind.ORDERS: (
        _ours("", ours.orders),
        _ours("lazy events", ours.summaries),
        _ours("Decimal", ours.exact_orders),
        *_UNTYPED,
        _pydantic("pydantic from JSON", others.orders_with_pydantic),
        _pydantic("json + pydantic", others.orders_with_json_and_pydantic),
        Contender(name="ours from msgpack", make=ours.orders_without_text, side="limit"),
    ),
    Kind.LIVE: (
        _ours("lazy charts", ours.live),
        _ours("columns", ours.live_columns, "numpy", "simdjson"),
        _ours("no extras", ours.live_columns_bare),
        *_UNTYPED,
        _ARRAYS,
        _pydantic("pydantic from JSON", others.live_with_pydantic),
        _pydantic("json + pydantic", others.live_with_json_and_pydantic),
    ),
    Kind.CHART: (
        _ours("lazy chart", ours.chart),
        _ours("columns", ours.chart_columns, "numpy", "simdjson"),
        _ours("no extras", ours.chart_columns_bare),
        *_UNTYPED,
        _ARRAYS,
    ),
    Kind.PORTFOLIO: (_ours("", ours.portfolio), _ours("Decimal", ours.exact_portfolio), *_UNTYPED),
    Kind.DEPLOYMENTS: (
        _ours("", ours.deployments),
        *_UNTYPED,
        _pydantic("pydantic from JSON", others.deployments_with_pydantic),
        Contender(name="json + lean", make=others.deployments_with_lean, needs=("lean",)),
        Contender(name="json + lean, minimal", make=others.deployments_with_lean_minimal, needs=("lean",)),
    ),
}
