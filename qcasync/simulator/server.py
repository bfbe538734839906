"""The simulator on a socket: uvicorn in a thread of its own, for as long as a `with` block lasts."""

import asyncio
import contextlib
import ipaddress
import shlex
import socket
import threading
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from qcasync.simulator.asgi import DROP_EXTENSION, Message, Receive, Send, asgi_app
from qcasync.simulator.simulator import Simulator

if TYPE_CHECKING:
    import uvicorn

_GRACE_SECONDS = 1  # What requests under way get at the end: hanging ones would otherwise keep the server up.


class Server:
    """A simulator that is being served."""

    def __init__(self, simulator: Simulator, host: str, port: int) -> None:
        self.simulator = simulator
        self.host = host
        self.port = port

    def __repr__(self) -> str:
        return f"<Server {self.base_url}>"

    @property
    def base_url(self) -> str:
        """Where, ending in `/api/v2/`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/api/v2/"

    @property
    def introduction(self) -> str:
        """Where it is, what it holds, and the environment to export: comments and assignments, for a shell to read."""
        lines = [f"# A simulated QuantConnect at {self.base_url}"]
        lines += [f"# project {project.id}: {project.name}" for project in self.simulator.projects]
        lines += [f"export {name}={shlex.quote(value)}" for name, value in self.environment.items()]
        return "\n".join(lines)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point qcasync at this server, with the first account's credentials."""
        return {
            "QC_BASE_URL": self.base_url,
            "QUANTCONNECT_USER_ID": str(self.simulator.user_id),
            "QUANTCONNECT_API_TOKEN": self.simulator.api_token,
        }


@contextlib.contextmanager
def serve(
    simulator: Simulator,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    now: Callable[[], float] = time.time,
    allow_remote: bool = False,
) -> Generator[Server, None, None]:
    """Serve `simulator` until the block ends. Needs the extra `simulator`.

    The socket listens before the block begins; after it ends no thread, socket or task is left. Requests that are
    under way when it ends get one second.

    Args:
        simulator: What answers. Begin it at the present time, as `now` goes on from there.
        host: A loopback address.
        port: 0 for one that is free.
        now: The true Unix time.
        allow_remote: Whether `host` may be an address that others can reach.

    Raises:
        ImportError: uvicorn is missing.
        ValueError: `host` is not a loopback address.
        OSError: The port is taken.
    """
    if not allow_remote and not _is_loopback(host):
        message = f"{host} can be reached by others: say allow_remote=True if that is meant"
        raise ValueError(message)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listener:
        # asyncio sets this for sockets that it makes itself. Without it each answer waits 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = _make_server(simulator, now)
        thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[listener])), name="qcasync-simulator", daemon=True
        )
        thread.start()
        try:
            yield Server(simulator, host, listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


def _make_server(simulator: Simulator, now: Callable[[], float]) -> "uvicorn.Server":
    try:
        import uvicorn  # noqa: PLC0415 - an extra: only those who serve need it.
    except ModuleNotFoundError as error:
        message = "serving the simulator needs uvicorn: install qcasync[simulator]"
        raise ImportError(message) from error

    application = asgi_app(simulator, now)

    async def with_drop(scope: Message, receive: Receive, send: Send) -> None:
        # uvicorn knows its connections by the peer's address, which is how a request finds its own.
        def drop() -> None:
            for connection in list(server.server_state.connections):
                if getattr(connection, "client", None) == scope["client"]:
                    connection.transport.abort()

        await application({**scope, "extensions": {DROP_EXTENSION: drop}}, receive, send)

    server = uvicorn.Server(
        uvicorn.Config(
            with_drop,
            loop="asyncio",
            http="h11",  # Closes the connection under an unfinished body; httptools is not always there.
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,  # The simulated clock writes it.
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    return server


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
