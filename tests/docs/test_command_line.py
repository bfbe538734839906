"""Commands that the documents name exist, with the options that are named, and every command is described."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from docs import command_line
from qcasync.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if "_build" not in page.parts)
COMMANDS = dict(command_line.walk())

FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(qcasync [^`]+)`")
PROGRAM = re.compile(r"(^|/)qcasync$")
SEPARATORS = {"|", "||", "&&", ";", "&"}


def commands_of(line: str) -> Iterator[list[str]]:
    """The words of each `qcasync` command of a shell's line, without redirections."""
    lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word not in SEPARATORS:
            words.append(word)
            continue
        while words and "=" in words[0]:  # an assignment for this command only
            words.pop(0)
        if words and PROGRAM.search(words[0]):
            ends = [index for index, each in enumerate(words) if set(each) <= set("<>&12") and set(each) & set("<>")]
            yield words[1 : ends[0] if ends else None]
        words = []


def check(words: list[str]) -> None:
    """Find the command, and let it take its options apart. Nothing is performed, and values may be placeholders."""
    name, command = "qcasync", COMMANDS["qcasync"]
    while True:
        context = typer.Context(command, info_name=name)
        rest = command.make_parser(context).parse_args(list(words))[1]
        if not hasattr(command, "commands") or not rest:
            assert hasattr(command, "commands") or not rest, f"{name} takes no {rest}"
            return
        name, words = f"{name} {rest[0]}", rest[1:]
        assert name in COMMANDS, f"there is no {name}"
        command = COMMANDS[name]


def lines_of(page: Path) -> list[str]:
    """Lines of shells, and commands within sentences."""
    text = page.read_text()
    shells = [body for language, body in FENCE.findall(text) if language == "console"]
    return [line for body in shells for line in body.splitlines()] + INLINE.findall(FENCE.sub("", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    if page == command_line.PAGE:
        return  # it is made of the commands, and its usage lines are none
    for line in lines_of(page):
        for words in commands_of(line):
            try:
                check(words)
            except Exception as error:
                if "requires an argument" not in str(error):  # in a sentence, an option may be named alone
                    pytest.fail(f"{line!r}: {error}")


def test_some_commands_are_named() -> None:
    """The search finds what it should."""
    found = [words for page in PAGES for line in lines_of(page) for words in commands_of(line)]
    assert ["demo"] in found
    assert ["orders", "20008480", "--csv", "orders.csv"] in found
    assert len(found) > 30


@pytest.mark.parametrize("line", ["qcasync order 1", "qcasync orders 1 --cvs x", "a | b/qcasync live halt 1 > x"])
def test_a_wrong_command_is_noticed(line: str) -> None:
    (words,) = commands_of(line)
    with pytest.raises(Exception, match=r"there is no|[Nn]o such option"):
        check(words)


def test_the_page_is_up_to_date() -> None:
    """`python docs/command_line.py` would change nothing."""
    assert command_line.PAGE.read_text() == command_line.render()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_helps(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--help` works, and whatever option it shows stands on the page, too."""
    monkeypatch.setenv("COLUMNS", "200")
    shown: Any = CliRunner().invoke(app, [*name.split()[1:], "--help"], color=False)
    assert shown.exit_code == 0
    section = command_line.PAGE.read_text().split(f"\n## {name}\n")[1].split("\n## ")[0]
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", shown.output)) - {"--help"}
    assert options <= set(re.findall(r"--[a-z][a-z-]*", section))
    assert COMMANDS[name].help
