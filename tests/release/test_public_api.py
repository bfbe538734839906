"""What users may rely on is written down, so that nobody changes it unawares."""

import difflib

from tests.release.public_api import PAGE, render

UPDATE = "If that is meant, `python -m tests.release.public_api` writes the page anew, and CHANGELOG.md tells users."


def test_public_names_and_signatures_are_as_written_down() -> None:
    written, there = PAGE.read_text().splitlines(), render().splitlines()
    changes = list(difflib.unified_diff(written, there, "written down", "there", lineterm="", n=0))
    assert not changes, "\n".join([*changes, UPDATE])


def test_the_page_names_what_users_call() -> None:
    """A page that lost a part of the library would agree with itself."""
    lines = PAGE.read_text().splitlines()
    for begins in (
        "qcasync.Client.watch(self, projects: Projects | None=None, *, status: ",
        "qcasync.Live.list_orders(self, project_id: int, *, ",
        "qcasync.Order.quantity: Number",
        "qcasync.OrderStatus.FILLED = 3",
        "qcasync.OrderListing.total: int",
        "class qcasync.RateLimitError(APIError)",
        "qcasync.decode_orders(body: ",
        "qcasync.models.Order is qcasync.Order",
        "qcasync.poller.Store.commit(self, ",
        "qcasync.simulator.Simulator.add_project(self, ",
    ):
        assert sum(line.startswith(begins) for line in lines) == 1, begins
