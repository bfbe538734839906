"""What others do with a payload. Each library is imported when its contender is made, and not before."""

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import msgspec

from qcasync.cli.bench.ours import Decode
from qcasync.models._json import is_object


def with_json(body: bytes) -> Decode:
    """Plain dictionaries, from the standard library."""
    return lambda: json.loads(body)


def with_orjson(body: bytes) -> Decode:
    """Plain dictionaries."""
    loads = import_module("orjson").loads
    return lambda: loads(body)


def with_msgspec(body: bytes) -> Decode:
    """Plain dictionaries."""
    decode = msgspec.json.Decoder().decode
    return lambda: decode(body)


def with_simdjson_parse(body: bytes) -> Decode:
    """A tree that Python has seen nothing of yet: what it takes to read the text."""
    parse = import_module("simdjson").Parser().parse
    return lambda: parse(body)


def with_simdjson(body: bytes) -> Decode:
    """Plain dictionaries."""
    parse = import_module("simdjson").Parser().parse
    return lambda: parse(body, recursive=True)


def with_orjson_and_numpy(body: bytes) -> Decode:
    """Plain dictionaries, and every series of every chart as an array: the same work as our columns."""
    loads = import_module("orjson").loads
    array = import_module("numpy").array

    def decode() -> object:
        answer = loads(body)
        return answer, [array(values, dtype=float) for values in _values(answer)]

    return decode


def orders_with_pydantic(body: bytes) -> Decode:
    """Equivalent models, straight from JSON."""
    validate = _model("_pydantic_orders", "OrdersAnswer").model_validate_json
    return lambda: validate(body)


def orders_with_json_and_pydantic(body: bytes) -> Decode:
    """Equivalent models of what json.loads returns, which is what QuantConnect's MCP server does."""
    validate = _model("_pydantic_orders", "OrdersAnswer").model_validate
    return lambda: validate(json.loads(body))


def live_with_pydantic(body: bytes) -> Decode:
    """Equivalent models, straight from JSON."""
    validate = _model("_pydantic_live", "LiveAnswer").model_validate_json
    return lambda: validate(body)


def live_with_json_and_pydantic(body: bytes) -> Decode:
    """Equivalent models of what json.loads returns."""
    validate = _model("_pydantic_live", "LiveAnswer").model_validate
    return lambda: validate(json.loads(body))


def deployments_with_pydantic(body: bytes) -> Decode:
    """Equivalent models, straight from JSON."""
    validate = _model("_pydantic_orders", "DeploymentsAnswer").model_validate_json
    return lambda: validate(body)


def deployments_with_lean(body: bytes) -> Decode:
    """The lean CLI's own models of deployments, of what json.loads returns. They have 6 of 12 fields."""
    model = _lean().QCFullLiveAlgorithm
    return lambda: [model(**entry) for entry in json.loads(body)["live"]]


def deployments_with_lean_minimal(body: bytes) -> Decode:
    """The lean CLI's smallest models of deployments, of what json.loads returns. They have 3 of 12 fields."""
    model = _lean().QCMinimalLiveAlgorithm
    return lambda: [model(**entry) for entry in json.loads(body)["live"]]


def _model(module: str, name: str) -> Any:
    return getattr(import_module(f"qcasync.cli.bench.{module}"), name)


def _lean() -> Any:
    """Return lean's models. Its packages are passed over: the import of one asks a server for a list of modules."""
    found = find_spec("lean")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'lean'", name="lean")
    package = ModuleType("lean.models")
    package.__path__ = [f"{found.submodule_search_locations[0]}/models"]
    sys.modules.setdefault(package.__name__, package)
    return import_module("lean.models.api")


def _values(value: Any) -> Iterator[Any]:
    """Yield the values of every series, wherever charts are in the answer."""
    for key, held in value.items():
        if key in {"Series", "series"} and is_object(held):
            for series in held.values():
                yield series.get("Values") or series.get("values", [])
        elif is_object(held):
            yield from _values(held)
