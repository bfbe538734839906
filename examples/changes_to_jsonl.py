"""Every change of some projects, exactly once, as lines of JSON in a file of its own.

A file knows no transaction together with a checkpoint. So each line carries its change's key, which is the same however
often it is delivered; and a change whose key is the last one written for its project is acknowledged, and not written
again. Only the change that was out when the process died can come twice; unless the checkpoint is rebuilt, which tells
history once more: then begin another file, or compare with all keys.

    python examples/changes_to_jsonl.py watch.db changes.jsonl 12345678 23456789
"""

import argparse
import json
import os
from pathlib import Path
from typing import BinaryIO

import anyio
import anyio.to_thread

import qcasync


def keys_in(path: Path) -> dict[int, str]:
    """The last key of each project. A last line that was torn when the machine died is cut off."""
    if not path.exists():
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        os.truncate(path, len(whole))
    changes = map(json.loads, whole.splitlines())
    return {change["project_id"]: change["key"] for change in changes}


def sync_directory(directory: Path) -> None:
    """See the file's name onto the disk, where a directory can be opened at all."""
    if os.name == "posix":
        handle = os.open(directory, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def append(file: BinaryIO, change: qcasync.Change) -> None:
    """Write a line, and see it onto the disk."""
    file.write(qcasync.encode_change(change) + b"\n")
    file.flush()
    os.fsync(file.fileno())


async def main(checkpoint: str, path: Path, projects: list[int], seconds: float | None) -> None:
    """Write changes until the time is up, or for ever."""
    written, known = 0, keys_in(path)
    with anyio.move_on_after(seconds), path.open("ab") as file:
        sync_directory(path.parent)
        async with (
            qcasync.Client() as qc,
            qc.watch(projects, checkpoint=checkpoint, start="beginning", portfolio=True) as changes,
        ):
            async for change in changes:
                if change.key != known.pop(change.project_id, None):
                    await anyio.to_thread.run_sync(append, file, change)
                    written += 1
                await change.ack()
    print(written, "changes written")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Append every change of some projects to a file of JSON lines.")
    parser.add_argument("checkpoint", help="the file of the watch; made if there is none")
    parser.add_argument("file", type=Path, help="where the lines go")
    parser.add_argument("projects", type=int, nargs="+", help="their ids")
    parser.add_argument("--seconds", type=float, help="stop after so long")
    options = parser.parse_args()
    anyio.run(main, options.checkpoint, options.file, options.projects, options.seconds)
