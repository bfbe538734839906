"""What the command line's exit codes say.

0    done
1    failed
2    the command or the configuration is wrong; nothing was sent
3    incomplete: the data is not ready, or a part of it could not be read; or a call with effect was sent, and has not
     been seen to be done
130  interrupted
"""

from typing import Final

import qcasync

FAILED: Final = 1
UNUSABLE: Final = 2
INCOMPLETE: Final = 3
INTERRUPTED: Final = 130


def exit_code(error: qcasync.QuantConnectError | OSError) -> int:
    """The exit code for an error that ended a command."""
    match error:
        case qcasync.ConfigurationError():
            return UNUSABLE
        case qcasync.IncompleteRead() | qcasync.NotReady() | qcasync.StillRunning() | qcasync.OutcomeUnknown():
            return INCOMPLETE
        case _:
            return FAILED
