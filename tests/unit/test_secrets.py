"""What a client and a simulator say of themselves, and what errors carry along, holds no secret in any encoding.

The scanner of `canaries.py` reads it: a token, a signature, an Authorization value, a password of a brokerage.
"""

import ast
import copy
import importlib
import inspect
import json
import pickle
import pkgutil
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
import rich.pretty
import typer.main

import qcasync
from qcasync._core import requests
from qcasync._core.signing import Credentials
from qcasync.cli.app import app
from qcasync.errors import QuantConnectError
from qcasync.models import observations
from qcasync.simulator import (
    Account,
    Conditions,
    FaultKind,
    RequestRecord,
    Simulator,
    SimulatorTransport,
    accounts,
    serve,
)
from qcasync.transports.protocol import Progress, Request, Response, TransportError
from tests.canaries import find, invent, with_rich
from tests.support import World, world

TESTS = str(Path(__file__).parents[1])
PASSWORD = invent(1)
HEADERS = (("Authorization", "Basic " + "QWxhZGRpbjpvcGVuIHNlc2FtZQ" * 3), ("Timestamp", "1735689600"))


ANSWER = observations.AnswerReceived(
    endpoint="live/read",
    attempt=1,
    request=PASSWORD.encode(),
    status_code=200,
    headers={"x": PASSWORD},
    body=PASSWORD.encode(),
    seconds=0.0,
    read_at=0.0,
    mono_sent=0.0,
    mono_answered=0.0,
    mono_read=0.0,
)


def looks(value: object) -> Iterator[str]:
    """Every way to look at a value that needs no private name of it. Those that refuse show nothing."""
    ways: tuple[Callable[[Any], Any], ...] = (
        repr,
        str,
        ascii,
        format,
        lambda it: f"{it!r:>200}",
        vars,
        dir,
        lambda it: pickle.dumps(it, 0),
        pickle.dumps,
        lambda it: repr(vars(copy.copy(it))),
        lambda it: repr(copy.deepcopy(it)),
        msgspec.json.encode,
        msgspec.to_builtins,
        msgspec.structs.asdict,
        lambda it: json.dumps(it, default=repr),
        lambda it: repr(list(it)),
    )
    for way in ways:
        try:
            yield repr(way(value))
        except Exception as refusal:
            yield told(refusal, with_locals=False)  # theirs are those of pickle and copy


def told(error: BaseException, *, with_locals: bool = True) -> str:
    """Everything that an error shows: itself, what it holds, what led to it, notes, and the locals of our frames.

    Those in the words of `traceback`, and in those of rich, which asks values for something else than their repr.
    """
    by_rich = [with_rich(error, TESTS)] if with_locals else []
    return "\n".join([*_parts(error, set()), *_frames(error, with_locals), *by_rich])


def _parts(value: object, seen: set[int]) -> Iterator[str]:
    """Values and what they hold, as far as attributes lead. Not into what is no data: frames, modules, functions."""
    if id(value) in seen:
        return
    seen.add(id(value))
    yield repr(value)
    yield str(value)
    inside: list[object] = []
    if isinstance(value, BaseException):
        inside += [value.args, value.__cause__, value.__context__, getattr(value, "__notes__", ())]
        inside += getattr(value, "exceptions", ())
    if isinstance(value, Mapping):
        inside += [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)):
        inside += value
    if not (inspect.isroutine(value) or inspect.isclass(value) or inspect.ismodule(value)):
        inside += vars(value).values() if hasattr(value, "__dict__") else ()
        inside += [getattr(value, name) for name in getattr(value, "__struct_fields__", ())]
    for each in inside:
        yield from _parts(each, seen)


def _frames(error: BaseException, with_locals: bool) -> Iterator[str]:
    """Tracebacks of an error and of what led to it, without the frames of tests: their locals are full of tokens."""
    waiting = [traceback.TracebackException.from_exception(error, capture_locals=with_locals)]
    while waiting:
        chain = waiting.pop()
        chain.stack[:] = [frame for frame in chain.stack if not frame.filename.startswith(TESTS)]
        yield "".join(chain.format(chain=False))
        waiting += [
            each for each in (chain.__cause__, chain.__context__, *(chain.exceptions or ())) if each is not None
        ]


