"""The numbers of a report as one object for programs: dictionaries, lists, models and plain values."""

from msgspec import structs

from qcasync.pictures.report_data import ReportData, Unread
from qcasync.pictures.report_exposure import Exposure, Position
from qcasync.pictures.report_view import View, view_of


def numbers_of(data: ReportData) -> dict[str, object]:
    """The numbers, with the names of the models. None stands for what is not known; `unread` has the reasons."""
    view = view_of(data)
    live = data.live
    return {
        "project_id": data.project_id,
        "project_name": live.project_name,
        "deploy_id": live.deploy_id,
        "status": live.status,
        "launched": live.launched,
        "stopped": live.stopped,
        "brokerage": live.brokerage,
        "message": live.message,
        "since": data.since,
        "observed_from": data.listing.observed_from,
        "observed_until": data.listing.observed_until,
        "equity": view.equity,
        "drawdown": None if view.fall is None else {"now": view.fall.now, "deepest": view.fall.deepest},
        "runtime_statistics": data.runtime_statistics,
        "server_statistics": data.server_statistics,
        "exposure": None if view.exposure is None else _exposure(view.exposure),
        "holdings": None if view.positions is None else [_position(each) for each in view.positions],
        "cash": None if view.portfolio is None else dict(view.portfolio.cash),
        "orders": {
            "total": data.listing.total,
            "in_period": len(data.orders),
            "quarantined": len(data.listing.quarantined),
            "anomalies": len(data.listing.anomalies),
        },
        "fill_quality": _fill_quality(data),
        "log_lines": _total(view, "log"),
        "insights": _total(view, "insights"),
        "unread": {name: part.reason for name, part in data.parts.items() if isinstance(part, Unread)},
    }


def _fill_quality(data: ReportData) -> dict[str, object]:
    quality = data.fill_quality
    told = {name: each for name, each in structs.asdict(quality).items() if name != "fills"}
    return {**told, "measured": len(quality.fills), "covered": quality.covered}


def _exposure(exposure: Exposure) -> dict[str, float | None]:
    values = {name: getattr(exposure, name) for name in ("long", "short", "net", "gross")}
    shares = {f"{name}_share": exposure.share(value) for name, value in values.items()}
    return {**values, **shares}


def _position(position: Position) -> dict[str, object]:
    return {name: getattr(position, name) for name in Position.__dataclass_fields__}


def _total(view: View, name: str) -> int | None:
    part = getattr(view, name)
    return None if part is None else part.total
