"""The kinds of channels and sources that there are: our own, and those that other installed packages bring.

One convention for both. A kind is a module with ``KIND``, its name; a class, ``Channel`` or ``Source``; and, where it
has any, ``Options``, a pydantic model of the keys that a user may write beside ``kind``. Ours are the modules of one
package; others' are found by entry points of the group ``wirewatch.channels`` or ``wirewatch.sources``, each named as
its kind.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from bot.model import visible

__all__ = ["Broken", "Kind", "Kinds", "are_installed", "find"]

#: An error of somebody else's, in one line.
_LONGEST_WHY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One that can be used."""

    name: str
    module: ModuleType
    #: ``Channel`` or ``Source``.
    made_by: type
    #: A pydantic model; None: it has no keys of its own.
    options: type[Any] | None
    #: Who brings it, "wirewatch-board 1.0"; None: this program.
    package: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One that is installed and cannot be used."""

    name: str
    package: str
    why: str

    def __str__(self) -> str:
        return f'the plug-in "{self.name}" of {self.package} cannot be loaded: {self.why}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """By name, sorted."""

    found: Mapping[str, Kind]
    broken: Mapping[str, Broken]

    @property
    def options(self) -> Mapping[str, type[Any] | None]:
        """Kind -> the pydantic model of its options; None: it has none."""
        return {name: kind.options for name, kind in self.found.items()}


def find(package: str, *, group: str, made_by: str) -> Kinds:
    """Every kind of ``package`` and of the entry points of ``group``. Imports them all; never raises for others'."""
    found = {module.KIND: _kind(module, made_by) for module in _own(package)}
    broken: dict[str, Broken] = {}
    for entry in sorted(importlib.metadata.entry_points(group=group), key=lambda entry: (entry.name, entry.value)):
        whose = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"
        try:
            kind = _loaded(entry.load, entry.name, made_by, whose)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not ours
            broken[entry.name] = Broken(name=entry.name, package=whose, why=_why(error))
            continue
        if known := found.get(entry.name):
            why = f"the kind is there already, by {known.package or 'Wirewatch itself'}"
            broken.setdefault(entry.name, Broken(name=entry.name, package=whose, why=why))
        else:
            found[kind.name] = kind
    return Kinds(found=dict(sorted(found.items())), broken=broken)


def are_installed(group: str) -> bool:
    """Whether any other package brings one. Imports nothing."""
    return bool(importlib.metadata.entry_points(group=group))


class _Unfit(Exception):
    """It loads, and does not keep the convention."""


def _own(package: str) -> Iterator[ModuleType]:
    path = importlib.import_module(package).__path__
    modules = (importlib.import_module(f"{package}.{info.name}") for info in pkgutil.iter_modules(path))
    return (module for module in modules if hasattr(module, "KIND"))


def _kind(module: ModuleType, made_by: str, package: str | None = None) -> Kind:
    return Kind(
        name=module.KIND,
        module=module,
        made_by=getattr(module, made_by),
        options=getattr(module, "Options", None),
        package=package,
    )


def _loaded(load: Callable[[], object], name: str, made_by: str, package: str) -> Kind:
    module = load()
    if not isinstance(module, ModuleType):
        raise _Unfit("its entry point names no module")
    if getattr(module, "KIND", None) != name:
        raise _Unfit(f"its KIND is {getattr(module, 'KIND', None)!r}, not the name of its entry point")
    if not isinstance(getattr(module, made_by, None), type):
        raise _Unfit(f"it has no class {made_by}")
    options = getattr(module, "Options", None)
    if options is not None and not hasattr(options, "model_validate_json"):
        raise _Unfit("its Options are no pydantic model")
    return _kind(module, made_by, package)


def _why(error: Exception) -> str:
    text = " ".join(str(error).split())
    told = text if isinstance(error, _Unfit) else f"{type(error).__name__}: {text}".rstrip(": ")
    return visible.line(told, _LONGEST_WHY)
