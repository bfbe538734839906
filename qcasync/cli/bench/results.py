"""What a run found, as values; `--json` writes them as they are."""

import msgspec

from qcasync.cli.bench.contenders import Side


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How long a case took, in seconds, and relative to the baseline on the same bytes in the same run.

    Attributes:
        min: The least of all rounds.
        median: Of all rounds.
        ratio: Least to least; None without a baseline.
        ratio_median: Median to median.
    """

    min: float
    median: float
    ratio: float | None
    ratio_median: float | None


class Row(msgspec.Struct, frozen=True, kw_only=True, tag_field="about", tag="decoder"):
    """What was measured of one contender with one payload.

    Attributes:
        payload: The payload's name.
        payload_bytes: Its size.
        contender: Who decoded it.
        side: Whose that is; a "limit" does less than the work.
        timing: With the garbage collector on, as it is by default.
        timing_bare: As if the process held nothing but the payload, which shortens full collections.
        timing_gc_off: With the garbage collector off.
        bytes_per_second: With the garbage collector on, in the best round.
        orders_per_second: The same; None where a payload is not about orders.
        peak_bytes: Resident memory that it added at most; None if not measured, as of a limit.
        peak_ratio: The same in sizes of the payload.
        tracked: Objects that it left to the garbage collector; None if not measured.
    """

    payload: str
    payload_bytes: int
    contender: str
    side: Side
    timing: Timing
    timing_bare: Timing
    timing_gc_off: Timing
    bytes_per_second: float
    orders_per_second: float | None
    peak_bytes: int | None
    peak_ratio: float | None
    tracked: int | None


class StallRow(msgspec.Struct, frozen=True, kw_only=True, tag_field="about", tag="stall"):
    """The worst stall of an event loop while an answer of live/read is decoded, in seconds: the least of several reads.

    Attributes:
        payload: The payload's name.
        inline: By orjson in the loop; None if it is not installed.
        client: By a client's whole read.
        ratio: Client to inline.
    """

    payload: str
    inline: float | None
    client: float
    ratio: float | None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a run measured.

    Attributes:
        stamp: What took part, and where.
        rows: By payload, ours first.
        stalls: Of every answer of live/read.
        left_out: Sentences about who could not take part, and why.
    """

    stamp: dict[str, str | int | None]
    rows: tuple[Row, ...]
    stalls: tuple[StallRow, ...]
    left_out: tuple[str, ...]
