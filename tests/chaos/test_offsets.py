"""Seeded clocks: the interval that holds the server's time, by itself, and behind a whole client.

- `estimate`: hundreds of strangers to a server's clock, with answers that take a random time either way. The truth
  never leaves the interval; how far its middle is from the truth is told.
- `converse`: a client with a wrong clock, a wrong token or both makes a hundred calls at once, and a hundred later,
  while its clocks drift, are set, or the machine sleeps. What that may cost in refused requests is known beforehand.

A failing seed replays alone: `pytest tests/chaos/test_offsets.py --runs 1 --seed SEED`.
"""

import email.utils
import math
import random
from collections import Counter
from typing import Final, NamedTuple

import anyio
import pytest

import qcasync
from qcasync._core.skew import Reading, Skew
from qcasync.simulator import Conditions
from tests.chaos.machines import Machine, Place, place
from tests.chaos.workers import Run
from tests.conftest import ENDS, JumpingLoop, virtual_trio
from tests.support import EPOCH

HOUR: Final = 3600.0
TRIALS: Final = 100
"""Trials of one seed of `estimate`; two for each run that was asked for."""
LOOKS: Final = (1, 4, 16)
"""After so many answers the interval is looked at."""
STEP: Final = 0.02
"""Errors are counted in classes of so many seconds."""
GOAL: Final = 0.5
"""Seconds that the middle may be wrong, at the 99th percentile: four answers, round trips of 0.3 s."""


def estimate(seed: int) -> Counter[str]:
    """Trials of one round trip. Returns how many errors were how large."""
    chance = random.Random(seed)
    median = (0.3, 2.0)[seed % 2]
    errors: Counter[str] = Counter()
    for trial in range(TRIALS):
        edges = 1.0 if trial % 2 else 0.0
        for looks, error in acquaintance(chance, median, edges):
            if not edges:
                errors[f"{median} {looks} {math.ceil(error / STEP)}"] += 1
    return errors


