"""`qcasync doctor`: whether this machine can work with QuantConnect, and if not, what to do about it."""

import contextlib
import platform
import statistics
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import anyio
import typer
from rich.text import Text

import qcasync
from qcasync.cli.exit_codes import FAILED
from qcasync.cli.output import clean, results, when, write_json
from qcasync.cli.settings import JournalOption, Settings

_LOGINS: Final = 5
"""Enough for a median; few enough for an account."""
_NOTABLE_OFFSET: Final = 60.0
_SECONDS: Final = 20.0
"""For one login, unless --timeout says otherwise: who asks whether it works does not want to wait for long."""


class _Report:
    """What was found, told as it is found: in colour, or as one JSON object each."""

    def __init__(self, *, as_json: bool) -> None:
        self.healthy = True
        self._as_json = as_json

    def good(self, name: str, found: str) -> None:
        """Something is as it should be."""
        self._tell(Text("✓ ", "green"), name, found, ok=True)

    def bad(self, name: str, found: str) -> None:
        """Something is not."""
        self.healthy = False
        self._tell(Text("✗ ", "bold red"), name, found, ok=False)

    def _tell(self, mark: Text, name: str, found: str, *, ok: bool) -> None:
        if self._as_json:
            write_json([{"check": name, "ok": ok, "found": found}])
            return
        console = results()
        first, *rest = found.splitlines()
        lines = [Text.assemble(mark, (f"{name:<14}", "bold"), clean(first))]
        lines += [Text(" " * 16 + clean(line.strip())) for line in rest]
        for line in lines:
            console.print(line, soft_wrap=not console.is_terminal)


def doctor(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per check.")] = False,
    journal: JournalOption = None,
) -> None:
    """Check credentials, connection and clock; shows no secret.

    A few logins. Exit code 1 says that something has to be put right first,
    such as a call with effect that a journal leaves open.
    """
    report = _Report(as_json=as_json)
    anyio.run(_examine, Settings.of(context), journal, report)
    if not report.healthy:
        raise typer.Exit(FAILED)


async def _examine(settings: Settings, journal: Path | None, report: _Report) -> None:
    libraries = ", ".join(f"{name} {version(name)}" for name in (settings.transport.value, "msgspec", "anyio"))
    report.good("versions", f"qcasync {qcasync.__version__}, python {platform.python_version()}\n{libraries}")
    try:
        client = settings.client()
    except qcasync.ConfigurationError as error:
        report.bad("configuration", str(error))
        return
    async with client as qc:
        report.good("credentials", f"from {qc.credentials_source}")
        report.good("base URL", qc.base_url)
        report.good("transport", settings.transport.value)
        try:
            durations = await _log_in(qc, settings.timeout or _SECONDS)
        except qcasync.QuantConnectError as error:
            report.bad("login", str(error))
        else:
            best, middle = min(durations) * 1000, statistics.median(durations) * 1000
            report.good("login", "accepted")
            report.good("latency", f"at least {best:.0f} ms, median {middle:.0f} ms, of {len(durations)} logins")
        clock = _clock(qc)
        if clock is not None:
            report.good("clock", clock)
    if journal is not None:
        await _read_journal(settings, journal, report)


async def _log_in(qc: qcasync.Client, timeout: float) -> list[float]:
    durations: list[float] = []
    await qc.authenticate(timeout=timeout)  # opens the connection; what follows measures the way and the server
    for _ in range(_LOGINS - 1):
        began = anyio.current_time()
        await qc.authenticate(timeout=timeout)
        durations.append(anyio.current_time() - began)
    return durations


async def _read_journal(settings: Settings, journal: Path, report: _Report) -> None:
    try:
        # A client of its own, so that a bad journal costs no other row; not entered, because that would warn as well.
        async with contextlib.aclosing(settings.client(journal=journal)) as qc:
            intents = qc.unresolved()
    except (qcasync.ConfigurationError, qcasync.JournalError) as error:
        report.bad("journal", str(error))
        return
    for intent in intents:
        report.bad(
            "unresolved",
            f"{intent.endpoint} of {clean(intent.target)}, decided {when(intent.at)} UTC\n"
            f"of deployment {intent.deploy_id or 'nobody knows which'}\n"
            f"HINT: Look with `qcasync live {'list' if intent.project_id is None else f'show {intent.project_id}'}`. "
            "To settle it:\n`qcasync live reconcile`, or `Client.live.reconcile`",
        )
    if not intents:
        exists = await anyio.Path(journal).exists()
        report.good("journal", "nothing unresolved" if exists else f"nothing unresolved: {journal} does not exist yet")


def _clock(qc: qcasync.Client) -> str | None:
    offset, width = qc.clock_offset, qc.clock_uncertainty
    if offset is None or width is None:
        return None
    advice = "; qcasync corrects that, other programs may not" if abs(offset) > _NOTABLE_OFFSET else ""
    if abs(offset) <= width / 2:
        return f"agrees with the server's within {width / 2:.1f} s"
    side = "behind" if offset > 0 else "ahead of"
    return f"{abs(offset):.1f} s {side} the server's, give or take {width / 2:.1f} s{advice}"
