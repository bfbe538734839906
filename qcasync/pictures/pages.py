"""Pages: one HTML file that needs nothing else, not even a network.

The page's policy (CSP) admits the two scripts that are in it, by their hashes, and nothing from anywhere. Text is
escaped by Jinja; figures are JSON that cannot end the element it stands in.
"""

import base64
import hashlib
import importlib.resources
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import msgspec

from qcasync.pictures._extra import library, missing
from qcasync.pictures._palette import darkened
from qcasync.pictures._text import shown, unlabel
from qcasync.pictures.figures import Figure

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["Section", "check", "environment", "page"]

Section: TypeAlias = "Figure | Markup"
"""A figure, or HTML that one of our own templates made."""

NOTE: Final = "Times are UTC. Made by qcasync; this file loads nothing from the network."

_TOP: Final = 26
"""Pixels above the panes where the title is a heading of the page."""

_UNSAFE: Final = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


class _Part(NamedTuple):
    title: str
    figure: "Markup | None"
    html: "Markup | None"
    height: int


def page(title: str, sections: Sequence[Section], *, facts: Sequence[tuple[str, object]] = (), note: str = NOTE) -> str:
    """Make a page.

    It is light or dark as the reader's screen asks, also when that changes; fits a phone; prints in light colours.
    A figure's title becomes a heading above it, unless it says the same as the page's. A page without figures has no
    script at all; any other has Plotly's library in it, once: about 5 MB.

    Args:
        title: The page's title, as text.
        sections: Figures, and HTML as `Markup`, in their order. A `str` that is no `Markup` is refused: who made it?
        facts: Names and values that stand below the title, as text: such as when the data was observed.
        note: The page's last line, as text.

    Returns:
        The HTML, to be stored as UTF-8.

    Raises:
        ConfigurationError: Jinja or Plotly is not installed.
        TypeError: A section is neither a figure nor `Markup`.
    """
    figures = [section for section in sections if isinstance(section, Mapping)]
    template = environment().get_template("page.html")
    drawing = _script(_resource("page.js"))
    plotly = _script(_plotly()) if figures else None
    return template.render(
        title=shown(title, 120),
        facts=[(shown(name), shown(value, 200)) for name, value in facts],
        parts=[_part(section) for section in sections],
        note=shown(note, 400),
        style=_markup(_resource("page.css")),
        policy=_policy([drawing, plotly] if plotly else []),
        dark=_json(darkened(figures)) if figures else None,
        plotly=_markup(plotly),
        drawing=_markup(drawing),
    )


def check() -> None:
    """Look whether a page with pictures can be made.

    Raises:
        ConfigurationError: Jinja or Plotly is not installed.
    """
    environment()
    _plotly()


@cache
def environment() -> "Environment":
    """Jinja with the templates of this package: everything is escaped, and an unknown name is an error.

    Raises:
        ConfigurationError: Jinja is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - of the extra
    except ImportError as error:
        raise missing("A page", "jinja2") from error
    return Environment(
        loader=PackageLoader("qcasync.pictures"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _part(section: Section) -> _Part:
    if isinstance(section, Mapping):
        layout: dict[str, Any] = dict(section["layout"])  # Plotly's JSON
        title = unlabel(layout.pop("title", {}).get("text", ""))
        above: int = layout["margin"]["t"]
        height = int(layout["height"]) - max(above - _TOP, 0)
        layout |= {"margin": {**layout["margin"], "t": min(above, _TOP)}, "height": height}
        return _Part(title, _json({"data": section["data"], "layout": layout}), None, height)
    if not hasattr(section, "__html__"):
        raise TypeError(f"a section is a figure or Markup, not {type(section).__name__}")
    return _Part("", None, section, 0)


def _json(value: object) -> "Markup":
    """JSON that is safe inside a script element: nothing in it begins a tag, a comment or an entity."""
    return _markup(msgspec.json.encode(value).decode().translate(_UNSAFE))


def _markup(text: str | None) -> "Markup":
    from markupsafe import Markup  # noqa: PLC0415 - of the extra; `environment` has said so if it is missing

    return Markup(text or "")  # noqa: S704 - of this package, of Plotly's, or made safe by `_json`


def _policy(scripts: Sequence[str]) -> str:
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in scripts
    )
    # Plotly writes styles of its own, and draws its images from data.
    allowed = f"script-src {hashes}; " if scripts else ""
    rest = "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    return f"default-src 'none'; {allowed}{rest}"


def _script(text: str) -> str:
    """A script whose text the browser sees as it is: browsers read CRLF as LF, and then hash that."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@cache
def _resource(name: str) -> str:
    return importlib.resources.files("qcasync.pictures").joinpath("templates", name).read_text("utf-8")


@cache
def _plotly() -> str:
    return str(library("plotly.offline", "A page with pictures").get_plotlyjs())
