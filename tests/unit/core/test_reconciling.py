"""What the deployments tell about a call with effect, as tables: who was meant, and what was seen of it."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from qcasync._core.endpoints import CREATE_LIVE_ALGORITHM, LIQUIDATE_LIVE_ALGORITHM, STOP_LIVE_ALGORITHM
from qcasync._core.phases import Phase
from qcasync._core.reconciling import (
    ENDED,
    Aim,
    Found,
    has_ended,
    judge,
    kind_of,
    kind_when_cut_off,
    look_again,
    newest,
    running,
)
from qcasync._core.skew import MAX_SKEW
from qcasync.errors import (
    AccessBlocked,
    APIError,
    AuthenticationError,
    ClockSkewError,
    ConfigurationError,
    JournalError,
    NotFoundError,
    OutcomeUnknown,
    QuantConnectError,
    RateLimitError,
    RedirectRefused,
    RequestError,
    RequestTimeout,
    ServerError,
    StillRunning,
)
from qcasync.models.enums import AlgorithmStatus
from qcasync.models.live import LiveDeployment
from qcasync.outcomes import Intent, OutcomeKind

CALL = datetime(2025, 6, 15, 12, tzinfo=UTC)
"""When the call was decided."""
PROJECT = 7001
STOP, LIQUIDATE, CREATE = "live/update/stop", "live/update/liquidate", "live/create"
S = AlgorithmStatus
STRANGE = AlgorithmStatus("Hibernating")
CONFIRMED, REFUSED, NOT_SENT, UNKNOWN = OutcomeKind


def deployment(
    name: str,
    status: AlgorithmStatus | None = S.RUNNING,
    launched: float | None = -3600.0,
    stopped: float | None = None,
    *,
    project_id: int = PROJECT,
) -> LiveDeployment:
    """A deployment. Times are seconds after the call."""
    return LiveDeployment(
        project_id=project_id,
        deploy_id=name,
        status=status,
        launched=None if launched is None else CALL + timedelta(seconds=launched),
        stopped=None if stopped is None else CALL + timedelta(seconds=stopped),
    )


def intent(
    endpoint: str, deploy_id: str | None = None, *, known: tuple[str, ...] = (), uncertainty: float | None = 2.0
) -> Intent:
    """A call that was decided at `CALL`."""
    return Intent(
        id="1",
        account="a",
        endpoint=endpoint,
        project_id=PROJECT,
        deploy_id=deploy_id,
        known=known,
        at=CALL,
        uncertainty=uncertainty,
    )


def told(intent: Intent, *deployments: LiveDeployment) -> tuple[OutcomeKind | None, str | None]:
    """What is found, whatever the order of the list, and of which deployment."""
    found = {judge(intent, order) for order in itertools.permutations(deployments)}
    ((kind, name),) = {(each.kind, each.deployment and each.deployment.deploy_id) for each in found}
    return kind, name


def test_the_aims_are_the_endpoints_with_effect() -> None:
    """By the paths that the table of endpoints has."""
    endpoints = (STOP_LIVE_ALGORITHM, LIQUIDATE_LIVE_ALGORITHM, CREATE_LIVE_ALGORITHM)
    assert [aim.value for aim in Aim] == [endpoint.path for endpoint in endpoints] == [STOP, LIQUIDATE, CREATE]


# How the call ended


def outcome_unknown() -> OutcomeUnknown:
    return OutcomeUnknown(STOP, "lost", "yes")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (outcome_unknown(), UNKNOWN),
        (APIError(STOP, 200, ["No live deployment found"]), REFUSED),
        (NotFoundError(STOP, 404), REFUSED),
        (AuthenticationError(STOP, 401), REFUSED),
        (ClockSkewError(STOP, 200), REFUSED),
        (RateLimitError(STOP, 429), REFUSED),
        (RedirectRefused(STOP, 302, "elsewhere"), REFUSED),
        (AccessBlocked(STOP, 403, "a page"), REFUSED),
        (ServerError(STOP, 501, "not implemented"), REFUSED),
        (AuthenticationError(STOP, 0, ["refused a moment ago"]), NOT_SENT),
        (ClockSkewError(STOP, 0, ["40 hours off"]), NOT_SENT),
        (RequestError(STOP, "refused", "no"), NOT_SENT),
        (RequestTimeout(STOP, "no permit", "no"), NOT_SENT),
        (RequestError(STOP, "reset", "maybe"), UNKNOWN),
        (RequestError(STOP, "reset", "yes"), UNKNOWN),
        (RequestTimeout(STOP, "silence", "yes"), UNKNOWN),
        (JournalError("f", "is full"), NOT_SENT),
        (ConfigurationError("closed"), NOT_SENT),
        (StillRunning(PROJECT, None, "", 1.0), NOT_SENT),
    ],
    ids=lambda value: value.name if isinstance(value, OutcomeKind) else type(value).__name__,
)
def test_what_an_error_says_about_the_effect(error: QuantConnectError, kind: OutcomeKind) -> None:
    """A status code is a refusal, no byte is no effect, and anything between tells nothing."""
    assert kind_of(error) is kind


# Whether a deployment ended


@pytest.mark.parametrize("status", [*AlgorithmStatus, STRANGE, None])
def test_has_ended(status: AlgorithmStatus | None) -> None:
    """By its status where that is known, and otherwise by the time of its stop."""
    known = status is not None and status.is_known
    assert has_ended(deployment("a", status)) is (known and status in ENDED)
    assert has_ended(deployment("a", status, stopped=0.0)) is (not known or status in ENDED)


def test_what_a_deployment_does_not_come_back_from() -> None:
    """Nothing that may still trade, or begin to."""
    assert {status.name for status in ENDED} == {
        "STOPPED",
        "LIQUIDATED",
        "RUNTIME_ERROR",
        "COMPLETED",
        "DEPLOY_ERROR",
        "DELETED",
    }


@pytest.mark.parametrize(
    ("deployments", "name"),
    [
        ([], None),
        ([deployment("x", project_id=8)], None),
        ([deployment("a")], "a"),
        ([deployment("a", launched=-9), deployment("b", launched=-8), deployment("c", launched=-10)], "b"),
        ([deployment("a", launched=-9), deployment("x", launched=0, project_id=8)], "a"),
        ([deployment("a", launched=None), deployment("b", launched=-1e9)], "b"),
        ([deployment("a", launched=None)], "a"),
    ],
)
def test_newest_and_running(deployments: list[LiveDeployment], name: str | None) -> None:
    """The latest of the project; one without a time is older than any other. It runs unless it ended."""
    for order in itertools.permutations(deployments):
        found = newest(PROJECT, order)
        assert (None if found is None else found.deploy_id) == name
        assert running(PROJECT, order) is found


@pytest.mark.parametrize("status", ENDED)
def test_what_ended_does_not_run(status: AlgorithmStatus) -> None:
    """Not even if an earlier one is said to run."""
    earlier = deployment("a", S.RUNNING, -9000)
    assert running(PROJECT, [deployment("b", status, -60, -30), earlier]) is None


# Stop and liquidate of a deployment that was known


@pytest.mark.parametrize(
    ("endpoint", "deployments", "kind", "name"),
    [
        (STOP, [], None, None),
        (STOP, [deployment("other", S.STOPPED, -9, 1)], None, None),
        (STOP, [deployment("mine")], None, "mine"),
        (STOP, [deployment("mine", S.STOPPED, stopped=1)], CONFIRMED, "mine"),
        (STOP, [deployment("mine", S.STOPPED)], CONFIRMED, "mine"),
        (STOP, [deployment("mine", S.LIQUIDATED, stopped=1)], CONFIRMED, "mine"),
        (STOP, [deployment("mine", S.RUNTIME_ERROR, stopped=1)], CONFIRMED, "mine"),
        (STOP, [deployment("mine", S.STOPPED, stopped=-2)], CONFIRMED, "mine"),
        (STOP, [deployment("mine", STRANGE)], None, "mine"),
        (STOP, [deployment("mine", STRANGE, stopped=1)], CONFIRMED, "mine"),
        (STOP, [deployment("mine", None)], None, "mine"),
        (STOP, [deployment("mine", None, stopped=1)], CONFIRMED, "mine"),
        (STOP, [deployment("mine", S.STOPPED, stopped=1, project_id=8)], None, None),
        (LIQUIDATE, [deployment("mine")], None, "mine"),
        (LIQUIDATE, [deployment("mine", S.LIQUIDATED, stopped=1)], CONFIRMED, "mine"),
        (LIQUIDATE, [deployment("mine", S.STOPPED, stopped=1)], UNKNOWN, "mine"),
        (LIQUIDATE, [deployment("mine", S.RUNTIME_ERROR, stopped=1)], UNKNOWN, "mine"),
        (LIQUIDATE, [deployment("mine", STRANGE, stopped=1)], UNKNOWN, "mine"),
        (LIQUIDATE, [deployment("mine", None, stopped=1)], UNKNOWN, "mine"),
        (LIQUIDATE, [deployment("mine", None)], None, "mine"),
    ],
)
def test_a_deployment_that_was_known(
    endpoint: str, deployments: list[LiveDeployment], kind: OutcomeKind | None, name: str | None
) -> None:
    """It is looked for by its name; a liquidation has happened only if it says so itself."""
    assert told(intent(endpoint, "mine"), *deployments) == (kind, name)


@pytest.mark.parametrize("endpoint", [STOP, LIQUIDATE])
@pytest.mark.parametrize(
    "other",
    [
        deployment("other", S.RUNNING, 30),
        deployment("other", S.STOPPED, 30, 60),
        deployment("other", S.LIQUIDATED, 30, 60),
        deployment("other", S.LIQUIDATED, -1, 60),
    ],
    ids=["runs", "stopped", "liquidated", "launched before"],
)
def test_redeployed_by_someone_else(endpoint: str, other: LiveDeployment) -> None:
    """Row 71: another deployment is nobody's evidence, whatever became of it."""
    call = intent(endpoint, "mine")
    assert told(call, other, deployment("mine")) == (None, "mine")
    assert told(call, other) == (None, None)
    ended = S.STOPPED if endpoint == STOP else S.LIQUIDATED
    assert told(call, other, deployment("mine", ended, stopped=29)) == (CONFIRMED, "mine")


