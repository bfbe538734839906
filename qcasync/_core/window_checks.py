"""What a window of a list must be, wherever it is asked for."""

from qcasync.errors import ConfigurationError


def check_window(start: int, end: int, what: str, most: int, remedy: str) -> None:
    """Check a half-open window of indexes.

    Args:
        start: Index of the first row.
        end: Index after the last one.
        what: What a row is called.
        most: How many of them QuantConnect answers at once.
        remedy: What to do about a window that is too long.
    """
    if start < 0:
        raise ConfigurationError(f"start must not be negative, but is {start}.", f"The first {what} has index 0.")
    if end <= start:
        raise ConfigurationError(
            f"The window {start} to {end} is empty or reversed.",
            f"end is exclusive: start=0, end={most} reads the first {most} {what}s.",
        )
    if end - start > most:
        raise ConfigurationError(
            f"The window {start} to {end} spans {end - start} {what}s; QuantConnect answers at most {most}.", remedy
        )


def first_index(start: object) -> int:
    """Check where the reading of a list begins."""
    if isinstance(start, bool) or not isinstance(start, int) or not 0 <= start < 2**63:
        raise ConfigurationError(
            f"start must be an index from 0, not {start!r}.", "It is the number of rows that you have already."
        )
    return start


def filter_text(query: object) -> str:
    """Check what lines are to contain."""
    if not isinstance(query, str) or not query:
        raise ConfigurationError(
            "query must be text, and not empty.", "It is what lines are to contain; leave it out for all lines."
        )
    return query
