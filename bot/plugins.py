"""Find the kinds of channels and sources: the built-in kinds, and the plug-ins of other installed packages.

A kind is a module with ``KIND`` (its name), a class ``Channel`` or ``Source`` and, if it has options, ``Options``: a
pydantic model of its keys in the configuration. Built-in kinds are the modules of one package. Plug-ins have an entry
point of the group ``wirewatch.channels`` or ``wirewatch.sources``, named after the kind.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from bot.model import visible
from bot.patterns import LazyPattern

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


#: Finds ``KIND = "slack"`` in a module, or the import of ``KIND`` in the ``__init__.py`` of a package.
_KIND = LazyPattern(r"\bKIND\b")
#: Maximum length of a plug-in's error, in characters.
_LONGEST_WHY = 200


class Kind(msgspec.Struct, frozen=True, eq=False, kw_only=True, dict=True):
    """A usable kind. Its module is imported on first use, because importing all kinds takes half a second."""

    name: str
    #: ``Channel`` or ``Source``.
    class_name: str
    load: Callable[[], ModuleType]
    #: The name and version of a plug-in's package, such as "wirewatch-board 1.0"; None for a built-in kind.
    package: str | None = None

    @functools.cached_property
    def module(self) -> ModuleType:
        return self.load()

    @property
    def made_by(self) -> type[Any]:
        """The kind's class ``Channel`` or ``Source``."""
        kind_class: type[Any] = getattr(self.module, self.class_name)
        return kind_class

    @property
    def options(self) -> type[Any] | None:
        """The pydantic model of the kind's options, or None if it has no options."""
        return getattr(self.module, "Options", None)


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A plug-in that is installed but cannot be used."""

    name: str
    package: str
    why: str

    def __str__(self) -> str:
        return f'the plug-in "{self.name}" of {self.package} cannot be loaded: {self.why}'


class Kinds(msgspec.Struct, frozen=True, kw_only=True):
    """All usable kinds and all broken plug-ins, sorted by name."""

    by_name: Mapping[str, Kind]
    broken: Mapping[str, Broken]

    @property
    def built_in(self) -> Kinds:
        """The kinds without plug-ins."""
        return Kinds(by_name={name: kind for name, kind in self.by_name.items() if kind.package is None}, broken={})


def find(package: str, *, group: str, made_by: str) -> Kinds:
    """Return the built-in kinds of ``package`` and the plug-ins of ``group``. Faulty plug-ins are in ``broken``."""
    kinds: dict[str, Kind] = {}
    for name in _built_in_names(package):
        load = functools.partial(importlib.import_module, f"{package}.{name}")
        kinds[name] = Kind(name=name, class_name=made_by, load=load)
    broken: dict[str, Broken] = {}
    for entry in sorted(_entry_points().get(group, ()), key=lambda entry: (entry.name, entry.value)):
        whose = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"
        try:
            _check_plugin(entry.load(), entry.name, made_by)
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            broken[entry.name] = Broken(name=entry.name, package=whose, why=_why(error))
            continue
        if first := kinds.get(entry.name):
            why = f"the kind already exists in {first.package or 'Wirewatch itself'}"
            broken.setdefault(entry.name, Broken(name=entry.name, package=whose, why=why))
        else:
            kinds[entry.name] = Kind(name=entry.name, class_name=made_by, load=entry.load, package=whose)
    return Kinds(by_name=dict(sorted(kinds.items())), broken=broken)


def are_installed(group: str) -> bool:
    """Return whether any plug-in of this group is installed. Imports nothing."""
    return bool(_entry_points().get(group))


@functools.cache
def _entry_points() -> Mapping[str, Sequence[EntryPoint]]:
    if not any(map(_may_have_plugins, sys.path)):
        return {}
    from importlib import metadata  # slow to import

    entries = metadata.entry_points()
    return {group: tuple(entries.select(group=group)) for group in entries.groups if group.startswith("wirewatch.")}


def _may_have_plugins(place: str) -> bool:
    """Return whether a package in this entry of sys.path may be a plug-in; always True for a zip file.

    Searching the files for the name takes a tenth of the time that importlib.metadata takes.
    """
    if Path(place).is_file():
        return True
    for file in Path(place).glob("*.*-info/entry_points.txt"):
        try:
            if b"[wirewatch." in file.read_bytes():
                return True
        except OSError:
            continue
    return False


class _InvalidPlugin(Exception):
    """A plug-in that can be loaded but does not follow the convention."""


def _built_in_names(package: str) -> Iterator[str]:
    """Yield the names of the built-in kinds, which are the modules whose text contains KIND. Imports none of them."""
    for folder in importlib.import_module(package).__path__:
        for info in pkgutil.iter_modules([folder]):
            file = Path(folder, info.name, "__init__.py") if info.ispkg else Path(folder, f"{info.name}.py")
            if _KIND.search(file.read_text(encoding="utf-8")):
                yield info.name


def _check_plugin(module: object, name: str, made_by: str) -> None:
    """Raise _InvalidPlugin if the module does not follow the convention."""
    if not isinstance(module, ModuleType):
        raise _InvalidPlugin("its entry point does not name a module")
    if getattr(module, "KIND", None) != name:
        raise _InvalidPlugin(f"its KIND is {getattr(module, 'KIND', None)!r}, not the name of its entry point")
    if not isinstance(getattr(module, made_by, None), type):
        raise _InvalidPlugin(f"it has no class {made_by}")
    options = getattr(module, "Options", None)
    if options is not None and not hasattr(options, "model_validate_json"):
        raise _InvalidPlugin("its Options are not a pydantic model")


def _why(error: Exception) -> str:
    text = " ".join(str(error).split())
    reason = text if isinstance(error, _InvalidPlugin) else f"{type(error).__name__}: {text}".rstrip(": ")
    return visible.line(reason, _LONGEST_WHY)
