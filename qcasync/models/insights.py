"""Insights, as live/insights/read tells them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import field

from qcasync.models._base import Int64, Model, UnixTime
from qcasync.models.enums import InsightDirection, InsightType, in_text
from qcasync.models.quarantine import Quarantined, in_place

__all__ = ["Insight", "InsightPage"]

if TYPE_CHECKING:
    InsightDirectionText = InsightDirection
else:
    InsightDirectionText = in_text(InsightDirection)


class Insight(Model, frozen=True, kw_only=True):
    """An algorithm's prediction for one security.

    The documents and the engine name two fields differently; here they have the engine's names.

    Attributes:
        id: 32 hex digits, unique in QuantConnect.
        group_id: What the insights share that were made together; None for one that stands alone.
        source_model: The alpha model that made it.
        generated_time_at: When it was made, Unix seconds with fraction. `generated_time` has it as a datetime.
        created_time_at: The same, as the engine tells it beside; None if it does not.
        close_time_at: When its period ends, Unix seconds with fraction. `close_time` has it as a datetime.
        symbol: The security's identity (`Symbol.id`).
        ticker: Its ticker.
        type: What is predicted: price or volatility.
        reference: What that was when the insight was made.
        reference_value_final: What it was when the period ended; 0 before. Documents call it `referenceFinal`.
        direction: Where it is to move.
        period: How long the insight holds, in seconds.
        magnitude: How far it is to move, 0.025 for 2.5 %; None if nothing is said.
        confidence: How likely that is, 0 to 1; None if nothing is said.
        weight: The share of the portfolio that is proposed; None if nothing is said.
        score_is_final: Whether the scores can still change. Documents call it `scoreFinal`.
        score_direction: Score of the direction, 0 to 1.
        score_magnitude: Score of the magnitude, 0 to 1.
        estimated_value: What the insight was worth, as the engine estimates it.
        tag: The algorithm's own text; None if there is none.
    """

    # In the order of Lean's serializer. It quotes the numbers that it rounds; documents show them as plain numbers.
    id: str
    group_id: str | None = None
    source_model: str | None = None
    generated_time_at: UnixTime = field(name="generatedTime")
    created_time_at: UnixTime | None = field(name="createdTime", default=None)
    close_time_at: UnixTime = field(name="closeTime")
    symbol: str
    ticker: str | None = None
    type: InsightType
    reference: float = 0.0
    reference_value_final: float = 0.0
    direction: InsightDirectionText
    period: float
    magnitude: float | None = None
    confidence: float | None = None
    weight: float | None = None
    score_is_final: bool = False
    score_direction: float = 0.0
    score_magnitude: float = 0.0
    estimated_value: float = 0.0
    tag: str | None = None

    @property
    def generated_time(self) -> datetime:
        """When it was made, in UTC."""
        return datetime.fromtimestamp(self.generated_time_at, UTC)

    @property
    def created_time(self) -> datetime | None:
        """The same, as the engine tells it beside; None if it does not."""
        return None if self.created_time_at is None else datetime.fromtimestamp(self.created_time_at, UTC)

    @property
    def close_time(self) -> datetime:
        """When its period ends, in UTC."""
        return datetime.fromtimestamp(self.close_time_at, UTC)


class InsightPage(Model, frozen=True, kw_only=True):
    """The answer to one window of live/insights/read.

    Attributes:
        insights: The insights that could be decoded, in the server's order.
        length: What the server calls length; None if the answer lacks it.
        quarantined: The entries that could not be decoded.
        start: Index of the first entry in the project's list of insights.
    """

    insights: tuple[Insight, ...]
    length: Int64 | None = None
    quarantined: tuple[Quarantined, ...] = ()
    start: int = 0

    @property
    def count(self) -> int:
        """How many entries the server sent."""
        return len(self.insights) + len(self.quarantined)

    def rows(self) -> Iterator[Insight | Quarantined]:
        """Yield every entry at its place: `zip(itertools.count(page.start), page.rows())` has the indices."""
        return in_place(self.insights, self.quarantined)
