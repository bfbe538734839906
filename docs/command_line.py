"""Write docs/command-line.md from the commands themselves: `python docs/command_line.py`."""

import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from qcasync.cli.app import app

PAGE = Path(__file__).with_name("command-line.md")

INTRODUCTION = """\
# Command line

Written by `python docs/command_line.py` from the commands; a test keeps it true. `qcasync COMMAND --help` says the
same.

Install it with the extra `cli`. Results go to stdout, everything else to stderr. In a pipe, commands write JSON lines
instead of tables. Credentials come from where [the library](getting-started.md#credentials) looks for them.
"""


def walk() -> Iterator[tuple[str, Any]]:
    """Every command with its name, groups before what is in them.

    Commands are typer's; which classes those are differs between its versions, so they are asked for what all have.
    """

    def descend(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield name, command
        for key, inner in getattr(command, "commands", {}).items():
            yield from descend(f"{name} {key}", inner)

    return descend("qcasync", typer.main.get_command(app))


def is_argument(parameter: Any) -> bool:
    """Whether a parameter is given by its place."""
    return not any(name.startswith("-") for name in parameter.opts)


def placeholder(parameter: Any) -> str:
    """What stands for the value in a usage line: "" for a flag."""
    if getattr(parameter, "is_flag", False) or parameter.name == "help":
        return ""
    if isinstance(parameter.default, enum.Enum):
        return "|".join(str(member.value) for member in type(parameter.default))
    return str(parameter.metavar or parameter.name.upper())


def usage(name: str, command: Any) -> str:
    """A line such as `qcasync orders [OPTIONS] PROJECT`."""
    words = [name, "[OPTIONS]"]
    if hasattr(command, "commands"):
        return " ".join([*words, "COMMAND ..."])
    for parameter in command.params:
        if is_argument(parameter):
            word = placeholder(parameter) + ("..." if parameter.nargs == -1 else "")
            words.append(word if parameter.required else f"[{word}]")
    return " ".join(words)


def row(parameter: Any) -> str:
    """A parameter as a line of a table."""
    value = placeholder(parameter)
    if is_argument(parameter):
        names = f"`{value}`"
    else:
        given = f" {value}" if value else ""
        names = ", ".join(f"`{name}{given}`" for name in [*parameter.opts, *parameter.secondary_opts])
    text = " ".join((parameter.help or "").split())
    default = parameter.default.value if isinstance(parameter.default, enum.Enum) else parameter.default
    if parameter.show_default is not False and default and isinstance(default, str | int | float) and value:
        text += f" By default {default if isinstance(default, str) else format(default, 'g')}."
    if getattr(parameter, "multiple", False) and "epeatable" not in text:
        text += " Repeatable."
    if parameter.envvar:
        text += f" Or `{parameter.envvar}`."
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in (names, text.strip())) + " |"


def section(name: str, command: Any) -> list[str]:
    """What there is to say of one command."""
    lines = [f"## {name}", "", f"`{usage(name, command)}`", "", *(command.help or "").strip().splitlines(), ""]
    if command.epilog:
        lines += [*command.epilog.strip().splitlines(), ""]
    if hasattr(command, "commands"):
        lines += [f"- [`{name} {key}`](#{name.replace(' ', '-')}-{key})" for key in command.commands]
        lines.append("")
    rows = [row(parameter) for parameter in command.params if not parameter.hidden and parameter.name != "help"]
    if rows:
        lines += ["| argument or option | |", "|---|---|", *rows, ""]
    return lines


def render() -> str:
    """The page, as it should be."""
    lines = [INTRODUCTION]
    for name, command in walk():
        lines += section(name, command)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(render())
