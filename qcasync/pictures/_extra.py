"""The libraries of the extra `plot`. They are imported when they are used; none of them tells its types."""

import importlib
from typing import Any

import qcasync.errors


def library(name: str, what: str) -> Any:  # its own types are not known
    """Import a module of the extra.

    Args:
        name: The module.
        what: What needs it, as the beginning of a sentence.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise missing(what, name.partition(".")[0]) from error


def missing(what: str, library: str) -> qcasync.errors.ConfigurationError:
    """The error that says how to get a library.

    Args:
        what: What needs it, as the beginning of a sentence.
        library: Its name.
    """
    return qcasync.errors.ConfigurationError(f"{what} needs {library}.", "pip install 'qcasync[plot]'")
