"""Pictures of projects: figures in Plotly's JSON, and what shows them: a page, an image, a terminal.

`figures` and everything it uses is pure: models in, dictionaries out. `pages`, `images` and `terminal` import the
libraries of the extra `plot` when they are called.
"""

from typing import TYPE_CHECKING

from qcasync._lazy import lazily

if TYPE_CHECKING:
    from qcasync.pictures.figures import chart_figure, equity_figure
    from qcasync.pictures.images import png
    from qcasync.pictures.pages import page
    from qcasync.pictures.report_page import report
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "qcasync.pictures.figures": ["chart_figure", "equity_figure"],
            "qcasync.pictures.images": ["png"],
            "qcasync.pictures.pages": ["page"],
            "qcasync.pictures.report_page": ["report"],
        },
    )

__all__ = ["chart_figure", "equity_figure", "page", "png", "report"]
