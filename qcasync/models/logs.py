"""Log lines, as live/logs/read tells them."""

from msgspec import field

from qcasync.models._base import Int64, Model

__all__ = ["LogPage"]


class LogPage(Model, frozen=True, kw_only=True):
    """The answer to one window of live/logs/read.

    Attributes:
        lines: The lines, oldest first, each with its date in front. A line may hold line breaks.
        length: How many lines the log has, those of all deployments; None if the answer lacks it.
        deployment_offset: How many of them precede the deployment that was asked about; None in old answers.
        start: Number of the first line, counted from 0 over all deployments.
    """

    lines: tuple[str, ...] = field(name="logs")
    length: Int64 | None = None
    deployment_offset: Int64 | None = None
    start: int = 0

    @property
    def count(self) -> int:
        """How many lines the server sent."""
        return len(self.lines)
