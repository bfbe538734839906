"""What is told of deployments, from answers of any kind in any order."""

from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcasync._core.deployment_follower import DeploymentMemory, DeploymentRecord, Followed, follow
from qcasync.models.changes import (
    Change,
    DeploymentFailed,
    DeploymentStarted,
    DeploymentStopped,
    EquityChanged,
    StatusChanged,
)
from qcasync.models.enums import AlgorithmStatus
from qcasync.models.live import LiveDeployment

LAUNCHED = 1_717_790_400
AT = LAUNCHED + 3600.0
ENDS = [
    AlgorithmStatus.STOPPED,
    AlgorithmStatus.LIQUIDATED,
    AlgorithmStatus.COMPLETED,
    AlgorithmStatus.DELETED,
    AlgorithmStatus.RUNTIME_ERROR,
    AlgorithmStatus.DEPLOY_ERROR,
    AlgorithmStatus.INVALID,
]


def moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def deployed(
    status: AlgorithmStatus | str | None = "Running",
    deploy_id: str = "L-1",
    *,
    launched: float | None = LAUNCHED,
    stopped: float | None = None,
    equity: float | None = None,
    error: str | None = "",
) -> LiveDeployment:
    return LiveDeployment(
        project_id=7,
        deploy_id=deploy_id,
        status=None if status is None else AlgorithmStatus(status),
        launched=moment(launched),
        stopped=moment(stopped),
        brokerage="PaperBrokerage",
        equity=equity,
        error=error,
    )


class Story:
    """Answers about a project, one after the other."""

    def __init__(self, told_since: float | None = None, *, tell_equity: bool = False) -> None:
        self.told_since = told_since
        self.tell_equity = tell_equity
        self.memory: DeploymentMemory = {}
        self.told: list[Change] = []
        self.followed = Followed()

    def sees(self, *seen: LiveDeployment) -> list[Change]:
        self.followed = follow(7, self.memory, seen, AT, told_since=self.told_since, tell_equity=self.tell_equity)
        if self.followed.memory is not None:  # as the checkpoint keeps it
            content = msgspec.json.encode(self.followed.memory)
            self.memory = msgspec.json.decode(content, type=DeploymentMemory)
        self.told += self.followed.changes
        return list(self.followed.changes)


def words(changes: list[Change]) -> list[tuple[str, str]]:
    return [(type(change).__name__, change.key) for change in changes]


def test_a_deployment_from_its_launch_to_its_end() -> None:
    story = Story()
    assert words(story.sees(deployed("InQueue"))) == [("DeploymentStarted", "started:7:L-1")]
    assert words(story.sees(deployed("Running"))) == [("StatusChanged", "status:7:L-1:2:Running")]
    assert words(story.sees(deployed("Running"))) == []
    stopped = story.sees(deployed("Stopped", stopped=LAUNCHED + 60))
    assert stopped == [
        DeploymentStopped(
            project_id=7,
            key="ended:7:L-1:Stopped",
            observed_at=datetime.fromtimestamp(AT, UTC),
            deploy_id="L-1",
            status=AlgorithmStatus.STOPPED,
            previous=AlgorithmStatus.RUNNING,
            stopped=moment(LAUNCHED + 60),
        )
    ]
    assert story.memory == {
        "L-1": DeploymentRecord(
            status=AlgorithmStatus.STOPPED, launched_at=LAUNCHED, ended=True, ended_at=LAUNCHED + 60, turns=3
        )
    }


def test_what_is_told_of_a_new_one() -> None:
    """All that the answer says of it."""
    assert Story().sees(deployed("Running")) == [
        DeploymentStarted(
            project_id=7,
            key="started:7:L-1",
            observed_at=datetime.fromtimestamp(AT, UTC),
            deploy_id="L-1",
            status=AlgorithmStatus.RUNNING,
            launched=moment(LAUNCHED),
            brokerage="PaperBrokerage",
        )
    ]


@pytest.mark.parametrize("status", ENDS)
def test_an_end_is_a_stop_or_a_failure(status: AlgorithmStatus) -> None:
    story = Story()
    story.sees(deployed())
    [change] = story.sees(deployed(status, error="why"))
    failed = status in {AlgorithmStatus.RUNTIME_ERROR, AlgorithmStatus.DEPLOY_ERROR, AlgorithmStatus.INVALID}
    assert isinstance(change, DeploymentFailed if failed else DeploymentStopped)
    assert change.previous is AlgorithmStatus.RUNNING
    assert getattr(change, "error", "why") == "why"
    assert story.memory["L-1"].ended


