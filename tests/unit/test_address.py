"""Which addresses credentials may be sent to: a table of good and of bad ones."""

import pytest

from qcasync._address import PRODUCTION, find_base_url, is_loopback
from qcasync.errors import ConfigurationError

CANARY = "canary-5e1f"


@pytest.mark.parametrize(
    ("given", "variable", "found"),
    [
        (None, None, "https://www.quantconnect.com/api/v2/"),
        ("", "", "https://www.quantconnect.com/api/v2/"),
        (None, "https://beta.quantconnect.com/api/v2/", "https://beta.quantconnect.com/api/v2/"),
        ("https://a.example/v2", "https://b.example/", "https://a.example/v2/"),
        ("https://a.example", None, "https://a.example/"),
        ("https://a.example//", None, "https://a.example/"),
        ("https://a.example:8443/api/v2/", None, "https://a.example:8443/api/v2/"),
        ("HTTPS://A.EXAMPLE/", None, "HTTPS://A.EXAMPLE/"),
        ("https://[2001:db8::1]:443/", None, "https://[2001:db8::1]:443/"),
        ("http://localhost:8000/api/v2", None, "http://localhost:8000/api/v2/"),
        ("http://LOCALHOST/", None, "http://LOCALHOST/"),
        ("http://127.0.0.1:8000", None, "http://127.0.0.1:8000/"),
        ("http://127.255.0.9", None, "http://127.255.0.9/"),
        ("http://[::1]:8000", None, "http://[::1]:8000/"),
    ],
)
def test_good_addresses(given: str | None, variable: str | None, found: str) -> None:
    """The argument, else `QC_BASE_URL`, else production; with one slash at the end."""
    environment = {} if variable is None else {"QC_BASE_URL": variable}
    assert find_base_url(given, environment) == found


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://www.quantconnect.com/api/v2/", "is plain http to another machine"),
        ("http://localhost.example/", "is plain http to another machine"),
        ("http://127.0.0.1.example/", "is plain http to another machine"),
        ("http://10.0.0.1/", "is plain http to another machine"),
        ("http://0.0.0.0/", "is plain http to another machine"),
        ("http://[::2]/", "is plain http to another machine"),
        ("www.quantconnect.com/api/v2/", "is not an https address"),
        ("//www.quantconnect.com/api/v2/", "is not an https address"),
        ("https:///api/v2/", "is not an https address"),
        ("https:www.quantconnect.com", "is not an https address"),
        ("https://", "is not an https address"),
        ("https://:443/", "is not an https address"),
        ("file:///etc/passwd", "is not an https address"),
        ("data:text/plain,x", "is not an https address"),
        ("ftp://a.example/", "is not an https address"),
        ("ws://localhost/", "is not an https address"),
        ("https://a.example:port/", "cannot be parsed"),
        ("https://a.example:65536/", "cannot be parsed"),
        ("https://[::1", "cannot be parsed"),
        (f"https://user:{CANARY}@a.example/", "holds a user name or a password"),
        (f"https://{CANARY}@a.example/", "holds a user name or a password"),
        (f"https://user:{CANARY}@a.example:port/", "holds a user name or a password"),
        (f"user:{CANARY}@a.example", "holds a user name or a password"),
        ("https://@a.example/", "holds a user name or a password"),
        ("https://www.quantconnect.com\\@evil.example/", "holds a user name or a password"),
        (f"https://a.example/?token={CANARY}", "has a query or a fragment"),
        (f"https://a.example/#{CANARY}", "has a query or a fragment"),
        ("https://a.example/?", "has a query or a fragment"),
        ("https://a.example/#", "has a query or a fragment"),
        ("https://a.example/api/v2/\n", "holds a blank or a character that cannot be seen"),
        (" https://a.example/", "holds a blank or a character that cannot be seen"),
        ("https://a.example/a b/", "holds a blank or a character that cannot be seen"),
        ("https://a.exam\tple/", "holds a blank or a character that cannot be seen"),
        ("https://a.example/\0", "holds a blank or a character that cannot be seen"),
    ],
)
def test_bad_addresses(url: str, problem: str) -> None:
    """Refused when the client is made; what may be a password is not repeated."""
    with pytest.raises(ConfigurationError, match=problem) as caught:
        find_base_url(url, {})
    assert CANARY not in str(caught.value)
    assert caught.value.hint
    assert caught.value.__cause__ is None


def test_the_real_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read at the moment of the call."""
    monkeypatch.setenv("QC_BASE_URL", "http://localhost:9/")
    assert find_base_url(None) == "http://localhost:9/"
    monkeypatch.delenv("QC_BASE_URL")
    assert find_base_url(None) == PRODUCTION


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost.example", False),
        ("127.1", False),
        ("", False),
        ("example", False),
        ("192.168.0.1", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    """Only names and numbers that cannot mean another machine."""
    assert is_loopback(host) is loopback
