"""Moments on the command line."""

from datetime import UTC, datetime

import typer


def moment(text: str) -> datetime:
    """A date, or a date and a time; UTC unless it says otherwise.

    Raises:
        typer.BadParameter: It is neither.
    """
    try:
        told = datetime.fromisoformat(text)
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError):  # no date; or in UTC it is the year 0
        raise typer.BadParameter(f"{text!r} is no time such as 2024-06-01 or 2024-06-01T14:30") from None
