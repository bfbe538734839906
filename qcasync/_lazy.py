"""Names of a package that are imported when they are first used (PEP 562).

Who only names errors and models of qcasync need not wait for SQLite, for an HTTP library, or for decoders. Type
checkers see the same names through `if TYPE_CHECKING:`. Nothing else of the package may be imported here.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module


def lazily(
    package: str, modules: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """A package's `__getattr__` and `__dir__`.

    Args:
        package: Its name. What was imported stays among its attributes, so each name is looked up once.
        modules: Which names are to be found in which module.
    """
    places = {name: module for module, names in modules.items() for name in names}
    attributes = vars(sys.modules[package])

    def find(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        found = attributes[name] = getattr(import_module(places[name]), name)
        return found

    return find, lambda: sorted({*attributes, *places})
