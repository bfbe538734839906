"""The knobs: how the simulated QuantConnect behaves today. Everything here may be changed while it runs."""

from dataclasses import dataclass
from typing import Literal

from qcasync.simulator.faults import PASSING_FAULTS, FaultKind


@dataclass(kw_only=True)
class Conditions:
    """How the simulator answers. The defaults are the real API on a good day.

    Durations are seconds; rates are probabilities between 0 and 1.

    Attributes:
        latency: Time from a request to its answer.
        jitter: Up to this much is added to `latency`, drawn from the simulator's seed.

        loading: How many `status: loading` answers the orders, the trades, the log, the insights and each chart of a
            project give before the first real one. `math.inf` loads for ever.
        loading_seconds: The same by time: loading lasts at least so long after the first request.
        warming_seconds: How long windows of orders or trades come back empty (`orders: [], length: 0`), from a
            project's first on.
        flush_seconds: The age of a snapshot: how often a running deployment writes its orders and insights out. 0: at
            once.
        log_flush_seconds: The same for its log.
        initializing_seconds: How long a new deployment is `Initializing` before it is `Running`.
        stopping_seconds: How long a deployment still runs after an accepted stop or liquidation.
        ignore_commands: Stop, liquidate and commands answer `success: true`, and nothing happens.

        clamp: No window returns more orders, trades or insights than this, whatever was asked for.
        max_window: A window of orders, trades or insights wider than this is refused. None: never.
        inclusive_end: `end` is the last index of a window instead of the one after it.
        ignore_start: Every window begins at 0.
        length_means: What `length` says about a window of orders, trades or insights.
        stale_rate: How often a window is answered by a replica that missed the last flush.
        broken_orders: Positions in the project's list whose JSON has the wrong shape on the wire.

        clock_offset: The server's clock minus the true time. Affects timestamps and the `Date` header.
        timestamp_past: How old a signature may be.
        timestamp_future: How far ahead of the server's clock it may be. None: unchecked.
        refusal: The form of a refused login; "hash" tells an unknown user apart, as the real API does.
        lost_headers: Request headers that a middle box strips, in lower case.
        send_date: Whether answers carry `Date`.
        date_text: Sent as `Date` instead of the server's time: a malformed date, or one of 1970.
        date_jitter: `Date` is off by up to this much either way, as it is behind several edges.
        extra_headers: Added to every answer, such as `Age` from a cache.

        requests_per_second: Requests of an account beyond this many in one second are throttled. None: never.
        throttle: The form of that answer: 429 with `Retry-After`, 429 without, or a text in a 200.

        fault_rate: How many requests are hit by a fault drawn from `fault_kinds`, besides the scripted ones.
        fault_kinds: What may be drawn.

        live_answer: The form of live/read: today's flat one, or the documented `LiveResults`.
        live_read_lists: live/read without a project answers with a list, as documented, instead of "Invalid argument".
        never_deployed: live/read of a project without deployments: status `Undefined`, or a failure.
        list_key: The key under which lists of deployments stand.
        refuse_null: A null in a request is refused: optional fields are to be left out.
    """

    latency: float = 0.0
    jitter: float = 0.0

    loading: float = 0
    loading_seconds: float = 0.0
    warming_seconds: float = 0.0
    flush_seconds: float = 600.0
    log_flush_seconds: float = 300.0
    initializing_seconds: float = 5.0
    stopping_seconds: float = 0.0
    ignore_commands: bool = False

    clamp: int | None = None
    max_window: int | None = 1000
    inclusive_end: bool = False
    ignore_start: bool = False
    length_means: Literal["total", "page", "zero", "absent", "negative", "growing"] = "total"
    stale_rate: float = 0.0
    broken_orders: frozenset[int] = frozenset()

    clock_offset: float = 0.0
    timestamp_past: float = 7200.0
    timestamp_future: float | None = None
    refusal: Literal["hash", "user", "unauthorized", "server_error"] = "hash"
    lost_headers: frozenset[str] = frozenset()
    send_date: bool = True
    date_text: str | None = None
    date_jitter: float = 0.0
    extra_headers: tuple[tuple[str, str], ...] = ()

    requests_per_second: float | None = None
    throttle: Literal["retry-after", "bare", "text"] = "retry-after"

    fault_rate: float = 0.0
    fault_kinds: tuple[FaultKind, ...] = PASSING_FAULTS

    live_answer: Literal["flat", "results"] = "flat"
    live_read_lists: bool = False
    never_deployed: Literal["undefined", "failure"] = "undefined"
    list_key: Literal["live", "Algorithms"] = "live"
    refuse_null: bool = True
