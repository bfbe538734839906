"""The report as a page: fragments and figures in their order."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread

from qcasync.client import Client
from qcasync.pictures import report_formats, report_view
from qcasync.pictures._text import shown
from qcasync.pictures.figures import Figure, chart_figure, equity_figure
from qcasync.pictures.pages import Section, check, environment, page
from qcasync.pictures.report_data import ReportData, Unread
from qcasync.pictures.report_figures import slippage_figure, time_figure
from qcasync.pictures.report_gathering import PATIENCE, PartRead, gather
from qcasync.pictures.report_view import View, view_of

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

NOTE: Final = (
    "Made by qcasync from what QuantConnect's API answered. Times are UTC. This page loads nothing from the network."
)


async def report(
    qc: Client,
    project_id: int,
    *,
    since: datetime | None = None,
    patience: float = PATIENCE,
    part_read: PartRead | None = None,
) -> str:
    """Read a live project and make a page of it that needs nothing else: status, equity, holdings, orders, fills, log.

    What cannot be read says so on the page, except for status and orders. The page is made in a worker thread.

    Cost: eight requests, one per 100 orders, and one or two more where the log or the insights are long; more where
    QuantConnect has to load something first. All run at once, as far as the client's gate lets them.

    Args:
        qc: The client.
        project_id: The project.
        since: Where the period begins, aware; the launch of the latest deployment if left out.
        patience: Seconds for each part beside status and orders.
        part_read: Called after each part with how many were read, and of how many.

    Returns:
        The HTML, about 5 MB, to be stored or served as UTF-8. It holds no credentials.

    Raises:
        ConfigurationError: Jinja or Plotly is not installed: before any request.
        QuantConnectError: Status or orders could not be read.
    """
    check()
    data = await gather(qc, project_id, since=since, patience=patience, part_read=part_read)
    return await anyio.to_thread.run_sync(report_page, data)


def report_page(data: ReportData) -> str:
    """Make the page."""
    view = view_of(data)
    return page(f"{data.live.project_name or 'Project'} · {data.project_id}", _sections(data, view), note=NOTE)


def _sections(data: ReportData, view: View) -> list[Section]:
    def part(template: str) -> "Markup":
        return _fragment(template, data, view)

    quality = data.fill_quality
    sections: list[Section] = [part("status"), part("equity")]
    if not (isinstance(data.equity, Unread) or view.equity_empty):
        drawdown = None if isinstance(data.drawdown, Unread) else data.drawdown
        sections.append(_untitled(equity_figure(data.equity, data.orders, drawdown=drawdown)))
    sections.append(part("exposure"))
    if not (isinstance(data.exposure, Unread) or view.exposure_empty):
        sections.append(_untitled(chart_figure(data.exposure)))
    sections += [part("holdings"), part("orders"), part("fills")]
    if quality.prompt.orders:
        sections += [_heading("How slippage is distributed"), slippage_figure(quality)]
    seconds = [fill.seconds for fill in quality.fills if fill.seconds is not None]
    if seconds:
        sections += [_heading("Time from submission to the last fill"), time_figure(seconds)]
    sections.append(part("log"))
    if view.insights is None or view.insights.insights:
        sections.append(part("insights"))
    return sections


def _fragment(template: str, data: ReportData, view: View) -> "Markup":
    from markupsafe import Markup  # noqa: PLC0415 - of the extra; `environment` has said so if it is missing

    made = (
        _environment().get_template(f"report_{template}.html").render(data=data, view=view, quality=data.fill_quality)
    )
    return Markup(made)  # noqa: S704 - made by our template, which escapes


def _heading(text: str) -> "Markup":
    from markupsafe import Markup  # noqa: PLC0415 - see above

    return Markup("<h3>{}</h3>").format(text)


def _untitled(figure: Figure) -> Figure:
    """The same figure below a heading of ours."""
    return {
        **figure,
        "layout": {**figure["layout"], "title": {"text": ""}, "margin": {**figure["layout"]["margin"], "t": 26}},
    }


@cache
def _environment() -> "Environment":
    ours = environment().overlay()
    filters: dict[str, Any] = {**ours.filters, **_FILTERS}  # Jinja's own type lists its own filters one by one
    ours.filters = filters
    return ours


def _lines(text: str, most: int) -> str:
    """Text whose line breaks stay, and whose other controls become escapes."""
    return "\n".join(shown(line, most) for line in text.splitlines())


def _cost_sign(value: float | None) -> str:
    return {"up": "down", "down": "up", "": ""}[report_formats.sign(value)]


_FILTERS: Final[dict[str, Callable[..., Any]]] = {  # whatever a template passes
    "amounts": report_view.amounts,
    "arrow": report_view.arrow,
    "cost_sign": _cost_sign,
    "duration": report_formats.duration,
    "lines": _lines,
    "moment": report_formats.moment,
    "money": report_formats.money,
    "name": report_formats.name,
    "number": report_formats.number,
    "order_price": report_view.order_price,
    "percent": report_formats.percent,
    "price": report_formats.price,
    "price_in": report_formats.price_in,
    "quantity": report_formats.quantity,
    "shown": shown,
    "side": report_view.side,
    "sign": report_formats.sign,
    "signed": report_formats.signed,
    "signed_percent": report_formats.signed_percent,
    "signed_price": report_formats.signed_price,
    "unit": report_formats.with_unit,
}
