"""A web service that serves what live projects hold: one client for all requests, and few calls to QuantConnect.

QuantConnect renews a portfolio about every ten minutes, so the service keeps each answer for a minute: however many
browsers ask meanwhile, one request per project and minute goes out. When QuantConnect cannot be reached, the last
answer is served and says how old it is; only if there is none, the request fails.

    pip install qcasync fastapi uvicorn
    python examples/fastapi_portfolio.py --port 8000
    curl http://127.0.0.1:8000/projects/12345678/portfolio
"""

import argparse
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anyio
import uvicorn
from fastapi import FastAPI, HTTPException, Request

import qcasync

FRESH = 60.0  # seconds
STATUS = {  # of our answer, when QuantConnect's is an error; the first kind that fits
    qcasync.NotFoundError: 404,
    qcasync.RateLimitError: 503,
    qcasync.NotReady: 503,
    qcasync.RequestTimeout: 504,
    qcasync.QuantConnectError: 502,
}


@dataclass
class Known:
    """A project's last portfolio."""

    portfolio: qcasync.Portfolio
    read_at: float

    @property
    def age(self) -> float:
        """Seconds since it was read."""
        return time.monotonic() - self.read_at


class Portfolios:
    """The last portfolio of each project, read anew when it is older than a minute."""

    def __init__(self, qc: qcasync.Client) -> None:
        self.qc = qc
        self.known: dict[int, Known] = {}
        self.reading: dict[int, anyio.Lock] = {}

    async def get(self, project_id: int) -> Known:
        """Return a portfolio. Whoever asks for it meanwhile waits for the same read."""
        async with self.reading.setdefault(project_id, anyio.Lock()):
            known = self.known.get(project_id)
            if known is None or known.age > FRESH:
                try:
                    portfolio = await self.qc.live.read_portfolio(project_id, timeout=20)
                    known = self.known[project_id] = Known(portfolio, time.monotonic())
                except qcasync.APIError:  # it says something about this project: an old answer would hide it
                    self.known.pop(project_id, None)
                    raise
                except qcasync.QuantConnectError:
                    if known is None:
                        raise
            return known


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The client lives as long as the service: it holds the connections and the server's time."""
    async with qcasync.Client() as qc:
        app.state.portfolios = Portfolios(qc)
        yield


app = FastAPI(title="Portfolios", lifespan=lifespan)


@app.get("/projects/{project_id}/portfolio")
async def portfolio(project_id: int, request: Request) -> dict[str, Any]:
    """What a project holds."""
    try:
        known: Known = await request.app.state.portfolios.get(project_id)
    except qcasync.ConfigurationError as error:  # such as a project id of -1
        raise HTTPException(422, str(error)) from error
    except qcasync.QuantConnectError as error:
        status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
        raise HTTPException(status, str(error)) from error
    return {
        "project_id": project_id,
        "age_seconds": round(known.age, 1),
        "holdings": [
            {
                "symbol": symbol_id.partition(" ")[0],
                "quantity": holding.quantity,
                "market_value": holding.market_value,
                "unrealized_pnl": holding.unrealized_pnl,
            }
            for symbol_id, holding in known.portfolio.holdings.items()
        ],
        "cash": {currency: cash.amount for currency, cash in known.portfolio.cash.items()},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve what live projects hold.")
    parser.add_argument("--port", type=int, default=8000)
    uvicorn.run(app, port=parser.parse_args().port)
