"""The documents as one site: every page is in its tree, every public name in the reference, no built link is broken.

`nox -s docs` builds the site and says in `QCASYNC_SITE` where it is; without that, what needs it is skipped.
"""

import importlib
import os
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import pytest

import qcasync
from tests.browser import DESKTOP, PHONE, browser, needs_browser

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = DOCS / "reference"

BUILT = os.environ.get("QCASYNC_SITE", "")
SITE = Path(BUILT).resolve()
needs_site = pytest.mark.skipif(not BUILT, reason="`nox -s docs` builds the site, and sets QCASYNC_SITE")

TREE = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^ *\.\. (currentmodule|automodule|auto\w+|data|function):: (\S+)$", re.MULTILINE)


def in_tree(page: Path) -> Iterator[Path]:
    """The pages below one in the table of contents, as often as they are named."""
    for tree in TREE.findall(page.read_text()):
        for line in tree.splitlines():
            if line.strip() and not line.startswith(":"):
                for below in sorted(page.parent.glob(f"{line}.md")) or [page.parent / f"{line}.md"]:
                    yield below
                    if below.exists():
                        yield from in_tree(below)


def test_every_page_is_in_the_tree_once() -> None:
    pages = Counter(in_tree(DOCS / "index.md"))
    assert [page.name for page, times in pages.items() if times > 1] == []
    assert [page.name for page in pages if not page.exists()] == []
    built = {page for page in DOCS.rglob("*.md") if "_build" not in page.parts}
    assert built - set(pages) == {DOCS / "index.md"}


def public_modules() -> Iterator[str]:
    """qcasync, and the packages in it that say what they offer; the command line offers commands."""
    yield "qcasync"
    for module in pkgutil.walk_packages(qcasync.__path__, "qcasync."):
        inner = re.search(r"\._|\.(cli|resources|endpoints|sqlite_store|changes)\b", module.name)
        if module.ispkg and not inner:
            yield module.name


def public_names() -> set[str]:
    """Every public name, by the shortest of its paths."""
    names: set[str] = set()
    for module_name in sorted(public_modules(), key=len):
        module = importlib.import_module(module_name)
        for name in getattr(module, "__all__", ()):
            if getattr(qcasync, name, None) is not getattr(module, name) or module is qcasync:
                names.add(f"{module_name}.{name}")
    return names


def documented_names() -> list[str]:
    """What the reference describes."""
    names: list[str] = []
    for page in sorted(REFERENCE.glob("*.md")):
        current = ""
        for directive, name in DIRECTIVE.findall(page.read_text()):
            if directive == "currentmodule":
                current = name
            elif directive == "automodule":
                names += [f"{name}.{each}" for each in importlib.import_module(name).__all__]
            else:
                names.append(f"{current}.{name}")
    return names


def test_every_public_name_is_in_the_reference_once() -> None:
    """A new name goes to a page of docs/reference, the one with its task."""
    public, documented = public_names(), documented_names()
    missing = sorted(public - set(documented))
    assert not missing, f"docs/reference lacks {', '.join(missing)}"
    assert [name for name, times in Counter(documented).items() if times > 1] == []
    for name in documented:
        module, _, attribute = name.rpartition(".")
        if "fixture" not in name and not attribute.startswith("qc_"):
            assert hasattr(importlib.import_module(module), attribute), f"there is no {name}"


class Page(HTMLParser):
    """The anchors and the links of a built page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif name in {"href", "src"} and value:
                self.links.append(value)


@needs_site
def test_no_link_of_the_site_is_broken() -> None:
    """Each leads to a file of the site, and to an anchor in it."""
    pages = {path: Page(path) for path in SITE.rglob("*.html")}
    assert len(pages) > len(list(DOCS.rglob("*.md")))
    broken: list[str] = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            found = pages.get(target)
            if not target.exists() or (parts.fragment and found and unquote(parts.fragment) not in found.ids):
                broken.append(f"{path.relative_to(SITE)}: {link}")
    assert broken == []


@needs_site
@needs_browser
@pytest.mark.timeout(300)
def test_pages_fit_and_load_nothing_from_elsewhere() -> None:
    """In Chromium, at a desk and on a phone: no page is wider than the screen, complains, or asks a network."""
    troubles: list[object] = []
    pages = [path for path in sorted(SITE.rglob("*.html")) if not path.name.startswith(("search", "genindex", "00"))]
    with browser() as chromium:
        for path in pages:
            for size in (DESKTOP, PHONE):
                with chromium.open(path, size=size) as sight:
                    wide = sight.evaluate("document.documentElement.scrollWidth - window.innerWidth")
                    if wide > 0 or sight.messages or sight.outside:
                        place = PurePosixPath(path.relative_to(SITE))
                        troubles.append((str(place), size[0], wide, sight.messages, sight.outside))
    assert troubles == []