def test_an_empty_error_is_none() -> None:
    [_, change] = Story().sees(deployed("RuntimeError", error=""))
    assert isinstance(change, DeploymentFailed)
    assert (change.error, change.previous) == (None, None)


def test_one_that_ended_before_it_was_seen_is_told_twice() -> None:
    """That it started, and how it ended; by the keys that it would have had otherwise."""
    assert words(Story().sees(deployed("Stopped"))) == [
        ("DeploymentStarted", "started:7:L-1"),
        ("DeploymentStopped", "ended:7:L-1:Stopped"),
    ]


def test_an_older_answer_after_the_end_tells_nothing() -> None:
    """A replica that lags behind shows it running again: neither state, nor end, nor equity go back."""
    story = Story(tell_equity=True)
    story.sees(deployed("Running", equity=1.0))
    story.sees(deployed("Liquidated", stopped=LAUNCHED + 60, equity=2.0))
    ended = story.memory
    for stale in [deployed("Running", equity=1.0), deployed("Stopped"), deployed(None), deployed("Frozen", stopped=AT)]:
        assert story.sees(stale) == []
        assert story.followed == Followed()
    assert story.memory == ended


def test_stopped_may_turn_out_to_be_another_end_once() -> None:
    """It says least. No other end becomes another, so replicas of two minds cannot make a storm."""
    story = Story()
    story.sees(deployed("Running"))
    story.sees(deployed("Stopped"))
    answers = [deployed("Liquidated"), deployed("Stopped"), deployed("Deleted"), deployed("Running")] * 3
    told = [word for answer in answers for word in words(story.sees(answer))]
    assert told == [("DeploymentStopped", "ended:7:L-1:Liquidated")]


def test_the_end_of_what_has_no_status_is_a_stop() -> None:
    """It was remembered as ended, and never told."""
    story = Story()
    story.sees(deployed("Running"))
    assert story.sees(deployed(None)) == []
    assert words(story.sees(deployed(None, stopped=LAUNCHED + 60))) == [("DeploymentStopped", "ended:7:L-1:Stopped")]
    assert story.memory["L-1"].status is AlgorithmStatus.STOPPED
    assert words(story.sees(deployed("RuntimeError"))) == [("DeploymentFailed", "ended:7:L-1:RuntimeError")]
    assert story.memory["L-1"].ended_at == LAUNCHED + 60


def test_an_end_in_a_state_that_nobody_knows() -> None:
    """The time of the stop tells; what is said later in known words is told too."""
    story = Story()
    story.sees(deployed("Frozen"))
    assert words(story.sees(deployed("Melted", stopped=AT))) == [("DeploymentStopped", "ended:7:L-1:Melted")]
    assert story.sees(deployed("Frozen", stopped=AT)) == story.sees(deployed("Stopped", stopped=AT)) == []
    assert words(story.sees(deployed("Completed"))) == [("DeploymentStopped", "ended:7:L-1:Completed")]


def test_an_end_that_only_the_time_tells() -> None:
    """The strange state is the same as before, and the stop is told all the same."""
    story = Story()
    story.sees(deployed("Frozen"))
    assert words(story.sees(deployed("Frozen", stopped=AT))) == [("DeploymentStopped", "ended:7:L-1:Frozen")]
    assert story.followed.turned
    assert story.sees(deployed("Frozen", stopped=AT)) == []


def test_a_status_that_comes_later() -> None:
    story = Story()
    [started] = story.sees(deployed(None))
    assert isinstance(started, DeploymentStarted)
    assert started.status is None
    [change] = story.sees(deployed("Running"))
    assert isinstance(change, StatusChanged)
    assert (change.key, change.previous) == ("status:7:L-1:2:Running", None)


def test_when_one_that_runs_was_stopped_is_not_believed() -> None:
    story = Story()
    story.sees(deployed("Running", stopped=LAUNCHED + 60))
    assert (story.memory["L-1"].ended, story.memory["L-1"].ended_at) == (False, None)