async def fails(call: Callable[[], Any]) -> Exception:
    """What a call raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        await call()
    return caught.value


async def ends(call: Callable[[], Any]) -> QuantConnectError | None:
    """The error of ours that a call ends with, if it does."""
    try:
        await call()
    except QuantConnectError as error:
        return error
    return None


# What is not an error.


def test_the_looks_would_see_a_token() -> None:
    """A stand-in that hides nothing is seen through in most ways."""
    seen = [find(text) for text in looks(Response(status_code=200, headers={"x": PASSWORD}))]
    assert seen.count("plain") >= 4
    assert find("\n".join(looks(TransportError(PASSWORD, "")))) == "plain"  # type: ignore[arg-type]


def test_the_error_walk_would_see_a_token() -> None:
    def frame_with_a_secret(secret: str) -> None:
        raise KeyError

    for hide in (lambda error: setattr(error, "request", {"a": [PASSWORD]}), lambda error: error.add_note(PASSWORD)):
        error, cause = ValueError(), ValueError()
        hide(cause)
        error.__cause__ = ExceptionGroup("several", [OSError(), cause])
        assert find(told(error)) == "plain"
    assert find(told(ValueError())) is None


@pytest.mark.anyio
async def test_nothing_that_a_client_is_made_of_shows_the_token() -> None:
    """Before a call and after: the client, its parts, and what its observers were told."""
    async with world(allow_trading=True) as here:
        project = here.simulator.add_project([30, 120])
        await here.client.live.list_orders(project.id)
        here.simulator.fault(FaultKind.EMPTY_500)
        await here.client.live.read(project.id)
        made_of = [*_made_of(here.client, set())]
        assert {"Client", "Exchange", "Sender", "Credentials", "Secret"} <= {type(each).__name__ for each in made_of}
        for part in [*made_of, *here.observed]:
            assert find("\n".join(looks(part))) is None, type(part)
        assert {type(each) for each in here.observed} >= {
            observations.RequestSent,
            observations.ResponseReceived,
            observations.RetryScheduled,
            observations.WindowRead,
        }


def _made_of(part: object, seen: set[int]) -> Iterator[object]:
    """The parts of a client that are qcasync's own, in public and private attributes."""
    if id(part) in seen or not type(part).__module__.startswith("qcasync") or "simulator" in type(part).__module__:
        return
    seen.add(id(part))
    yield part
    slots = [name for name in getattr(part, "__slots__", ()) if not name.startswith("__")]
    inside = [*getattr(part, "__dict__", {}).values(), *(getattr(part, name) for name in slots)]
    for each in inside:
        yield from _made_of(each, seen)


@pytest.mark.parametrize("take", [pickle.dumps, copy.deepcopy], ids=["pickle", "deepcopy"])
def test_a_client_is_not_taken_along(take: Callable[[object], object]) -> None:
    """It would take the token with it."""
    with pytest.raises(TypeError) as caught:
        take(qcasync.Client(1, invent(2)))
    assert find(told(caught.value, with_locals=False)) is None


def test_a_copied_client_shows_no_more_than_its_original() -> None:
    assert find("\n".join(looks(copy.copy(qcasync.Client(1, invent(2)))))) is None


@pytest.mark.parametrize(
    "record",
    [
        Progress(lambda: 0.0),
        Response(status_code=200, body=PASSWORD.encode()),
        Request(url="https://localhost/", headers=HEADERS, body=PASSWORD.encode()),
        Credentials(1, invent(3)),
        ANSWER,
    ],
    ids=lambda record: type(record).__name__,
)
def test_what_is_printed_of_a_record(record: object) -> None:
    """A request and a response are for transports, which need what is in them; printing one shows none of it."""
    for text in (repr(record), str(record), f"{record}", f"{record!r:>300}", repr([record]), "%s" % (record,)):  # noqa: UP031
        assert find(text) is None


def test_no_observation_has_room_for_a_secret() -> None:
    """They hold names, counts and times: nothing that comes from a header, a body or an argument's text.

    But for the one that has to be asked for, which hides what it holds.
    """
    kinds = [
        each for each in vars(observations).values() if isinstance(each, type) and issubclass(each, msgspec.Struct)
    ]
    kinds.remove(observations.AnswerReceived)
    assert len(kinds) >= 6
    for kind in kinds:
        names = {field.name for field in msgspec.structs.fields(kind)}
        assert not names & {"headers", "body", "request", "response", "error", "text", "payload", "token", "user_id"}


