"""The kinds of channels and sources that there are: our own, and those that other installed packages bring.

One convention for both. A kind is a module with ``KIND``, its name; a class, ``Channel`` or ``Source``; and, where it
has any, ``Options``, a pydantic model of the keys that a user may write beside ``kind``. Ours are the modules of one
package; others' are found by entry points of the group ``wirewatch.channels`` or ``wirewatch.sources``, each named as
its kind.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bot.model import visible

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


#: ``KIND = "slack"`` of a module, or the import that takes it from inside a package.
_KIND = re.compile(r"\bKIND\b")
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
    """Every kind of ``package`` and of the entry points of ``group``; never raises for others'.

    Ours are imported one by one when they are asked for: the libraries of all of them cost half a second.
    """
    found: dict[str, Kind | None] = dict.fromkeys(_own(package))
    broken: dict[str, Broken] = {}
    for entry in sorted(_ours_by_group().get(group, ()), key=lambda entry: (entry.name, entry.value)):
        whose = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"
        try:
            kind = _loaded(entry.load, entry.name, made_by, whose)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not ours
            broken[entry.name] = Broken(name=entry.name, package=whose, why=_why(error))
            continue
        if entry.name in found:
            known = found[entry.name]
            why = f"the kind is there already, by {(known and known.package) or 'Wirewatch itself'}"
            broken.setdefault(entry.name, Broken(name=entry.name, package=whose, why=why))
        else:
            found[kind.name] = kind
    return Kinds(found=_Found(package, made_by, dict(sorted(found.items()))), broken=broken)


class _Found(Mapping[str, Kind]):
    """Kinds by name; one of ours is imported at its first look-up."""

    def __init__(self, package: str, made_by: str, known: dict[str, Kind | None]) -> None:
        self._package = package
        self._made_by = made_by
        self._known = known

    def __getitem__(self, name: str) -> Kind:
        kind = self._known[name]
        if kind is None:
            module = importlib.import_module(f"{self._package}.{name}")
            kind = self._known[name] = _kind(module, self._made_by)
        return kind

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def are_installed(group: str) -> bool:
    """Whether any other package brings one. Imports nothing."""
    return bool(_ours_by_group().get(group))


@functools.cache
def _ours_by_group() -> Mapping[str, Sequence[EntryPoint]]:
    if not any(map(_may_name_ours, sys.path)):
        return {}
    from importlib import metadata

    found = metadata.entry_points()
    return {group: tuple(found.select(group=group)) for group in found.groups if group.startswith("wirewatch.")}


def _may_name_ours(place: str) -> bool:
    """Whether a package that is installed here may have an entry point of ours; True of what is no folder.

    Costs start-up: to look for the groups' names in the files takes a tenth of importing what reads them.
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


class _Unfit(Exception):
    """It loads, and does not keep the convention."""


def _own(package: str) -> Iterator[str]:
    """Names of our kinds, each that of its module, found without an import: each has KIND in its text."""
    for folder in importlib.import_module(package).__path__:
        for info in pkgutil.iter_modules([folder]):
            file = Path(folder, info.name, "__init__.py") if info.ispkg else Path(folder, f"{info.name}.py")
            if _KIND.search(file.read_text(encoding="utf-8")):
                yield info.name


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