def test_when_it_ended_may_be_told_later() -> None:
    """That is remembered, and no change; the first word counts."""
    story = Story()
    story.sees(deployed("Stopped"))
    assert story.sees(deployed("Stopped", stopped=LAUNCHED + 60)) == []
    story.sees(deployed("Stopped", stopped=LAUNCHED + 90))
    assert story.memory["L-1"].ended_at == LAUNCHED + 60
    assert not story.followed.turned


def test_states_may_flap_and_each_has_a_key_of_its_own() -> None:
    story = Story()
    for _ in range(5):
        story.sees(deployed("Running"))
        story.sees(deployed("InQueue"))
    assert len(story.told) == len({change.key for change in story.told}) == 10


def test_another_checkpoint_never_gives_a_key_to_another_state() -> None:
    """A watch without a file begins to count anew whenever it is started; a sink that knows keys must not be misled."""
    first, second = Story(), Story()
    for status in ("InQueue", "Running", "Stopped"):
        first.sees(deployed(status))
    for status in ("Running", "Stopped"):
        second.sees(deployed(status))
    states = {change.key: getattr(change, "status", None) for change in first.told}
    for change in second.told[1:]:
        assert states.get(change.key, getattr(change, "status", None)) == getattr(change, "status", None)
    assert first.told[-1].key == second.told[-1].key == "ended:7:L-1:Stopped"


@pytest.mark.parametrize(
    ("launched", "tells"),
    [(LAUNCHED - 1, False), (LAUNCHED, True), (LAUNCHED + 1, True)],
)
def test_what_was_launched_before_is_a_baseline(launched: int, tells: bool) -> None:
    """Its further life is told. Launches have whole seconds, so the second in which the watch began counts."""
    story = Story(told_since=LAUNCHED + 0.75, tell_equity=True)
    told = story.sees(deployed("Running", launched=launched, equity=1.0))
    assert [type(change) for change in told] == ([DeploymentStarted, EquityChanged] if tells else [])
    assert story.followed.turned
    story.told.clear()
    story.sees(deployed("Running", launched=launched, equity=2.0))
    story.sees(deployed("Stopped", launched=launched, equity=2.0))
    assert [type(change) for change in story.told] == [EquityChanged, DeploymentStopped]


@pytest.mark.parametrize(
    ("status", "known", "tells"),
    [("Running", False, True), ("DeployError", False, False), ("DeployError", True, True)],
)
def test_one_whose_launch_nobody_knows(status: str, known: bool, tells: bool) -> None:
    """It is news, unless it can be history: something that has ended, in the first answer."""
    story = Story(told_since=AT)
    if known:
        story.sees(deployed("Running", "L-0"))
    assert bool(story.sees(deployed(status, launched=None))) is tells
    assert list(story.memory)[-1] == "L-1"


def test_deployments_are_told_and_remembered_as_they_were_launched() -> None:
    """The last one that is remembered is the latest, also if an older one is seen later."""
    story = Story()
    story.sees(deployed("Running", "L-3", launched=LAUNCHED + 3), deployed("Stopped", "L-1", launched=LAUNCHED + 1))
    assert [change.key for change in story.told] == ["started:7:L-1", "ended:7:L-1:Stopped", "started:7:L-3"]
    story.sees(deployed("Stopped", "L-2", launched=LAUNCHED + 2))
    assert list(story.memory) == ["L-1", "L-2", "L-3"]


def test_a_launch_that_is_not_told_any_more_is_remembered() -> None:
    story = Story()
    story.sees(deployed("Running", "L-1"), deployed("Running", "L-0", launched=None))
    assert list(story.memory) == ["L-1", "L-0"]
    story.sees(deployed("InQueue", "L-1", launched=None), deployed("Running", "L-0", launched=LAUNCHED - 5))
    assert [record.launched_at for record in story.memory.values()] == [LAUNCHED - 5, LAUNCHED]


def test_one_that_is_shown_twice_is_told_once() -> None:
    """The row that is further on counts."""
    story = Story()
    for _ in range(3):
        story.sees(deployed("Stopped"), deployed("Running"))
    assert [change.key for change in story.told] == ["started:7:L-1", "ended:7:L-1:Stopped"]


