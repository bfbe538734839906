"""Images: a figure as a PNG, drawn by Plotly in the system's Chrome or Chromium, which Kaleido starts."""

import copy
import os
from typing import Any, Final

from qcasync.errors import ConfigurationError
from qcasync.pictures._extra import library
from qcasync.pictures._palette import MUTED
from qcasync.pictures._text import label
from qcasync.pictures.figures import Figure

__all__ = ["check", "png"]

SCALE: Final = 2
"""Pixels of the image for each pixel of the figure."""

_WIDTH: Final = 1_200
_SECONDS: Final = 60


def check() -> None:
    """Look whether a PNG can be made here.

    Raises:
        ConfigurationError: Kaleido or Plotly is not installed, or there is no browser.
    """
    library("plotly", "A PNG")  # without it Kaleido would load Plotly's script from the network
    library("kaleido", "A PNG")
    chromium = library("choreographer.browsers", "A PNG").Chromium  # what Kaleido looks by
    if not (os.environ.get("BROWSER_PATH") or chromium.find_browser(skip_local=False)):
        raise _no_browser()


def png(figure: Figure, *, title: str = "", note: str = "", width: int = _WIDTH) -> bytes:
    """Draw a figure on white, twice as fine as it says.

    It starts a browser without a window, which takes a second or two and uses no network. Call it outside of any event
    loop.

    Args:
        figure: Plotly's JSON.
        title: Instead of the figure's own, as text.
        note: What stands at the bottom on the right, as text.
        width: In pixels of the figure; the image has twice as many.

    Returns:
        The PNG.

    Raises:
        ConfigurationError: A library or a browser is missing, or the browser cannot be used.
    """
    check()
    kaleido, errors = library("kaleido", "A PNG"), library("choreographer.errors", "A PNG")
    kept = {"page_generator": _drawing_page(), "timeout": _SECONDS}
    titled = _titled(figure, title, note)
    options = {"format": "png", "width": width, "height": titled["layout"]["height"], "scale": SCALE}
    try:
        drawn: Any = kaleido.calc_fig_sync(titled, opts=options, kopts=kept)
    except errors.ChromeNotFoundError as error:
        raise _no_browser() from error
    except (errors.BrowserFailedError, TimeoutError) as error:
        raise ConfigurationError(
            f"The browser could not draw the picture ({type(error).__name__}).",
            "Write an .html file instead; or name another browser in BROWSER_PATH.",
        ) from error
    return bytes(drawn)


def _drawing_page() -> Any:  # Kaleido tells no types
    """The page in which Kaleido draws: with Plotly's script from the disk, and without MathJax from the network."""
    return library("kaleido", "A PNG").PageGenerator(mathjax=False)


def _no_browser() -> ConfigurationError:
    return ConfigurationError(
        "A PNG needs Chrome or Chromium, and none was found.",
        "Run plotly_get_chrome, or apt install chromium; BROWSER_PATH may name one. An .html file needs none.",
    )


def _titled(figure: Figure, title: str, note: str) -> Figure:
    layout = copy.deepcopy(figure["layout"])
    if title:
        layout["title"]["text"] = label(title, 100)
    if note:
        font = {"size": 11, "color": MUTED.light}
        place = {"xref": "paper", "yref": "paper", "x": 1, "y": 0, "xanchor": "right", "yanchor": "top", "yshift": -62}
        layout["annotations"].append({"text": label(note, 160), "showarrow": False, "font": font, **place})
    return {"data": figure["data"], "layout": layout}
