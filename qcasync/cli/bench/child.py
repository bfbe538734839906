"""What has to be measured in a process of its own: memory, and the stalls of an event loop.

python -m qcasync.cli.bench.child memory KIND CONTENDER FILE WARM_UP
python -m qcasync.cli.bench.child stall FILE READS

Prints one JSON object.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")


def ask(arguments: Sequence[object], answer: type[T]) -> T | None:
    """Measure in a process of its own.

    Args:
        arguments: Of the command line above.
        answer: The type of what is printed.

    Returns:
        None if the process failed.
    """
    command = [sys.executable, "-m", "qcasync.cli.bench.child", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own module
    return msgspec.json.decode(done.stdout, type=answer) if done.returncode == 0 else None


def main(arguments: Sequence[str]) -> None:
    """Measure, and print."""
    # Not at the top of the file: the parent imports this too, and neither child needs what the other does.
    match arguments:
        case ["memory", kind, contender, file, warm_up]:
            from qcasync.cli.bench.memory import measure  # noqa: PLC0415 - see above

            found: object = measure(kind, contender, Path(file), Path(warm_up))
        case ["stall", file, reads]:
            from qcasync.cli.bench.stall import measure_all  # noqa: PLC0415 - see above

            found = measure_all(Path(file).read_bytes(), int(reads))
        case _:
            raise SystemExit(__doc__)
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main(sys.argv[1:])