def test_one_that_is_not_shown_is_not_gone() -> None:
    story = Story()
    story.sees(deployed(), deployed("Running", "L-2"))
    assert story.sees(deployed("Running", "L-2")) == []
    assert story.sees() == []
    assert list(story.memory) == ["L-1", "L-2"]


def test_equity_is_told_when_it_is_different() -> None:
    story = Story(tell_equity=True)
    for equity in (None, 1.5, 1.5, None, 2.5):
        story.sees(deployed(equity=equity))
    story.sees(deployed("Stopped", equity=3.5))
    story.sees(deployed("Stopped", equity=4.5))
    told = [change for change in story.told if isinstance(change, EquityChanged)]
    assert [(each.key, each.previous, each.equity) for each in told] == [
        ("equity:7:L-1:1:1.5", None, 1.5),
        ("equity:7:L-1:2:2.5", 1.5, 2.5),
        ("equity:7:L-1:3:3.5", 2.5, 3.5),
    ]


def test_equity_is_remembered_where_it_is_not_told() -> None:
    story = Story()
    story.sees(deployed(equity=1.0))
    assert story.sees(deployed(equity=2.0)) == []
    assert story.memory["L-1"].equity == 2.0
    assert not story.followed.turned


def test_what_one_ended_with_is_no_news() -> None:
    """A new checkpoint that tells history does not tell the accounts of what ran years ago."""
    story = Story(tell_equity=True)
    told = story.sees(deployed("Stopped", equity=1.0))
    assert [type(change) for change in told] == [DeploymentStarted, DeploymentStopped]


@pytest.mark.parametrize(
    ("after", "turned"),
    [(deployed("Running"), False), (deployed("InQueue"), True), (deployed("Stopped"), True), (deployed(None), False)],
)
def test_another_state_is_a_turn(after: LiveDeployment, turned: bool) -> None:
    story = Story()
    story.sees(deployed("Running"))
    assert story.followed.turned
    story.sees(after)
    assert story.followed.turned is turned


ROWS = st.builds(
    deployed,
    st.sampled_from([None, "Running", "InQueue", "Stopped", "Liquidated", "RuntimeError", "Frozen", "Melted"]),
    st.sampled_from(["L-1", "L-2", "L-3"]),
    launched=st.sampled_from([None, LAUNCHED - 1, LAUNCHED, LAUNCHED + 1]),
    stopped=st.sampled_from([None, LAUNCHED + 60]),
    equity=st.sampled_from([None, 1.0, 2.0]),
)


@given(answers=st.lists(st.lists(ROWS, max_size=4), max_size=12), tell_equity=st.booleans())
def test_what_is_told_adds_up_to_what_is_remembered(answers: list[list[LiveDeployment]], tell_equity: bool) -> None:
    """From any answers: each change goes on where the one before ended, and the last one is what is remembered.

    No key comes twice, an end is for good, and the same answer again tells nothing.
    """
    story = Story(tell_equity=tell_equity)
    for answer in answers:
        before = story.memory
        story.sees(*answer)
        for name, record in before.items():
            assert story.memory[name].ended >= record.ended
            assert story.memory[name].turns >= record.turns
        assert story.sees(*answer) == []
        assert story.followed == Followed()
    keys = [change.key for change in story.told]
    assert len(keys) == len(set(keys))
    for name, record in story.memory.items():
        mine = [change for change in story.told if getattr(change, "deploy_id", "") == name]
        states = [change for change in mine if not isinstance(change, EquityChanged)]
        assert isinstance(states[0], DeploymentStarted)
        assert [isinstance(each, DeploymentStarted) for each in states].count(True) == 1
        statuses = [getattr(each, "status", None) for each in states]
        assert statuses[-1] == record.status
        for earlier, later in pairwise(states[1:]):
            assert getattr(later, "previous", None) == getattr(earlier, "status", None)
        ends = [isinstance(each, DeploymentStopped | DeploymentFailed) for each in states]
        assert any(ends) is record.ended
        assert ends.count(True) <= 2
        assert ends == sorted(ends)
        equities = [each for each in mine if isinstance(each, EquityChanged)]
        assert [each.equity for each in equities][-1:] == ([record.equity] if record.equities else [])
        for one, next_one in pairwise(equities):
            assert next_one.previous == one.equity != next_one.equity