# Stop and liquidate in an emergency: nobody looked what runs


@pytest.mark.parametrize("endpoint", [STOP, LIQUIDATE])
@pytest.mark.parametrize(
    ("deployments", "kind", "name"),
    [
        ([], None, None),
        ([deployment("a", S.RUNNING)], None, "a"),
        ([deployment("a", S.LIQUIDATED, -60, 1)], CONFIRMED, "a"),
        ([deployment("a", S.LIQUIDATED, -60, -3)], CONFIRMED, "a"),
        ([deployment("a", S.LIQUIDATED, -60, -3.1)], UNKNOWN, "a"),
        ([deployment("a", S.LIQUIDATED, -60, -9000)], UNKNOWN, "a"),
        ([deployment("a", S.LIQUIDATED, -60)], UNKNOWN, "a"),
        ([deployment("a", S.LIQUIDATED, -9000, -61), deployment("b", S.LIQUIDATED, -60, 5)], CONFIRMED, "b"),
        ([deployment("a", S.LIQUIDATED, -9000, 5), deployment("b", S.RUNNING, 3)], None, "b"),
        ([deployment("a", S.LIQUIDATED, -9000, 3), deployment("b", S.RUNNING, 3.1)], CONFIRMED, "a"),
        ([deployment("b", S.LIQUIDATED, 3.1, 60)], None, None),
    ],
)
def test_a_deployment_that_was_not_known(
    endpoint: str, deployments: list[LiveDeployment], kind: OutcomeKind | None, name: str | None
) -> None:
    """The latest that can have run when the call was decided; one that had ended before is no evidence.

    The server's time was known to 2 s, and its stamps are whole seconds: 3 s of blur.
    """
    assert told(intent(endpoint), *deployments) == (kind, name)