# Errors.

REFUSALS: tuple[Any, ...] = ("hash", "user", "unauthorized", "server_error")


def calls(here: World) -> dict[str, Callable[[], Any]]:
    """A read, a listing, a command, and a creation with a password."""
    project = here.simulator.add_project([5, 250])
    live = here.client.live

    async def create() -> None:
        await live.create(project.id, "compile", "node", brokerage={"id": "InteractiveBrokersBrokerage", "p": PASSWORD})

    return {
        "authenticate": here.client.authenticate,
        "live/orders/read": lambda: live.list_orders(project.id),
        "live/update/liquidate": lambda: live.liquidate(project.id),
        "live/create": create,
    }


@pytest.mark.anyio
@pytest.mark.parametrize("kind", FaultKind, ids=lambda kind: kind.name)
async def test_errors_of_every_fault(kind: FaultKind) -> None:
    """For a read, a listing, a command and a creation, and whether or not another attempt follows."""
    ended: list[QuantConnectError | None] = []
    for name in ("authenticate", "live/orders/read", "live/update/liquidate", "live/create"):
        async with world(Conditions(), allow_trading=True, max_attempts=2, timeout=30.0) as here:
            here.simulator.fault(kind, path=name, times=9, delay=60.0)
            error = await ends(calls(here)[name])
            if error is not None:
                assert find(told(error)) is None, name
                assert find("\n".join(looks(error))) is None, name
            ended.append(error)
            ledger = here.simulator.ledger
            assert find(repr([ledger, ledger.requests, ledger.effects, here.simulator, here.simulator.account])) is None
    assert any(ended)


@pytest.mark.anyio
@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("why", ["wrong token", "wrong clock", "clock of another day", "no signature", "no timestamp"])
async def test_errors_of_every_refusal(refusal: Any, why: str) -> None:
    """Above all where the server repeats the hash that it was sent."""
    lost = {"no signature": {"authorization"}, "no timestamp": {"timestamp"}}.get(why, set())
    offset = {"wrong clock": 9000.0, "clock of another day": 2e6}.get(why, 0.0)
    conditions = Conditions(
        refusal=refusal, lost_headers=frozenset(lost), clock_offset=offset, send_date=why != "wrong clock"
    )
    token = invent(4) if why == "wrong token" else None
    async with world(conditions, token=token, allow_trading=True, max_attempts=2) as here:
        for name, call in calls(here).items():
            error = await fails(call)
            assert isinstance(error, QuantConnectError)
            assert find(told(error)) is None, name
            assert find("\n".join(looks(error))) is None, name
        assert find(repr(here.observed) + repr(here.simulator.ledger.requests)) is None


@pytest.mark.anyio
@pytest.mark.parametrize("lost", ["timestamp", "authorization"])
async def test_a_middle_box_that_strips_a_header(lost: str) -> None:
    """Row 60: refused credentials, in the server's words, which show what did not reach it."""
    async with world(Conditions(lost_headers=frozenset({lost}))) as here:
        error = await fails(here.client.authenticate)
        assert isinstance(error, qcasync.AuthenticationError)
        assert error.errors[0].endswith("Timestamp: " if lost == "timestamp" else "UID: ")
        assert find(told(error)) is None


@pytest.mark.anyio
async def test_a_hash_in_a_refusal_is_redacted() -> None:
    """Row 132: the text stays readable, and the user id and the hash are gone from it."""
    async with world(token=invent(5)) as here:
        error = await fails(here.client.authenticate)
    assert isinstance(error, qcasync.AuthenticationError)
    assert error.errors[0].startswith("Hash doesn't match. UID: [redacted] Hash: [redacted] Timestamp: ")


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["deadline", "cancelled", "closed", "no trading", "transport fails"])
async def test_errors_of_other_kinds(how: str) -> None:
    """What is raised around a call, rather than for its answer."""

    class Broken(SimulatorTransport):
        async def exchange(self, request: Request, progress: Progress, /) -> Response:
            raise RuntimeError

    async with world(Conditions(latency=5.0), allow_trading=how != "no trading", timeout=1.0) as here:
        if how == "transport fails":
            here.client._exchange._sender._transport = Broken(here.simulator)
        if how == "closed":
            await here.client.aclose()
        for name, call in calls(here).items():
            if how == "cancelled":
                errors: list[BaseException] = []
                with anyio.move_on_after(0.5):
                    try:
                        await call()
                    except BaseException as error:
                        errors.append(error)
                        raise
                (error,) = errors
            elif how == "no trading" and name in {"authenticate", "live/orders/read"}:
                continue
            else:
                error = await fails(call)
            assert find(told(error)) is None, name


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [FaultKind.JSON_500, FaultKind.REFUSED, FaultKind.RESET_BEFORE_ANSWER], ids=str)
async def test_a_password_is_not_among_the_locals(kind: FaultKind) -> None:
    """Settings of a brokerage are as secret as a token. Finding 24: also where rich looks at the request."""
    async with world(allow_trading=True, max_attempts=1) as here:
        here.simulator.fault(kind, path="live/create", times=9, performed=False)
        assert find(told(await fails(calls(here)["live/create"]))) is None


