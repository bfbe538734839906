"""What the draft does not have yet, joined to what it has."""

from collections.abc import Sequence
from typing import Final

import msgspec

from qcasync.exporting.draft import Draft
from qcasync.exporting.pages import Sheet, fits, rest_of
from qcasync.exporting.parts import PartWriter
from qcasync.models.deployments import Deployment
from qcasync.models.listings import Anomaly


class MovedError(Exception):
    """The list is not the one that was read before."""


class Tail:
    """Takes the sheets of a listing that begins with the last sheet of the draft. Its methods block.

    Args:
        draft: Where to.
        last: The last sheet of the draft, which comes again, and must be the same orders; None for an empty draft.
    """

    def __init__(self, draft: Draft, last: Sheet | None) -> None:
        self._draft = draft
        self._known: Final = () if last is None else draft.contents.deployments
        self._odd: Final = () if last is None else draft.contents.anomalies
        self._first = 0 if last is None else last.end
        self._awaited = [] if last is None else last.marks()
        self._number = 1 if last is None else last.numbers[0]
        self._part: PartWriter | None = None

    @property
    def end(self) -> int:
        """Index after the last row that was taken."""
        return self._draft.contents.end if self._part is None or not self._part.rows else self._part.end

    def take(self, sheet: Sheet, deployments: Sequence[Deployment], anomalies: Sequence[Anomaly]) -> None:
        """Take the next sheet; the listing tells what deployments and anomalies it has seen up to there.

        Raises:
            MovedError: These are not the orders that were there before.
        """
        overlap = self._awaited[: sheet.page.count]
        if not fits(overlap, sheet.marks()[: len(overlap)]):
            raise MovedError
        del self._awaited[: len(overlap)]
        sheet = rest_of(self._renumbered(sheet), self._first)
        if not sheet.page.count:
            return
        if self._part is None:
            self._part = self._draft.begin_part()
        self._part.add(sheet)
        if self._part.rows >= self._draft.rows_of_a_part:
            self.finish(deployments, anomalies)

    def check_joined(self) -> None:
        """At the end of the listing.

        Raises:
            MovedError: It ended before the draft does.
        """
        if self._awaited:
            raise MovedError

    def finish(self, deployments: Sequence[Deployment], anomalies: Sequence[Anomaly]) -> None:
        """See what was taken so far onto the disk."""
        part = None if self._part is None else self._part.finish()
        self._part = None
        self._draft.keep(
            parts=self._draft.contents.parts if part is None else (*self._draft.contents.parts, part),
            deployments=self._joined(deployments),
            anomalies=(*self._odd, *(each for each in anomalies if each.index >= self._first)),
        )

    def abandon(self) -> None:
        """Leave nothing of what is not on the disk yet."""
        if self._part is not None:
            self._part.abandon()
            self._part = None

    def _renumbered(self, sheet: Sheet) -> Sheet:
        """The listing calls the first deployment that it sees number 1."""
        shift = self._number - 1
        return sheet if not shift else msgspec.structs.replace(sheet, numbers=tuple(n + shift for n in sheet.numbers))

    def _joined(self, deployments: Sequence[Deployment]) -> tuple[Deployment, ...]:
        joined = list(self._known)
        for seen in deployments:
            number = seen.number + self._number - 1
            if number <= len(joined):
                before = joined[number - 1]
                joined[number - 1] = msgspec.structs.replace(
                    before, deploy_id=before.deploy_id or seen.deploy_id, end=max(before.end, seen.end)
                )
            else:
                joined.append(msgspec.structs.replace(seen, number=number))
        return tuple(joined)
