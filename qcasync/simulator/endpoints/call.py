"""One authenticated call, as the operations see it."""

import msgspec

from qcasync.simulator.conditions import Conditions
from qcasync.simulator.payloads import UnreadableError, read_int
from qcasync.simulator.projects import Project
from qcasync.simulator.wire import JsonObject
from qcasync.simulator.world import World


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, by whom, and when.

    Attributes:
        number: The request's number in the ledger.
        now: True Unix time. The server's clock matters to signatures and `Date` only.
    """

    world: World
    number: int
    user_id: int
    payload: JsonObject
    now: float

    @property
    def conditions(self) -> Conditions:
        """How the simulator behaves."""
        return self.world.conditions

    def project(self) -> Project:
        """The project that the call names, with its flushes up to date.

        Raises:
            UnreadableError: None is named, or the account has no such project.
        """
        project_id = read_int(self.payload, "projectId")
        if project_id is None:
            raise UnreadableError("Invalid argument")
        project = self.world.projects.get(project_id)
        if project is None or project.user_id != self.user_id:
            raise UnreadableError("Project not found")
        project.advance(self.now, self.conditions.flush_seconds)
        return project
