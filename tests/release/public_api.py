"""Write tests/release/public_api.txt, the names and signatures that users may rely on.

    python -m tests.release.public_api

Python says which names there are and to which classes they belong; the source says how they are spelled, so that the
page is the same under every version of Python. A line is a name with its signature, type or value.
"""

import ast
import enum
import importlib
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final, TypeGuard

PAGE: Final = Path(__file__).with_name("public_api.txt")
PACKAGE: Final = Path(__file__).parents[2] / "qcasync"

Def = ast.FunctionDef | ast.AsyncFunctionDef


def render() -> str:
    """The page, as it should be."""
    lines: list[str] = []
    homes: dict[int, str] = {}
    for module in public_modules():
        for name in sorted(module.__all__):
            thing, path = getattr(module, name), f"{module.__name__}.{name}"
            home = homes.setdefault(id(thing), path) if described(thing) else path
            lines += [f"{path} is {home}"] if home != path else list(describe(module, path, thing))
    return "\n".join(lines) + "\n"


def public_modules() -> list[ModuleType]:
    """The packages of which no part has a leading underscore and that say what is public in them, and `qcasync` first.

    What a package shows of its modules is public there. The command line is not a library.
    """
    found: list[ModuleType] = []
    for path in sorted(PACKAGE.rglob("*.py"), key=lambda path: (len(path.relative_to(PACKAGE).parts), str(path))):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if path.name == "__init__.py" or parts in ALSO:
            name = ".".join(part for part in parts if part != "__init__")
            if "._" not in name and ".cli" not in name and "__all__" in path.read_text():
                found.append(importlib.import_module(name))
    return found


ALSO: Final = {("qcasync", "outcomes"), ("qcasync", "simulator", "bodies")}
"""Modules that documents name, and that are no packages."""


def described(thing: object) -> TypeGuard[type | FunctionType]:
    """Whether something has a description that need not be repeated under each of its names."""
    return isinstance(thing, type | FunctionType)


def describe(module: ModuleType, path: str, thing: Any) -> Iterator[str]:
    """The lines of a name."""
    if isinstance(thing, FunctionType):
        yield path + signature(thing)
    elif isinstance(thing, type):
        bases = ", ".join(base.__name__ for base in thing.__bases__ if base is not object)
        yield f"class {path}({bases})"
        yield from (f"{path}.{line}" for line in sorted(members(thing)))
    elif isinstance(thing, ModuleType):
        yield f"{path} (module)"
    else:
        yield f"{path} = {assigned(path.rpartition('.')[2], thing) or type(thing).__name__}"


def members(kind: type) -> Iterator[str]:
    """What an object of the class has, as far as this library gave it."""
    if issubclass(kind, enum.Enum):
        yield from (f"{each.name} = {each.value!r}" for each in kind)
    told: set[str] = set()
    for owner in kind.__mro__:
        if not owner.__module__.startswith("qcasync"):
            continue
        fields = {
            node.target.id: node
            for node in class_node(owner).body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        for name in {**fields, **vars(owner)}:
            if name in told or (name.startswith("_") and name not in SPECIAL):
                continue
            told.add(name)
            if line := member(owner, name, fields.get(name)):
                yield line


SPECIAL: Final = {"__init__", "__call__", "__getitem__", "__len__", "__iter__", "__aiter__", "__anext__", "__await__"}


def member(owner: type, name: str, field: ast.AnnAssign | None) -> str | None:
    """One member, or None if it is nobody's business."""
    value = inspect.getattr_static(owner, name, None)
    if isinstance(value, property):
        assert isinstance(value.fget, FunctionType)
        return f"{name} (property){signature(value.fget).removeprefix('(self)')}"
    for wrapper in (staticmethod, classmethod):
        if isinstance(value, wrapper):
            value = value.__func__
    if isinstance(value, FunctionType):
        return name + signature(value) if value.__module__.startswith("qcasync") else None
    if field is not None:
        default = f" = {ast.unparse(field.value)}" if field.value is not None else ""
        return f"{name}: {ast.unparse(field.annotation)}{default}"
    return None


def signature(function: FunctionType) -> str:
    """Parameters and result, as the source spells them."""
    code = inspect.unwrap(function).__code__
    node = functions(code.co_filename).get(code.co_firstlineno) if Path(code.co_filename).exists() else None
    if node is None:  # made by `dataclass`: the fields say it all
        return "(...)"
    mark = " async" if isinstance(node, ast.AsyncFunctionDef) else ""
    result = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    return f"({ast.unparse(node.args)}){mark}{result}"


def class_node(kind: type) -> ast.ClassDef:
    """Where a class is written; a class without members if that is nowhere."""
    found: ast.AST = tree(str(sys.modules[kind.__module__].__file__))
    for name in kind.__qualname__.split("."):
        found = next(
            (node for node in ast.walk(found) if isinstance(node, ast.ClassDef) and node.name == name),
            ast.parse("class _: ...").body[0],
        )
    assert isinstance(found, ast.ClassDef)
    return found


def assigned(name: str, thing: object) -> str | None:
    """What a module-level name is set to, in the module where that is written."""
    for module in [*sys.modules.values()]:
        file = getattr(module, "__file__", None)
        if not module.__name__.startswith("qcasync") or file is None or vars(module).get(name) is not thing:
            continue
        for node in tree(file).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            value = getattr(node, "value", None)
            if value is not None and any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return f"{ast.unparse(value.func)}(...)" if isinstance(value, ast.Call) else ast.unparse(value)
    return None


@cache
def tree(file: str) -> ast.Module:
    """A source file."""
    return ast.parse(Path(file).read_text())


@cache
def functions(file: str) -> dict[int, Def]:
    """The functions of a file, by the line in which Python says that they begin."""
    return {
        min(node.lineno, *(each.lineno for each in node.decorator_list), node.lineno): node
        for node in ast.walk(tree(file))
        if isinstance(node, Def)
    }


if __name__ == "__main__":
    PAGE.write_text(render())
    print(f"{PAGE.relative_to(Path.cwd())}: {len(render().splitlines())} lines")
