"""The mutants of a module: its source, changed in one place."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import parso
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code

from tests.mutants.operators import operators

CORE: Final = Path(__file__).parents[2] / "qcasync/_core"
WITH_EFFECT: Final = ("TABLE", "repeatable", "_WITH_EFFECT", "situation_when_unanswered")
"""What marks a place in `retrying` where it is decided what becomes of a call with effect."""


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        where: The dotted name of the function, class or constant it was made in.
        before: The lines that were changed, in one.
        after: What became of them.
        source: The whole module.
    """

    module: str
    where: str
    line: int
    before: str
    after: str
    source: str

    @property
    def with_effect(self) -> bool:
        """Whether it could change what becomes of a call with effect."""
        return self.module == "retrying" and any(mark in f"{self.where} {self.before}" for mark in WITH_EFFECT)

    def __str__(self) -> str:
        return f"qcasync/_core/{self.module}.py:{self.line}: {self.where}\n    - {self.before}\n    + {self.after}"


def unchanged(module: str) -> Mutant:
    """The module as it is."""
    return Mutant(module, "", 0, "", "", (CORE / f"{module}.py").read_text(encoding="utf-8"))


def mutants(module: str) -> Iterator[Mutant]:
    """All mutants of a module, operator by operator; those that two operators make, once."""
    source = unchanged(module).source
    tree = parso.parse(source)
    seen: set[tuple[int, str]] = set()
    for operator in operators():
        nodes = [node for node in ast_nodes(tree) for _ in operator.mutation_positions(node)]
        for occurrence, node in enumerate(nodes):
            mutated = "" if is_annotation(node) else mutate_code(source, operator, occurrence)
            if mutated:
                line, before, after = difference(source, mutated)
                if (line, after) not in seen:
                    yield Mutant(module, place(node), line, before, after, mutated)
                seen.add((line, after))


def difference(before: str, after: str) -> tuple[int, str, str]:
    """The number of the first line that two texts do not share, and what they do not share, each in one line."""
    old, new = before.splitlines(), after.splitlines()
    line = 1
    while old and new and old[0] == new[0]:
        old, new, line = old[1:], new[1:], line + 1
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return line, " ".join(" ".join(old).split()), " ".join(" ".join(new).split())


def is_annotation(node: Any) -> bool:
    """Whether a node says a type, or how arguments are passed, and does nothing."""
    if node.type == "operator" and node.parent.type == "parameters":
        return True
    while (parent := node.parent) is not None:
        types = {"annassign": 1, "tfpdef": 2}  # the child that is the annotation
        if parent.type in types and node is parent.children[types[parent.type]]:
            return True
        if parent.type == "funcdef" and node is parent.annotation:
            return True
        node = parent
    return False


def place(node: Any) -> str:
    """The dotted name of the function, class or constant around a node."""
    names = []
    while node is not None:
        if node.type in {"funcdef", "classdef"}:
            names.append(node.name.value)
        elif node.type == "expr_stmt" and node.parent.parent.type == "file_input":
            names.append(node.get_defined_names()[0].value)
        node = node.parent
    return ".".join(reversed(names))
