"""The table of changes: what kinds of changes share, and each change as JSON."""

from typing import Any, Final

from qcasync.models._change_json import in_texts
from qcasync.models.changes import Change
from qcasync.models.tables._columns import flag, integer, moment, text, word
from qcasync.models.tables._kind import Kind
from qcasync.models.tables._texts import json_text

__all__ = ["CHANGES"]


# Kinds of changes name these things differently, or do not have them. A change is an open set of Structs: hence Any.
def _deploy_id(change: Any) -> Any:
    told = getattr(change, "deploy_id", None)
    return told or getattr(getattr(change, "event", None), "algorithm_id", None) or None


def _order_id(change: Any) -> Any:
    order = getattr(change, "order", None)
    return getattr(change, "order_id", None) if order is None else order.id


def _symbol_id(change: Any) -> Any:
    if hasattr(change, "order"):
        return change.order.symbol.id
    told = getattr(change, "event", None) or getattr(change, "insight", None)
    return getattr(change, "symbol_id", None) if told is None else told.symbol


CHANGES: Final[Kind[Change]] = Kind(
    "changes",
    known_as=lambda change: f"change {change.key}",
    columns=(
        integer("project_id"),
        integer("sequence"),
        text("key"),
        word("kind", lambda change: change.__struct_config__.tag),
        moment("observed_at"),
        word("deploy_id", _deploy_id, nullable=True),
        integer("deployment", lambda change: getattr(change, "deployment", None), nullable=True),
        integer("order_id", _order_id, nullable=True),
        word("symbol_id", _symbol_id, nullable=True),
        integer("attempt"),
        flag("replayed"),
        text("json", lambda change: json_text(in_texts(change))),
    ),
)
"""A row for each change. Made of `Change`, whatever its kind."""
