"""Draws the pictures of docs/pictures.md, from the simulator.

Run `python docs/pictures/draw.py`. The data is seeded, so that it draws the same every time. Needs the extra `plot`, a
browser, and Pillow, which makes the files small.
"""

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import PIL.Image

import qcasync
from qcasync import pictures
from qcasync.simulator import Simulator, serve

NOW = 1_750_000_000.0
HERE = Path(__file__).parent


async def read(project_id: int, name: str) -> tuple[qcasync.Chart, qcasync.Chart, qcasync.OrderListing]:
    """Read a chart, the drawdown and the orders of the last three weeks."""
    until = datetime.fromtimestamp(NOW, UTC)
    since = until - timedelta(days=21)
    async with qcasync.Client() as qc:
        chart = await qc.live.read_chart(project_id, name, start=since, end=until, count=400)
        drawdown = await qc.live.read_chart(project_id, "Drawdown", start=since, end=until, count=400)
        return chart, drawdown, await qc.live.list_orders(project_id)


def keep(name: str, content: bytes) -> None:
    """Keep an image in 128 colours: it has not many more."""
    image = PIL.Image.open(io.BytesIO(content)).convert("RGB").quantize(128, method=PIL.Image.Quantize.FASTOCTREE)
    image.save(HERE / name, optimize=True)


def main() -> None:
    """Draw them."""
    simulator = Simulator(seed=11, now=NOW)
    project = simulator.add_project([70], name="Momentum")
    with serve(simulator) as server:
        os.environ |= server.environment
        equity, drawdown, orders = anyio.run(read, project.id, "Strategy Equity")
        exposure, _, _ = anyio.run(read, project.id, "Exposure")
    figure = pictures.equity_figure(equity, orders, drawdown=drawdown)
    keep("equity.png", pictures.png(figure, title="Momentum: Strategy Equity", width=960))
    keep("exposure.png", pictures.png(pictures.chart_figure(exposure), title="Momentum: Exposure", width=960))


if __name__ == "__main__":
    main()