HIDING = (
    ANSWER,
    Response(status_code=200, headers={"x": PASSWORD}, body=PASSWORD.encode()),
    Request(url="https://localhost/", headers=HEADERS, body=PASSWORD.encode()),
    requests.CreateLive(
        version_id="-1",
        project_id=1,
        compile_id="c",
        node_id="n",
        brokerage={"id": "X", "p": PASSWORD},
        data_providers={},
        automatic_redeploy=False,
    ),
)


@pytest.mark.parametrize("record", HIDING, ids=lambda record: type(record).__name__)
def test_rich_is_shown_no_more_than_repr(record: msgspec.Struct) -> None:
    """Finding 24: it asks `__rich_repr__` first, and msgspec gives every Struct one that lists its fields."""
    assert find(repr(record)) is None
    assert find(rich.pretty.pretty_repr(record)) is None
    assert find(rich.pretty.pretty_repr({"a": [record]}, max_string=None)) is None


def _structs(base: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for each in base.__subclasses__():
        yield each
        yield from _structs(each)


def test_every_struct_that_hides_something_hides_it_from_rich() -> None:
    """Whichever will be written: one that has a repr of its own has both."""
    for module in pkgutil.walk_packages(qcasync.__path__, "qcasync."):
        with suppress(ImportError):  # extras
            importlib.import_module(module.name)
    ours = [each for each in _structs(msgspec.Struct) if each.__module__.startswith("qcasync.")]
    ours = [each for each in ours if "simulator" not in each.__module__]  # its secrets are none
    own = {each.__name__: each for each in ours if each.__repr__ is not msgspec.Struct.__repr__}
    del own["LazyOrder"]  # its repr shows more than msgspec's
    assert {"Request", "Response", "CreateLive"} <= own.keys()
    for each in own.values():
        assert each.__rich_repr__ is not msgspec.Struct.__rich_repr__, each


OPTIONS = [
    {"base_url": "http://example.com/"},
    {"base_url": "https://me@example.com/"},
    {"max_concurrency": 0},
    {"requests_per_second": 0},
    {"max_attempts": 0},
    {"timeout": 0},
    {"transport": "curl"},
    {"user_id": "one"},
    {"api_token": f"{PASSWORD}\n"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_errors_of_what_a_client_was_given(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with the other arguments, and also if the token comes from the environment."""
    given = {"user_id": 1, "api_token": PASSWORD} | options
    with pytest.raises(qcasync.ConfigurationError) as caught:
        qcasync.Client(**given)
    assert find(told(caught.value, with_locals=False)) is None
    assert find("\n".join(looks(caught.value))) is None


def test_a_client_that_is_not_complete_has_a_repr() -> None:
    """Python 3.11 calls it for every frame that is shown with its locals, and gives up when it raises."""
    assert repr(object.__new__(qcasync.Client))


@pytest.mark.parametrize("source", ["argument", "environment"])
def test_the_token_is_not_among_the_locals_of_what_makes_a_client(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if source == "environment":
        monkeypatch.setenv("QUANTCONNECT_USER_ID", "1")
        monkeypatch.setenv("QUANTCONNECT_API_TOKEN", PASSWORD)
    given: dict[str, Any] = {} if source == "environment" else {"user_id": 1, "api_token": PASSWORD}
    with pytest.raises(qcasync.ConfigurationError) as caught:
        qcasync.Client(**given, base_url="http://example.com/")
    assert find(told(caught.value)) is None


# The simulator.


@pytest.mark.anyio
async def test_nothing_that_a_simulator_keeps_shows_a_secret() -> None:
    """Neither tokens nor the settings of a brokerage, in whatever it may print when a test fails."""
    simulator = Simulator(3)
    other = simulator.add_account(7)
    async with world(simulator=simulator, allow_trading=True) as here:
        project = simulator.add_project([])
        await here.client.live.create(
            project.id,
            "compile",
            "node",
            brokerage={"id": "InteractiveBrokersBrokerage", "ib-user-name": "me", "ib-password": PASSWORD},
            data_providers={"PolygonDataProvider": {"id": "PolygonDataProvider", "polygon-api-key": PASSWORD}},
            notification={"targets": [{"address": PASSWORD}], "events": ["orderEvent"]},
        )
        (record,) = [each for each in simulator.ledger.requests if each.path == "live/create"]
        assert isinstance(record, RequestRecord)
        assert "InteractiveBrokersBrokerage" in repr(record)
        kept: list[object] = [*simulator.ledger.requests, *simulator.ledger.effects, simulator.ledger]
        for each in kept:
            assert find("\n".join(looks(each))) is None, type(each)
        for each in (simulator, simulator.account, other, project, here.transport, simulator.conditions):
            assert find(repr(each) + str(each) + f"{each}") is None, type(each)
        assert find(repr(here.observed)) is None


def test_a_server_shows_no_token() -> None:
    with serve(Simulator(3)) as server:
        assert find(repr(server) + str(server)) is None
        assert find(repr(server.environment)) == "plain"  # what it is for


def test_signatures_are_compared_in_constant_time() -> None:
    """Row 143, by reading the source: nothing but `hmac.compare_digest` touches the two digests."""
    tree = ast.parse(inspect.getsource(accounts))
    (check,) = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "is_proven"]
    compared = [
        ast.unparse(each)
        for each in ast.walk(tree)
        if isinstance(each, ast.Compare) and {"digest", "expected", "token", "api_token"} & set(_names(each))
    ]
    assert compared == []
    calls_made = [each for each in ast.walk(check) if isinstance(each, ast.Call)]
    (comparison,) = [each for each in calls_made if ast.unparse(each.func) == "hmac.compare_digest"]
    assert {"digest", "expected"} <= set(_names(comparison))
    first_decision = min(each.lineno for each in ast.walk(check) if isinstance(each, (ast.If, ast.Return)))
    assert comparison.lineno < first_decision  # also for an account that does not exist


def _names(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", "", "127.0.0.1.example.com"])
def test_a_simulator_listens_on_loopback_only(host: str) -> None:
    """Row 144: unless it is asked for."""
    with pytest.raises(ValueError, match="can be reached by others"), serve(Simulator(), host):
        pass
    assert inspect.signature(serve).parameters["host"].default == "127.0.0.1"
    assert inspect.signature(serve).parameters["allow_remote"].default is False


@pytest.mark.parametrize("token", ["0f" * 32, "0F" * 32, "aB3" * 21 + "a"])
def test_a_simulator_takes_no_real_token(token: str) -> None:
    """Row 144: neither when an account is made nor later; the refusal does not repeat it."""
    simulator = Simulator()
    for take in (
        lambda: Account(1, token),
        lambda: simulator.add_account(1, token),
        lambda: setattr(simulator.account, "api_token", token),
    ):
        with pytest.raises(ValueError, match="looks like a real QuantConnect API token") as caught:
            take()
        assert find(told(caught.value, with_locals=False)) is None


# The command line.


def test_no_option_takes_a_token() -> None:
    """Row 137: it would stand in the shell's history and in the list of processes."""
    commands = [typer.main.get_command(app)]
    names: list[str] = []
    while commands:
        command = commands.pop()
        commands += getattr(command, "commands", {}).values()
        for parameter in command.params:
            names += [parameter.name or "", *parameter.opts, *parameter.secondary_opts, str(parameter.envvar or "")]
    assert "--transport" in names
    assert "seed" in names
    for name in names:
        words = set(name.lower().lstrip("-").replace("_", "-").split("-"))
        assert not words & {"token", "tokens", "secret", "password", "key", "hash", "credentials", "auth", "user"}, name
