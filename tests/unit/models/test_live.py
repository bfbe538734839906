"""Dates of live deployments, and what live/create is told."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from qcasync.models import (
    DEFAULT_DATA_PROVIDERS,
    EmailTarget,
    LiveAlgorithm,
    Notification,
    PaperHolding,
    SmsTarget,
    TelegramTarget,
    WebTarget,
    paper_brokerage,
)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (None, None),
        (datetime(1, 1, 1), None),  # noqa: DTZ001 - as the back end writes it
        (datetime(2025, 2, 3), datetime(2025, 2, 3, tzinfo=UTC)),  # noqa: DTZ001 - the same
        (datetime(2025, 2, 3, tzinfo=timezone(timedelta(hours=-5))), datetime(2025, 2, 3, 5, tzinfo=UTC)),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))), None),
    ],
)
def test_every_date_is_aware_and_in_utc_or_none(sent: datetime | None, expected: datetime | None) -> None:
    launched = LiveAlgorithm(launched=sent).launched

    assert launched == expected
    assert launched is None or launched.tzinfo is UTC


def test_the_paper_brokerage_as_live_create_takes_it() -> None:
    holding = PaperHolding(symbol_id="KRNL X1", symbol="KRNL", quantity=-2.0, average_price=80.5)

    assert paper_brokerage(cash={"USD": 1000, "EUR": 0.5}, holdings=[holding]) == {
        "id": "QuantConnectBrokerage",
        "cash": [{"currency": "USD", "amount": 1000}, {"currency": "EUR", "amount": 0.5}],
        "holdings": [{"symbolId": "KRNL X1", "symbol": "KRNL", "quantity": -2.0, "averagePrice": 80.5}],
    }
    assert paper_brokerage() == {"id": "QuantConnectBrokerage", "cash": [], "holdings": []}


def test_the_default_data_provider_cannot_be_changed_by_accident() -> None:
    assert DEFAULT_DATA_PROVIDERS["QuantConnectBrokerage"]["id"] == "QuantConnectBrokerage"
    with pytest.raises(TypeError):
        DEFAULT_DATA_PROVIDERS["QuantConnectBrokerage"]["id"] = "x"  # type: ignore[index]


def test_notification_targets_as_live_create_takes_them() -> None:
    notification = Notification(
        events=("orderEvent",),
        targets=(
            EmailTarget(address="a@example.com", subject="s"),
            WebTarget(address="https://example.com", headers={"k": "v"}),
            SmsTarget(phone_number="+1"),
            TelegramTarget(id="7"),
            TelegramTarget(id="7", token="t"),
        ),
    )

    assert msgspec.to_builtins(notification) == {
        "events": ("orderEvent",),
        "targets": (
            {"address": "a@example.com", "subject": "s"},
            {"address": "https://example.com", "headers": {"k": "v"}},
            {"phoneNumber": "+1"},
            {"id": "7"},
            {"id": "7", "token": "t"},
        ),
    }