@pytest.mark.parametrize("endpoint", [STOP, LIQUIDATE])
@pytest.mark.parametrize(
    ("deployments", "kind", "name"),
    [
        ([], None, None),
        ([deployment("a", S.RUNNING)], None, "a"),
        ([deployment("a", S.RUNNING), deployment("b", S.RUNNING, 9000)], None, "b"),
        ([deployment("a", S.LIQUIDATED, -9000, 1), deployment("b", S.RUNNING, 9000)], None, "b"),
        ([deployment("a", S.LIQUIDATED, -60, 1)], UNKNOWN, "a"),
        ([deployment("a", S.LIQUIDATED, -60, -9000)], UNKNOWN, "a"),
        ([deployment("a", S.LIQUIDATED, -60)], UNKNOWN, "a"),
    ],
)
def test_before_the_servers_time_is_known(
    endpoint: str, deployments: list[LiveDeployment], kind: OutcomeKind | None, name: str | None
) -> None:
    """Our own clock may be hours off: nobody is picked by time, and no end is evidence."""
    assert told(intent(endpoint, uncertainty=None), *deployments) == (kind, name)


@pytest.mark.parametrize("endpoint", [STOP, LIQUIDATE])
@pytest.mark.parametrize(
    ("uncertainty", "stopped", "kind"),
    [
        (2.0, 603, CONFIRMED),
        (2.0, 603.1, UNKNOWN),
        (2.0, 4 * 86400, UNKNOWN),
        (0.0, 601, CONFIRMED),
        (0.0, 601.1, UNKNOWN),
        (None, 600 + MAX_SKEW, CONFIRMED),
        (None, 601 + MAX_SKEW, UNKNOWN),
    ],
)
def test_an_end_long_after_the_call(
    endpoint: str, uncertainty: float | None, stopped: float, kind: OutcomeKind
) -> None:
    """Ten minutes and the blur: what ends later ends by itself, or was ended by somebody else."""
    call = intent(endpoint, "mine", uncertainty=uncertainty)
    assert told(call, deployment("mine", S.LIQUIDATED, stopped=stopped)) == (kind, "mine")


