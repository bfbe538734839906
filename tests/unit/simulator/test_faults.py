import math
from typing import Any

import msgspec
import pytest

from qcasync.simulator import Answer, Conditions, FaultKind, Project, Simulator

from .calling import Caller

ORDERS = "live/orders/read"


@pytest.fixture
def project(simulator: Simulator) -> Project:
    return simulator.add_project([10])


def read(call: Caller, project: Project) -> Answer:
    return call.send(ORDERS, {"projectId": project.id, "start": 0, "end": 5})


def header(answer: Answer, name: str) -> str | None:
    return dict(answer.headers).get(name)


JSON, HTML = "application/json", "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "start"),
    [
        (FaultKind.EMPTY_500, 500, JSON, b""),
        (FaultKind.JSON_500, 500, JSON, b'{"Message":'),
        (FaultKind.HTML_502, 502, HTML, b"<html>"),
        (FaultKind.HTML_503, 503, HTML, b"<html>"),
        (FaultKind.HTML_504, 504, HTML, b"<html>"),
        (FaultKind.RETRY_AFTER_503, 503, HTML, b"<html>"),
        (FaultKind.RETRY_AFTER_429, 429, JSON, b'{"success":false'),
        (FaultKind.BARE_429, 429, JSON, b'{"success":false'),
        (FaultKind.SLOW_DOWN, 200, JSON, b'{"success":false,"errors":["Too many requests; please slow'),
        (FaultKind.HTML_200, 200, HTML, b"<html>"),
        (FaultKind.REDIRECT, 302, JSON, b""),
        (FaultKind.HTML_403, 403, HTML, b"<html>"),
        (FaultKind.STATUS, 400, JSON, b'{"success":false'),
        (FaultKind.FAILURE_PASSING, 200, JSON, b'{"errors":["Internal Error 21"],"success":false}'),
        (FaultKind.FAILURE_LASTING, 200, JSON, b'{"errors":["You do not have permission'),
        (FaultKind.FAILURE_SILENT, 200, JSON, b'{"success":false}'),
        (FaultKind.MISSING_PAYLOAD, 200, JSON, b'{"success":true}'),
        (FaultKind.GARBAGE, 200, JSON, b"\x00\xff"),
    ],
)
def test_what_each_fault_looks_like(
    simulator: Simulator,
    call: Caller,
    project: Project,
    *,
    kind: FaultKind,
    status: int,
    content_type: str,
    start: bytes,
) -> None:
    simulator.fault(kind)
    answer = read(call, project)
    assert (answer.status, header(answer, "content-type"), answer.fault) == (status, content_type, None)
    assert answer.body.startswith(start)
    assert answer.body or not start
    assert simulator.ledger.requests[-1].outcome == f"fault: {kind.name}"
    assert read(call, project).status == 200


