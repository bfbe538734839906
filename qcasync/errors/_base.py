"""What all errors share, and those that come before any I/O."""

from typing import Literal

from qcasync.outcomes import Outcome

Sent = Literal["no", "maybe", "yes"]
"""Whether a request may have reached QuantConnect."""


class QuantConnectError(Exception):
    """Every error of this library.

    Attributes:
        attempts: How often the request was handed to the transport; 0 if the error came before any I/O.
        elapsed: Seconds from the call to the error.
        outcome: Of a call with effect: what is known of it. None for any other call.
    """

    attempts: int = 0
    elapsed: float = 0.0
    outcome: Outcome | None = None


class ConfigurationError(QuantConnectError):
    """Something given to this library cannot work. Raised before any I/O.

    Attributes:
        problem: What is wrong, and where it was given.
        hint: What to do about it.
    """

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem, hint)
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.problem}\n  HINT: {self.hint}" if self.hint else self.problem


def effort(error: QuantConnectError) -> str:
    if error.attempts <= 1:
        return ""
    return f" (attempt {error.attempts}, {error.elapsed:.1f} s)"