def test_a_launch_before_the_servers_time_is_known() -> None:
    """What was there before tells enough: a new one is new, whenever our clock says that it was launched."""
    call = intent(CREATE, known=("old",), uncertainty=None)
    for launched in (-9000.0, 9000.0, None):
        new = deployment("new", launched=launched)
        assert told(call, deployment("old"), new) == (CONFIRMED, "new")


@pytest.mark.parametrize(
    ("endpoint", "seen", "reason"),
    [
        (STOP, [], "the deployment that was meant is not to be seen"),
        (STOP, [deployment("a")], "deployment a is still Running"),
        (STOP, [deployment("a", None)], "deployment a is still in an unknown state"),
        (STOP, [deployment("a", STRANGE)], "deployment a is still Hibernating"),
        (STOP, [deployment("a", S.STOPPED, stopped=1)], "deployment a was seen Stopped"),
        (
            STOP,
            [deployment("a", S.STOPPED, stopped=-99)],
            "deployment a has ended, and nothing tells that it ended after the call",
        ),
        (
            STOP,
            [deployment("a", S.STOPPED, stopped=86400)],
            "deployment a has ended, but long after the call",
        ),
        (
            LIQUIDATE,
            [deployment("a", S.RUNTIME_ERROR, stopped=1)],
            "deployment a has ended, RuntimeError and not Liquidated: positions may remain",
        ),
        (CREATE, [], "no new deployment is to be seen"),
        (CREATE, [deployment("a", launched=1)], "deployment a was launched after the call"),
        (
            CREATE,
            [deployment("b", launched=1), deployment("a", launched=1)],
            "several deployments were launched after the call: a, b",
        ),
    ],
)
def test_the_reason_is_for_a_person(endpoint: str, seen: list[LiveDeployment], reason: str) -> None:
    """It names the deployment and what was seen of it."""
    assert judge(intent(endpoint), seen).reason == reason


