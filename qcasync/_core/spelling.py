"""The same models under other keys: PascalCase and kebab-case, as older engines wrote them.

The wire type for another spelling is *derived* from the model, never written beside it: a struct of the same layout
with other keys. msgspec calls its `__post_init__` once it is filled, and there it is told its real class. So an old
body decodes in one pass to the very classes of a new one. Telling the class costs 0.1 microseconds an object, most of
them in CPython's check that the layouts agree: a page takes 1.6 times as long as in today's spelling.
"""

import re
import types
from collections.abc import Callable, Mapping
from typing import Any, ForwardRef, TypeGuard, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct

Spelling = Callable[[str], str]
"""From the camelCase key to the key in another spelling."""

_HUMP = re.compile("[A-Z]")


def camel(key: str) -> str:
    """Spell a key as today's answers do."""
    return key


def pascal(key: str) -> str:
    """Spell a key as orders and results of older engines do: `limitPrice` becomes `LimitPrice`."""
    return key[:1].upper() + key[1:]


def kebab(key: str) -> str:
    """Spell a key as events of older engines do: `fillPrice` becomes `fill-price`."""
    return _HUMP.sub(lambda letter: "-" + letter[0].lower(), key)


def fold(key: str) -> str:
    """Reduce a key to what all its spellings share."""
    return key.replace("-", "").replace("_", "").lower()


def respelled(
    model: Any,  # a type as annotations have it: a class, an alias, a union
    spelling: Spelling,
    *,
    exceptions: Mapping[type[Struct], Spelling] | None = None,
    replacements: Mapping[Any, Any] | None = None,
    forbid_unknown: bool = False,
) -> Any:
    """Return a type for msgspec that reads a model under other keys.

    Args:
        model: A model, or a type that contains models, such as `tuple[Order, ...]`.
        spelling: How keys are spelled.
        exceptions: Models whose keys are spelled differently.
        replacements: Types of fields to be read as another type.
        forbid_unknown: Whether a key without a field is an error. It tells that a spelling is the wrong one where every
            field has a default.
    """
    return _Respelling(spelling, exceptions or {}, replacements or {}, forbid_unknown).of(model)


class _Respelling:
    def __init__(
        self,
        spelling: Spelling,
        exceptions: Mapping[type[Struct], Spelling],
        replacements: Mapping[Any, Any],
        forbid_unknown: bool,
    ) -> None:
        self._spelling = spelling
        self._exceptions = exceptions
        self._replacements = replacements
        self._forbid_unknown = forbid_unknown
        self._done: dict[type[Struct], Any] = {}

    def of(self, annotation: Any) -> Any:
        if annotation in self._replacements:
            return self._replacements[annotation]
        if _is_model(annotation):
            if annotation not in self._done:
                self._done[annotation] = ForwardRef(_name(annotation))  # a symbol may hold a symbol
                self._done[annotation] = self._derive(annotation)
            return self._done[annotation]
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin in (Union, types.UnionType):
            return Union[tuple(self.of(argument) for argument in arguments)]  # noqa: UP007 - the members are computed
        if origin is None or hasattr(annotation, "__metadata__"):
            return annotation
        return origin[tuple(argument if argument is ... else self.of(argument) for argument in arguments)]

    def _derive(self, model: type[Struct]) -> type[Struct]:
        spelling = self._exceptions.get(model, self._spelling)
        fields = msgspec.structs.fields(model)

        def become_the_model(self: Struct) -> None:
            self.__class__ = model
            if finish is not None:
                finish(self)

        finish = getattr(model, "__post_init__", None)
        twin = msgspec.defstruct(
            _name(model),
            [(field.name, self.of(field.type), _default(field)) for field in fields],
            bases=model.__bases__,
            namespace={"__post_init__": become_the_model},
            rename={field.name: spelling(field.encode_name) for field in fields},
            forbid_unknown_fields=self._forbid_unknown,
            kw_only=True,
            frozen=False,
        )
        setattr(twin, _name(model), twin)  # where msgspec finds what the ForwardRef means
        return twin


def _is_model(annotation: Any) -> TypeGuard[type[Struct]]:
    return isinstance(annotation, type) and issubclass(annotation, Struct)


def _name(model: type[Struct]) -> str:
    return f"{model.__name__}Respelled"


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return msgspec.field() if field.default is NODEFAULT else msgspec.field(default=field.default)
