"""`python -m qcasync.simulator`: serve a demonstration account on loopback until Ctrl-C."""

import argparse
import sys
import threading
import time
from collections.abc import Sequence

from qcasync.simulator.scenarios import demo
from qcasync.simulator.server import serve
from qcasync.simulator.simulator import Simulator


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted. Returns the exit code."""
    options = _parser().parse_args(arguments)
    now = time.time()
    if options.projects:
        simulator = Simulator(options.seed, now)
        for deployments in options.projects:
            simulator.add_project(deployments)
    else:
        simulator = demo(now, seed=options.seed)
    simulator.conditions.latency = options.latency
    simulator.conditions.loading = options.loading
    simulator.conditions.fault_rate = options.fault_rate
    simulator.conditions.clock_offset = options.clock_offset
    try:
        with serve(simulator, options.host, options.port, allow_remote=options.allow_remote) as server:
            sys.stdout.write(server.introduction + "\n")
            sys.stdout.flush()
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except (ImportError, OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m qcasync.simulator", description="Serve a simulated QuantConnect.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--allow-remote", action="store_true", help="permit a host that others can reach")
    parser.add_argument("--seed", type=int, default=7, help="decides everything invented (default: %(default)s)")
    parser.add_argument(
        "--projects",
        nargs="+",
        type=_counts,
        metavar="N[,N...]",
        help="orders per deployment of each project, such as 12 40,120,327 (default: the demonstration)",
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds per answer (default: %(default)s)")
    parser.add_argument("--loading", type=int, default=0, help="loading answers per project (default: %(default)s)")
    parser.add_argument(
        "--fault-rate", type=float, default=0.0, help="share of requests that fail (default: %(default)s)"
    )
    parser.add_argument(
        "--clock-offset", type=float, default=0.0, help="seconds its clock is ahead (default: %(default)s)"
    )
    return parser


def _counts(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
