"""Every error that qcasync raises.

    QuantConnectError                      every error of this library
    ├─ ConfigurationError                  credentials, addresses, arguments: raised before any I/O
    ├─ RequestError                        no usable answer
    │  └─ RequestTimeout
    ├─ ResponseError                       an answer, but not the promised one
    │  ├─ DecodeError                      not JSON, or not the model
    │  │  └─ ResponseTooLarge
    │  ├─ ServerError                      5xx, or HTML from a proxy
    │  ├─ AccessBlocked                    a content network wants a browser
    │  ├─ RedirectRefused                  a redirect, which is never followed
    │  └─ APIError                         success: false
    │     ├─ AuthenticationError
    │     │  └─ ClockSkewError
    │     ├─ RateLimitError
    │     └─ NotFoundError
    ├─ NotReady                            still loading when the deadline came
    ├─ StillRunning                        a deployment had not ended when the deadline came
    ├─ IncompleteRead                      a listing that could not be completed
    ├─ OutcomeUnknown                      a call with effect may or may not have happened
    ├─ JournalError                        the file of intents cannot be read or written
    └─ CheckpointError                     the file of a watch is damaged, foreign, in use, or cannot be written

Values go positionally through `super().__init__`, so that every error pickles; `__str__` composes the sentence: what
happened, whose fault it is, what to do. Texts that come from the server are redacted before they get here.
"""

from qcasync.errors._answers import (
    AccessBlocked,
    APIError,
    AuthenticationError,
    ClockSkewError,
    DecodeError,
    NotFoundError,
    RateLimitError,
    RedirectRefused,
    RequestError,
    RequestTimeout,
    ResponseError,
    ResponseTooLarge,
    ServerError,
)
from qcasync.errors._base import ConfigurationError, QuantConnectError
from qcasync.errors._base import Sent as Sent
from qcasync.errors._ends import IncompleteRead, NotReady, OutcomeUnknown, StillRunning
from qcasync.errors._files import CheckpointError, JournalError

__all__ = [
    "APIError",
    "AccessBlocked",
    "AuthenticationError",
    "CheckpointError",
    "ClockSkewError",
    "ConfigurationError",
    "DecodeError",
    "IncompleteRead",
    "JournalError",
    "NotFoundError",
    "NotReady",
    "OutcomeUnknown",
    "QuantConnectError",
    "RateLimitError",
    "RedirectRefused",
    "RequestError",
    "RequestTimeout",
    "ResponseError",
    "ResponseTooLarge",
    "ServerError",
    "StillRunning",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # a traceback calls an error as users do
