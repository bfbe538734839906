"""Where credentials are found, in which order, and that no failure shows them."""

import contextlib
import os
import socket
import stat
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qcasync._core.redaction import Secret
from qcasync._credentials import MAX_FILE, _fault_of, find_credentials, find_organization, lean_file
from qcasync.errors import ConfigurationError

CANARY = "canary-5e1f"

needs_posix = pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX notion")


def environment(home: Path, **names: str) -> dict[str, str]:
    return {"HOME": str(home), **names}


def write(home: Path, content: bytes | str, mode: int = 0o600) -> Path:
    """The lean CLI's file in a home of its own."""
    path = home / ".lean" / "credentials"
    path.parent.mkdir()
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


FILE = f'{{"user-id": "4", "api-token": "{CANARY}-file"}}'
FIRST = {"QUANTCONNECT_USER_ID": "2", "QUANTCONNECT_API_TOKEN": f"{CANARY}-first"}
SECOND = {"QC_USER_ID": "3", "QC_API_TOKEN": f"{CANARY}-second"}


@pytest.mark.parametrize(
    ("arguments", "names", "found"),
    [
        ((1, f"{CANARY}-given"), FIRST | SECOND, ("1", f"{CANARY}-given", "arguments")),
        (
            (None, None),
            FIRST | SECOND,
            ("2", f"{CANARY}-first", "environment (QUANTCONNECT_USER_ID, QUANTCONNECT_API_TOKEN)"),
        ),
        ((None, None), SECOND, ("3", f"{CANARY}-second", "environment (QC_USER_ID, QC_API_TOKEN)")),
        (
            (None, None),
            {"QUANTCONNECT_USER_ID": "", "QUANTCONNECT_API_TOKEN": "", **SECOND},
            ("3", f"{CANARY}-second", "environment (QC_USER_ID, QC_API_TOKEN)"),
        ),
        ((None, None), {}, ("4", f"{CANARY}-file", "file {}")),
    ],
    ids=["arguments", "QUANTCONNECT_", "QC_", "empty variables are unset", "file"],
)
def test_the_first_complete_pair_wins(
    tmp_path: Path,
    arguments: tuple[int | None, str | None],
    names: dict[str, str],
    found: tuple[str, str, str],
) -> None:
    """Arguments, then the environment by its two namings, then the lean CLI's file."""
    path = write(tmp_path, FILE)
    credentials = find_credentials(*arguments, environment(tmp_path, **names))
    user_id, api_token, source = found
    assert (credentials.user_id, credentials.api_token.reveal(), credentials.source) == (
        user_id,
        api_token,
        source.format(path),
    )


@pytest.mark.parametrize(
    ("arguments", "names", "missing"),
    [
        ((1, None), {}, "api_token is missing"),
        ((None, CANARY), {}, "user_id is missing"),
        ((1, None), FIRST, "api_token is missing"),
        ((None, None), {"QUANTCONNECT_USER_ID": "2"}, "QUANTCONNECT_API_TOKEN is not set"),
        ((None, None), {"QUANTCONNECT_API_TOKEN": CANARY}, "QUANTCONNECT_USER_ID is not set"),
        ((None, None), {"QUANTCONNECT_USER_ID": "2", **SECOND}, "QUANTCONNECT_API_TOKEN is not set"),
        ((None, None), {"QUANTCONNECT_USER_ID": "2", "QC_API_TOKEN": CANARY}, "QUANTCONNECT_API_TOKEN is not set"),
        ((None, None), {"QC_USER_ID": "3"}, "QC_API_TOKEN is not set"),
        ((None, None), {"QC_API_TOKEN": CANARY}, "QC_USER_ID is not set"),
    ],
)
def test_halves_are_not_completed_from_elsewhere(
    tmp_path: Path, arguments: tuple[int | None, str | None], names: dict[str, str], missing: str
) -> None:
    """A user id of one source with a token of another would be somebody else's."""
    write(tmp_path, FILE)
    with pytest.raises(ConfigurationError, match=missing) as caught:
        find_credentials(*arguments, environment(tmp_path, **names))
    assert CANARY not in str(caught.value)


