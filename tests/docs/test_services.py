"""The examples that serve, alert and test: run as their users run them, against the simulator."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from qcasync.simulator import FaultKind, Server, Simulator, serve

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE = 60.0


@contextlib.contextmanager
def running(script: str, *arguments: str, server: Server, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """An example in a process of its own, which is interrupted in the end."""
    environment = {**os.environ, **server.environment, "PYTHONWARNINGS": "error", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(EXAMPLES / script), *arguments]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)


@dataclass
class Served:
    """What became of the web service: answers by what was asked, and how often it asked QuantConnect."""

    first: dict[str, Any]
    statuses: list[int]
    asked: int
    unknown: int
    malformed: int
    failing: int
    remembered: dict[str, Any]


def serve_portfolios() -> Served:
    """Start the web service, and ask it as several browsers would."""
    simulator = Simulator(3, time.time())
    project = simulator.add_project([12])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        serve(simulator) as server,
        running("fastapi_portfolio.py", "--port", str(port), server=server),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as http,
        ThreadPoolExecutor(10) as threads,
    ):
        wait_until(lambda: is_served(http))
        path = f"/projects/{project.id}/portfolio"
        answers = list(threads.map(http.get, [path] * 20))
        asked = simulator.ledger.count("live/portfolio/read")
        unknown = http.get("/projects/999/portfolio")
        malformed = http.get("/projects/-1/portfolio")
        other = simulator.add_project([1])
        simulator.fault(FaultKind.HTML_502, times=1000)
        failing = http.get(f"/projects/{other.id}/portfolio")
        return Served(
            first=answers[0].json(),
            statuses=[answer.status_code for answer in answers],
            asked=asked,
            unknown=unknown.status_code,
            malformed=malformed.status_code,
            failing=failing.status_code,
            remembered=http.get(path).json(),
        )


def is_served(http: httpx.Client) -> bool:
    with contextlib.suppress(httpx.ConnectError):
        return http.get("/docs").is_success
    return False


@pytest.mark.early(job=serve_portfolios)
def test_the_web_service_asks_once_for_everybody(early: Served) -> None:
    assert set(early.statuses) == {200}
    assert early.asked == 1
    assert early.first["holdings"]
    assert early.first["cash"]
    assert early.remembered["holdings"] == early.first["holdings"]
    assert (early.unknown, early.malformed, early.failing) == (404, 422, 502)


@dataclass
class Alerted:
    """What a webhook got: keys and texts, and how many it had refused before."""

    keys: list[str]
    texts: list[str]
    refused: int


def alert() -> Alerted:
    """Let a deployment fail, with a webhook that is down at first, for longer than a moment."""
    taken: list[tuple[str, str]] = []
    refusals = [503, 404, 503, 503]  # 15 s

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if refusals:
                self.send_response(refusals.pop())
            else:
                taken.append((self.headers["Idempotency-Key"], body["text"]))
                self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    simulator = Simulator(3, time.time())
    project = simulator.add_project([3])
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(simulator) as server,
        ThreadingHTTPServer(("127.0.0.1", 0), Webhook) as webhook,
    ):
        threading.Thread(target=webhook.serve_forever, daemon=True).start()
        arguments = "alerts.db", f"http://127.0.0.1:{webhook.server_port}/desk"
        with running("webhook_alerts.py", *arguments, server=server, cwd=folder):
            wait_until(lambda: is_kept(Path(folder, "alerts.db")))
        simulator.end(project.id, time.time(), status="RuntimeError")  # while nobody watches
        with running("webhook_alerts.py", *arguments, server=server, cwd=folder):
            wait_until(lambda: bool(taken))
        webhook.shutdown()
    return Alerted([key for key, _ in taken], [text for _, text in taken], 4 - len(refusals))


def is_kept(checkpoint: Path) -> bool:
    """Whether it was told that a deployment runs, and the script has acknowledged it."""
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{checkpoint}?mode=ro", uri=True)) as database,
    ):
        return bool(database.execute("SELECT count(*) FROM qc_outbox WHERE acked_at NOT NULL").fetchone()[0])
    return False


def wait_until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.early(job=alert)
def test_the_webhook_is_told_until_it_takes_it(early: Alerted) -> None:
    failed = [text for text in early.texts if "RuntimeError" in text]
    assert len(failed) == 1, early
    assert len(set(early.keys)) == len(early.keys)
    assert early.refused == 4


def run_own_tests() -> subprocess.CompletedProcess[str]:
    """As somebody else's project would."""
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "."]
    return subprocess.run(command, cwd=EXAMPLES / "own_tests", capture_output=True, text=True, check=False)


@pytest.mark.early(job=run_own_tests)
def test_the_tests_of_a_users_own_service_pass(early: subprocess.CompletedProcess[str]) -> None:
    assert early.returncode == 0, early.stdout
    assert "4 passed" in early.stdout
