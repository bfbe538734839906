"""What does qcasync cost per request, over the HTTP library that it sends with?

For httpx, httpx2 and aiohttp, each on asyncio, one request after another over a kept connection to the same server in
a process of its own, which gives a fixed answer:

- bare: the library's own client posts the same headers and body, signed once, and reads the answer.
- qcasync: `Client.authenticate` with `max_concurrency=1`: gate, pace, signing, child task, trace, room, classification.

Rounds are interleaved in random order, so that a drift of the machine hits all alike. The difference within a round is
what counts; its quartiles tell how far to trust it. CPU seconds of this process are less disturbed by others.

`--growth` sends many requests through each transport, in a process of its own, and reports by how much its resident
memory grew after a warm-up, per 100,000 requests. Below some ten thousand that is noise.

    python benchmarks/bench_transport.py [--requests 500] [--rounds 15] [--growth 100000] [--json] [--smoke]
"""

import argparse
import asyncio
import base64
import contextlib
import email.utils
import gc
import hashlib
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import httpx2

import qcasync

LIBRARIES = ("httpx", "httpx2", "aiohttp")
USER_ID, TOKEN = "1", "benchmark-" + "0" * 54
GOAL = 150.0
"""Microseconds per request that our machinery may cost over httpx."""
WARM_UP = 150_000
"""More than a minute of requests, which is as long as the retry budget remembers them; or as many as are measured."""

Send = Callable[[], Awaitable[None]]


class Answering(asyncio.Protocol):
    """Answers each whole request with the same few bytes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to answer through."""
        self._transport: Any = transport  # a transport that can be written to
        self._data = b""

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, rest = self._data.partition(b"\r\n\r\n")
            _, _, length = head.lower().partition(b"content-length: ")
            size = int(length.split(b"\r\n")[0] or 0)
            if len(rest) < size:
                return
            self._data = rest[size:]
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n"
                b"date: %s\r\n\r\n" % email.utils.formatdate(usegmt=True).encode() + b'{"success":true}'
            )


async def serve() -> None:
    """Serve until killed, and say where."""
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """A server in a process of its own."""
    process = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def signed() -> dict[str, str]:
    """What the documentation tells users to send."""
    timestamp = str(int(time.time()))
    digest = hashlib.sha256(f"{TOKEN}:{timestamp}".encode()).hexdigest()
    pair = base64.b64encode(f"{USER_ID}:{digest}".encode()).decode()
    return {"Authorization": f"Basic {pair}", "Timestamp": timestamp}


@asynccontextmanager
async def bare(library: str, url: str) -> AsyncIterator[Send]:
    """The library's own client."""
    headers = {"Content-Type": "application/json", "User-Agent": "qcasync", **signed()}
    target, body = url + "authenticate", b"{}"
    if library == "aiohttp":
        async with aiohttp.ClientSession() as session:

            async def send() -> None:
                async with session.post(target, data=body, headers=headers) as response:
                    assert b"true" in await response.read()

            yield send
        return
    http: Any = {"httpx": httpx, "httpx2": httpx2}[library]  # modules with the same names
    async with http.AsyncClient(trust_env=False) as client:

        async def post() -> None:
            assert b"true" in (await client.post(target, content=body, headers=headers)).content

        yield post


@asynccontextmanager
async def ours(library: Any, url: str) -> AsyncIterator[Send]:
    """A client of ours."""
    async with qcasync.Client(USER_ID, TOKEN, base_url=url, max_concurrency=1, transport=library) as client:
        yield client.authenticate


async def compare(url: str, requests: int, rounds: int, chance: random.Random) -> dict[str, list[tuple[float, float]]]:
    """Microseconds of wall and CPU time per request, by subject and round."""
    found: dict[str, list[tuple[float, float]]] = {}
    async with AsyncExitStack() as stack:
        subjects: dict[str, Send] = {}
        for library in LIBRARIES:
            subjects[f"{library} bare"] = await stack.enter_async_context(bare(library, url))
            subjects[f"{library} qcasync"] = await stack.enter_async_context(ours(library, url))
        for send in subjects.values():
            for _ in range(min(requests, 100)):
                await send()
        for _ in range(rounds):
            for name in chance.sample(sorted(subjects), len(subjects)):
                send = subjects[name]
                gc.collect()
                began, used = time.perf_counter(), time.process_time()
                for _ in range(requests):
                    await send()
                wall, cpu = time.perf_counter() - began, time.process_time() - used
                found.setdefault(name, []).append((wall / requests * 1e6, cpu / requests * 1e6))
    return found


