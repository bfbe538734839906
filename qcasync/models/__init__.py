"""What QuantConnect sends and is sent, one module per resource.

Only data lives here: no I/O, no decisions, no imports from the rest of the package. Models are frozen and picklable;
fields carry the names of the API in snake_case. Bytes become models in `qcasync._core.decoding`.
"""

from qcasync.models.brokerages import (
    DEFAULT_DATA_PROVIDERS,
    BrokerageSettings,
    EmailTarget,
    Notification,
    NotificationTarget,
    PaperHolding,
    SmsTarget,
    TelegramTarget,
    WebTarget,
    paper_brokerage,
)
from qcasync.models.charts import Candlestick, Chart, ChartPoint, Series
from qcasync.models.closed_trades import ClosedTrade, ClosedTrades, FillKey, OpenLot
from qcasync.models.deployments import Deployment
from qcasync.models.enums import (
    AlgorithmStatus,
    ChartResolution,
    ChartType,
    DataNormalizationMode,
    InsightDirection,
    InsightType,
    OpenEnum,
    OrderDirection,
    OrderStatus,
    OrderType,
    ScatterMarkerSymbol,
    SecurityType,
    SeriesType,
    TimeInForceKind,
    TradeDirection,
)
from qcasync.models.fill_quality import FillQuality, FillSummary, MeasuredFill
from qcasync.models.insights import Insight, InsightPage
from qcasync.models.listings import Anomaly, InsightListing, Listing, LogListing, OrderListing, TradeListing
from qcasync.models.live import CreateLiveAlgorithmResponse, LiveAlgorithm, LiveDeployment, ProjectFile
from qcasync.models.live_result import AlphaRuntimeStatistics, InsightScore, LiveResult
from qcasync.models.logs import LogLine, LogPage
from qcasync.models.order_events import CashAmount, OrderEvent, OrderFee
from qcasync.models.order_properties import OrderProperties, TimeInForce
from qcasync.models.orders import GroupOrderManager, Order, OrderPage, OrderSubmissionData
from qcasync.models.portfolio import Cash, Holding, Portfolio
from qcasync.models.quarantine import Quarantined
from qcasync.models.statistics import Statistics
from qcasync.models.symbols import Symbol
from qcasync.models.trades import Trade, TradePage

__all__ = [
    "DEFAULT_DATA_PROVIDERS",
    "AlgorithmStatus",
    "AlphaRuntimeStatistics",
    "Anomaly",
    "BrokerageSettings",
    "Candlestick",
    "Cash",
    "CashAmount",
    "Chart",
    "ChartPoint",
    "ChartResolution",
    "ChartType",
    "ClosedTrade",
    "ClosedTrades",
    "CreateLiveAlgorithmResponse",
    "DataNormalizationMode",
    "Deployment",
    "EmailTarget",
    "FillKey",
    "FillQuality",
    "FillSummary",
    "GroupOrderManager",
    "Holding",
    "Insight",
    "InsightDirection",
    "InsightListing",
    "InsightPage",
    "InsightScore",
    "InsightType",
    "Listing",
    "LiveAlgorithm",
    "LiveDeployment",
    "LiveResult",
    "LogLine",
    "LogListing",
    "LogPage",
    "MeasuredFill",
    "Notification",
    "NotificationTarget",
    "OpenEnum",
    "OpenLot",
    "Order",
    "OrderDirection",
    "OrderEvent",
    "OrderFee",
    "OrderListing",
    "OrderPage",
    "OrderProperties",
    "OrderStatus",
    "OrderSubmissionData",
    "OrderType",
    "PaperHolding",
    "Portfolio",
    "ProjectFile",
    "Quarantined",
    "ScatterMarkerSymbol",
    "SecurityType",
    "Series",
    "SeriesType",
    "SmsTarget",
    "Statistics",
    "Symbol",
    "TelegramTarget",
    "TimeInForce",
    "TimeInForceKind",
    "Trade",
    "TradeDirection",
    "TradeListing",
    "TradePage",
    "WebTarget",
    "paper_brokerage",
]
