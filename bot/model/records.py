"""``dataclass``: the standard library's, made in a fifth of the time.

Costs start-up: Python compiles the text of six methods for each class of data, of which a command imports 200 to 320
and uses few: a quarter of its time. Here each is compiled at its first call. Fields, parameters, errors and results are
those of ``dataclasses.dataclass`` (tests/model/test_records.py compares them), and so is what type checkers know.
"""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

#: In the place of an argument that was not given and whose default is made anew for each record.
_MADE = object()


def _dataclass(
    *,
    frozen: bool = False,
    slots: bool = False,
    kw_only: bool = False,
    eq: bool = True,
    repr: bool = True,  # noqa: A002 -- its name there
) -> Callable[[type], type]:
    """As ``dataclasses.dataclass`` with these parameters; always with ``__init__``, never with an order."""

    def made(cls: type) -> type:
        if not slots or any(map(dataclasses.is_dataclass, cls.__mro__[1:])):
            # What a parent has, or fields that are no descriptors, is left to the standard library.
            return dataclasses.dataclass(frozen=frozen, slots=slots, kw_only=kw_only, eq=eq, repr=repr)(cls)
        own = set(cls.__dict__)
        if cls.__dict__.get("__hash__") is None:
            # Python's own mark on a class with __eq__.
            own.discard("__hash__")
        # Else the standard library writes one from the signature.
        cls.__doc__ = cls.__doc__ or f"{cls.__name__}(...)"
        cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
        told = cls.__dataclass_params__  # type: ignore[attr-defined]
        told.init, told.repr, told.eq, told.frozen = True, repr, eq, frozen
        fields = dataclasses.fields(cls)
        methods: dict[str, Any] = {"__init__": _later(cls, "__init__", lambda: _init(cls, fields))}
        if repr:
            methods["__repr__"] = _later(cls, "__repr__", lambda: _repr(fields))
        if eq:
            compared = [field.name for field in fields if field.compare]
            methods["__eq__"] = _later(cls, "__eq__", lambda: _eq(compared))
            methods["__hash__"] = _later(cls, "__hash__", lambda: _hash(compared)) if frozen else None
        if frozen:
            methods |= _frozen(cls, tuple(field.name for field in fields))
        for name, method in methods.items():
            if name not in own:
                setattr(cls, name, method)
        return cls

    return made


def _later(cls: type, name: str, make: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
    """A method that at its first call is replaced by the compiled one."""

    def at_first_call(self: Any, *values: Any, **named: Any) -> Any:
        method = make()
        method.__name__, method.__qualname__ = name, f"{cls.__qualname__}.{name}"
        setattr(cls, name, method)
        return method(self, *values, **named)

    return at_first_call


def _compiled(arguments: str, lines: Sequence[str], scope: dict[str, Any]) -> Callable[..., Any]:
    text = f"def method({arguments}):\n " + "\n ".join(lines)
    exec(text, scope)  # noqa: S102 -- names of our own fields
    made: Callable[..., Any] = scope["method"]
    return made


def _init(cls: type, fields: Sequence[dataclasses.Field[Any]]) -> Callable[..., None]:
    """Sets each field by its slot, which a frozen class does not refuse."""
    scope: dict[str, Any] = {"_MADE": _MADE}
    places, names, lines = ["self"], ["*"], ["pass"]
    for field in fields:
        name = field.name
        value, default = name, ""
        if field.default_factory is not dataclasses.MISSING:
            scope[f"_make_{name}"] = field.default_factory
            default = "=_MADE"
            value = f"_make_{name}() if {name} is _MADE else {name}" if field.init else f"_make_{name}()"
        elif field.default is not dataclasses.MISSING:
            scope[f"_default_{name}"] = field.default
            default = f"=_default_{name}"
            value = name if field.init else f"_default_{name}"
        elif not field.init:
            continue
        if field.init:
            (names if field.kw_only else places).append(name + default)
        scope[f"_set_{name}"] = cls.__dict__[name].__set__
        lines.append(f"_set_{name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    return _compiled(", ".join(places + names if len(names) > 1 else places), lines, scope)


def _repr(fields: Sequence[dataclasses.Field[Any]]) -> Callable[..., str]:
    told = ", ".join(f"{field.name}={{self.{field.name}!r}}" for field in fields if field.repr)
    return reprlib.recursive_repr()(_compiled("self", [f"return f'{{self.__class__.__qualname__}}({told})'"], {}))


def _eq(names: Sequence[str]) -> Callable[..., bool]:
    same = f"return {_values('self', names)} == {_values('other', names)}"
    return _compiled("self, other", ["if other.__class__ is self.__class__:", f" {same}", "return NotImplemented"], {})


def _hash(names: Sequence[str]) -> Callable[..., int]:
    return _compiled("self", [f"return hash({_values('self', names)})"], {})


def _values(whose: str, names: Sequence[str]) -> str:
    return f"({''.join(f'{whose}.{name}, ' for name in names)})"


def _frozen(cls: type[Any], names: Sequence[str]) -> dict[str, Any]:
    above: Any = super

    def set_one(self: Any, name: str, value: Any) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        above(cls, self).__setattr__(name, value)

    def delete_one(self: Any, name: str) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        above(cls, self).__delattr__(name)

    def state(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    def restore(self: Any, values: Sequence[Any]) -> None:
        for name, value in zip(names, values, strict=True):
            object.__setattr__(self, name, value)

    return {"__setattr__": set_one, "__delattr__": delete_one, "__getstate__": state, "__setstate__": restore}


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass
