"""The asyncio client for QuantConnect's REST API v2: complete order listings, clock-skew-aware signing, typed results.

async with qcasync.Client() as qc:
    orders = await qc.live.list_orders(project_id)

What is public of errors, models, changes, observations and outcomes, their modules' `__all__` say; what is imported
when it is first used stands here. tests/release/public_api.txt lists all of it.
"""

from typing import TYPE_CHECKING

from qcasync import errors as _errors
from qcasync import models as _models
from qcasync import outcomes as _outcomes
from qcasync._lazy import lazily
from qcasync.errors import *
from qcasync.models import *
from qcasync.models import changes as _changes
from qcasync.models import client_statistics as _client_statistics
from qcasync.models import observations as _observations
from qcasync.models import watched as _watched
from qcasync.models.changes import *
from qcasync.models.client_statistics import *
from qcasync.models.observations import *
from qcasync.models.watched import *
from qcasync.outcomes import *

if TYPE_CHECKING:
    from qcasync._clock import Clock
    from qcasync._core.bodies import decode_chart, decode_live, decode_orders, decode_portfolio
    from qcasync._core.change_codec import decode_change, encode_change
    from qcasync._core.closed_trades import closed_trades
    from qcasync._core.fill_quality import fill_quality
    from qcasync._listing import OrderPages, Pages
    from qcasync.client import Client
    from qcasync.poller.delivery import Changes
    from qcasync.recording import Recorder, RecordingEnded, ReplayTransport
    from qcasync.resources._charts import Charts
    from qcasync.resources.live import Live
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "qcasync._clock": ["Clock"],
            "qcasync._core.bodies": ["decode_chart", "decode_live", "decode_orders", "decode_portfolio"],
            "qcasync._core.change_codec": ["decode_change", "encode_change"],
            "qcasync._core.closed_trades": ["closed_trades"],
            "qcasync._core.fill_quality": ["fill_quality"],
            "qcasync._listing": ["OrderPages", "Pages"],
            "qcasync.client": ["Client"],
            "qcasync.poller.delivery": ["Changes"],
            "qcasync.recording": ["Recorder", "RecordingEnded", "ReplayTransport"],
            "qcasync.resources._charts": ["Charts"],
            "qcasync.resources.live": ["Live"],
        },
    )

__version__ = "0.1.0"

__all__ = [
    "Changes",
    "Charts",
    "Client",
    "Clock",
    "Live",
    "OrderPages",
    "Pages",
    "Recorder",
    "RecordingEnded",
    "ReplayTransport",
    "closed_trades",
    "decode_change",
    "decode_chart",
    "decode_live",
    "decode_orders",
    "decode_portfolio",
    "encode_change",
    "fill_quality",
]
__all__ += _errors.__all__
__all__ += _models.__all__
__all__ += _changes.__all__
__all__ += _client_statistics.__all__
__all__ += _observations.__all__
__all__ += _watched.__all__
__all__ += _outcomes.__all__
