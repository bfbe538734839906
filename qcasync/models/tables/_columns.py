"""What a column is: its name, its form, and where in a row it is read. Nothing here knows pyarrow."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from qcasync.models.enums import OpenEnum

__all__ = ["Column", "Form", "Read", "flag", "integer", "listed", "member", "moment", "number", "text", "word"]

Read = Callable[[Any], Any]
"""Reads a value out of a row. Rows are of every kind, and so are values."""


class Form(enum.Enum):
    """What the values of a column are; `_arrays` says which Arrow type each becomes."""

    TEXT = "text"
    WORD = "text that repeats"
    MEMBER = "member of an enum"
    INTEGER = "integer"
    NUMBER = "number, a decimal in the exact form of a kind"
    FLOAT = "number, always a float"
    FLAG = "yes or no"
    MOMENT = "datetime"
    UNIX = "Unix seconds"
    TEXTS = "list of texts"
    INTEGERS = "list of integers"
    AMOUNTS = "list of amounts of money"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name.
        form: What its values are.
        read: Reads its value out of a row.
        nullable: Whether a value may be missing.
        vocabulary: The enum of a MEMBER.
    """

    name: str
    form: Form
    read: Read
    nullable: bool = False
    vocabulary: type[OpenEnum] | None = None


def path(words: str) -> Read:
    """Read an attribute of an attribute: "a.b", or "a?.b" where a may be None, and then b is None, too."""
    head, asks, tail = words.partition("?.")
    get: Read = attrgetter(head)
    if not asks:
        return get
    rest = path(tail)

    def read(row: Any) -> Any:
        found = get(row)
        return None if found is None else rest(found)

    return read


def _column(form: Form, name: str, source: str | Read, *, nullable: bool) -> Column:
    return Column(name, form, path(source or name) if isinstance(source, str) else source, nullable)


def text(name: str, source: str | Read = "", *, nullable: bool = False) -> Column:
    """Text that is different in every row."""
    return _column(Form.TEXT, name, source, nullable=nullable)


def word(name: str, source: str | Read = "", *, nullable: bool = False) -> Column:
    """Text that many rows share."""
    return _column(Form.WORD, name, source, nullable=nullable)


def integer(name: str, source: str | Read = "", *, nullable: bool = False) -> Column:
    """An integer of 64 bits."""
    return _column(Form.INTEGER, name, source, nullable=nullable)


def number(name: str, source: str | Read = "", *, nullable: bool = False, ever_float: bool = False) -> Column:
    """A float, or in the exact form of a kind a decimal, unless it is `ever_float`."""
    return _column(Form.FLOAT if ever_float else Form.NUMBER, name, source, nullable=nullable)


def flag(name: str, source: str | Read = "", *, nullable: bool = False) -> Column:
    """Yes or no."""
    return _column(Form.FLAG, name, source, nullable=nullable)


def moment(name: str, source: str | Read = "", *, nullable: bool = False, unix: bool = False) -> Column:
    """An aware datetime, or if `unix` a float of Unix seconds."""
    return _column(Form.UNIX if unix else Form.MOMENT, name, source, nullable=nullable)


def member(name: str, vocabulary: type[OpenEnum], source: str | Read = "", *, nullable: bool = False) -> Column:
    """A member of an enum, or None. A function as source returns the value of a member."""
    ask = "?." if nullable else "."
    read = path(f"{source or name}{ask}_value_") if isinstance(source, str) else source
    return Column(name, Form.MEMBER, read, nullable, vocabulary)


def listed(name: str, form: Form, source: str | Read = "", *, nullable: bool = False) -> Column:
    """A list of texts, integers or amounts."""
    return _column(form, name, source, nullable=nullable)
