"""What is sent, byte for byte, and what is refused before it is."""

from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from qcasync._core import requests
from qcasync._core.requests import (
    Authenticate,
    ListLive,
    ProjectCall,
    ReadLive,
    ReadLiveInsights,
    ReadLiveLogs,
    ReadLiveOrders,
    create_live,
    encode,
    identifier,
    insight_window,
    live_list,
    log_window,
    project,
    window,
)
from qcasync.errors import ConfigurationError
from qcasync.models.enums import AlgorithmStatus

DEPLOYMENT: dict[str, Any] = {
    "project_id": 7,
    "compile_id": "c-1",
    "node_id": "LN-1",
    "version_id": "-1",
    "brokerage": {"id": "QuantConnectBrokerage"},
    "data_providers": {"QuantConnectBrokerage": {"id": "QuantConnectBrokerage"}},
    "parameters": None,
    "notification": None,
    "automatic_redeploy": False,
}


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        (Authenticate(), b"{}"),
        (ReadLive(project_id=7), b'{"projectId":7}'),
        (ReadLive(project_id=7, deploy_id="L-1"), b'{"projectId":7,"deployId":"L-1"}'),
        (ListLive(), b"{}"),
        (ListLive(status="Running", start=1, end=2), b'{"status":"Running","start":1,"end":2}'),
        (ReadLiveOrders(project_id=7, start=0, end=100), b'{"projectId":7,"start":0,"end":100}'),
        (
            ReadLiveLogs(format="json", project_id=7, deploy_id="L-1", start_line=0, end_line=250),
            b'{"format":"json","projectId":7,"algorithmId":"L-1","startLine":0,"endLine":250}',
        ),
        (ReadLiveInsights(project_id=7, start=0, end=100), b'{"projectId":7,"start":0,"end":100}'),
        (ProjectCall(project_id=7), b'{"projectId":7}'),
        (
            create_live(**DEPLOYMENT),
            b'{"versionId":"-1","projectId":7,"compileId":"c-1","nodeId":"LN-1",'
            b'"brokerage":{"id":"QuantConnectBrokerage"},'
            b'"dataProviders":{"QuantConnectBrokerage":{"id":"QuantConnectBrokerage"}},"automaticRedeploy":false}',
        ),
        (
            create_live(**{**DEPLOYMENT, "parameters": {"fast": "10"}, "notification": {"on": True}}),
            b'{"versionId":"-1","projectId":7,"compileId":"c-1","nodeId":"LN-1",'
            b'"brokerage":{"id":"QuantConnectBrokerage"},'
            b'"dataProviders":{"QuantConnectBrokerage":{"id":"QuantConnectBrokerage"}},"automaticRedeploy":false,'
            b'"parameters":{"fast":"10"},"notification":{"on":true}}',
        ),
    ],
)
def test_body(request_: msgspec.Struct, body: bytes) -> None:
    """Names are camelCase, an absent field is absent and not null, and `start` is there also when it is 0."""
    assert encode(request_) == body


def test_settings_may_be_any_mapping() -> None:
    """Read-only ones, too, at every depth."""
    brokerage = MappingProxyType({"id": "Paper", "deep": [MappingProxyType({"a": 1})]})
    body = encode(create_live(**{**DEPLOYMENT, "brokerage": brokerage}))
    assert msgspec.json.decode(body)["brokerage"] == {"id": "Paper", "deep": [{"a": 1}]}


def test_settings_that_are_no_json_are_refused_without_an_echo() -> None:
    """The type is named, and not the value: it may be a password."""
    request = create_live(**{**DEPLOYMENT, "brokerage": {"id": "Paper", "password": complex(5, 5)}})
    with pytest.raises(ConfigurationError) as caught:
        encode(request)
    assert caught.value.problem == "A setting of type complex cannot be sent as JSON."


def test_a_deployment_does_not_show_its_settings() -> None:
    """They hold the passwords of brokerages."""
    request = create_live(**{**DEPLOYMENT, "brokerage": {"id": "Paper", "password": "canary"}})
    assert repr(request) == str(request) == "<CreateLive of project 7>"


@pytest.mark.parametrize("project_id", [1, 2**31, 2**63 - 1])
def test_a_project_id_is_a_positive_integer(project_id: int) -> None:
    """It comes back as it was given."""
    assert project(project_id) == project_id


@pytest.mark.parametrize("project_id", [0, -1, 2**63, True, False, "7", 7.0, None])
def test_what_is_no_project_id(project_id: Any) -> None:
    """Anything else is refused by name, and says where the number stands."""
    with pytest.raises(ConfigurationError) as caught:
        project(project_id)
    assert caught.value.problem == f"project_id must be a positive integer, not {project_id!r}."
    assert "quantconnect.com/project/" in caught.value.hint


@pytest.mark.parametrize(("start", "end"), [(0, 1), (0, 100), (5, 105), (10**9, 10**9 + 100)])
def test_a_window(start: int, end: int) -> None:
    """Half-open, not empty, at most 100 long."""
    assert window(7, start, end) == ReadLiveOrders(project_id=7, start=start, end=end)


@pytest.mark.parametrize(
    ("start", "end", "problem"),
    [
        (-1, 10, "start must not be negative, but is -1."),
        (0, 0, "The window 0 to 0 is empty or reversed."),
        (10, 9, "The window 10 to 9 is empty or reversed."),
        (0, 101, "The window 0 to 101 spans 101 orders; QuantConnect answers at most 100."),
    ],
)
def test_what_is_no_window(start: int, end: int, problem: str) -> None:
    """A window that QuantConnect would refuse, or cut short without a word, is refused here."""
    with pytest.raises(ConfigurationError) as caught:
        window(7, start, end)
    assert caught.value.problem == problem
    assert caught.value.hint


