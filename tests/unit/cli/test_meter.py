import qcasync
from qcasync.cli.meter import Meter

PATH = "live/orders/read"
STORY = (
    qcasync.RequestSent(endpoint=PATH, attempt=1, body_bytes=40),
    qcasync.RetryScheduled(endpoint=PATH, attempt=1, after=0.5, reason="the server failed", sent="yes"),
    qcasync.RequestSent(endpoint=PATH, attempt=2, body_bytes=40),
    qcasync.ResponseReceived(
        endpoint=PATH, attempt=2, status_code=200, body_bytes=1_500_000, wire_bytes=200_000, seconds=0.1
    ),
    qcasync.LoadingObserved(endpoint=PATH, progress=0.5, waited=1.0),
    qcasync.WindowRead(endpoint=PATH, project_id=1, start=0, end=100, count=100, hint=100),
    qcasync.SkewCorrected(offset=1.0, uncertainty=1.0),
)


def test_a_meter_counts_what_it_is_told() -> None:
    meter = Meter()
    for observation in STORY:
        meter(observation)
    assert meter == Meter(
        requests=2,
        retries=1,
        loading=1,
        windows=1,
        body_bytes=1_500_000,
        wire_bytes=200_000,
        trouble="the server failed",
    )
    assert meter.megabytes == "1.5 (0.2)"


def test_meters_add_up() -> None:
    assert Meter(requests=2, windows=1) + Meter(requests=3, retries=1) == Meter(requests=5, retries=1, windows=1)
