"""Complete listings, performed concurrently: the plan decides, a fixed number of workers fetch."""

from qcasync._listing.orders import OrderPages
from qcasync._listing.pages import Pages

__all__ = ["OrderPages", "Pages"]