def test_half_of_the_json(simulator: Simulator, call: Caller, project: Project) -> None:
    whole = read(call, project).body
    simulator.fault(FaultKind.CUT_JSON)
    assert read(call, project).body == whole[: len(whole) // 2]


@pytest.mark.parametrize("kind", [FaultKind.HANG, FaultKind.RESET_BEFORE_ANSWER, FaultKind.RESET_IN_BODY])
def test_faults_of_the_connection_are_left_to_the_mounts(
    simulator: Simulator, call: Caller, project: Project, kind: FaultKind
) -> None:
    simulator.fault(kind)
    assert read(call, project).fault is kind
    assert simulator.ledger.count(ORDERS) == 1


def test_a_refused_connection_leaves_no_trace(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.fault(FaultKind.REFUSED)
    assert read(call, project).fault is FaultKind.REFUSED
    assert simulator.ledger.requests == []


def test_retry_after_says_what_it_is_told(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.fault(FaultKind.RETRY_AFTER_429, retry_after="-3")
    simulator.fault(FaultKind.RETRY_AFTER_503, nth=2)
    simulator.fault(FaultKind.BARE_429, nth=3)
    assert [header(read(call, project), "retry-after") for _ in range(3)] == ["-3", "1", None]


def test_slow_answers_add_to_the_latency(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.latency = 0.25
    simulator.fault(FaultKind.SLOW, delay=60.0)
    assert [read(call, project).delay, read(call, project).delay] == [60.25, 0.25]


def test_reasons_can_be_given(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.fault(FaultKind.FAILURE_LASTING, text="Node is busy")
    assert b"Node is busy" in read(call, project).body


@pytest.mark.parametrize(("status", "has_body"), [(204, False), (304, False), (413, True), (501, True)])
def test_any_status_code(simulator: Simulator, call: Caller, status: int, has_body: bool) -> None:
    simulator.fault(FaultKind.STATUS, status=status)
    answer = call.send("authenticate")
    assert (answer.status, bool(answer.body)) == (status, has_body)


def test_which_request_is_struck(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.fault(FaultKind.HTML_502, path=ORDERS, nth=2, times=2)
    call("authenticate")
    assert [read(call, project).status for _ in range(5)] == [200, 502, 502, 200, 200]


def test_only_one_project_is_struck_and_for_ever(simulator: Simulator, call: Caller, project: Project) -> None:
    other = simulator.add_project([1])
    simulator.fault(FaultKind.HTML_502, project_id=project.id, times=math.inf)
    assert [read(call, project).status for _ in range(3)] == [502] * 3
    assert read(call, other).status == 200
    simulator.clear_faults()
    assert read(call, project).status == 200


def test_scripts_count_from_one(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="count from 1"):
        simulator.fault(FaultKind.SLOW, nth=0)


@pytest.mark.parametrize(
    ("kind", "performed", "happened"),
    [
        (FaultKind.RESET_BEFORE_ANSWER, None, True),
        (FaultKind.RESET_BEFORE_ANSWER, False, False),
        (FaultKind.HANG, None, True),
        (FaultKind.HTML_504, None, False),
        (FaultKind.HTML_504, True, True),
        (FaultKind.RETRY_AFTER_429, None, False),
        (FaultKind.REFUSED, None, False),
    ],
)
def test_whether_a_command_had_its_effect(
    simulator: Simulator,
    call: Caller,
    project: Project,
    *,
    kind: FaultKind,
    performed: bool | None,
    happened: bool,
) -> None:
    simulator.fault(kind, path="live/update/stop", performed=performed)
    call.send("live/update/stop", {"projectId": project.id})
    assert bool(simulator.ledger.effects) is happened


def test_random_faults_come_at_their_rate_and_repeat_with_the_seed() -> None:
    def outcomes(seed: int) -> list[str]:
        simulator = Simulator(seed, conditions=Conditions(fault_rate=0.2))
        call = Caller(simulator)
        for _ in range(500):
            call.send("authenticate")
        return [record.outcome for record in simulator.ledger.requests]

    one = outcomes(1)
    assert one == outcomes(1) != outcomes(2)
    assert 60 < 500 - one.count("ok") < 140


@pytest.mark.parametrize(
    ("form", "status", "retry_after"), [("retry-after", 429, "1"), ("bare", 429, None), ("text", 200, None)]
)
def test_throttling(simulator: Simulator, call: Caller, form: Any, status: int, retry_after: str | None) -> None:
    simulator.conditions.requests_per_second = 2
    simulator.conditions.throttle = form
    answers = [call.send("authenticate") for _ in range(3)]
    assert [b"true" in answer.body for answer in answers] == [True, True, False]
    assert (answers[2].status, header(answers[2], "retry-after")) == (status, retry_after)
    assert simulator.ledger.requests[-1].outcome == "throttled"
    call.now += 1.0
    assert b"true" in call.send("authenticate").body


def test_headers(simulator: Simulator, call: Caller) -> None:
    assert dict(call.send("authenticate").headers) == {
        "x-qcasync-simulator": "1",
        "content-type": "application/json",
        "date": "Sun, 15 Jun 2025 15:06:40 GMT",
    }
    simulator.conditions.clock_offset = -10_800.0
    simulator.conditions.extra_headers = (("age", "30"),)
    headers = dict(call.send("authenticate").headers)
    assert (headers["date"], headers["age"]) == ("Sun, 15 Jun 2025 12:06:40 GMT", "30")
    simulator.conditions.date_text = "Thursday"
    assert header(call.send("authenticate"), "date") == "Thursday"
    simulator.conditions.send_date = False
    assert header(call.send("authenticate"), "date") is None


def test_two_edges_disagree_about_the_date(simulator: Simulator, call: Caller) -> None:
    simulator.conditions.date_jitter = 1.0
    dates = {header(call.send("authenticate"), "date") for _ in range(30)}
    assert dates == {"Sun, 15 Jun 2025 15:06:39 GMT", "Sun, 15 Jun 2025 15:06:40 GMT"}


def test_the_ledger(simulator: Simulator, call: Caller) -> None:
    call("authenticate", timestamp="canary")
    call.now += 1.5
    call("live/read", projectId=1)
    first, second = simulator.ledger.requests
    assert (first.number, first.path, first.payload, first.outcome) == (
        1,
        "authenticate",
        {"timestamp": "[redacted]"},
        "ok",
    )
    assert (second.at - first.at, second.outcome, second.user_id) == (1.5, "failure", simulator.user_id)
    assert simulator.ledger.count() == 2
    assert simulator.ledger.count("live/read") == 1
    simulator.ledger.clear()
    call("authenticate")
    assert [record.number for record in simulator.ledger.requests] == [3]


def test_every_kind_can_be_scripted(simulator: Simulator, call: Caller, project: Project) -> None:
    for kind in FaultKind:
        simulator.fault(kind)
        assert msgspec.json.encode(kind.value)
        answer = read(call, project)
        assert answer.fault is kind or answer.delay > 0 or answer.body != read(call, project).body


def test_of_two_scripts_for_one_request_the_older_prevails(simulator: Simulator, call: Caller) -> None:
    simulator.fault(FaultKind.HTML_502)
    simulator.fault(FaultKind.HTML_504, times=2)
    assert [call.send("authenticate").status for _ in range(3)] == [502, 504, 200]
