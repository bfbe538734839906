import base64
import time

import msgspec
import pytest

from qcasync.simulator import Answer, Conditions, Simulator

from .calling import Caller, sign, sign_for


def authenticate(simulator: Simulator, headers: dict[str, str]) -> Answer:
    return simulator.handle("POST", "/api/v2/authenticate", headers.items(), b"", simulator.now)


def texts(answer: Answer) -> list[str]:
    body = msgspec.json.decode(answer.body, type=dict[str, object])
    assert body["success"] is False
    return msgspec.convert(body["errors"], list[str])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_signed_request_is_let_in(call: Caller, method: str) -> None:
    assert call.send("authenticate", method=method).body == b'{"success":true}'


def test_wrong_token_is_told_with_the_hash_it_sent(simulator: Simulator) -> None:
    headers = sign(simulator.user_id, "wrong", int(simulator.now))
    digest = base64.b64decode(headers["Authorization"].split()[1]).decode().split(":")[1]
    answer = authenticate(simulator, headers)
    assert answer.status == 200
    assert texts(answer) == [
        f"Hash doesn't match. UID: {simulator.user_id} Hash: {digest} Timestamp: {int(simulator.now)}"
    ]


def test_unknown_user_is_told_so(simulator: Simulator) -> None:
    answer = authenticate(simulator, sign(1, simulator.api_token, int(simulator.now)))
    assert texts(answer)[0].startswith("UserID not valid")


@pytest.mark.parametrize(
    ("refusal", "status", "start"),
    [
        ("hash", 200, "Hash doesn't match."),
        ("user", 200, "UserID not valid"),
        ("unauthorized", 401, "Unauthorized"),
        ("server_error", 500, None),
    ],
)
def test_each_form_of_refusal(simulator: Simulator, refusal: str, status: int, start: str | None) -> None:
    simulator.conditions.refusal = refusal  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    answer = authenticate(simulator, sign(simulator.user_id, "wrong", int(simulator.now)))
    assert answer.status == status
    assert (answer.body == b"") if start is None else texts(answer)[0].startswith(start)


@pytest.mark.parametrize(
    ("age", "future", "accepted"),
    [
        (0, None, True),
        (7200, None, True),
        (7201, None, False),
        (-1_000_000_000, None, True),
        (-5, 5, True),
        (-6, 5, False),
    ],
)
def test_how_old_and_how_new_a_signature_may_be(
    simulator: Simulator, age: int, future: float | None, accepted: bool
) -> None:
    simulator.conditions.timestamp_future = future
    answer = authenticate(simulator, sign_for(simulator, simulator.now - age))
    assert (b'"success":true' in answer.body) is accepted


def test_the_servers_clock_is_what_counts(simulator: Simulator) -> None:
    simulator.conditions.clock_offset = 8000.0
    assert b"Hash doesn't match" in authenticate(simulator, sign_for(simulator)).body
    assert b"true" in authenticate(simulator, sign_for(simulator, simulator.now + 8000)).body


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic /w=="},
        {"Authorization": "Basic " + base64.b64encode(b"9" * 5000 + b":x").decode(), "Timestamp": "1"},
        {"Timestamp": "yesterday"},
    ],
)
def test_malformed_credentials_are_refused(simulator: Simulator, headers: dict[str, str]) -> None:
    assert authenticate(simulator, headers).status == 200
    assert simulator.ledger.requests[-1].outcome == "refused"


def test_a_signed_text_that_is_no_number_is_refused(simulator: Simulator) -> None:
    answer = authenticate(simulator, sign(simulator.user_id, simulator.api_token, "1e9"))
    assert texts(answer)[0].startswith("Hash doesn't match.")


def test_a_stripped_timestamp_is_seen_as_empty(simulator: Simulator) -> None:
    simulator.conditions.lost_headers = frozenset({"timestamp"})
    assert texts(authenticate(simulator, sign_for(simulator)))[0].endswith("Timestamp: ")


def test_a_changed_token_counts_at_once(simulator: Simulator) -> None:
    old = sign_for(simulator)
    simulator.account.api_token = "another"
    assert b"false" in authenticate(simulator, old).body
    assert b"true" in authenticate(simulator, sign_for(simulator)).body


def test_a_real_looking_token_is_refused_without_repeating_it(simulator: Simulator) -> None:
    real = "0123456789abcdef" * 4
    with pytest.raises(ValueError, match="invented") as caught:
        simulator.add_account(5, real)
    assert real not in str(caught.value)


def test_accounts_see_their_own_projects_only(simulator: Simulator) -> None:
    other = simulator.add_account()
    project = simulator.add_project([3], account=other)
    assert Caller(simulator)("live/read", projectId=project.id)["errors"] == ["Project not found"]


def test_no_secret_in_any_repr(simulator: Simulator) -> None:
    now = int(time.time())
    headers = sign(simulator.user_id, "wrong-token", now)
    answer = authenticate(simulator, headers)
    digest = base64.b64decode(headers["Authorization"].split()[1]).decode().split(":")[1]
    shown = repr([simulator, simulator.account, answer, simulator.ledger.requests, vars(simulator)])
    assert simulator.api_token not in shown
    assert digest not in shown


def test_user_ids_are_unique(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="exists"):
        simulator.add_account(simulator.user_id)


def test_conditions_can_be_replaced(simulator: Simulator) -> None:
    simulator.conditions = Conditions(timestamp_past=10.0)
    assert b"false" in authenticate(simulator, sign_for(simulator, simulator.now - 11)).body
