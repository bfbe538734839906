"""What a watch tells: frozen records of what became different in a live project.

Every change names its project, has a key that is the same however often it is observed or delivered, and a sequence
number within its project. Changes about the account as a whole have the project id 0.
"""

from qcasync.models.changes.accounts import CashChanged, EquityChanged, HoldingChanged, StatisticsChanged
from qcasync.models.changes.base import ACCOUNT, Change
from qcasync.models.changes.deployments import DeploymentFailed, DeploymentStarted, DeploymentStopped, StatusChanged
from qcasync.models.changes.orders import OrderAdded, OrderChanged, OrderEventAdded, OrderEventAmended
from qcasync.models.changes.records import ChartExtended, InsightAdded, LogLineAdded
from qcasync.models.changes.troubles import Gap, ProjectFailing, ProjectRecovered, ServiceFailing, ServiceRecovered

__all__ = [
    "ACCOUNT",
    "AnyChange",
    "CashChanged",
    "Change",
    "ChartExtended",
    "DeploymentFailed",
    "DeploymentStarted",
    "DeploymentStopped",
    "EquityChanged",
    "Gap",
    "HoldingChanged",
    "InsightAdded",
    "LogLineAdded",
    "OrderAdded",
    "OrderChanged",
    "OrderEventAdded",
    "OrderEventAmended",
    "ProjectFailing",
    "ProjectRecovered",
    "ServiceFailing",
    "ServiceRecovered",
    "StatisticsChanged",
    "StatusChanged",
]

AnyChange = (
    DeploymentStarted
    | StatusChanged
    | DeploymentStopped
    | DeploymentFailed
    | OrderAdded
    | OrderChanged
    | OrderEventAdded
    | OrderEventAmended
    | EquityChanged
    | StatisticsChanged
    | HoldingChanged
    | CashChanged
    | LogLineAdded
    | InsightAdded
    | ChartExtended
    | ProjectFailing
    | ProjectRecovered
    | ServiceFailing
    | ServiceRecovered
    | Gap
)
"""Every kind of change, for `match` and for decoding: `msgspec.json.decode(text, type=AnyChange)`."""
