"""The runs of a project, as a list of orders shows them."""

from qcasync.models._base import Model

__all__ = ["Deployment"]


class Deployment(Model, frozen=True, kw_only=True):
    """One deployment among those whose orders a project's list joins.

    The list has the deployments in launch order and says nowhere where one ends; order ids restart at 1 in each.

    Attributes:
        number: Its place among the deployments of this list, from 1.
        deploy_id: Such as "L-0123456789abcdef0123456789abcdef". None if none of its orders has an event that tells.
        start: Index of its first order in the list.
        end: Index after its last order.
    """

    number: int
    deploy_id: str | None
    start: int
    end: int
