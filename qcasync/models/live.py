"""Live deployments."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import field
from msgspec.structs import force_setattr

from qcasync.models._base import Int64, Model, as_utc
from qcasync.models._json import ShallowJson
from qcasync.models.charts import Chart
from qcasync.models.enums import AlgorithmStatus, ChartResolution
from qcasync.models.live_result import LiveResult
from qcasync.models.statistics import Statistics

__all__ = ["CreateLiveAlgorithmResponse", "LiveAlgorithm", "LiveDeployment", "ProjectFile"]


class ProjectFile(Model, frozen=True, kw_only=True):
    """A file of a project.

    Attributes:
        id: None in most answers.
        project_id: The project.
        name: Such as "main.py".
        content: Its text.
        modified: When it was last changed, in UTC.
        open: Whether it is open in the web IDE.
        is_library: Whether it belongs to a library.
    """

    id: Int64 | None = None
    project_id: Int64 | None = None
    name: str = ""
    content: str = ""
    modified: datetime | None = None
    open: bool = False
    is_library: bool = False

    def __post_init__(self) -> None:
        force_setattr(self, "modified", as_utc(self.modified))


class LiveAlgorithm(Model, frozen=True, kw_only=True):
    """A live deployment, as live/read tells it.

    The server answers in one of two forms. Today's is flat; the documented one has `version`, `resolution` and
    `results` instead, and leaves the rest at its defaults.

    Attributes:
        message: The error that ended the algorithm; "" or None if none did.
        deploy_id: "L-" and 32 hex digits; "" if the project has no deployment.
        status: The deployment's state; `UNDEFINED` if the project has none, which the server calls a success.
        clone_id: The project id of the snapshot that runs.
        launched: When it was launched, in UTC.
        stopped: When it was stopped, in UTC; None while it runs.
        brokerage: Such as "PaperBrokerage".
        security_types: Such as "Equity,Option": one text, not a list.
        project_name: The project's name.
        datacenter: Such as "NY7".
        is_public_streaming: Whether others may watch it.
        public: Whether it is public.
        description: The user's text.
        files: Every file of the snapshot with its content, which makes the answer large.
        runtime_statistics: Text by display name, such as {"Net Profit": "$-1,234.56"}; empty if it does not run.
            `runtime_statistics.number(name)` has the number.
        server_statistics: The same about its machine.
        deployment_details: The same about the deployment.
        charts: Its charts by name, mostly without series.
        version: Documented form: version of the result.
        resolution: Documented form: how finely the charts are sampled.
        results: Documented form: the result; None in today's.
    """

    message: str | None = None
    deploy_id: str = ""
    status: AlgorithmStatus = AlgorithmStatus.UNDEFINED
    clone_id: Int64 | None = None
    launched: datetime | None = None
    stopped: datetime | None = None
    brokerage: str = ""
    security_types: str = ""
    project_name: str = ""
    datacenter: str = ""
    is_public_streaming: bool = False
    public: bool = False
    description: str | None = None
    files: tuple[ProjectFile, ...] = ()
    runtime_statistics: Statistics = field(default_factory=Statistics)
    server_statistics: Statistics = field(default_factory=Statistics)
    deployment_details: Statistics = field(default_factory=Statistics)
    charts: Mapping[str, Chart] = field(default_factory=dict[str, Chart])
    version: Int64 | None = field(name="@version", default=None)
    resolution: ChartResolution | None = field(name="@resolution", default=None)
    results: LiveResult | None = field(name="@results", default=None)

    def __post_init__(self) -> None:
        if self.launched is not None:
            force_setattr(self, "launched", as_utc(self.launched))
        if self.stopped is not None:
            force_setattr(self, "stopped", as_utc(self.stopped))


class LiveDeployment(Model, frozen=True, kw_only=True):
    """A live deployment, as live/list tells it.

    Attributes:
        project_id: The project.
        deploy_id: "L-" and 32 hex digits.
        status: Its state; None if the server does not tell.
        launched: When it was launched, in UTC.
        stopped: When it was stopped, in UTC; None while it runs.
        brokerage: Such as "PaperBrokerage".
        subscription: The plan it runs on.
        equity: Value of the account, in its currency; None if unknown.
        environment: Such as "live-paper".
        description: The user's text.
        error: The error that ended it; "" or None if none did.
        leagues: The leagues it takes part in, as sent; no source shows what they look like.
    """

    project_id: Int64
    deploy_id: str
    status: AlgorithmStatus | None = None
    launched: datetime | None = None
    stopped: datetime | None = None
    brokerage: str = ""
    subscription: str | None = None
    equity: float | None = None
    environment: str | None = None
    description: str | None = None
    error: str | None = None
    leagues: tuple[ShallowJson, ...] = ()

    def __post_init__(self) -> None:
        if self.launched is not None:
            force_setattr(self, "launched", as_utc(self.launched))
        if self.stopped is not None:
            force_setattr(self, "stopped", as_utc(self.stopped))


class CreateLiveAlgorithmResponse(Model, frozen=True, kw_only=True):
    """What live/create answers.

    Attributes:
        project_id: The project.
        deploy_id: The new deployment, "L-" and 32 hex digits.
        version_id: The version of Lean that runs; the request says it as text, the answer as a number.
        source: Who created it, such as "api-v2".
        response_code: Undocumented.
        live: The new deployment.
    """

    project_id: Int64
    deploy_id: str
    version_id: Int64 | None = None
    source: str | None = None
    response_code: str | None = None
    live: LiveAlgorithm | None = None
