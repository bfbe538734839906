"""Answers that are about something else than was asked (row E72)."""

import json

import pytest

from qcasync._core.decoding import Refusal
from qcasync._core.echoes import created_for, read_for
from qcasync._core.endpoints import CREATE_LIVE_ALGORITHM, READ_LIVE_ALGORITHM
from qcasync.errors import DecodeError


def body(**members: object) -> bytes:
    return json.dumps({"success": True, **members}).encode()


def test_what_was_created_must_be_the_projects() -> None:
    """Another project's deployment is no confirmation."""
    endpoint = created_for(CREATE_LIVE_ALGORITHM, 7)
    assert endpoint.read(body(projectId=7, deployId="L-1")) == CREATE_LIVE_ALGORITHM.read(
        body(projectId=7, deployId="L-1")
    )
    with pytest.raises(DecodeError, match="the answer is about projectId 8, not 7"):
        endpoint.read(body(projectId=8, deployId="L-1"))
    assert endpoint.read(b'{"success":false,"errors":["no"]}') == Refusal(("no",))


def test_what_was_read_must_be_the_deployment() -> None:
    """If one was named, and the answer names one."""
    assert read_for(READ_LIVE_ALGORITHM, None) is READ_LIVE_ALGORITHM
    endpoint = read_for(READ_LIVE_ALGORITHM, "L-1")
    endpoint.read(body(deployId="L-1", status="Running"))
    endpoint.read(body(deployId=None, status="Undefined"))
    with pytest.raises(DecodeError, match="the answer is about deployId L-2, not L-1"):
        endpoint.read(body(deployId="L-2", status="Running"))
