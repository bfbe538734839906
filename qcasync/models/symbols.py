"""Securities."""

from qcasync.models._base import Model

__all__ = ["Symbol"]


class Symbol(Model, frozen=True, kw_only=True):
    """A security.

    Attributes:
        value: Its ticker today, such as "NEE".
        id: Its identity, which outlives renamings: the first ticker and a hash, such as "FPL R735QTJ8XC9X".
            " 0" is the empty symbol; "" means that an old answer had none.
        permtick: Lean intends the first ticker here, but writes the same text as in `value`.
        underlying: What an option, or an option on a future, is written on.
    """

    value: str
    id: str
    permtick: str = ""
    underlying: "Symbol | None" = None
