"""How the site is built: `sphinx-build -W -n --keep-going -b html docs docs/_build`, or `nox -s docs`.

The pages are Markdown that reads on GitHub as well; `reference/` is made from docstrings. No network is needed.
"""

import builtins
import enum
import inspect
import re
import typing
from typing import Any

import msgspec
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PyXRefRole
from sphinx.util.typing import stringify_annotation

import qcasync

project = "qcasync"
version = release = qcasync.__version__
project_copyright = "the qcasync founders, MIT licence"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"qcasync {version}"
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
copybutton_prompt_text = "$ "
myst_heading_anchors = 4

default_role = "name"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_inherit_docstrings = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # signatures tell the types

FOREIGN = "anyio|collections|contextlib|datetime|decimal|enum|pathlib|random|ssl|types|typing|msgspec|pa|opentelemetry"
INNER = r"(?:qcasync\.(?:_|\w+\._|models\.tables\._|poller\.checkpoint)|anyio\.streams\.)"
nitpick_ignore_regex: list[tuple[str, str]] = [
    # Their own sites describe them; to link there needs their inventories, and so a network.
    (r"py:.*", "|".join(re.escape(name) for name in dir(builtins))),
    (r"py:.*", rf"({FOREIGN})(\..*)?|os\.PathLike|AbstractAsyncContextManager|Markup|\w+Provider"),
    # Seen in signatures, and never needed by name: type variables, and what only the library makes.
    (r"py:class", rf"{INNER}.*|qcasync\..*\.(Row|Row_co|\w+Text)"),
    (r"py:class", r"qcasync\.simulator\.(projects\.Loading|deployments\.Snapshot|orders\.Life|ledger\.CommandRecord)"),
]

COLON = "\ue000"
"""Stands for a colon where napoleon would take what is before it for a type."""
BEFORE_TEXT = {"Returns:", "Yields:"}
NAME = re.compile(r"[A-Za-z_][\w.]*(\(\))?")

# What follows is called by Sphinx, which hands over more than is needed.


class Name(PyXRefRole):
    """What stands in single backticks in a docstring: a link if it is a name of ours, code otherwise."""

    def __call__(self, name: str, rawtext: str, text: str, *rest: Any) -> Any:  # noqa: ARG002 - the name is "name"
        """Make the node of a name, or of code."""
        if not NAME.fullmatch(text):
            return [nodes.literal(rawtext, text)], []
        made, messages = super().__call__("py:obj", rawtext, text, *rest)
        for node in made:
            if isinstance(node, pending_xref):
                node["tolerant"] = True
        return made, messages


def leave_as_code(*told: Any) -> Any:
    """Keep a name in backticks that is none of ours as the code that it is."""
    _, _, node, content = told
    return content if node.get("tolerant") else None


def call_them_fields(_: Sphinx, doctree: nodes.document) -> None:
    """Say "Fields" where Sphinx says "Variables"."""
    for name in doctree.findall(nodes.field_name):
        if name.astext() == "Variables":
            name.children = [nodes.Text("Fields")]


def describe_signature(*told: Any) -> tuple[str, str | None] | None:
    """Show a signature as users see it.

    None for a model, whose fields are listed, for an enum, a protocol, and a class that only the library makes; a
    context manager, and not the generator that it was made of.
    """
    _, what, _, obj, _, signature, returned = told
    abstract = isinstance(obj, enum.EnumMeta) or getattr(obj, "_is_protocol", False)
    needs = re.findall(rf"{INNER}[\w.]*\b(\w+)", signature or "") if what == "class" else []
    if is_model(obj) or abstract or not set(needs) <= set(qcasync.__all__):
        return "", None
    if inspect.isasyncgenfunction(inspect.unwrap(obj)) and signature and returned:
        yielded = re.sub(r".*?AsyncGenerator\[(.*), None\]", r"\1", returned)
        return signature, f"~contextlib.AbstractAsyncContextManager[{yielded}]"
    return (with_aliases(signature), returned and with_aliases(returned)) if signature else None


def with_aliases(signature: str) -> str:
    """Write a signature with the names of unions, where it has all of their members."""
    for name in ("Observer", "Observation", "AnyChange", "NotificationTarget"):
        signature = signature.replace(stringify_annotation(getattr(qcasync, name), "smart"), f"~qcasync.{name}")
    return signature


def keep_colons(*told: Any) -> None:
    """Hide colons from napoleon where no type is before them."""
    _, what, _, _, _, lines = told
    for index, line in enumerate(lines):
        if what in {"attribute", "property", "data"} if index == 0 else lines[index - 1] in BEFORE_TEXT:
            lines[index] = line.replace(":", COLON)


def put_colons_back(*told: Any) -> None:
    """Show them again."""
    told[-1][:] = [line.replace(COLON, ":") for line in told[-1]]


def list_fields(*told: Any) -> None:
    """List all fields of a model with their types, and with what its docstring says of them."""
    _, _, _, obj, _, lines = told
    if not is_model(obj):
        return
    said = said_of_fields(lines)
    hints = typing.get_type_hints(obj)
    lines.append("")
    for field in msgspec.structs.fields(obj):
        if not field.name.startswith("_"):
            lines.append(f":ivar {field.name}: {' '.join(said.pop(field.name, []))}")
            lines.append(f":vartype {field.name}: {stringify_annotation(hints[field.name], 'smart')}")
    lines.append("")
    if said:
        raise ValueError(f"the docstring of {obj.__name__} describes {', '.join(said)}, which it has not")


def is_model(obj: object) -> bool:
    """Whether it is a class of msgspec's."""
    return isinstance(obj, type) and issubclass(obj, msgspec.Struct)


def said_of_fields(lines: list[str]) -> dict[str, list[str]]:
    """Take the section "Attributes" from the lines of a docstring, where it is the last one."""
    said: dict[str, list[str]] = {}
    if "Attributes:" in lines:
        place = lines.index("Attributes:")
        field = ""
        for line in lines[place + 1 :]:
            if found := re.match(r"    (\w+): (.*)", line):
                field = found[1]
                said[field] = [found[2]]
            elif field:
                said[field].append(line.strip())
        del lines[place:]
    return said


def setup(app: Sphinx) -> None:
    """Register what stands above."""
    app.add_role("name", Name())
    app.connect("missing-reference", leave_as_code)
    app.connect("doctree-read", call_them_fields)
    app.connect("autodoc-process-signature", describe_signature)
    app.connect("autodoc-process-docstring", list_fields, priority=300)
    app.connect("autodoc-process-docstring", keep_colons, priority=400)  # napoleon comes at 500
    app.connect("autodoc-process-docstring", put_colons_back, priority=600)