def test_a_window_of_log_lines() -> None:
    """At most 250 long; the deployment is named, though the numbers are the project's."""
    assert log_window(7, "L-1", 5, 255) == ReadLiveLogs(
        format="json", project_id=7, deploy_id="L-1", start_line=5, end_line=255
    )
    with pytest.raises(ConfigurationError, match="deploy_id must not be empty"):
        log_window(7, " ", 0, 1)
    with pytest.raises(ConfigurationError, match="project_id"):
        log_window(0, "L-1", 0, 1)


def test_a_window_of_insights() -> None:
    """As of orders."""
    assert insight_window(7, 5, 105) == ReadLiveInsights(project_id=7, start=5, end=105)
    with pytest.raises(ConfigurationError, match="project_id"):
        insight_window(0, 0, 1)


@pytest.mark.parametrize(
    ("start", "end", "problem"),
    [
        (-1, 10, "start must not be negative, but is -1."),
        (10, 10, "The window 10 to 10 is empty or reversed."),
        (0, 251, "The window 0 to 251 spans 251 {}; QuantConnect answers at most {}."),
    ],
)
def test_what_is_no_window_of_records(start: int, end: int, problem: str) -> None:
    """Each kind is named, with its own limit."""
    with pytest.raises(ConfigurationError) as lines:
        log_window(7, "L-1", start, end)
    with pytest.raises(ConfigurationError) as insights:
        insight_window(7, start, end)
    assert lines.value.problem == problem.format("lines", 250)
    assert insights.value.problem == problem.format("insights", 100)
    assert lines.value.hint
    assert insights.value.hint


def test_a_window_needs_a_project() -> None:
    """The project id is checked, too."""
    with pytest.raises(ConfigurationError, match="project_id"):
        window(0, 0, 100)


@pytest.mark.parametrize("brokerage", [{}, {"id": ""}, {"id": None}, {"id": 3}, {"ID": "x"}])
def test_a_deployment_names_its_brokerage(brokerage: dict[str, object]) -> None:
    """QuantConnect's own message would be "Brokerage data must be an array"."""
    with pytest.raises(ConfigurationError, match="brokerage has no 'id'"):
        create_live(**{**DEPLOYMENT, "brokerage": brokerage})


@pytest.mark.parametrize("name", ["compile_id", "node_id", "version_id"])
@pytest.mark.parametrize("value", ["", " ", "\t\n", None, 5])
def test_a_deployment_names_its_parts(name: str, value: Any) -> None:
    """Blank ids are refused by name: `mcp-server` shows that QuantConnect takes " " and then fails."""
    with pytest.raises(ConfigurationError, match=f"{name} must not be empty"):
        create_live(**{**DEPLOYMENT, name: value})
    assert identifier(name, "x") == "x"


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        (None, None),
        ("Running", "Running"),
        ("running", "Running"),
        ("runtime_error", "RuntimeError"),
        (AlgorithmStatus.RUNNING, "Running"),
        (AlgorithmStatus.RUNTIME_ERROR, "RuntimeError"),
    ],
)
def test_status(status: AlgorithmStatus | str | None, sent: str | None) -> None:
    """A member, or its name in any spelling, becomes the text that QuantConnect expects."""
    assert live_list(status, None, None, times="unix") == ListLive(status=sent)


@pytest.mark.parametrize("status", ["", "Runing", "3", AlgorithmStatus("Tomorrow")])
def test_an_unknown_status_is_refused(status: AlgorithmStatus | str) -> None:
    """A filter that matches nothing would look like an empty account; so it is refused, with the words that exist."""
    with pytest.raises(ConfigurationError, match="Unknown status '") as caught:
        live_list(status, None, None, times="unix")
    assert caught.value.hint.startswith("One of DeployError, InQueue, Running, ")


MOMENT = datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "times", "expected"),
    [
        (None, None, "unix", (None, None)),
        (MOMENT, None, "unix", (1767323045, None)),
        (None, MOMENT, "iso", (None, "2026-01-02T03:04:05Z")),
        (MOMENT, MOMENT, "unix", (1767323045, 1767323045)),
        (MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30))), None, "iso", ("2026-01-02T03:04:05Z", None)),
        (MOMENT.astimezone(timezone(timedelta(hours=-8))), None, "unix", (1767323045, None)),
    ],
)
def test_times(start: Any, end: Any, times: Any, expected: tuple[Any, Any]) -> None:
    """Times are UTC whatever their zone: Unix seconds, or ISO text in the old form."""
    body = live_list(None, start, end, times=times)
    assert (body.start, body.end) == expected


NAIVE = MOMENT.replace(tzinfo=None)


@pytest.mark.parametrize(("start", "end"), [(NAIVE, None), (None, NAIVE)])
def test_a_time_without_a_zone_is_refused(start: datetime | None, end: datetime | None) -> None:
    """It would mean the zone of whichever machine it runs on."""
    with pytest.raises(ConfigurationError, match="has no zone"):
        live_list(None, start, end, times="unix")


def test_reversed_times_are_refused() -> None:
    """They are compared as moments, not as clock faces."""
    later = MOMENT + timedelta(seconds=1)
    with pytest.raises(ConfigurationError, match="is before start_time"):
        live_list(None, later.astimezone(timezone(timedelta(hours=-8))), MOMENT, times="unix")


def test_the_largest_window_is_the_one_that_every_source_allows() -> None:
    """Sources name 100 to 1,000."""
    assert requests.MAX_WINDOW == 100
