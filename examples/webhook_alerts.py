"""Tells a webhook when something needs a person: a deployment failed, an order is invalid, a project cannot be read.

An alert is acknowledged when the webhook has taken it. Until then it is sent again, after a restart as well, with the
same `Idempotency-Key`, for a week; other projects' alerts do not wait for it. An alert that the webhook cannot read is
written to stderr instead. The first start tells of the past, too; `start="now"` leaves that out.

    python examples/webhook_alerts.py alerts.db https://hooks.example.com/desk
"""

import argparse
import sys

import anyio
import httpx

import qcasync

UNREADABLE = {400, 413, 422}  # it is the alert; with any other status it is the webhook, or its address
A_WEEK = 10_000  # attempts, a minute apart


def alert(change: qcasync.Change) -> str | None:
    """What to tell about a change; None if it needs nobody."""
    match change:
        case qcasync.DeploymentFailed(deploy_id=deploy_id, status=status, error=error):
            return f"Deployment {deploy_id} ended: {status.value}. {error or ''}".strip()
        case qcasync.OrderChanged(order=order) | qcasync.OrderAdded(order=order) if (
            order.status is qcasync.OrderStatus.INVALID
        ):
            return f"Order {order.id} is invalid: {order.quantity:g} {order.symbol.value}"
        case qcasync.ProjectFailing(reason=reason) | qcasync.ServiceFailing(reason=reason):
            return f"Cannot be read: {reason}"
        case qcasync.ProjectRecovered() | qcasync.ServiceRecovered():
            return "Can be read again."
        case qcasync.Gap(detail=detail):
            return f"Something is missing: {detail}"
    return None


async def main(checkpoint: str, url: str, seconds: float | None) -> None:
    """Send alerts until the time is up, or for ever."""
    sent = 0

    async def handle(change: qcasync.Change) -> None:
        nonlocal sent
        text = alert(change)
        if text is None:
            return
        body = {"project_id": change.project_id, "at": change.observed_at.isoformat(), "text": text}
        answer = await http.post(url, json=body, headers={"Idempotency-Key": change.key})
        if answer.status_code in UNREADABLE:
            print(f"refused with {answer.status_code}: {body}", file=sys.stderr)
            return
        answer.raise_for_status()
        sent += 1

    with anyio.move_on_after(seconds):
        async with (
            httpx.AsyncClient(timeout=10) as http,
            qcasync.Client() as qc,
            qc.watch(status="Running", checkpoint=checkpoint, start="beginning") as changes,
        ):
            await changes.handle(handle, attempts=A_WEEK, timeout=30)
    print(sent, "alerts sent")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Post what needs a person to a webhook.")
    parser.add_argument("checkpoint", help="the file of the watch; made if there is none")
    parser.add_argument("url", help="where alerts go, as JSON by POST")
    parser.add_argument("--seconds", type=float, help="stop after so long")
    options = parser.parse_args()
    anyio.run(main, options.checkpoint, options.url, options.seconds)
