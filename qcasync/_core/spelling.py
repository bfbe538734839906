"""The same models under other keys: PascalCase and kebab-case, as older engines wrote them.

The wire type for another spelling is *derived* from the model, never written beside it: a subclass with the same fields
under other keys. An instance becomes one of the model itself by being told its class, which CPython allows because
the subclass adds nothing. The subclass tells it in `__post_init__`, once msgspec has filled it; where a payload has
thousands of them, those calls cost more than is gained, and whoever decodes settles them together (`settling.py`).
"""

import re
import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, ForwardRef, NamedTuple, TypeGuard, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo

Spelling = Callable[[str], str]
"""From the camelCase key to the key in another spelling."""

REQUIRED: Final[Any] = msgspec.field()
"""The default of a field that has none."""


class Form(NamedTuple):
    """How a field is written.

    Attributes:
        key: Its key.
        kind: Its type, as an annotation; models in it are respelled.
        default: `REQUIRED`, or what it is if it is left out.
    """

    key: str
    kind: Any
    default: Any = REQUIRED


_HUMP = re.compile("[A-Z]")


def parametrized(generic: Any, *arguments: Any) -> Any:
    """Return `generic[arguments]` for computed types. In brackets, checkers would take them for annotations."""
    return generic[arguments]


def camel(key: str) -> str:
    """Spell a key as today's answers do."""
    return key


def pascal(key: str) -> str:
    """Spell a key as orders and results of older engines do: `limitPrice` becomes `LimitPrice`."""
    return key[:1].upper() + key[1:]


def kebab(key: str) -> str:
    """Spell a key as events of older engines do: `fillPrice` becomes `fill-price`."""
    return _HUMP.sub(lambda letter: "-" + letter[0].lower(), key)


@lru_cache(1024)
def fold(key: str) -> str:
    """Reduce a key to what all its spellings share."""
    return key.replace("-", "").replace("_", "").lower()


def respelled(
    model: Any,  # a type as annotations have it: a class, an alias, a union
    spelling: Spelling,
    *,
    exceptions: Mapping[type[Struct], Spelling] | None = None,
    forms: Mapping[type[Struct], Mapping[str, Form]] | None = None,
    replacements: Mapping[Any, Any] | None = None,
    unsettled: Collection[type[Struct]] = (),
    forbid_unknown: bool = False,
) -> Any:
    """Return a type for msgspec that reads a model under other keys.

    Args:
        model: A model, or a type that contains models, such as `tuple[Order, ...]`.
        spelling: How keys are spelled.
        exceptions: Models whose keys are spelled differently.
        forms: Fields, by model and name, that have another form altogether.
        replacements: Types of fields, or models, to be read as another type.
        unsettled: Models whose instances remain of the derived type until the caller settles them.
        forbid_unknown: Whether a key without a field is an error in models of which every field has a default. There it
            alone tells that a spelling is the wrong one.
    """
    return _Respelling(
        spelling=spelling,
        exceptions=exceptions or {},
        forms=forms or {},
        replacements=replacements or {},
        unsettled=unsettled,
        forbid_unknown=forbid_unknown,
    ).of(model)


@dataclass(frozen=True, kw_only=True)
class _Respelling:
    spelling: Spelling
    exceptions: Mapping[type[Struct], Spelling]
    forms: Mapping[type[Struct], Mapping[str, Form]]
    replacements: Mapping[Any, Any]
    unsettled: Collection[type[Struct]]
    forbid_unknown: bool
    done: dict[Any, Any] = field(default_factory=dict[Any, Any])

    def of(self, annotation: Any) -> Any:
        if isinstance(annotation, TypeVar):
            annotation = annotation.__bound__
        model = get_origin(annotation) or annotation
        for key in (annotation, model):
            if key in self.replacements:
                return self.replacements[key]
        if _is_model(model):
            if annotation not in self.done:
                self.done[annotation] = ForwardRef(_name(model))  # a symbol may hold a symbol
                self.done[annotation] = self._derive(model, annotation)
            return self.done[annotation]
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin in (Union, types.UnionType):
            return Union[tuple(self.of(argument) for argument in arguments)]  # noqa: UP007 - the members are computed
        if origin is None or hasattr(annotation, "__metadata__"):
            return annotation
        return origin[tuple(argument if argument is ... else self.of(argument) for argument in arguments)]

    def _derive(self, model: type[Struct], annotation: Any) -> type[Struct]:
        fields = msgspec.structs.fields(annotation)
        spelling = self.exceptions.get(model, self.spelling)
        usual = {each.name: Form(spelling(each.encode_name), each.type, _default(each)) for each in fields}
        forms = {
            name: form._replace(kind=self.of(form.kind))
            for name, form in (usual | dict(self.forms.get(model, {}))).items()
        }
        forbid = self.forbid_unknown and all(form.default is not REQUIRED for form in forms.values())
        same = annotation is model and all(forms[each.name][:2] == (each.encode_name, each.type) for each in fields)
        if same and not forbid and model not in self.unsettled:
            return model
        twin = msgspec.defstruct(
            _name(model),
            [(name, form.kind, form.default) for name, form in forms.items()],
            bases=(model,),
            namespace={} if model in self.unsettled else {"__post_init__": _becoming(model)},
            rename={name: form.key for name, form in forms.items()},
            forbid_unknown_fields=forbid,
            kw_only=True,
            frozen=False,
        )
        setattr(twin, _name(model), twin)  # where msgspec finds what the ForwardRef means
        return twin


def _becoming(model: type[Struct]) -> Callable[[Struct], None]:
    finish = getattr(model, "__post_init__", None)

    def become_the_model(self: Struct) -> None:
        self.__class__ = model
        if finish is not None:
            finish(self)

    return become_the_model


def _is_model(annotation: Any) -> TypeGuard[type[Struct]]:
    return isinstance(annotation, type) and issubclass(annotation, Struct)


def _name(model: type[Struct]) -> str:
    return f"{model.__name__}Respelled"


def _default(told: FieldInfo) -> Any:
    if told.default_factory is not NODEFAULT:
        return msgspec.field(default_factory=told.default_factory)
    if told.default is NODEFAULT:
        return REQUIRED
    exact = isinstance(told.default, float) and Decimal in (told.type, *get_args(told.type))
    return msgspec.field(default=Decimal(str(told.default)) if exact else told.default)
