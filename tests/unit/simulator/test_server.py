"""Over real sockets, synchronously: the server has its own thread, so the tests need no event loop."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

import qcasync.simulator.server
from qcasync.simulator import FaultKind, Server, Simulator, serve

from .calling import sign_for


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(Simulator(seed=7, now=time.time())) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    headers = sign_for(server.simulator, time.time())
    with httpx.Client(base_url=server.base_url, headers=headers, trust_env=False, timeout=5.0) as client:
        yield client


def test_orders_through_a_socket(server: Server, client: httpx.Client) -> None:
    project = server.simulator.add_project([40, 120])
    answer = client.post("live/orders/read", json={"projectId": project.id, "start": 0, "end": 200})
    assert tuple(answer.json()["orders"]) == server.simulator.orders(project.id)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["x-qcasync-simulator"] == "1"
    assert answer.headers["content-type"] == "application/json"
    assert len(answer.headers.get_list("date")) == 1


def test_get_with_a_query(server: Server, client: httpx.Client) -> None:
    project = server.simulator.add_project([1])
    assert client.get("live/read", params={"projectId": project.id}).json()["status"] == "Running"


def test_small_answers_and_those_who_do_not_ask_get_plain_bytes(server: Server, client: httpx.Client) -> None:
    assert "content-encoding" not in client.post("authenticate").headers
    project = server.simulator.add_project([40])
    window = {"projectId": project.id, "start": 0, "end": 40}
    plain = client.post("live/orders/read", json=window, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert len(plain.json()["orders"]) == 40


def test_connections_are_kept_alive(server: Server) -> None:
    with contextlib.closing(http.client.HTTPConnection(server.host, server.port, timeout=5)) as connection:
        sockets: set[object] = set()
        for _ in range(3):
            connection.request("GET", "/api/v2/authenticate")
            assert connection.getresponse().read()
            sockets.add(connection.sock)
    assert len(sockets) == 1
    assert None not in sockets


def test_a_reset_before_the_answer(server: Server, client: httpx.Client) -> None:
    server.simulator.fault(FaultKind.RESET_BEFORE_ANSWER)
    with pytest.raises(httpx.TransportError):
        client.post("authenticate")
    assert client.post("authenticate").status_code == 200
    assert server.simulator.ledger.count() == 2


def test_a_reset_in_the_body(server: Server, client: httpx.Client) -> None:
    server.simulator.fault(FaultKind.RESET_IN_BODY)
    with client.stream("POST", "authenticate") as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
            answer.read()
    assert client.post("authenticate").status_code == 200


@pytest.mark.parametrize("status", [204, 302, 304, 413])
def test_status_codes_pass_through(server: Server, client: httpx.Client, status: int) -> None:
    server.simulator.fault(FaultKind.STATUS, status=status)
    assert client.post("authenticate").status_code == status


def test_an_empty_answer_can_be_cut_too(server: Server, client: httpx.Client) -> None:
    server.simulator.fault(FaultKind.RESET_IN_BODY, performed=False)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        client.post("authenticate")


def test_a_connection_that_is_refused_is_dropped_without_effect(server: Server, client: httpx.Client) -> None:
    project = server.simulator.add_project([1])
    server.simulator.fault(FaultKind.REFUSED)
    with pytest.raises(httpx.TransportError):
        client.post("live/update/stop", json={"projectId": project.id})
    assert server.simulator.ledger.effects == []


def test_leaving_the_block_ends_thread_and_socket() -> None:
    threads = set(threading.enumerate())
    with serve(Simulator()) as server, httpx.Client(trust_env=False) as client:
        address = (server.host, server.port)
        client.get(server.base_url + "authenticate")
    assert set(threading.enumerate()) == threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1)


def test_leaving_at_once_and_while_a_request_hangs() -> None:
    threads = set(threading.enumerate())
    with serve(Simulator()):
        pass
    simulator = Simulator()
    simulator.fault(FaultKind.HANG)
    with serve(simulator) as server, socket.create_connection((server.host, server.port), timeout=5) as connection:
        connection.sendall(b"GET /api/v2/authenticate HTTP/1.1\r\nhost: x\r\n\r\n")
        while not simulator.ledger.requests:
            threading.Event().wait(0.001)
    assert set(threading.enumerate()) == threads


def test_signal_handlers_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    with serve(Simulator()):
        assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_other_hosts_are_refused_unless_asked_for(host: str) -> None:
    with pytest.raises(ValueError, match="allow_remote"), serve(Simulator(), host):
        pass


def test_a_taken_port(server: Server) -> None:
    with pytest.raises(OSError, match="use"), serve(Simulator(), port=server.port):
        pass


def test_without_uvicorn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ImportError, match=r"qcasync\[simulator\]"), serve(Simulator()):
        pass


def test_nothing_secret_in_the_repr(server: Server) -> None:
    assert repr(server) == f"<Server http://127.0.0.1:{server.port}/api/v2/>"
    assert server.environment["QUANTCONNECT_API_TOKEN"] == server.simulator.api_token


def test_uvicorn_is_not_needed_to_import() -> None:
    code = "import sys, qcasync.simulator; sys.exit('uvicorn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert "uvicorn" not in vars(qcasync.simulator.server)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send")
def test_the_command_serves_until_interrupted() -> None:
    command = [sys.executable, "-m", "qcasync.simulator", "--projects", "3", "2,2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline() for _ in range(6)]
        settings = dict(line.removeprefix("export ").strip().split("=") for line in lines[3:])
        assert set(settings) == {"QC_BASE_URL", "QUANTCONNECT_USER_ID", "QUANTCONNECT_API_TOKEN"}
        assert httpx.get(settings["QC_BASE_URL"] + "authenticate", trust_env=False).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""
