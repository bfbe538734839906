"""The state of one simulated QuantConnect, and what changes it. Nothing in here answers a request."""

import random
from collections.abc import Iterator, Sequence

from qcasync.simulator.accounts import Account
from qcasync.simulator.books import Spelling
from qcasync.simulator.conditions import Conditions
from qcasync.simulator.deployments import Deployment, Ending
from qcasync.simulator.ledger import CommandRecord, EffectRecord, Ledger
from qcasync.simulator.projects import Project
from qcasync.simulator.wire import JsonObject

_FIRST_PROJECT = 20_000_000
_DAY = 86_400.0
_DEPLOYMENT_DAYS = 7
_PAPER = "PaperBrokerage"


class World:
    """Everything that exists. Not part of the public interface: `Simulator` is its face.

    Attributes:
        dice: The seeded randomness of answers. What exists is drawn elsewhere, so that traffic cannot change it.
    """

    def __init__(self, seed: int, conditions: Conditions) -> None:
        self.seed = seed
        self.conditions = conditions
        self.accounts: dict[int, Account] = {}
        self.projects: dict[int, Project] = {}
        self.ledger: Ledger = Ledger()
        self.dice: random.Random = random.Random(f"{seed}/dice")
        self._things = random.Random(f"{seed}/things")

    def add_account(self, user_id: int | None, api_token: str | None) -> Account:
        """Add an account, with invented credentials where none are given."""
        if user_id is None:
            user_id = self._things.randrange(100_000, 400_000)
            while user_id in self.accounts:
                user_id += 1
        if user_id in self.accounts:
            message = f"account {user_id} exists already"
            raise ValueError(message)
        token = f"simulated-{self._things.getrandbits(96):024x}" if api_token is None else api_token
        account = self.accounts[user_id] = Account(user_id, token)
        return account

    def add_project(
        self,
        deployments: Sequence[int],
        *,
        name: str | None,
        running: bool,
        spelling: Spelling,
        user_id: int,
        now: float,
    ) -> Project:
        """Add a project with a past: each deployment took a week, and the last one runs or ended an hour ago."""
        project_id = max(self.projects, default=_FIRST_PROJECT) + self._things.randrange(1, 10_000)
        project = Project(
            project_id,
            f"Project {project_id}" if name is None else name,
            user_id=user_id,
            seed=f"{self.seed}/{project_id}",
            spelling=spelling,
        )
        self.projects[project_id] = project
        for position, count in enumerate(deployments):
            weeks_ago = len(deployments) - position
            launched_at = now - weeks_ago * _DEPLOYMENT_DAYS * _DAY
            is_last = weeks_ago == 1
            ended_at = now - 3600.0 if is_last else launched_at + (_DEPLOYMENT_DAYS - 1) * _DAY
            deployment = self.deploy(project, launched_at, brokerage=_PAPER, initializing=0.0)
            step = (ended_at - launched_at) / (count + 1)
            if count:
                deployment.place(count, launched_at + step, step=step)
                deployment.flush(now)
            deployment.earlier = deployment.snapshot  # This past is settled: no replica has missed it.
            if not (is_last and running):
                deployment.stop(ended_at, "Stopped")
        return project

    def deploy(self, project: Project, now: float, *, brokerage: str, initializing: float) -> Deployment:
        """Launch the project."""
        position = len(project.deployments)
        digits = random.Random(f"{project.seed}/{position}").getrandbits(128)
        deployment = Deployment(
            f"L-{digits:032x}",
            seed=f"{project.seed}/{position}",
            launched_at=now,
            running_at=now + initializing,
            brokerage=brokerage,
            spelling=project.spelling,
        )
        project.deployments.append(deployment)
        return deployment

    def end(self, deployment: Deployment, now: float, ending: Ending) -> None:
        """Let a deployment end, after `stopping_seconds`; its last flush comes with the end."""
        deployment.stop(now + self.conditions.stopping_seconds, ending)
        deployment.advance(now, self.conditions.flush_seconds)

    def record_effect(self, request: int, now: float, kind: str, project: Project, deployment: Deployment) -> None:
        """Write into the ledger that a command had an effect."""
        self.ledger.add_effect(
            EffectRecord(request=request, at=now, kind=kind, project_id=project.id, deploy_id=deployment.deploy_id)
        )

    def deliver(
        self,
        request: int,
        now: float,
        project: Project,
        deployment: Deployment,
        command: JsonObject,
        *,
        broadcast: bool,
    ) -> None:
        """Give a command to an algorithm, which does nothing but have it in the ledger."""
        record = CommandRecord(
            request=request,
            at=now,
            project_id=project.id,
            deploy_id=deployment.deploy_id,
            command=dict(command),
            broadcast=broadcast,
        )
        self.ledger.add_command(record)
        self.record_effect(request, now, "command", project, deployment)

    def projects_of(self, user_id: int) -> Iterator[Project]:
        """The account's projects, in the order in which they were added."""
        return (project for project in self.projects.values() if project.user_id == user_id)
