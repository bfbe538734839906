"""An answer that names another project or deployment than was asked about is not the answer.

A connection that fell out of step, or a proxy that mixed two requests up, would otherwise go unnoticed. A list of
deployments is not checked: a server that does not know the filter answers with all, and who asked picks out their own.
"""

from collections.abc import Callable
from typing import TypeVar

from qcasync._core.decoding import Loading, Refusal
from qcasync._core.endpoints import Endpoint
from qcasync._core.screening import undecodable
from qcasync.models.live import CreateLiveAlgorithmResponse, LiveAlgorithm

T = TypeVar("T")


def created_for(
    endpoint: Endpoint[CreateLiveAlgorithmResponse], project_id: int
) -> Endpoint[CreateLiveAlgorithmResponse]:
    """The same operation, whose answer must be about this project."""
    return _checked(endpoint, lambda answer: _other("projectId", answer.project_id, project_id))


def read_for(endpoint: Endpoint[LiveAlgorithm], deploy_id: str | None) -> Endpoint[LiveAlgorithm]:
    """The same operation, whose answer must be about this deployment, if one is asked for and one is named."""
    if deploy_id is None:
        return endpoint
    return _checked(endpoint, lambda answer: answer.deploy_id and _other("deployId", answer.deploy_id, deploy_id))


def _checked(endpoint: Endpoint[T], other: Callable[[T], str]) -> Endpoint[T]:
    def read(body: bytes) -> T | Loading | Refusal:
        answer = endpoint.read(body)
        if isinstance(answer, Loading | Refusal):
            return answer
        if complaint := other(answer):
            raise undecodable(complaint, body)
        return answer

    return endpoint.reading(read)


def _other(key: str, told: object, asked: object) -> str:
    return "" if told == asked else f"the answer is about {key} {told}, not {asked}"