def acquaintance(chance: random.Random, median: float, edges: float) -> list[tuple[int, float]]:
    """One stranger. Returns how wrong the middle of the interval was, after how many answers.

    Args:
        chance: Draws everything.
        median: Of the round trip, in seconds. Each way takes a lognormal time.
        edges: The servers disagree about the time by up to this much.
    """
    truth, mono = EPOCH + chance.uniform(0.0, 10_000.0), chance.uniform(0.0, 1e6)
    wrong = chance.choice([0.0, chance.uniform(-3.0, 3.0), chance.uniform(-26 * HOUR, 26 * HOUR)])
    offset = truth - mono
    skew = Skew()
    errors: list[tuple[int, float]] = []

    def now() -> Reading:
        return Reading(truth + wrong, mono)

    for number in range(1, LOOKS[-1] + 1):
        sent = now()
        there, back = (chance.lognormvariate(math.log(median / 2), 0.6) for _ in range(2))
        date = email.utils.formatdate((truth + there + chance.uniform(-edges, edges)) // 1, usegmt=True)
        truth, mono = truth + there + back, mono + there + back
        skew.answered(date, sent=sent, answered=now())
        width, middle = skew.uncertainty(now()), skew.server_time(now())
        if width is not None:  # none yet, where the way took more than 10 s
            assert abs(middle - truth) <= width / 2 + 1e-5, f"{offset=} left the interval after {number} answers"
            assert skew.stamp(now()).timestamp <= truth + 1e-5, f"signed for the future after {number} answers"
            if number in LOOKS:
                errors.append((number, abs(middle - truth)))
        pause = chance.choice([0.0, 1.0, 30.0]) * chance.random()
        truth, mono = truth + pause, mono + pause
    return errors


def percentile(errors: Counter[str], median: float, looks: int, share: float) -> float:
    """The error that a share of the trials does not exceed, to the next `STEP`."""
    classes = {int(key.split()[2]): count for key, count in errors.items() if key.startswith(f"{median} {looks} ")}
    left = share * sum(classes.values())
    for size, count in sorted(classes.items()):
        left -= count
        if left <= 0:
            return size * STEP
    return math.nan


class Trouble(NamedTuple):
    """What one seed does to a client.

    Attributes:
        wrong: Seconds that the wall clock is ahead at the start.
        past: How old a signature may be.
        future: How far ahead it may be.
        median: Of the round trip.
        token_right: Whether the token is.
        then: What happens between the calls: nothing, the wall clock is set, the machine sleeps.
    """

    wrong: float
    past: float
    future: float
    median: float
    refusal: str
    token_right: bool
    then: str
    counts_suspend: bool


def trouble_of(seed: int) -> Trouble:
    """Expand a seed."""
    chance = random.Random(seed)
    past, future = chance.choice([(300.0, 300.0), (7200.0, 0.0), (30.0, 30.0), (30.0, 0.0), (7200.0, 300.0)])
    strict = min(past, future) < 60
    then = chance.choice(["nothing", "set while 100 are in flight", "set", "sleep"])
    far = 25.9 if then == "nothing" else 17.9  # with 8 h more it is not yet another day
    return Trouble(
        wrong=chance.choice([0.0, 3 * HOUR, -3 * HOUR, far * HOUR, -far * HOUR, chance.uniform(-far, far) * HOUR]),
        past=past,
        future=future,
        median=chance.choice([0.05, 0.3] if strict else [0.05, 0.3, 2.0]),
        refusal=chance.choice(["hash", "user", "unauthorized", "server_error"]),
        token_right=chance.random() < 0.8,
        then=then,
        counts_suspend=chance.random() < 0.5,
    )


async def converse(seed: int) -> str:
    """One client. Returns what happened to it."""
    trouble, chance = trouble_of(seed), random.Random(seed)

    def way() -> float:
        return min(chance.lognormvariate(math.log(trouble.median / 2), 0.5), 4.0)

    machine = Machine(trouble.wrong, counts_suspend=trouble.counts_suspend)
    conditions = Conditions(
        latency=trouble.median / 2,
        timestamp_past=trouble.past,
        timestamp_future=trouble.future,
        refusal=trouble.refusal,  # type: ignore[arg-type]
    )
    wrong = not -trouble.future <= -trouble.wrong <= trouble.past
    async with place(
        conditions, seed=seed, machine=machine, there=way, token=None if trouble.token_right else "wrong"
    ) as here:
        failures = await hundred(here)
        if not trouble.token_right:
            return wrong_token(seed, trouble, wrong, here, failures)
        assert here.refused() == wrong, f"seed {seed}: {here.refused()} requests were refused, not {int(wrong)}"
        assert here.count() == 100 + wrong, f"seed {seed}: {here.count()} requests for the first hundred calls"
        failures += await again(here, trouble, chance)
        extra = here.count() - 200 - wrong
        assert not failures, f"seed {seed}: {failures[:3]}"
        known = trouble.counts_suspend or trouble.then == "nothing"
        allowed = 0 if known else 100 if trouble.then == "set while 100 are in flight" else 1
        assert 0 <= extra <= allowed, f"seed {seed}: {extra} more requests than calls, after: {trouble.then}"
        before = here.count()
        failures = await hundred(here)
        assert (here.count() - before, failures) == (100, []), f"seed {seed}: it did not end"
    return "wrong clock" if wrong else "right clock"


async def hundred(here: Place) -> list[qcasync.QuantConnectError]:
    """A hundred calls at once. Returns how they failed."""
    failures: list[qcasync.QuantConnectError] = []

    async def call() -> None:
        try:
            await here.client.authenticate()
        except qcasync.QuantConnectError as error:
            failures.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(call)
    return failures


async def again(here: Place, trouble: Trouble, chance: random.Random) -> list[qcasync.QuantConnectError]:
    """A hundred calls later, after what happens to the machine, or around it."""
    await anyio.sleep(chance.choice([1.0, 600.0, HOUR]))
    step = chance.choice([-1, 1]) * chance.uniform(1.0, 3.0) * HOUR
    if trouble.then == "sleep":
        here.machine.suspend(8 * HOUR)
    elif trouble.then == "set":
        here.machine.set_wall(step)
    async with anyio.create_task_group() as group:
        if trouble.then == "set while 100 are in flight":

            async def set_soon() -> None:
                await anyio.sleep(trouble.median / 2)
                here.machine.set_wall(step)

            group.start_soon(set_soon)
        return await hundred(here)


def wrong_token(
    seed: int, trouble: Trouble, wrong: bool, here: Place, failures: list[qcasync.QuantConnectError]
) -> str:
    """A wrong token costs one request, and one more if the clock is wrong, too."""
    if trouble.refusal == "server_error":
        # Nothing tells an empty 500 from a server in trouble. Calls fail as after any other 500.
        assert all(isinstance(failure, qcasync.ServerError | qcasync.RequestError) for failure in failures)
        return "wrong token, taken for a failing server"
    assert all(type(failure) is qcasync.AuthenticationError for failure in failures), f"seed {seed}: {failures[:3]}"
    assert len(failures) == 100
    assert here.count() == 1 + wrong, f"seed {seed}: a wrong token was sent {here.count()} times"
    return "wrong token and clock" if wrong else "wrong token"


def seeded(config: pytest.Config, chunk: int) -> tuple[Run, range]:
    """The first chunk estimates, the other one converses."""
    runs, first = config.getoption("--runs"), config.getoption("--seed")
    if chunk == 0:
        return estimate, range(first, first + math.ceil(2 * runs / TRIALS))
    return run_virtually, range(first, first + math.ceil(runs / 400))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chunk", [0], ids=["estimate"])
def test_the_offset_is_known_to_half_a_second(chunk: int, ends: Counter[str], request: pytest.FixtureRequest) -> None:
    """Half of the trials have edges that disagree by a second either way: there the interval holds, and may be wide."""
    told = request.config.stash[ENDS]["offsets"]
    told["trials"] += TRIALS * math.ceil(2 * request.config.getoption("--runs") / TRIALS)
    for median in (0.3, 2.0):
        for looks in LOOKS:
            error = percentile(ends, median, looks, 0.99)
            if not math.isnan(error):
                told[f"ms at p99 after {looks} answers of {median} s"] += round(error * 1000)
    assert not percentile(ends, 0.3, 4, 0.99) > GOAL


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chunk", [1], ids=["converse"])
def test_a_wrong_clock_costs_what_it_must(chunk: int, ends: Counter[str], request: pytest.FixtureRequest) -> None:
    request.config.stash[ENDS]["clocks"].update(ends)


def run_virtually(seed: int) -> list[str]:
    """One client, in virtual time, on the event loop that the seed chooses."""
    if seed % 2:
        return [anyio.run(converse, seed, backend="trio", backend_options=virtual_trio())]
    return [anyio.run(converse, seed, backend="asyncio", backend_options={"loop_factory": JumpingLoop})]