def test_nothing_found(tmp_path: Path) -> None:
    """The error lists every place that was looked at."""
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(None, None, environment(tmp_path))
    assert caught.value.problem == (
        "No QuantConnect credentials found. Looked at: Client(user_id=, api_token=); "
        "environment QUANTCONNECT_USER_ID and QUANTCONNECT_API_TOKEN; environment QC_USER_ID and QC_API_TOKEN; "
        f"the lean CLI's file {tmp_path}/.lean/credentials."
    )
    assert "Set QUANTCONNECT_USER_ID and QUANTCONNECT_API_TOKEN" in caught.value.hint


def test_the_real_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an environment of one's own, the process's is read, at the moment of the call."""
    monkeypatch.setenv("QUANTCONNECT_USER_ID", "5")
    monkeypatch.setenv("QUANTCONNECT_API_TOKEN", CANARY)
    monkeypatch.setenv("QUANTCONNECT_ORGANIZATION_ID", "org")
    assert find_credentials(None, None).user_id == "5"
    assert find_organization(None) == "org"


@pytest.mark.parametrize("user_id", ['"4"', "4"])
def test_the_file_tells_the_user_id_as_text_or_number(tmp_path: Path, user_id: str) -> None:
    """The lean CLI has written both; what else stands in the file does not matter."""
    write(tmp_path, f'{{"user-id": {user_id}, "api-token": "t", "other": [1]}}')
    assert find_credentials(None, None, environment(tmp_path)).user_id == "4"


@needs_posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o601, 0o777])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    """The token in it may already be somebody else's, and the remedy is one command."""
    path = write(tmp_path, FILE, mode)
    with pytest.raises(ConfigurationError, match="Other users may read the file") as caught:
        find_credentials(None, None, environment(tmp_path))
    assert caught.value.hint == f"Run: chmod 600 {path}"
    assert CANARY not in str(caught.value)


@needs_posix
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_private_file_is_read(tmp_path: Path, mode: int) -> None:
    """What only the owner may do does not matter."""
    write(tmp_path, FILE, mode)
    assert find_credentials(None, None, environment(tmp_path)).user_id == "4"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param(CANARY, id="the token alone"),
        pytest.param(f'"{CANARY}"', id="a text"),
        pytest.param(f'["{CANARY}"]', id="a list"),
        pytest.param("null", id="null"),
        pytest.param(f'{{"api-token": "{CANARY}"}}', id="no user id"),
        pytest.param('{"user-id": "4"}', id="no token"),
        pytest.param(f'{{"user-id": null, "api-token": "{CANARY}"}}', id="null for the user id"),
        pytest.param('{"user-id": "4", "api-token": 12345}', id="a number for the token"),
        pytest.param(f'{{"user-id": 4.5, "api-token": "{CANARY}"}}', id="a fraction for the user id"),
        pytest.param(f'{{"user-id": "4", "api-token": "{CANARY}"', id="cut short"),
        pytest.param(f"user-id: 4\napi-token: {CANARY}\n", id="not JSON"),
        pytest.param(b'{"user-id": "4", "api-token": "' + CANARY.encode() + b'\xff"}', id="not UTF-8"),
        pytest.param(CANARY.encode("utf-16"), id="another encoding"),
        pytest.param(f'{{"{CANARY}": {"[" * 50_000}', id="deeper than the decoder goes"),
    ],
)
def test_a_malformed_file_is_not_quoted(tmp_path: Path, content: bytes | str) -> None:
    """A decoder's error would quote the file, so it appears neither in the message nor behind it."""
    path = write(tmp_path, content)
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(None, None, environment(tmp_path))
    assert caught.value.problem == f"The file {path} is not a JSON object with user-id and api-token."
    assert caught.value.hint == "Run `lean login` to write it anew."
    assert caught.value.__context__ is None
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(("user_id", "token"), [("four", CANARY), ("4", f"{CANARY}\\n"), ("4", "")])
def test_a_file_with_impossible_values_names_itself(tmp_path: Path, user_id: str, token: str) -> None:
    """The same checks as for arguments, with the file as the source."""
    path = write(tmp_path, f'{{"user-id": "{user_id}", "api-token": "{token}"}}')
    with pytest.raises(ConfigurationError, match=f"from file {path}") as caught:
        find_credentials(None, None, environment(tmp_path))
    assert CANARY not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """What the system says about it is passed on, as an error of ours."""
    with pytest.raises(ConfigurationError, match=r"credentials cannot be read: .") as caught:
        find_credentials(None, None, environment(tmp_path / ("x" * 5000)))
    assert isinstance(caught.value.__cause__, OSError)


