from collections.abc import Callable

import pytest

import qcasync
from qcasync.cli.digest import Digest
from qcasync.cli.meter import Meter

MakeOrder = Callable[..., qcasync.Order]


def test_no_orders_are_said_to_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    Digest(5).show([], Meter(requests=2, windows=2), 10.0)
    assert capsys.readouterr().out.splitlines() == [
        "0 orders of project 5",
        "2 windows in 2 requests, 0.0 MB (0.0 MB on the wire), 10.0 s",
    ]


def test_the_last_ones_are_shown_and_all_are_counted(
    order: MakeOrder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    digest = Digest(5)
    digest([(index, order(id=index + 1, tag=f"tag {index}")) for index in range(60)])
    digest([(60, order(id=61, status=qcasync.OrderStatus.FILLED, tag="[red]\x1b[2J"))])
    deployments = [
        qcasync.Deployment(number=number, deploy_id=f"L-{number}", start=number, end=number + 1)
        for number in range(1, 13)
    ]
    digest.show(deployments, Meter(requests=4, retries=1, windows=2), 1.0)
    out = capsys.readouterr().out
    assert "2 windows in 4 requests (1 repeated)" in out
    assert "60 partially filled, 1 filled" in out
    assert "Last 10 of 61 orders" in out
    assert "tag 51" in out
    assert "tag 50" not in out
    assert r"[red]\x1b[2J" in out
    assert "Last 10 of 12 deployments" in out
    assert "L-3 " in out
    assert "L-2 " not in out


@pytest.mark.parametrize("columns", [40, 80, 100])
def test_no_line_is_wider_than_the_terminal(
    order: MakeOrder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    digest = Digest(5)
    digest([(0, order(tag="x" * 200))])
    digest.show([], Meter(), 1.0)
    out = capsys.readouterr().out
    assert "\N{HORIZONTAL ELLIPSIS}" in out
    assert max(map(len, out.splitlines())) <= columns
