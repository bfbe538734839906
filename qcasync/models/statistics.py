"""Statistics: text by display name, as QuantConnect shows it, and the numbers in it."""

import math
import re

__all__ = ["Statistics"]

# `$-1,234.56`, `-$3.44`, `12.3 %`, `USD 7`: a sign, a currency or none, a sign, digits with or without thousands.
_SIGN = r"[-+\N{MINUS SIGN}]?"
_CURRENCY = r"(?:[^\W\d_]{3,5}\s|[^\w\s.,%+\N{MINUS SIGN}-])?"
_DIGITS = r"\d{1,3}(?:,\d{3})+|\d+|(?=\.\d)"
_REST = r"(?:\.\d*)?(?:[eE][-+]?\d{1,3})?"
_NUMBER = re.compile(
    rf"(?P<first>{_SIGN})\s*{_CURRENCY}\s*(?P<second>{_SIGN})(?P<digits>{_DIGITS})(?P<rest>{_REST})\s*%?"
)
_MAX_TEXT = 100


class Statistics(dict[str, str]):
    """Statistics by display name, such as `{"Net Profit": "$-1,234.56"}`. The texts stay as they came."""

    __slots__ = ()

    def number(self, name: str) -> float | None:
        """Return the number in a statistic: -1234.56 for "$-1,234.56", 12.3 for "12.3 %" (a percentage stays one).

        Args:
            name: The display name.

        Returns:
            None if there is no such statistic, or if its text is no number, such as "0d 00:00:03" or "".
        """
        text = self.get(name, "").strip()
        found = _NUMBER.fullmatch(text) if len(text) <= _MAX_TEXT else None
        if found is None or (found["first"] and found["second"]):
            return None
        size = float(found["digits"].replace(",", "") + found["rest"])
        if math.isinf(size):
            return None
        return size if (found["first"] or found["second"]) in {"", "+"} else -size
