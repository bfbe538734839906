"""`qcasync demo`: the whole way of an order, over real sockets, and checked: no account needed.

Three projects are read at once through one client. Each is read in a task of its own, and every task that a listing
starts inherits the context of that task; so one observer can tell whose each request is.
"""

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Final

import anyio
import typer
from rich.text import Text

import qcasync
from qcasync.cli.exit_codes import INCOMPLETE
from qcasync.cli.meter import Meter
from qcasync.cli.output import explain, messages, results, row, say, table, warn
from qcasync.cli.progress import Bar, Bars
from qcasync.cli.settings import Settings
from qcasync.cli.truth import COMPARED, Truth
from qcasync.simulator import Conditions, FaultKind, Project, Server, Simulator, serve
from qcasync.simulator import demo as demo_scenario

_FAILING_WINDOW: Final = 60
_NEXT: Final = """
Next, with your own account, in QUANTCONNECT_USER_ID and QUANTCONNECT_API_TOKEN:
  qcasync doctor           are credentials, connection and clock all right?
  qcasync live list        what is deployed
  qcasync orders PROJECT   every order of a project; also --json, --csv FILE"""


@dataclass
class _Reading:
    """One project's listing."""

    project: Project
    truth: Truth
    bar: Bar
    meter: Meter = field(default_factory=Meter)
    deployments: int = 0
    orders: int = 0
    seconds: float = 0.0
    verified: bool = False
    error: qcasync.QuantConnectError | None = None

    def observe(self, observation: qcasync.Observation) -> None:
        self.meter(observation)
        self.bar(observation)
        if isinstance(observation, qcasync.RetryScheduled):
            name, why, after = self.project.name, observation.reason, observation.after
            self.bar.tell(f"{name}: {why}; the request is repeated after {after:.1f} s")


_reading: ContextVar[_Reading] = ContextVar("_reading")


def demo(
    context: typer.Context,
    *,
    seed: Annotated[int, typer.Option(help="Decides every order.")] = 7,
    latency: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Of each answer.")] = 0.008,
) -> None:
    """Read simulated orders over real sockets, and check each.

    Needs no account and leaves nothing behind. The simulator loads, and fails once, so that waiting and a retry can be
    seen.
    """
    if not perform(_scenario(seed, latency), Settings.of(context)):
        raise typer.Exit(INCOMPLETE)
    say(_NEXT)


def perform(simulator: Simulator, settings: Settings) -> bool:
    """Serve a simulator, read all its projects at once, show what came of it. Returns whether all of it is verified."""
    with serve(simulator) as server:
        say(f"A simulated QuantConnect listens at {server.base_url}")
        with messages().status("it invents its orders ..."):
            truths = [Truth(simulator, project) for project in simulator.projects]
        with Bars(messages(), transient=False) as bars:
            readings = [
                _Reading(project, truth, bars.add(project.name))
                for project, truth in zip(simulator.projects, truths, strict=True)
            ]
            seconds = anyio.run(_read_all, settings, server, readings)
    _show(readings, seconds)
    return all(reading.verified for reading in readings)


def _scenario(seed: int, latency: float) -> Simulator:
    simulator = demo_scenario(time.time(), seed=seed)
    simulator.conditions = Conditions(latency=latency, loading=1)
    largest = simulator.projects[-1]
    simulator.fault(FaultKind.HTML_503, path="live/orders/read", project_id=largest.id, nth=_FAILING_WINDOW)
    return simulator


async def _read_all(settings: Settings, server: Server, readings: list[_Reading]) -> float:
    """Read all projects at once. Returns the seconds that took."""
    simulator = server.simulator
    client = settings.client(
        user_id=simulator.user_id,
        api_token=simulator.api_token,
        base_url=server.base_url,
        observers=[lambda observation: _reading.get().observe(observation)],
    )
    async with client as qc:
        began = anyio.current_time()
        async with anyio.create_task_group() as group:
            for reading in readings:
                group.start_soon(_read, qc, reading)
        return anyio.current_time() - began


async def _read(qc: qcasync.Client, reading: _Reading) -> None:
    """Stream one project's orders, and check each page as it comes. Nothing is kept."""
    _reading.set(reading)
    began = anyio.current_time()
    try:
        async with qc.live.iter_orders(reading.project.id) as pages:
            async for page in pages:
                reading.truth.compare(page.rows())
                reading.bar.read(pages.total, pages.hint)
    except qcasync.QuantConnectError as error:
        reading.error = error  # the other projects go on
    else:
        reading.orders, reading.deployments = pages.total, len(pages.deployments)
        reading.verified = reading.truth.conclude(pages.deployments)
        reading.bar.done(pages.total)
    reading.seconds = anyio.current_time() - began


def _show(readings: list[_Reading], seconds: float) -> None:
    shown = table()
    shown.add_column("Project", no_wrap=True)
    for title in ("Deploy-\nments", "Orders", "Windows", "Re-\nquests", "Re-\ntries", "MB\n(wire)", "Orders\nper s"):
        shown.add_column(title, justify="right", no_wrap=True, vertical="bottom")
    shown.add_column("Veri-\nfied", no_wrap=True)
    for each in readings:
        mark = Text("✓ yes", "green") if each.verified else Text("✗ no", "bold red")
        row(shown, each.project.name, *_figures(each.deployments, each.orders, each.meter, each.seconds), mark)
    shown.add_section()
    whole = sum((each.meter for each in readings), Meter())
    deployments = sum(each.deployments for each in readings)
    orders = sum(each.orders for each in readings)
    row(shown, "Together", *_figures(deployments, orders, whole, seconds), style="bold")
    say("")
    results().print(shown)
    say("")
    for each in readings:
        if each.error is not None:
            explain(each.error)
        for difference in each.truth.differences[:3]:
            warn(f"{each.project.name}: {difference}")
    if all(each.verified for each in readings):
        say(f"Verified: each of {orders:,} orders equals the simulator's own record in {COMPARED}.")


def _figures(deployments: int, orders: int, meter: Meter, seconds: float) -> tuple[object, ...]:
    speed = f"{orders / seconds:,.0f}" if orders else ""
    return deployments, f"{orders:,}", meter.windows, meter.requests, meter.retries, meter.megabytes, speed
