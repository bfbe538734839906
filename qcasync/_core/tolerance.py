"""Reading JSON as models the patient way, for what the strict decoder refuses.

The API's types have drifted over the years, and PHP and .NET each write some values in their own way. Here every such
form is accepted, put right and named; what remains unreadable is an error with its path. This is ten times slower than
the strict decoder, and sees only what that one refused.
"""

from decimal import Decimal
from functools import cache
from typing import Any, Final, get_origin

from msgspec import inspect

from qcasync._core import repairs, scalars
from qcasync._core.scalars import NoValueError, UnreadableError, expected
from qcasync._core.spelling import fold
from qcasync.models._json import is_array, is_object

MAX_QUIRKS: Final = 50
_MAX_KEY: Final = 40


class Reader:
    """Reads values, and remembers what it had to put right."""

    def __init__(self) -> None:
        self._quirks: dict[str, None] = {}

    @property
    def quirks(self) -> tuple[str, ...]:
        """What was put right so far, each kind once."""
        return tuple(self._quirks)

    def note(self, field: str, quirk: str) -> None:
        """Remember that a field came in another form."""
        if quirk and len(self._quirks) < MAX_QUIRKS:
            self._quirks[f"{field}: {quirk}" if field else quirk] = None

    def read(self, value: Any, kind: Any, path: str = "$") -> Any:
        """Return the value as an instance of a type, which may be anything that models have as annotations.

        Raises:
            UnreadableError: It cannot be.
        """
        plan = _plan(kind)
        try:
            return self._read(value, plan, "", path)
        except NoValueError as error:
            if not _takes_null(plan):
                raise
            self.note("", error.reason)
            return None
        except RecursionError:
            raise UnreadableError("nested too deeply", path) from None

    def _read(self, value: Any, plan: inspect.Type, field: str, path: str) -> Any:
        if isinstance(plan, inspect.UnionType):
            if value is None:
                return None
            options = [option for option in plan.types if not isinstance(option, inspect.NoneType)]
            plan = options[0] if len(options) == 1 else inspect.AnyType()  # no model but an open one has a choice
        quirk = ""
        try:
            match plan:
                case inspect.StructType():
                    found = self._model(value, plan.cls, field, path)
                case inspect.DictType():
                    found = self._dict(value, plan.value_type, field, path)
                case inspect.VarTupleType():
                    found = self._tuple(value, plan.item_type, field, path)
                case _:
                    found, quirk = scalars.read(value, plan)
        except UnreadableError as error:
            error.path = error.path or path
            raise
        self.note(field, quirk)
        return found

    def _object(self, value: Any, field: str) -> dict[str, Any]:
        if value == []:
            self.note(field, "[] for {}")  # PHP writes both alike
            return {}
        if not is_object(value):
            raise expected("an object", value)
        return value

    def _model(self, value: Any, kind: Any, field: str, path: str) -> Any:
        model = get_origin(kind) or kind  # an `Order[Decimal]` is an Order
        sent = repairs.repair(model, value, self.note)
        known = _fields(kind)
        values: dict[str, Any] = {}
        for key, item in self._object(sent, field).items():
            target = known.get(fold(key))
            if target is None:
                continue
            if key != target.encode_name:
                self.note(model.__name__, "keys in another spelling")
            if item is None and not target.required and not _takes_null(target.type):
                self.note(target.encode_name, "null")
                continue
            try:
                values[target.name] = self._read(item, target.type, target.encode_name, f"{path}.{target.encode_name}")
            except NoValueError as error:
                if target.required:  # without it there is no model, and to leave that out would lose something
                    raise UnreadableError(error.reason, error.path) from None
                self.note(target.encode_name, error.reason)
        for target in known.values():
            if target.name not in values:
                values |= _left_out(target, path)
        return model(**values)

    def _tuple(self, value: Any, plan: inspect.Type, field: str, path: str) -> tuple[Any, ...]:
        items = value
        if is_object(value):
            # PHP writes an array as an object if its keys are not 0, 1, 2, ...; documents show one item for the list.
            numbered = all(key.isdigit() for key in value)
            self.note(field, "object for list" if numbered else "one item for list")
            items = list(value.values()) if numbered else [value]
        if not is_array(items):
            raise expected("a list", items)
        return tuple(self._read(item, plan, field, f"{path}[{index}]") for index, item in enumerate(items))

    def _dict(self, value: Any, plan: inspect.Type, field: str, path: str) -> dict[str, Any]:
        told = self._object(value, field)
        if isinstance(plan, inspect.StructType) and any(isinstance(item, str | int | float) for item in told.values()):
            self.note(field, "one item for dictionary")  # as the documents show it
            told = {repairs.key_of(told): told}
        return {key: self._read(item, plan, field, f"{path}[{key[:_MAX_KEY]!r}]") for key, item in told.items()}


@cache
def _plan(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


@cache
def _fields(kind: Any) -> dict[str, inspect.Field]:
    plan: Any = inspect.type_info(kind)  # of a Struct it is a StructType
    told = [field for field in plan.fields if not field.encode_name.startswith("@")]
    by_name = {fold(field.name): field for field in told}
    aliases = {alias: by_name[fold(name)] for alias, name in repairs.ALIASES.get(get_origin(kind) or kind, {}).items()}
    return by_name | {fold(field.encode_name): field for field in told} | aliases


def _left_out(field: inspect.Field, path: str) -> dict[str, Any]:
    if field.required:
        raise UnreadableError(f"no `{field.encode_name}`", path)
    exact = isinstance(field.default, float) and isinstance(field.type, inspect.DecimalType)
    return {field.name: Decimal(str(field.default))} if exact else {}


def _takes_null(plan: inspect.Type) -> bool:
    if isinstance(plan, inspect.UnionType):
        return any(isinstance(option, inspect.NoneType) for option in plan.types)
    return isinstance(plan, inspect.AnyType)
