"""The files that outlive a process."""

from qcasync.errors._base import QuantConnectError


class JournalError(QuantConnectError):
    """The file of intents cannot be read or written.

    Attributes:
        path: The file.
        problem: What went wrong.
        hint: What to do about it.
    """

    def __init__(self, path: str, problem: str, hint: str = "") -> None:
        super().__init__(path, problem, hint)
        self.path = path
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"The journal {self.path} {self.problem}." + (f"\n  HINT: {self.hint}" if self.hint else "")


class CheckpointError(QuantConnectError):
    """The file in which a watch keeps what it knows is damaged, foreign, in use, or cannot be written.

    Attributes:
        path: The file.
        problem: What is wrong with it.
        hint: What to do about it.
        lasting: Whether to try again cannot help: somebody else has taken it over, or it is damaged.
    """

    def __init__(self, path: str, problem: str, hint: str = "", lasting: bool = False) -> None:
        super().__init__(path, problem, hint, lasting)
        self.path = path
        self.problem = problem
        self.hint = hint
        self.lasting = lasting

    def __str__(self) -> str:
        return f"The checkpoint {self.path} {self.problem}." + (f"\n  HINT: {self.hint}" if self.hint else "")
