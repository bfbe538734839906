"""What is JSON as it stands is copied; of anything else the place is told, and not the content."""

import enum
import json
import math
from collections import ChainMap
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcasync._core.plain_json import MAX_DEPTH, copied
from qcasync.errors import ConfigurationError

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
TEXT = st.text(st.characters(codec="utf-8"))
TREES = st.dictionaries(
    TEXT, st.recursive(SCALARS | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)
)


@settings(max_examples=30)
@given(TREES)
def test_json_is_copied(tree: dict[str, Any]) -> None:
    """Equal, and another object."""
    copy = copied(tree, "command")
    assert copy == tree == json.loads(json.dumps(copy))
    assert copy is not tree


def test_the_copy_is_nobody_elses() -> None:
    """What is changed afterwards is not sent; tuples and foreign mappings become lists and dictionaries."""
    orders = [1]
    copy = copied(MappingProxyType({"orders": orders, "pair": (1, 2), "chain": ChainMap({"a": 1})}), "command")
    orders.append(2)
    assert copy == {"orders": [1], "pair": [1, 2], "chain": {"a": 1}}


class Side(str, enum.Enum):  # noqa: UP042 - unlike a StrEnum, whose str() is its value
    BUY = "buy"


class Direction(enum.IntEnum):
    SHORT = -1


class Half(float):
    """As NumPy's float64 is a float."""


def test_what_is_more_than_its_value_is_copied_as_its_value() -> None:
    """Enums send their values, at once and not their names; the copy holds nothing but JSON's own types."""
    copy = copied({Side.BUY: [Side.BUY, Direction.SHORT, Half(0.5), True]}, "command")
    assert json.dumps(copy) == '{"buy": ["buy", -1, 0.5, true]}'
    assert [type(value) for value in [*copy, *copy["buy"]]] == [str, str, int, float, bool]


def nested(depth: int) -> dict[str, Any]:
    tree: Any = {}
    for _ in range(depth - 1):
        tree = {"a": tree}
    return {"a": tree}


ITSELF: dict[str, Any] = {}
ITSELF["again"] = [ITSELF]


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ([1], "command must be a mapping, not list."),
        ("{}", "command must be a mapping, not str."),
        ({"a": {"b": [0, {1}]}}, "command.a.b[1] is of type set, which is not JSON."),
        ({"price": Decimal("1.5")}, "command.price is of type Decimal, which is not JSON."),
        ({"at": datetime(2026, 1, 2, tzinfo=UTC)}, "command.at is of type datetime, which is not JSON."),
        ({"raw": b"secret"}, "command.raw is of type bytes, which is not JSON."),
        ({"a": [math.nan]}, "command.a[0] is not a finite number"),
        ({"a": -math.inf}, "command.a is not a finite number"),
        ({"a": 2**64}, "command.a is an integer of more than 64 bits."),
        ({"a": -(2**63) - 1}, "command.a is an integer of more than 64 bits."),
        ({"a": {1: 2}}, "command.a has a key of type int, and not of text."),
        ({"a": "\ud800"}, "command.a is text that UTF-8 cannot say"),
        ({"\udfff": 1}, "a key of command is text that UTF-8 cannot say"),
        ({"\x1b[2Jsecret": object()}, "command[a key] is of type object"),
        ({"k" * 41: object()}, "command[a key] is of type object"),
        (nested(MAX_DEPTH), "is nested more than 64 deep"),
        (ITSELF, "is nested more than 64 deep, or contains itself"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_anything_else_is_refused_by_its_place(value: object, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        copied(value, "command")
    assert complaint in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_as_deep_as_may_be() -> None:
    assert copied(nested(MAX_DEPTH - 1), "command") == nested(MAX_DEPTH - 1)