def _link(path: Path) -> None:
    (path.parent / "elsewhere").write_text(FILE)
    (path.parent / "elsewhere").chmod(0o600)
    path.symlink_to(path.parent / "elsewhere")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))  # the whole path may be longer than a socket's name can be


def _large(path: Path) -> None:
    path.write_text(FILE[:-1] + " " * MAX_FILE + "}")
    path.chmod(0o600)


@needs_posix
@pytest.mark.parametrize(
    ("make", "problem", "remedy"),
    [
        pytest.param(_link, "is a symbolic link", "cp {0} {0}.new && mv {0}.new {0} && chmod 600 {0}", id="link"),
        pytest.param(
            lambda path: path.symlink_to("nowhere"), "is a symbolic link", "cp {0} {0}.new && ", id="link to nowhere"
        ),
        pytest.param(Path.mkdir, "is not a regular file", "mv {0} {0}.old && lean login", id="folder"),
        pytest.param(
            lambda path: os.mkfifo(path, 0o600), "is not a regular file", "mv {0} {0}.old && lean login", id="pipe"
        ),
        pytest.param(_socket, "cannot be read: ", "", id="socket"),
        pytest.param(_large, "is larger than 64 KiB", "mv {0} {0}.old && lean login", id="large"),
    ],
)
def test_what_is_no_credentials_file_is_refused(
    tmp_path: Path, make: Callable[[Path], object], problem: str, remedy: str
) -> None:
    """At once, even where opening would wait for somebody to write; and each with the command that helps."""
    path = lean_file(environment(tmp_path / "a home"))
    path.parent.mkdir(parents=True)
    make(path)
    with pytest.raises(ConfigurationError, match=problem) as caught:
        find_credentials(None, None, environment(tmp_path / "a home"))
    quoted = f"'{path}'"
    assert caught.value.hint.startswith("Run: " + remedy.format(quoted) if remedy else "")
    assert caught.value.problem.startswith("The file ")


@needs_posix
def test_the_remedy_for_a_link_works(tmp_path: Path) -> None:
    """The command can be pasted as it is."""
    home = tmp_path / "it's a home"
    path = lean_file(environment(home))
    path.parent.mkdir(parents=True)
    _link(path)
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(None, None, environment(home))
    assert os.system(caught.value.hint.removeprefix("Run: ")) == 0
    assert find_credentials(None, None, environment(home)).user_id == "4"


@needs_posix
def test_links_above_the_file_are_followed(tmp_path: Path) -> None:
    """A home may be a link, as on many machines; only the last name of the path must be the file itself."""
    (tmp_path / "home").mkdir()
    write(tmp_path / "home", FILE)
    (tmp_path / "link").symlink_to(tmp_path / "home")
    assert find_credentials(None, None, environment(tmp_path / "link")).user_id == "4"


@needs_posix
def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    """Neither of a file that was read nor of one that was refused."""
    path = write(tmp_path, FILE)
    before = os.open(path, os.O_RDONLY)
    os.close(before)
    for mode in (0o600, 0o644):
        path.chmod(mode)
        with contextlib.suppress(ConfigurationError):
            find_credentials(None, None, environment(tmp_path))
    after = os.open(path, os.O_RDONLY)
    os.close(after)
    assert after == before


PRIVATE = stat.S_IFREG | 0o600


