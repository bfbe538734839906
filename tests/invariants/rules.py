"""The invariants: each looks through a history, and yields what breaks it."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Final

from qcasync._core.digests import digest, event_digest
from qcasync.models.changes import Change, Gap, OrderAdded, OrderChanged, OrderEventAdded, OrderEventAmended
from qcasync.models.orders import Order
from tests.invariants.folding import Folded, tell, things_of
from tests.invariants.moments import (
    Acknowledgement,
    Answer,
    Broken,
    Commit,
    Crash,
    Delivery,
    Erasure,
    Failure,
    Finding,
    History,
    Memory,
    Quiet,
    Start,
    Thing,
    thing,
)

PATIENCE: Final = 90.0
"""After so many seconds of nothing it is believed that a list became empty, whatever was there before."""


def i1_nothing_is_lost(history: History) -> Iterator[Finding]:  # noqa: C901, PLR0912 (a case for each moment)
    """Every order and event of a committed answer is told, at the latest when its look says that all was read.

    A gap excuses what was erased. An order is excused without a gap if it was erased before anything of its deployment
    was told, as when only parts of it were shown, and none of them could be placed: a limit of the watch.
    """
    told: set[Hashable] = set()
    baseline: dict[Thing, int] = {}
    first_proof: set[int] = set()
    shown: dict[tuple[int, int], list[tuple[int, Answer]]] = defaultdict(list)
    committed: dict[int, Answer] = {}
    names: dict[tuple[int, int, int], Thing] = {}
    gaps: set[int] = set()
    heard: set[tuple[int, str]] = set()
    erased: set[Thing] = set()

    def missing(answer: Answer, *, at_last: bool) -> Iterator[str]:
        for row in _counting(answer):
            it = thing(answer.project_id, row)
            held = baseline.get(it)
            unheard = not row.events or (answer.project_id, row.events[0].algorithm_id) not in heard
            if it in erased and (answer.project_id in gaps or (at_last and unheard)):
                continue
            if held is None and it not in told:
                yield f"order {row.id} of project {answer.project_id} at {answer.start} is not told"
            for position, event in enumerate(row.events):
                if position >= (held or 0) and (it, position) not in told:
                    yield f"event {event.id} of project {answer.project_id} is not told"

    for at, moment in enumerate(history.moments):
        match moment:
            case Answer():
                shown[moment.project_id, moment.look].append((at, moment))
            case Erasure():
                erased |= moment.things
            case Commit():
                names.update(things_of(history, moment))
                for change in moment.changes:
                    if isinstance(change, OrderEventAdded):
                        heard.add((change.project_id, change.event.algorithm_id))
                    if isinstance(change, Gap):
                        gaps.add(change.project_id)
                    _note(change, names, told)
                if moment.answer is not None:
                    answer = history.moments[moment.answer]
                    assert isinstance(answer, Answer)
                    committed[moment.answer] = answer
                    if history.told_since is not None and moment.project_id not in first_proof:
                        _found(answer, moment, history.told_since, told, baseline)
                if moment.complete_through is not None and moment.look is not None:
                    first_proof.add(moment.project_id)
                    for _, answer in shown[moment.project_id, moment.look]:
                        yield from ((at, what) for what in missing(answer, at_last=False))
            case Quiet():
                for answer in committed.values():
                    yield from ((at, what) for what in missing(answer, at_last=True))
            case _:
                pass


def _note(change: Change, names: dict[tuple[int, int, int], Thing], told: set[Hashable]) -> None:
    if isinstance(change, OrderAdded):
        told.add(thing(change.project_id, change.order))
    if isinstance(change, OrderEventAdded):
        key = (change.project_id, change.deployment, change.order_id)
        told.add((names.get(key, key), change.position))


def _found(answer: Answer, commit: Commit, since: float, told: set[Hashable], baseline: dict[Thing, int]) -> None:
    """Old orders that are remembered without being told, as long as not everything was read once."""
    kept = {(record.order_id, record.index) for record in commit.orders}
    for index, row in enumerate(answer.rows, answer.start):
        if isinstance(row, Order) and row.time.timestamp() < since and (row.id, index) in kept:
            it = thing(answer.project_id, row)
            if it not in told:
                baseline.setdefault(it, len(row.events))


def _counting(answer: Answer) -> Iterator[Order[Any]]:
    for row in answer.rows[: answer.end - answer.start]:
        if isinstance(row, Order):
            yield row


def i2_nothing_is_told_twice(history: History) -> Iterator[Finding]:
    """No key twice, and no order or event under two keys."""
    keys: set[str] = set()
    things: dict[Hashable, str] = {}
    names: dict[tuple[int, int, int], Thing] = {}
    for at, commit in history.commits():
        names.update(things_of(history, commit))
        for change in commit.changes:
            if change.key in keys:
                yield at, f"{change.key} twice"
            keys.add(change.key)
            told: Hashable = None
            if isinstance(change, OrderAdded):
                told = thing(change.project_id, change.order)
            if isinstance(change, OrderEventAdded):
                key = (change.project_id, change.deployment, change.order_id)
                told = (names.get(key, key), change.position)
            if told is not None and told in things:
                yield at, f"{change.key} is {things[told]} under another key"
            if told is not None:
                things[told] = change.key


def i3_orders_come_before_their_events(history: History) -> Iterator[Finding]:
    """Sequence numbers have no gap. An order is told before its events, and they in order and without a gap."""
    last: dict[int, int] = defaultdict(int)
    position: dict[tuple[int, int, int], int] = {}
    for at, change in history.changes():
        if change.sequence != last[change.project_id] + 1:
            yield at, f"{change.key} has the number {change.sequence} after {last[change.project_id]}"
        last[change.project_id] = change.sequence
        if isinstance(change, OrderAdded):
            position[change.project_id, change.deployment, change.order.id] = -1
        if isinstance(change, OrderEventAdded):
            key = (change.project_id, change.deployment, change.order_id)
            if key not in position and history.told_since is None:
                yield at, f"{change.key} comes before its order"
            if key in position and change.position != position[key] + 1:
                yield at, f"{change.key} is number {change.position} after {position[key]}"
            position[key] = change.position


def i4_what_is_told_is_what_is_known(history: History) -> Iterator[Finding]:
    """The changes told so far, applied in order, are the orders that are remembered."""
    folded: Folded = {}
    for at, commit in history.commits():
        for change in commit.changes:
            if (wrong := tell(folded, change)) is not None:
                yield at, wrong
        for record in commit.orders:
            fold = folded.get((commit.project_id, *record.key))
            if fold is None:
                if history.told_since is None:
                    yield at, f"{record.key} of project {commit.project_id} is remembered, and was never told"
                continue
            whole = fold.whole
            if digest(whole) != record.digest:
                yield at, f"{record.key} of project {commit.project_id} is remembered differently than it was told"
            if tuple(event_digest(event) for event in whole.events) != record.events:
                yield at, f"the events of {record.key} of project {commit.project_id} are not those that were told"


def i5_events_never_become_fewer(history: History) -> Iterator[Finding]:
    """How many events of an order are known never falls."""
    seen: dict[tuple[int, int, int], int] = {}
    for at, commit in history.commits():
        for record in commit.orders:
            key = (commit.project_id, *record.key)
            if len(record.events) < seen.get(key, 0):
                yield at, f"{record.key} had {seen[key]} events, and has {len(record.events)}"
            seen[key] = len(record.events)


def i6_delivered_is_committed_is_observed(history: History) -> Iterator[Finding]:  # noqa: C901, PLR0912 (the same)
    """What is told was seen; what is delivered was kept; what is acknowledged was delivered; all of it in order."""
    observed: set[Hashable] = set()
    noticed: set[int] = set()
    committed: dict[tuple[int, int], str] = {}
    acknowledged: dict[int, int] = defaultdict(int)
    delivered: dict[int, int] = defaultdict(int)
    attempts: dict[tuple[int, int], int] = {}
    for at, moment in enumerate(history.moments):
        match moment:
            case Answer():
                for row in moment.rows:
                    if isinstance(row, Order) and id(row) not in noticed:
                        noticed.add(id(row))  # the history keeps it, so nothing else gets its id
                        observed.add(thing(moment.project_id, row))
                        observed.update(row.events)
            case Commit():
                for change in moment.changes:
                    if not _is_observed(change, observed):
                        yield at, f"{change.key} was never seen"
                    committed[change.project_id, change.sequence] = change.key
            case Delivery(change):
                project_id, place = change.project_id, (change.project_id, change.sequence)
                if committed.get(place) != change.key:
                    yield at, f"{change.key} is delivered before it is kept"
                if change.sequence not in {delivered[project_id], delivered[project_id] + 1}:
                    yield at, f"number {change.sequence} is delivered after {delivered[project_id]}"
                if change.sequence <= acknowledged[project_id]:
                    yield at, f"{change.key} is delivered after it was acknowledged"
                if change.attempt <= attempts.get(place, 0):
                    yield at, f"{change.key} is delivered twice as attempt {change.attempt}"
                attempts[place] = change.attempt
                delivered[project_id] = max(change.sequence, delivered[project_id])
            case Acknowledgement(change):
                if change.sequence > delivered[change.project_id]:
                    yield at, f"{change.key} is acknowledged before it is delivered"
                acknowledged[change.project_id] = max(change.sequence, acknowledged[change.project_id])
            case Quiet():
                for (project_id, sequence), key in committed.items():
                    if sequence > acknowledged[project_id]:
                        yield at, f"{key} was never delivered and acknowledged"
            case _:
                pass


def _is_observed(change: Change, observed: set[Hashable]) -> bool:
    match change:
        case OrderAdded() | OrderChanged():
            return thing(change.project_id, change.order) in observed
        case OrderEventAdded() | OrderEventAmended():
            return change.event in observed
        case _:
            return True


def i7_crashes_change_nothing(history: History) -> Iterator[Finding]:
    """The same world without crashes is told the same."""
    if history.undisturbed is not None and any(isinstance(moment, Crash) for moment in history.moments):
        yield from _compare(history, history.undisturbed, frozenset())


def i8_no_key_mixes_deployments(history: History) -> Iterator[Finding]:
    """A number stands for one deployment, a deployment has one number, and an order's changes are of one order."""
    by_number: dict[tuple[int, int], str] = {}
    by_name: dict[tuple[int, str], int] = {}
    things: dict[tuple[int, int, int], Thing] = {}
    for at, change in history.changes():
        if isinstance(change, OrderAdded | OrderChanged):
            key = (change.project_id, change.deployment, change.order.id)
            if things.setdefault(key, thing(change.project_id, change.order)) != thing(change.project_id, change.order):
                yield at, f"{change.key} is about another order than before"
        if isinstance(change, OrderEventAdded | OrderEventAmended) and change.event.algorithm_id:
            number, name = (change.project_id, change.deployment), change.event.algorithm_id
            if by_number.setdefault(number, name) != name:
                yield at, f"{change.key}: deployment {change.deployment} is {by_number[number]} and {name}"
            place = (change.project_id, name)
            if by_name.setdefault(place, change.deployment) != change.deployment:
                yield at, f"{change.key}: {name} is deployment {by_name[place]} and {change.deployment}"
            if change.event.order_id != change.order_id:
                yield at, f"{change.key} is of order {change.event.order_id}, told of {change.order_id}"


