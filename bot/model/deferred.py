"""Names of a package that are imported when they are first used: each start of a command would pay for all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def names(package: str, modules: Mapping[str, str]) -> Callable[[str], object]:
    """The ``__getattr__`` of a package whose ``modules`` have these names, separated by spaces.

    Raises ValueError of a name that a module has too: whoever imports that module first makes the name the module.
    """
    module_of = {name: module for module, defined in modules.items() for name in defined.split()}
    if shadowed := module_of.keys() & modules.keys():
        raise ValueError(f"{package}: modules and names cannot be called alike: {', '.join(sorted(shadowed))}")

    def first_use(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found: object = getattr(import_module(f"{package}.{module_of[name]}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return first_use