@pytest.mark.parametrize(
    ("mode", "owner", "user", "size", "problem"),
    [
        (PRIVATE, 1000, 1000, 200, None),
        (PRIVATE, 0, 0, 200, None),
        (stat.S_IFREG | 0o400, 1000, 1000, MAX_FILE, None),
        (PRIVATE, 1001, 1000, 200, "belongs to another user"),
        (PRIVATE, 0, 1000, 200, "belongs to another user"),
        (PRIVATE, 1000, 0, 200, "belongs to another user"),
        (stat.S_IFREG | 0o644, 1001, 1000, 200, "belongs to another user"),
        (stat.S_IFREG | 0o640, 1000, 1000, 200, "Other users may read"),
        (stat.S_IFREG | 0o602, 1000, 1000, 200, "Other users may read"),
        (PRIVATE, 1000, 1000, MAX_FILE + 1, "larger than 64 KiB"),
        (stat.S_IFDIR | 0o700, 1000, 1000, 200, "not a regular file"),
        (stat.S_IFIFO | 0o600, 1000, 1000, 0, "not a regular file"),
        (stat.S_IFCHR | 0o600, 1000, 1000, 0, "not a regular file"),
        (stat.S_IFBLK | 0o600, 0, 1000, 0, "not a regular file"),
        (stat.S_IFSOCK | 0o600, 1000, 1000, 0, "not a regular file"),
    ],
)
def test_who_may_have_written_and_who_may_read(
    mode: int, owner: int, user: int, size: int, problem: str | None
) -> None:
    """The rule as a table: only root can make files of other users. To anyone but root, root is another user."""
    fault = _fault_of(os.stat_result((mode, 1, 1, 1, owner, owner, size, 0, 0, 0)), user)
    assert (fault is None) == (problem is None)
    if fault is not None:
        assert problem is not None
        assert problem in fault[0]
        assert "{0}" in fault[1]


@pytest.mark.parametrize(
    ("arguments", "names", "content"),
    [
        pytest.param((1, None), FIRST, None, id="half of the arguments"),
        pytest.param((None, CANARY), {}, None, id="the other half"),
        pytest.param(("one", CANARY), {}, None, id="malformed user id"),
        pytest.param((1, f"{CANARY}\n"), {}, None, id="malformed argument"),
        pytest.param((None, None), {"QUANTCONNECT_API_TOKEN": CANARY}, None, id="half of an environment"),
        pytest.param((None, None), FIRST | {"QUANTCONNECT_USER_ID": "two"}, None, id="malformed environment"),
        pytest.param((None, None), {}, f'{{"user-id": "four", "api-token": "{CANARY}"}}', id="malformed file"),
        pytest.param((None, None), {}, f'{{"api-token": "{CANARY}"}}', id="half of a file"),
        pytest.param((None, None), {"API_TOKEN": CANARY}, None, id="nothing"),
    ],
)
def test_no_traceback_shows_a_token_among_its_locals(
    tmp_path: Path, arguments: tuple[Any, Any], names: dict[str, str], content: str | None
) -> None:
    """Crash reporters show the locals of every frame: those of ours hold no token when something is raised."""
    if content is not None:
        write(tmp_path, content)
    given = environment(tmp_path, **names)
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(*arguments, given)
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert frames.stack[1].name == "find_credentials"
    del frames.stack[0]  # this test's own
    assert CANARY not in "".join(frames.format())


def test_a_token_may_come_wrapped() -> None:
    """So that whoever hands it over need not hold it in plain."""
    assert find_credentials(1, Secret(CANARY), {}).api_token.reveal() == CANARY


def test_a_home_that_is_no_folder(tmp_path: Path) -> None:
    """A path that cannot exist holds no credentials."""
    (tmp_path / ".lean").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="No QuantConnect credentials found"):
        find_credentials(None, None, environment(tmp_path))


@pytest.mark.parametrize(
    ("names", "home"),
    [
        ({"HOME": "/a", "USERPROFILE": "/b"}, "/a"),
        ({"HOME": "", "USERPROFILE": "/b"}, "/b"),
        ({"USERPROFILE": "/b"}, "/b"),
        ({}, str(Path.home())),
    ],
)
def test_the_home_of_the_lean_cli(names: dict[str, str], home: str) -> None:
    """On POSIX and Windows, and where neither variable is set."""
    assert lean_file(names) == Path(home) / ".lean" / "credentials"


@pytest.mark.parametrize(
    ("argument", "names", "found"),
    [
        ("given", {"QUANTCONNECT_ORGANIZATION_ID": "first"}, "given"),
        (None, {"QUANTCONNECT_ORGANIZATION_ID": "first", "QC_ORGANIZATION_ID": "second"}, "first"),
        (None, {"QUANTCONNECT_ORGANIZATION_ID": "", "QC_ORGANIZATION_ID": "second"}, "second"),
        (None, {}, None),
    ],
)
def test_organization(argument: str | None, names: dict[str, str], found: str | None) -> None:
    """The argument, then the environment, then the user's own."""
    assert find_organization(argument, names) == found