def i9_failures_stay_at_home(history: History) -> Iterator[Finding]:
    """The same world without failures of projects is told the same about all other projects."""
    failed = frozenset(moment.project_id for moment in history.moments if isinstance(moment, Failure))
    crashed = any(isinstance(moment, Crash) for moment in history.moments)
    if history.undisturbed is not None and failed and not crashed:
        yield from _compare(history, history.undisturbed, failed)


def _compare(history: History, other: History, without: frozenset[int]) -> Iterator[Finding]:
    """Orders and events by what they are; by their keys too, where deployments are numbered alike."""
    ours, theirs = (_told(each, history.told_since) for each in (history, other))
    if history.erasable:
        return
    end = len(history.moments) - 1
    for it in sorted(set(ours) ^ set(theirs), key=repr):
        if it[0] not in without:
            yield end, f"{(ours | theirs)[it]} is told in {'this' if it in ours else 'the undisturbed'} history only"
    if not history.renumbered:
        for it in sorted(set(ours) & set(theirs), key=repr):
            if it[0] not in without and ours[it] != theirs[it]:
                yield end, f"{ours[it]} is {theirs[it]} in the undisturbed history"


def _told(history: History, since: float | None) -> dict[tuple[Any, ...], str]:
    """Orders and events, with their keys; those of the baseline left out."""
    told: dict[tuple[Any, ...], str] = {}
    names: dict[tuple[int, int, int], Thing] = {}
    for _, change in history.changes():
        if isinstance(change, OrderAdded) and (since is None or change.order.time.timestamp() >= since):
            it = thing(change.project_id, change.order)
            names[change.project_id, change.deployment, change.order.id] = it
            told[it] = change.key
        if isinstance(change, OrderEventAdded):
            key = (change.project_id, change.deployment, change.order_id)
            if key in names:
                told[*names[key], change.position] = change.key
    return told


