"""What is sent: one Struct per operation, and the checks that a request must pass before any I/O.

A field that is None is left out of the body: QuantConnect refuses null for some optional fields.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast

import msgspec

from qcasync._core.redaction import Hidden
from qcasync._core.window_checks import check_window, filter_text
from qcasync.errors import ConfigurationError
from qcasync.models.brokerages import BrokerageSettings, Notification
from qcasync.models.enums import AlgorithmStatus

MAX_WINDOW: Final = 100
"""The sources name limits from 100 to 1,000; 100 is the one that all of them allow."""
MAX_LOG_LINES: Final = 250
"""Lean enforces it. Its newest texts say 200, which the row's hint tells to whom the server refuses more."""
SURE_LOG_LINES: Final = 200
"""What all sources allow. Listings ask for so many at once: who lists a log cannot ask for fewer."""


_LISTINGS: Final = "list_orders and iter_orders read all orders, in as many windows as it takes."


class _Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The JSON body of a request."""


class Authenticate(_Body, frozen=True, kw_only=True):
    """Nothing but the signature."""


class ReadLive(_Body, frozen=True, kw_only=True):
    """One project's live algorithm; its most recent deployment, unless one is named."""

    project_id: int
    deploy_id: str | None = None


class ListLive(_Body, frozen=True, kw_only=True):
    """The user's deployments, or a project's. Times are Unix seconds, or ISO text in the old list form of live/read."""

    project_id: int | None = None
    status: str | None = None
    start: int | str | None = None
    end: int | str | None = None


class ReadLiveOrders(_Body, frozen=True, kw_only=True):
    """A window of a project's orders: indexes `start` up to, and not including, `end`."""

    project_id: int
    start: int  # required by QuantConnect since 2025, also when it is 0
    end: int


class ReadLiveLogs(_Body, frozen=True, kw_only=True):
    """A window of a project's log: lines `start_line` up to, and not including, `end_line`, over all deployments.

    With a `query`, only lines that contain it, in any case, are counted and answered.
    """

    format: Literal["json"]
    project_id: int
    deploy_id: str = msgspec.field(name="algorithmId")
    start_line: int
    end_line: int
    query: str | None = None


class ReadLiveInsights(_Body, frozen=True, kw_only=True):
    """A window of a project's insights: indexes `start` up to, and not including, `end`."""

    project_id: int
    start: int
    end: int


class ReadLiveTrades(_Body, frozen=True, kw_only=True):
    """A window of a project's closed trades: of all its deployments, unless one is named."""

    project_id: int
    start: int
    end: int
    deploy_id: str | None = None  # QuantConnect refuses null


class ReadChart(_Body, frozen=True, kw_only=True):
    """A stretch of a chart in Unix seconds. `count` is how finely it is sampled; QuantConnect requires all of them."""

    project_id: int
    name: str
    count: int
    start: int
    end: int


class CreateLive(_Body, frozen=True, kw_only=True):
    """A deployment. Brokerage and data providers are open mappings whose keys are QuantConnect's own."""

    version_id: str  # text in the request, a number in the answer
    project_id: int
    compile_id: str
    node_id: str
    brokerage: BrokerageSettings
    data_providers: Mapping[str, BrokerageSettings]
    automatic_redeploy: bool
    parameters: Mapping[str, str] | None = None
    notification: Notification | Mapping[str, object] | None = None

    def __repr__(self) -> str:  # settings hold the passwords of brokerages
        return f"<CreateLive of project {self.project_id}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # rich asks for it first, and msgspec's own lists every field
        return [("project_id", self.project_id)]


class ProjectCall(_Body, frozen=True, kw_only=True):
    """A call that names a project and nothing else."""

    project_id: int


def encode(request: msgspec.Struct) -> Hidden:
    """The JSON body of a request, which may hold a brokerage's password.

    Raises:
        ConfigurationError: A setting is of a type that JSON does not know.
    """
    return Hidden(msgspec.json.encode(request, enc_hook=_plain))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    raise ConfigurationError(
        f"A setting of type {type(value).__name__} cannot be sent as JSON.", "Pass text, numbers, lists and mappings."
    )


def project(project_id: object) -> int:
    """Check a project id."""
    if isinstance(project_id, bool) or not isinstance(project_id, int) or not 0 < project_id < 2**63:
        raise ConfigurationError(
            f"project_id must be a positive integer, not {project_id!r}.",
            "It is the number in the project's address: quantconnect.com/project/NUMBER.",
        )
    return project_id


def window(project_id: int, start: int, end: int) -> ReadLiveOrders:
    """Check a window of order indexes: half-open, not empty, at most 100 long."""
    check_window(start, end, "order", MAX_WINDOW, _LISTINGS)
    return ReadLiveOrders(project_id=project(project_id), start=start, end=end)