# Create


@pytest.mark.parametrize(
    ("deployments", "kind", "name"),
    [
        ([], None, None),
        ([deployment("old", S.STOPPED, -9000, -60)], None, None),
        ([deployment("old", S.RUNNING, 5)], None, None),
        ([deployment("new", S.INITIALIZING, 1)], CONFIRMED, "new"),
        ([deployment("new", S.RUNTIME_ERROR, 1, 2)], CONFIRMED, "new"),
        ([deployment("new", None, 1)], CONFIRMED, "new"),
        ([deployment("new", S.RUNNING, -3)], CONFIRMED, "new"),
        ([deployment("new", S.RUNNING, -3.1)], None, None),
        ([deployment("new", S.RUNNING, None)], None, None),
        ([deployment("new", S.RUNNING, 1, project_id=8)], None, None),
        ([deployment("old", S.STOPPED, -9000, 0), deployment("new", S.RUNNING, 1)], CONFIRMED, "new"),
        ([deployment("new", S.STOPPED, 1, 2), deployment("newer", S.RUNNING, 3)], UNKNOWN, None),
    ],
)
def test_a_new_deployment(deployments: list[LiveDeployment], kind: OutcomeKind | None, name: str | None) -> None:
    """Row 70: the one of this project that was not there before, and was launched after the call. Two are too many."""
    assert told(intent(CREATE, known=("old",)), *deployments) == (kind, name)


def test_an_intent_of_another_version() -> None:
    """What it was to bring about is not known here, and so nothing is evidence."""
    found = judge(intent("live/commands/create", "a"), [deployment("a", S.STOPPED, stopped=1)])
    assert found == Found(None, "nothing tells how to look for live/commands/create")


# When to look


@pytest.mark.parametrize("phase", Phase)
def test_what_was_cut_off_is_unknown_unless_nothing_had_left(phase: Phase) -> None:
    """A cancellation does not call a request back."""
    expected = OutcomeKind.NOT_SENT if phase is Phase.NOT_SENT else OutcomeKind.UNKNOWN
    assert kind_when_cut_off(phase) is expected


def test_looks_become_rare() -> None:
    """After 2 s, then ever later, at most 15 s apart; the last one has the last second for itself."""
    waits: list[float] = []
    while (wait := look_again(len(waits), sum(waits), 120.0)) is not None:
        waits.append(wait)
    assert waits[:6] == pytest.approx([2.0, 3.2, 5.12, 8.192, 13.1072, 15.0])
    assert set(waits[5:-1]) == {15.0}
    assert sum(waits) == pytest.approx(119.0)


@pytest.mark.parametrize(
    ("looks", "waited", "limit", "wait"),
    [
        (0, 0.0, 1.5, 0.5),
        (0, 0.0, 1.0, None),
        (0, 0.0, 0.0, None),
        (3, 9.0, 10.0, None),
        (3, 10.0, 10.0, None),
        (3, 11.0, 10.0, None),
        (9, 118.0, 120.0, 1.0),
        (9, 118.9995, 120.0, None),
        (9, 119.0 - 1e-13, 120.0, None),
        (5_000, 100.0, 9_000.0, 15.0),
    ],
)
def test_no_look_after_the_limit(looks: int, waited: float, limit: float, wait: float | None) -> None:
    """A look must be able to end in time, and takes up to a second. What a clock's rounding leaves is no time."""
    assert look_again(looks, waited, limit) == wait