def i10_memory_is_bounded(history: History) -> Iterator[Finding]:
    """No more is remembered than may be."""
    for at, moment in enumerate(history.moments):
        if isinstance(moment, Memory) and moment.used > moment.bound:
            yield at, f"{moment.used} of {moment.bound}"


def i11_complete_means_complete(history: History) -> Iterator[Finding]:
    """That everything was read is only said after an empty answer behind rows without a hole, in one life.

    If there are no orders at all, or some are known beyond and no total says otherwise, it takes two. What was read in
    one look may be proved by the next: an answer that begins with the last row, and holds nothing else.
    """
    answers: dict[tuple[int, int], list[Answer]] = defaultdict(list)
    looks: dict[int, list[int]] = defaultdict(list)
    known: dict[int, int] = defaultdict(int)
    for at, moment in enumerate(history.moments):
        match moment:
            case Crash():
                answers.clear()
                looks.clear()
            case Answer():
                those = answers[moment.project_id, moment.look]
                those.append(moment)
                if moment.look not in looks[moment.project_id]:
                    looks[moment.project_id].append(moment.look)
                if moment.start == 0 and not moment.rows and moment.at >= those[0].at + PATIENCE:
                    known[moment.project_id] = 0
            case Commit() if moment.look is not None:
                those = answers[moment.project_id, moment.look]
                if moment.complete_through is not None:
                    before = [look for look in looks[moment.project_id] if look != moment.look][-1:]
                    earlier = [answer for look in before for answer in answers[moment.project_id, look]]
                    if not _is_proved_later(earlier, those, moment.complete_through):
                        yield from ((at, what) for what in _doubts(moment, those, known[moment.project_id]))
                if moment.remembered is not None:
                    known[moment.project_id] = moment.remembered
            case _:
                pass


