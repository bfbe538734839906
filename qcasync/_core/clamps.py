"""How many rows a server answers at most, learned from pages that came short."""

from qcasync._core.window_steps import Window


class Clamp:
    """Told every page, it knows how many rows to ask for.

    Attributes:
        size: Rows to ask for at once: fewer than at first, once the server was seen to cut pages.
    """

    def __init__(self, size: int) -> None:
        self.size: int = size
        self._short_ends: dict[int, int] = {}
        self._cuts: dict[int, int] = {}

    def learn(self, window: Window, count: int) -> None:
        """A page that came short, with a row right behind it, was cut; twice at one size, and that is the limit."""
        cut = self._short_ends.pop(window.start, None)
        if cut is not None:
            self._cuts[cut] = self._cuts.get(cut, 0) + 1
            if self._cuts[cut] >= 2:
                self.size = min(self.size, cut)
        if count < window.size:
            self._short_ends[window.start + count] = count

    def came_short_at(self, index: int) -> bool:
        """Whether a page that came short ended here."""
        return index in self._short_ends
