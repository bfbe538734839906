"""What an export has read so far, in a folder that outlives the process: finished parts, and a list of them.

A part counts from the moment when the list names it, and the list is replaced as a whole. So whenever the process dies,
the draft is what the list says.
"""

from collections.abc import Container, Generator
from pathlib import Path
from typing import Final

import msgspec

from qcasync.errors import ConfigurationError
from qcasync.exporting.folder import Lock, digest_of, write_whole
from qcasync.exporting.pages import Sheet
from qcasync.exporting.parts import Part, PartWriter, read_part
from qcasync.models.deployments import Deployment
from qcasync.models.listings import Anomaly

FOLDER: Final = ".qcasync-export"
FORM: Final = 1
"""Of the lines and of the list. Another release may write others."""
ROWS_OF_A_PART: Final = 20_000
OLDEST: Final = 24 * 3600.0
"""Seconds after which an interrupted export is not continued: too much of it may be no longer so."""

_LIST: Final = "manifest.json"
_LOCK: Final = "lock"


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The list of a draft.

    Attributes:
        form: How lines and list are written.
        library: The release that began it.
        project_id: The project.
        account: Whose it is, as a digest.
        begun_at: Unix time.
        serial: How many parts were ever made.
        parts: The parts of the orders, in order.
        deployments: The deployments of the orders read so far.
        anomalies: What was odd about the orders read so far.
        suspected: What was odd when they were read before that: seen again, it is no sign that the list moved.
        placed: Size and time of the files that an interrupted export has already put into their places.
    """

    form: int
    library: str
    project_id: int
    account: str
    begun_at: float
    serial: int = 0
    parts: tuple[Part, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    suspected: tuple[Anomaly, ...] = ()
    placed: dict[str, tuple[int, int]] = {}

    @property
    def end(self) -> int:
        """Index after the last row of the last part."""
        return self.parts[-1].end if self.parts else 0


class Draft:
    """The folder in use. Its methods block; they are called in worker threads, one at a time.

    Args:
        to: Where the files of the export go; the folder is in it.
        wanted: What the draft must be about to be continued.
        rows_of_a_part: After how many rows a part is finished.

    Attributes:
        path: The folder.
        contents: What is in it.
        renounced: Why a draft that was there is not continued; "" if it is, or if there was none.
    """

    def __init__(self, to: Path, wanted: Contents, *, rows_of_a_part: int = ROWS_OF_A_PART) -> None:
        self.path: Path = to / FOLDER
        self.rows_of_a_part: int = rows_of_a_part
        self.contents: Contents = wanted
        self.renounced: str = ""
        self._wanted = wanted
        self._made: list[Path] = []
        self._is_begun = False
        self._lock = Lock(self.path / _LOCK)

    @property
    def is_held(self) -> bool:
        """Whether it is ours."""
        return self._lock.is_held

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it that a later export could use."""
        if self.contents.parts or self.contents.placed:
            return False
        return self._is_begun or not (self.path / _LIST).exists()

    def open(self) -> None:
        """Take the folder into use, and see what is in it. Changes nothing that is there.

        Raises:
            ConfigurationError: It cannot be made, or another export uses it.
        """
        try:
            if self.path.is_symlink():
                raise ConfigurationError(f"{self.path} is a symbolic link.", "Remove it.")
            self._make(self.path)
            taken = self._lock.take()
        except OSError as error:
            raise ConfigurationError(
                f"{self.path} cannot be used: {error.strerror}.", "Name another folder."
            ) from error
        if not taken:
            raise ConfigurationError(f"Another export into {self.path.parent} is running.", "Name another folder.")
        self._look()

    def begin(self) -> None:
        """Go on with what is in it, or begin anew."""
        self._is_begun = True
        self.keep()
        self._sweep({_LIST, _LOCK, *(part.name for part in self.contents.parts)})

    def close(self, *, remove: bool) -> None:
        """Give the folder up.

        Args:
            remove: Whether nothing in it is of use any more.
        """
        if not self._lock.is_held:
            return
        if not remove:
            self._lock.release(remove=False)
            return
        (self.path / _LIST).unlink(missing_ok=True)  # first: killed from now on, it has nothing to go on with
        self._sweep({_LOCK})
        self._lock.release(remove=True)
        for made in (self.path, *self._made):
            try:
                made.rmdir()
            except OSError:  # somebody else uses it
                return

    def keep(self, **changed: object) -> None:
        """Note what has changed in the list, and see it onto the disk. Parts that it no longer names go."""
        before = {part.name for part in self.contents.parts}
        self.contents = msgspec.structs.replace(self.contents, **changed)
        write_whole(self.path / _LIST, msgspec.json.encode(self.contents))
        for name in before.difference(part.name for part in self.contents.parts):
            (self.path / name).unlink(missing_ok=True)

    def forget(self) -> None:
        """Begin anew."""
        self.keep(
            parts=(),
            deployments=(),
            anomalies=(),
            suspected=self.contents.anomalies,
            begun_at=self._wanted.begun_at,
        )

    def begin_part(self) -> PartWriter:
        """Begin another part."""
        self.contents = msgspec.structs.replace(self.contents, serial=self.contents.serial + 1)
        return PartWriter(self.path / f"orders-{self.contents.serial:06}.part")

    def sheets(self, part: Part) -> Generator[Sheet, None, None]:
        """Read a part.

        Raises:
            ConfigurationError: It is damaged.
        """
        return read_part(self.path / part.name)

    def _look(self) -> None:
        try:
            found = msgspec.json.decode((self.path / _LIST).read_bytes(), type=Contents)
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            self.renounced = "it cannot be read"
            return
        self.renounced = self._objection(found)
        if not self.renounced:
            self.contents = found
        elif (found.project_id, found.account) == (self._wanted.project_id, self._wanted.account):
            self.contents = msgspec.structs.replace(self.contents, placed=found.placed)

    def _objection(self, found: Contents) -> str:
        wanted = self._wanted
        if (found.form, found.library) != (wanted.form, wanted.library):
            return f"qcasync {found.library} made it"
        if found.project_id != wanted.project_id:
            return f"it is about project {found.project_id}"
        if found.account != wanted.account:
            return "it is another account's"
        if not 0 <= wanted.begun_at - found.begun_at <= OLDEST:
            return f"it was begun more than {OLDEST / 3600:.0f} hours ago"
        if any(not self._is_sound(part) for part in found.parts):
            return "it is damaged"
        return ""

    def _is_sound(self, part: Part) -> bool:
        try:
            return digest_of(self.path / part.name) == part.digest
        except OSError:
            return False

    def _sweep(self, kept: Container[str]) -> None:
        """Remove the files of the folder, but for those that are to be kept."""
        for file in self.path.iterdir():
            if file.name not in kept and (file.is_symlink() or not file.is_dir()):
                file.unlink(missing_ok=True)

    def _make(self, folder: Path) -> None:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(mode=0o700 if each == folder else 0o777, exist_ok=True)
        self._made = [each for each in missing if each != folder]
