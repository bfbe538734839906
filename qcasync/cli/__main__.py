"""The entry point: runs the command line, and turns whatever ends it into a sentence and an exit code."""

import io
import sys
from collections.abc import Sequence

import qcasync
from qcasync.cli.exit_codes import INTERRUPTED, UNUSABLE, exit_code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Instead of those of the process.

    Returns:
        The exit code.
    """
    try:
        return _run(arguments)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in {"typer", "rich"}:
            raise
        sys.stderr.write("The command line needs typer and rich: pip install 'qcasync[cli]'\n")
        return UNUSABLE
    except KeyboardInterrupt:  # before the command began, or after it ended
        return INTERRUPTED


def _run(arguments: Sequence[str] | None) -> int:
    # Not at the top of the file: both need the extra, and reading them takes a while in which Ctrl-C may come.
    from qcasync.cli.app import app  # noqa: PLC0415 - see above
    from qcasync.cli.output import explain  # noqa: PLC0415 - see above

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a console of another encoding must not cost the result
    try:
        app(arguments, prog_name="qcasync")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except (qcasync.QuantConnectError, OSError) as error:  # OSError: a full disk, a port that is taken
        explain(error)
        return exit_code(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
