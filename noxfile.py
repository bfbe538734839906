from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
EVERYTHING = ".[cli,httpx2,aiohttp,fast,bench,arrow,plot,otel]"
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


def floors() -> list[str]:
    """The lowest version of everything that users install, also by an extra."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    lines = [line for extra in project["optional-dependencies"].values() for line in extra]
    needed = [Requirement(line) for line in [*project["dependencies"], *lines]]
    return [
        f"{each.name}=={spec.version}" + (f"; {each.marker}" if each.marker else "")
        for each in needed
        for spec in each.specifier
        if spec.operator == ">="
    ]


@nox.session
def lint(session: nox.Session) -> None:
    """Style, spelling, the direction of imports, and what workflows are allowed."""
    session.install(EVERYTHING, *groups("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("lint-imports")
    session.run("zizmor", "--offline", "--persona", "pedantic", ".github")


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
    """The suite on the lowest dependencies that pyproject.toml allows, those of extras included."""
    session.install("-e", EVERYTHING, *groups("test"), "pytest<9", *floors())  # old anyio's plugin warns under pytest 9
    session.run("pytest", *session.posargs)


@nox.session
def tests_newest(session: nox.Session) -> None:
    """The suite on the newest dependencies, also on those that are not released yet."""
    eager = ("--pre", "--upgrade", "--upgrade-strategy", "eager")
    session.install(*eager, "-e", EVERYTHING, *groups("test"))
    session.run("pytest", *session.posargs)


@nox.session
def audit(session: nox.Session) -> None:
    """Whether a vulnerability is known of anything that users install. Asks pypi.org."""
    session.install("-e", EVERYTHING, "pip-audit")
    session.run("pip-audit", "--skip-editable", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Branch coverage of the default suite."""
    session.install("-e", EVERYTHING, *groups("test"))
    session.run("coverage", "run", "-m", "pytest", "--together", *session.posargs)
    session.run("coverage", "report")


@nox.session
def integration(session: nox.Session) -> None:
    """The client against the simulator, over real sockets."""
    session.install("-e", EVERYTHING, *groups("test"))
    session.run("pytest", "tests/integration", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """What attacks: seeded runs, spoiled networks, cancellations, in the sizes of docs/reliability.md.

    `nox -s chaos -- --runs 100000 --seed 7` takes others.
    """
    session.install("-e", EVERYTHING, *groups("test"))
    sizes = session.posargs or ["--runs", "10000", "--mutations", "1000000"]
    session.run("pytest", "tests/chaos", *ATTACKS, *sizes)


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
    """The site, warnings being errors; then every example and every link of the documents, and of the built pages."""
    session.install("-e", EVERYTHING, *groups("test", "docs"))
    session.run("sphinx-build", "-W", "-n", "--keep-going", "-E", "-b", "html", "docs", "docs/_build/html")
    session.run("pytest", *(session.posargs or ["tests/docs"]), env={"QCASYNC_SITE": "docs/_build/html"})


@nox.session
def bench(session: nox.Session) -> None:
    """Every benchmark; `-- --smoke` for a quick look."""
    session.install("-e", EVERYTHING, *groups("bench"))
    for script in sorted(Path("benchmarks").glob("bench_*.py")):
        session.run("python", str(script), *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Build the wheel and the source distribution, and inspect them; `-- v1.2.3`: they must be of this version."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    if session.posargs and session.posargs != [f"v{project['version']}"]:
        session.error(f"{session.posargs[0]} is not the version of pyproject.toml: {project['version']}")
    if session.posargs and "unreleased" in Path("CHANGELOG.md").read_text():
        session.error("CHANGELOG.md says that it is unreleased.")
    if session.posargs and "Source" not in project.get("urls", {}):
        session.error("pyproject.toml does not say where the source is: [project.urls].")
    session.install("build", "twine", "-e", EVERYTHING, *groups("test"))
    session.run("pytest", "tests/release")
    session.run("python", "-m", "build")
    files = [str(path) for path in Path("dist").glob(f"qcasync-{project['version']}*")]
    session.run("twine", "check", "--strict", *files)
    session.install("--force-reinstall", "--no-deps", *(file for file in files if file.endswith(".whl")))
    session.run("qcasync", "demo", "--help", silent=True)
