"""Looks at a project's deployments until they tell what somebody wants to know."""

from collections.abc import Callable

import anyio

from qcasync._core.endpoints import LIST_LIVE_ALGORITHMS
from qcasync._core.reconciling import Found, has_ended, judge, look_again, newest
from qcasync._core.requests import ListLive
from qcasync._session import Session
from qcasync.errors import APIError, ConfigurationError, QuantConnectError, RateLimitError, StillRunning
from qcasync.models.live import LiveDeployment
from qcasync.outcomes import Intent

Deployments = tuple[LiveDeployment, ...]


async def list_deployments(session: Session, project_id: int | None, seconds: float) -> Deployments:
    """The deployments of a project. One request."""
    return await session.call(LIST_LIVE_ALGORITHMS, ListLive(project_id=project_id), timeout=seconds)


async def look_for(session: Session, intent_now: Callable[[], Intent], limit: float) -> Found:
    """Look what became of an intent, after 2 s and then ever more slowly, until it is certain or the time is up.

    Whatever fails meanwhile is only a look that told nothing.

    Args:
        session: Performs the requests.
        intent_now: The intent, with what is known by now of the time at which it was made.
        limit: Seconds in all.
    """
    intent = intent_now()
    began, looks = anyio.current_time(), 0
    found = Found(None, "there was no time left to look")
    while (wait := look_again(looks, anyio.current_time() - began, limit)) is not None:
        await anyio.sleep(wait)
        looks += 1
        left = began + limit - anyio.current_time()
        if left <= 0:  # we were held up
            break
        try:
            state = await list_deployments(session, intent.project_id, left)
        except ConfigurationError as error:  # the client was closed meanwhile
            return Found(None, error.problem)
        except QuantConnectError:
            found = found if found.deployment else Found(None, "live/list could not be read")
            continue
        found = judge(intent_now(), state)
        if found.kind is not None:
            break
    return found


async def wait_ended(session: Session, project_id: int, deploy_id: str | None, limit: float) -> LiveDeployment:
    """Wait until a deployment is seen to have ended; the project's latest one unless it is named.

    Raises:
        StillRunning: It was not, within `limit` seconds.
    """
    began, looks = anyio.current_time(), 0
    seen: LiveDeployment | None = None
    while True:
        left = began + limit - anyio.current_time()
        found = await _try_to_find(session, project_id, deploy_id, left) if left > 0 else None
        if found is not None:
            seen, deploy_id = found, found.deploy_id  # one that is launched meanwhile is another one
            if has_ended(found):
                return found
        waited = anyio.current_time() - began
        wait = look_again(looks, waited, limit)
        if wait is None:
            status = "in an unknown state" if seen is None or seen.status is None else str(seen.status.value)
            raise StillRunning(project_id, deploy_id, status, waited)
        await anyio.sleep(wait)
        looks += 1


async def _try_to_find(
    session: Session, project_id: int, deploy_id: str | None, seconds: float
) -> LiveDeployment | None:
    """The deployment, if it is to be seen. What will not pass is raised; anything else is a look that told nothing."""
    try:
        state = await list_deployments(session, project_id, seconds)
    except RateLimitError:
        return None
    except (APIError, ConfigurationError):
        raise
    except QuantConnectError:
        return None
    if deploy_id is None:
        return newest(project_id, state)
    return next((each for each in state if each.deploy_id == deploy_id), None)