def _is_proved_later(earlier: list[Answer], those: list[Answer], through: float) -> bool:
    """Whether one look read all rows at once, and the next one found nothing behind the last of them."""
    if not earlier or not those or earlier[-1].start != 0 or through > earlier[-1].at:
        return False
    read = len(earlier[-1].rows)
    for answer in those:
        if answer.start < read:
            read = max(read, answer.start + len(answer.rows))
    return (those[-1].start, len(those[-1].rows)) == (read - 1, 1)


def _doubts(commit: Commit, answers: list[Answer], known: int) -> Iterator[str]:
    """A look may have read other windows before it read everything: its last answers, however many, are to prove it."""
    if not any(_ends(answers[at:], known) for at in range(len(answers))):
        yield f"nothing proves that all of project {commit.project_id} was read"
    if commit.complete_through is not None and commit.complete_through > min(answer.at for answer in answers):
        yield f"complete through {commit.complete_through}, but the reading began before"


def _ends(answers: list[Answer], known: int) -> bool:
    through = _read_through(answers)
    ends = {answer.start for answer in answers if not answer.rows and answer.start <= through}
    return any(_is_proved(end, answers, known) for end in ends)


def _is_proved(end: int, answers: list[Answer], known: int) -> bool:
    proofs = [at for at, answer in enumerate(answers) if answer.start == end and not answer.rows]
    if any((answer.length or 0) > answer.start + len(answer.rows) for answer in answers):
        known = 0
    beyond = any(answer.start <= end < answer.start + len(answer.rows) for answer in answers[: proofs[-1]])
    return len(proofs) >= (2 if end < known or end == 0 or beyond else 1)


def _read_through(answers: list[Answer]) -> int:
    end = 0
    for answer in sorted(answers, key=lambda answer: answer.start):
        if answer.start <= end:
            end = max(end, min(answer.start + len(answer.rows), answer.end))
    return end


def i12_one_owner_commits(history: History) -> Iterator[Finding]:
    """Nobody commits after somebody else took the store."""
    owner = 0
    for at, moment in enumerate(history.moments):
        match moment:
            case Start(fencing):
                if fencing <= owner:
                    yield at, f"owner {fencing} after {owner}"
                owner = max(owner, fencing)
            case Commit(fencing=fencing) if fencing != owner:
                yield at, f"owner {fencing} commits, and {owner} owns"
            case _:
                pass


INVARIANTS: Final[dict[str, Callable[[History], Iterator[Finding]]]] = {
    "I1": i1_nothing_is_lost,
    "I2": i2_nothing_is_told_twice,
    "I3": i3_orders_come_before_their_events,
    "I4": i4_what_is_told_is_what_is_known,
    "I5": i5_events_never_become_fewer,
    "I6": i6_delivered_is_committed_is_observed,
    "I7": i7_crashes_change_nothing,
    "I8": i8_no_key_mixes_deployments,
    "I9": i9_failures_stay_at_home,
    "I10": i10_memory_is_bounded,
    "I11": i11_complete_means_complete,
    "I12": i12_one_owner_commits,
}


def check(history: History) -> None:
    """Raise `Broken` for the first invariant that does not hold."""
    for name, invariant in INVARIANTS.items():
        for at, what in invariant(history):
            raise Broken(name, at, what)
