"""Statistics: texts as they came, and the numbers in them."""

import pickle

import pytest

from qcasync.models import Statistics


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("$100,000.00", 100_000.0),
        ("$-1,234.56", -1234.56),
        ("-$1,234.56", -1234.56),
        ("\N{MINUS SIGN}$3", -3.0),
        ("+4", 4.0),
        ("12.3 %", 12.3),
        ("12.345%", 12.345),
        ("-0.5%", -0.5),
        ("0.00 %", 0.0),
        ("€1,000", 1000.0),
        ("₮-5", -5.0),
        ("USD 12.5", 12.5),
        ("$.5", 0.5),
        ("1.", 1.0),
        ("1.5e3", 1500.0),
        (" 241 ", 241.0),
        ("1,234,567.8", 1_234_567.8),
    ],
)
def test_the_number_in_a_text(text: str, number: float) -> None:
    assert Statistics({"name": text}).number("name") == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "%",
        "$",
        "0d 00:00:03",
        "2024-05-06 13:31:00",
        "NaN",
        "Infinity",
        "1e999",
        "9" * 90 + "e300",
        "9" * 400,
        "1,23",
        "12 34",
        "--5",
        "-$-5",
        "1.2.3",
        "Running",
        " " * 100_000 + "x",
    ],
)
def test_a_text_without_a_number(text: str) -> None:
    assert Statistics({"name": text}).number("name") is None


def test_a_statistic_that_is_not_there() -> None:
    assert Statistics().number("Net Profit") is None


def test_statistics_are_a_dictionary_of_texts() -> None:
    statistics = Statistics({"Net Profit": "$-1,234.56"})

    assert statistics == {"Net Profit": "$-1,234.56"}
    assert type(pickle.loads(pickle.dumps(statistics))) is Statistics
