"""What is changed in a mutant: Cosmic Ray's operators that make sense here, and some that it does not have.

Left out are changes that cannot be wrong in an interesting way: of annotations, docstrings and sentences for people;
of an operator to one that raises for floats (`<<`, `|`); of `is` to `==` between members of an enum.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider
from parso.python.tree import Name

from qcasync._core.phases import Phase
from qcasync._core.retrying import Action, Effect, Situation
from qcasync._core.skew import Refusal
from qcasync._core.window_steps import Trouble

ARITHMETIC: Final = "(Add|Sub|Mul|Div|FloorDiv|Mod|Pow)"
ORDER: Final = "(Eq|NotEq|Lt|LtE|Gt|GtE)"
BORROWED: Final = re.compile(
    f"ReplaceBinaryOperator_{ARITHMETIC}_{ARITHMETIC}|ReplaceComparisonOperator_{ORDER}_{ORDER}"
    "|ReplaceComparisonOperator_(Is_IsNot|IsNot_Is)|ReplaceUnaryOperator_.*|AddNot|ReplaceTrueWithFalse"
    "|ReplaceFalseWithTrue|ReplaceAndWithOr|ReplaceOrWithAnd|ReplaceBreakWithContinue|ReplaceContinueWithBreak"
    "|ExceptionReplacer|NumberReplacer|RemoveDecorator|ZeroIterationForLoop"
)
MEMBERS: Final = {
    enum.__name__: list(enum.__members__) for enum in (Action, Effect, Phase, Refusal, Situation, Trouble)
}
CELLS: Final = ("_R", "_R1", "_NO", "_UNK")
SWAPPED: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
STATEMENTS: Final = {"expr_stmt", "atom_expr", "power", "del_stmt"}


class Replace(Operator):
    """Replaces a node by other text.

    Args:
        texts: What may stand in place of a node; nothing for most nodes.
    """

    def __init__(self, texts: Callable[[Any], Sequence[str]]) -> None:
        self._texts = texts

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        for _ in self._texts(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        return Name(self._texts(node)[index], node.start_pos, node.get_first_leaf().prefix)

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


def conditions(node: Any) -> Sequence[str]:
    """A condition always holds, or never does."""
    if node.parent is None or node.parent.type not in {"if_stmt", "while_stmt", "test", "comp_if"}:
        return ()
    keyword = node.get_previous_sibling()
    return ("True", "False") if keyword is not None and getattr(keyword, "value", "") in {"if", "elif", "while"} else ()


def statements(node: Any) -> Sequence[str]:
    """A statement of a function does nothing."""
    alone = node.parent is not None and node.parent.type == "simple_stmt"
    return ("pass",) if alone and inside(node, "funcdef") and node.type in STATEMENTS else ()


def members(node: Any) -> Sequence[str]:
    """Another member of the enum."""
    owner = node.get_previous_sibling() if node.type == "trailer" else None
    names = MEMBERS.get(getattr(owner, "value", ""), [])
    if not names or node.children[-1].value not in names:
        return ()
    return (f".{names[(names.index(node.children[-1].value) + 1) % len(names)]}",)


def cells(node: Any) -> Sequence[str]:
    """Every other action in a cell of the retry table."""
    table = node.type == "name" and node.value in CELLS and inside(node, "dictorsetmaker")
    return [cell for cell in CELLS if cell != node.value] if table else ()


def functions(node: Any) -> Sequence[str]:
    """The smaller instead of the larger, one of them instead of all, and the other way round."""
    return (SWAPPED[node.value],) if node.type == "name" and node.value in SWAPPED else ()


def memberships(node: Any) -> Sequence[str]:
    """Not in, instead of in."""
    return ("not in",) if node.type == "keyword" and node.value == "in" and node.parent.type == "comparison" else ()


def words(node: Any) -> Sequence[str]:
    """A word of the protocol is misspelled. A text with a blank inside is a sentence for people, and none of these."""
    text_of_function = node.type in {"string", "fstring_string"} and inside(node, "funcdef")
    if not text_of_function or node.parent.type == "simple_stmt":
        return ()
    whole = node.parent.get_code() if node.type == "fstring_string" else node.value
    text = node.value.strip("\"'")
    return () if not text or " " in whole.strip(" \"'") else (node.value.replace(text, f"{text}X"),)


def inside(node: Any, kind: str) -> bool:
    """Whether a node stands in a node of this type."""
    while (node := node.parent) is not None:
        if node.type == kind:
            return True
    return False


def operators() -> Iterator[Operator]:
    """All of them."""
    provider = OperatorProvider()
    yield from (provider[name]() for name in provider if BORROWED.fullmatch(name))
    yield from map(Replace, (conditions, statements, members, cells, functions, memberships, words))
