import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True

PYTHONS = ["3.11", "3.12", "3.13"]
EVERYTHING = ".[cli,httpx2,aiohttp,fast,bench]"
ATTACKS = [
    f"tests/integration/test_{what}.py"
    for what in [
        "bytes",
        "cancellation",
        "churn",
        "emergency",
        "faults",
        "network",
        "pool",
        "phases",
        "ticks",
        "toxics",
    ]
]


def groups(*names: str) -> list[str]:
    return nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), *names)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, spelling, and the direction of imports."""
    session.install(EVERYTHING, *groups("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Strict types, by two checkers, and no public name without one."""
    session.install("-e", EVERYTHING, *groups("types", "test"))
    session.run("mypy")
    session.run("pyright")
    session.run("pyright", "--verifytypes", "qcasync", "--ignoreexternal")


@nox.session
def tests(session: nox.Session) -> None:
    """The whole default suite; arguments go to pytest."""
    session.install("-e", EVERYTHING, *groups("test"))
    session.run("pytest", *session.posargs)


@nox.session(python=PYTHONS)
def tests_python(session: nox.Session) -> None:
    """The suite on each supported Python."""
    session.install("-e", EVERYTHING, *groups("test"))
    session.run("pytest", *session.posargs)


@nox.session
def tests_lowest(session: nox.Session) -> None:
    """The suite on the lowest dependencies that pyproject.toml allows."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    floors = [line.split(",")[0].replace(">=", "==") for line in project["dependencies"]]
    session.install("-e", EVERYTHING, *groups("test"), "pytest<9", *floors)  # old anyio's plugin warns under pytest 9
    session.run("pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Branch coverage of the default suite."""
    session.install("-e", EVERYTHING, *groups("test"))
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "report")


@nox.session
def integration(session: nox.Session) -> None:
    """The client against the simulator, over real sockets."""
    session.install("-e", EVERYTHING, *groups("test"))
    session.run("pytest", "tests/integration", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """What attacks: seeded runs, spoiled networks, cancellations. `nox -s chaos -- --runs 100000 --seed 7`."""
    session.install("-e", EVERYTHING, *groups("test"))
    session.run("pytest", "tests/chaos", *ATTACKS, *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """The same for hours: 20,000 calls with effect, 10^8 mutated answers, 10^6 model watches, 2,000 kills, mutants."""
    session.install("-e", EVERYTHING, *groups("test"))
    models = ["listings", "effects", "offsets", "outages"]
    session.run("pytest", *(f"tests/chaos/test_{name}.py" for name in models), "--runs", "100000", *session.posargs)
    session.run("pytest", "tests/chaos/test_offsets.py", "--runs", "500000", *session.posargs)
    session.run("pytest", "tests/chaos/test_mutations.py", "--mutations", "100000000", *session.posargs)
    bytes_of_answers = ["tests/chaos/test_answers.py", "tests/chaos/test_wire.py"]
    session.run("pytest", *bytes_of_answers, "--mutations", "20000000", *session.posargs)
    session.run("pytest", "tests/integration/test_churn.py", "--runs", "1010000", *session.posargs)
    session.run("python", "benchmarks/bench_transport.py", "--growth", "100000")
    session.run("pytest", "tests/chaos/test_watch_model.py", "--runs", "1000000", *session.posargs)
    session.run("pytest", "tests/chaos/test_watch.py", "--runs", "250000", *session.posargs)
    session.run("pytest", "tests/chaos/test_watch_kills.py", "--runs", "200000", *session.posargs)
    session.run("python", "benchmarks/bench_poller.py", "soak", "--soak-seconds", "3600")
    session.notify("mutants", posargs=())


@nox.session
def mutants(session: nox.Session) -> None:
    """Every small change of skew, signing, windows and retrying: which ones does no test notice?"""
    session.install("-e", ".", *groups("test"), "cosmic-ray==8.7.0")
    session.run("python", "-m", "tests.mutants.run", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Every example and every link of the documents."""
    session.install("-e", EVERYTHING, *groups("test"))
    session.run("pytest", "tests/docs", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Every benchmark; `-- --smoke` for a quick look."""
    session.install("-e", EVERYTHING, *groups("bench"))
    for script in (
        "bench_decode.py",
        "bench_listing.py",
        "bench_memory.py",
        "bench_transport.py",
        "bench_checkpoint.py",
        "bench_poller.py",
    ):
        session.run("python", f"benchmarks/{script}", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Build the wheel and the source distribution."""
    session.install("build")
    session.run("python", "-m", "build")