def row(library: str, found: dict[str, list[tuple[float, float]]]) -> dict[str, Any]:
    """What the rounds say of one library."""
    pairs = list(zip(found[f"{library} bare"], found[f"{library} qcasync"], strict=True))
    differences = [our[0] - their[0] for their, our in pairs]
    low, _, high = statistics.quantiles(differences, n=4) if len(differences) > 1 else differences * 3
    return {
        "library": library,
        "bare": statistics.median(their[0] for their, _ in pairs),
        "qcasync": statistics.median(our[0] for _, our in pairs),
        "difference": statistics.median(differences),
        "quartiles": (low, high),
        "ratio": statistics.median(our[0] / their[0] for their, our in pairs),
        "cpu_difference": statistics.median(our[1] - their[1] for their, our in pairs),
    }


def resident() -> int:
    """Bytes of memory that this process has; the most it ever had, where the system does not tell."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


async def grow(library: str, url: str, requests: int) -> dict[str, int]:
    """Resident memory after a warm-up, and after the requests that follow."""
    async with ours(library, url) as send:
        for _ in range(min(requests, WARM_UP)):
            await send()
        gc.collect()
        before = resident()
        for _ in range(requests):
            await send()
        gc.collect()
        return {"before": before, "after": resident()}


def growth(url: str, requests: int) -> list[dict[str, Any]]:
    """Each transport in a process of its own."""
    rows: list[dict[str, Any]] = []
    for library in LIBRARIES:
        done = subprocess.run(
            [sys.executable, __file__, "--child", library, url, str(requests)],
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(done.stdout)
        more = told["after"] - told["before"]
        rows.append({"library": library, **told, "growth": more, "per_100000": more * 100_000 / requests})
    return rows


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Cost of a request over the bare HTTP library.")
    parser.add_argument("--requests", type=int, default=500, help="per subject and round")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--growth", type=int, default=5_000, help="requests for the growth of memory; 0 for none")
    parser.add_argument("--seed", type=int, default=1, help="of the order of subjects")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--smoke", action="store_true", help="a small run, to see that it works")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
    elif options.child:
        library, url, requests = options.child
        print(json.dumps(asyncio.run(grow(library, url, int(requests)))))
    else:
        if options.smoke:
            options.requests, options.rounds, options.growth = 20, 2, 20
        with serving() as url:
            found = asyncio.run(compare(url, options.requests, options.rounds, random.Random(options.seed)))
            grown = growth(url, options.growth) if options.growth else []
        report(options, [row(library, found) for library in LIBRARIES], grown)


def report(options: argparse.Namespace, rows: list[dict[str, Any]], grown: list[dict[str, Any]]) -> None:
    """Print tables, or JSON."""
    stamp = {
        "requests": options.requests,
        "rounds": options.rounds,
        "growth_requests": options.growth,
        "goal": GOAL,
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        **{name: version(name) for name in ("qcasync", "anyio", "httpx", "httpcore", "httpx2", "aiohttp", "h11")},
    }
    if options.json:
        print(json.dumps({**stamp, "rows": rows, "growth": grown}))
        return
    print(" · ".join(f"{key} {value}" for key, value in stamp.items()))
    print(f"{'us per request':16}{'bare':>8}{'qcasync':>9}{'more':>8}{'quartiles':>16}{'ratio':>7}{'CPU more':>10}")
    for each in rows:
        low, high = each["quartiles"]
        print(
            f"{each['library']:16}{each['bare']:8.0f}{each['qcasync']:9.0f}{each['difference']:8.0f}"
            f"{f'{low:.0f} to {high:.0f}':>16}{each['ratio']:7.2f}{each['cpu_difference']:10.0f}"
        )
    for each in grown:
        print(
            f"{each['library']:16}{each['growth'] / 2**20:+8.2f} MiB after {options.growth} requests, "
            f"{each['per_100000'] / 2**20:+.2f} MiB per 100,000"
        )


if __name__ == "__main__":
    main()