def log_window(project_id: int, deploy_id: object, start: int, end: int, query: str | None = None) -> ReadLiveLogs:
    """Check a window of log lines: half-open, not empty, at most 250 long."""
    check_window(start, end, "line", MAX_LOG_LINES, "list_logs and iter_logs read a whole log.")
    return ReadLiveLogs(
        format="json",
        project_id=project(project_id),
        deploy_id=identifier("deploy_id", deploy_id),
        start_line=start,
        end_line=end,
        query=None if query is None else filter_text(query),
    )


def insight_window(project_id: int, start: int, end: int) -> ReadLiveInsights:
    """Check a window of insight indexes: half-open, not empty, at most 100 long."""
    check_window(start, end, "insight", MAX_WINDOW, "list_insights and iter_insights read all of them.")
    return ReadLiveInsights(project_id=project(project_id), start=start, end=end)


def trade_window(project_id: int, start: int, end: int, deploy_id: str | None = None) -> ReadLiveTrades:
    """Check a window of closed trades: half-open, not empty, at most 100 long."""
    check_window(start, end, "trade", MAX_WINDOW, "list_trades and iter_trades read all of them.")
    return ReadLiveTrades(
        project_id=project(project_id),
        start=start,
        end=end,
        deploy_id=None if deploy_id is None else identifier("deploy_id", deploy_id),
    )


def chart(project_id: int, name: str, start: datetime, end: datetime, count: object) -> ReadChart:
    """Check a stretch of a chart."""
    first, last = int(_utc(start).timestamp()), int(_utc(end).timestamp())
    if last <= first:  # of no seconds at all, QuantConnect answers one point, as of a young deployment
        raise ConfigurationError(
            f"The stretch from {start} to {end} is empty or reversed.", "start must be before end, by a second or more."
        )
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ConfigurationError(f"count must be a positive integer, not {count!r}.", "It is how many samples to take.")
    return ReadChart(
        project_id=project(project_id),
        name=identifier("name", name),
        count=count,
        start=first,
        end=last,
    )


def chart_names(names: object) -> tuple[str, ...]:
    """Check which charts to read; a name that comes twice is one."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise ConfigurationError(
            f"names must be several names of charts, not {names!r}.", 'For one chart: names=["Strategy Equity"].'
        )
    return tuple(dict.fromkeys(identifier("a name in names", name) for name in cast("Iterable[object]", names)))


def create_live(
    *,
    project_id: int,
    compile_id: str,
    node_id: str,
    version_id: str,
    brokerage: BrokerageSettings,
    data_providers: Mapping[str, BrokerageSettings],
    parameters: Mapping[str, str] | None,
    notification: Notification | Mapping[str, object] | None,
    automatic_redeploy: bool,
) -> CreateLive:
    """Check a deployment."""
    if not isinstance(brokerage.get("id"), str) or not brokerage["id"]:
        raise ConfigurationError(
            "brokerage has no 'id'.", "Name the brokerage: {'id': 'QuantConnectBrokerage'}, or use paper_brokerage()."
        )
    return CreateLive(
        project_id=project(project_id),
        compile_id=identifier("compile_id", compile_id),
        node_id=identifier("node_id", node_id),
        version_id=identifier("version_id", version_id),
        brokerage=brokerage,
        data_providers=data_providers,
        parameters=parameters,
        notification=notification,
        automatic_redeploy=automatic_redeploy,
    )


def live_list(
    status: AlgorithmStatus | str | None,
    start_time: datetime | None,
    end_time: datetime | None,
    *,
    times: Literal["unix", "iso"],
) -> ListLive:
    """Check the filter of a list of deployments."""
    if start_time is not None and end_time is not None and _utc(end_time) < _utc(start_time):
        raise ConfigurationError(f"end_time ({end_time}) is before start_time ({start_time}).", "Exchange the two.")
    return ListLive(
        status=None if status is None else status_name(status),
        start=_time(start_time, times),
        end=_time(end_time, times),
    )


def status_name(status: AlgorithmStatus | str) -> str:
    """Check a deployment's state, in any spelling."""
    member = AlgorithmStatus(status)
    if not member.is_known:
        words = [str(known.value) for known in AlgorithmStatus]
        raise ConfigurationError(f"Unknown status {member.value!r}.", f"One of {', '.join(words)}.")
    return str(member.value)


def _time(moment: datetime | None, form: Literal["unix", "iso"]) -> int | str | None:
    if moment is None:
        return None
    utc = _utc(moment)
    return int(utc.timestamp()) if form == "unix" else utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ConfigurationError(
            f"The time {moment} has no zone.", "Pass an aware datetime, such as datetime(2026, 1, 2, tzinfo=UTC)."
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ConfigurationError(
            f"The time {moment} is out of range.", "In UTC it has no year from 1 to 9999."
        ) from None


def identifier(name: str, value: object) -> str:
    """Check an id that is text."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name} must not be empty.", f"Pass the {name} that QuantConnect gave.")
    return value
