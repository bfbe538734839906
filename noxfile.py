import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True

PYTHONS = ["3.11", "3.12", "3.13"]
EVERYTHING = ".[cli,httpx2,aiohttp,fast,bench]"


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
    """Seeded listings, seeded mutations: `nox -s chaos -- --runs 100000 --mutations 10000000 --seed 7`."""
    session.install("-e", EVERYTHING, *groups("test"))
    session.run("pytest", "tests/chaos", *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """What takes too long for every change: a hundred thousand seeded listings, a hundred million mutated answers."""
    session.install("-e", EVERYTHING, *groups("test"))
    session.run("pytest", "tests/chaos/test_listings.py", "--runs", "100000", *session.posargs)
    session.run("pytest", "tests/chaos/test_mutations.py", "--mutations", "100000000", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Every example and every link of the documents."""
    session.install("-e", EVERYTHING, *groups("test"))
    session.run("pytest", "tests/docs", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Every benchmark; `-- --smoke` for a quick look."""
    session.install("-e", EVERYTHING, *groups("bench"))
    for script in ("bench_decode.py", "bench_listing.py", "bench_memory.py", "bench_transport.py"):
        session.run("python", f"benchmarks/{script}", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Build the wheel and the source distribution."""
    session.install("build")
    session.run("python", "-m", "build")
