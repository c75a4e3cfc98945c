"""Every regular expression of the program, found by reading its modules.

A pattern is found whether it is a constant of a module, is kept inside a tuple, a dict, a class or the like, or stands
in the call of a function of ``re``; any other use of ``re`` counts as a pattern that cannot be known. How a pattern is
used is found too: one that is only matched at one place is not searched for.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import TypeGuard

import bot

#: These read only what the operator wrote: configuration, arguments and the terminal. The rule language is not
#: among them: its terms are run over articles.
OUR_OWN = ("bot.config.", "bot.keys.", "bot.cli.", "bot.storage.migrations.")
#: Of these, a list of feeds comes from another program.
THEIRS = "bot.config.opml"

_FUNCTIONS = frozenset(("compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn"))


@dataclass(slots=True)
class Found:
    pattern: re.Pattern[str] | re.Pattern[bytes]
    #: Module and line, or module and name.
    where: str
    #: Names of the methods that the program calls of it.
    methods: set[str] = field(default_factory=set)


@cache
def modules() -> tuple[ModuleType, ...]:
    names = [module.name for module in pkgutil.walk_packages(bot.__path__, prefix="bot.")]
    return tuple(importlib.import_module(name) for name in names if not name.endswith(("__main__", ".env")))


def strangers() -> Iterator[ModuleType]:
    """Modules that text of strangers may reach."""
    return (
        module for module in modules() if not f"{module.__name__}.".startswith(OUR_OWN) or THEIRS in module.__name__
    )


@cache
def patterns() -> tuple[list[Found], list[str]]:
    """All patterns, and the places of those that only the running program knows."""
    by_source: dict[tuple[str | bytes, int], Found] = {}
    unknown: list[str] = []
    uses = _uses()
    for module in strangers():
        for name, pattern in _kept_in(module):
            found = by_source.setdefault((pattern.pattern, pattern.flags), Found(pattern, f"{module.__name__}.{name}"))
            is_imported = name in _imported(tree_of(module), module)
            found.methods |= uses.get((module.__name__, name), set() if is_imported else {"finditer"})
        for call, method in _calls(tree_of(module)):
            written = _compiled(module, call, method)
            where = f"{module.__name__}:{call.lineno}"
            if method == "compile" and _is_kept(module, call):
                # Nearly always found by its name, which says how it is used.
                if written is not None:
                    by_source.setdefault((written.pattern, written.flags), Found(written, where, {"finditer"}))
                continue
            if written is None:
                unknown.append(where)
                continue
            found = by_source.setdefault((written.pattern, written.flags), Found(written, where))
            found.methods.add("finditer" if method == "compile" else method)
        unknown += [f"{module.__name__}:{line}" for line in hidden(tree_of(module))]
    return list(by_source.values()), unknown


@cache
def tree_of(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module)) if module.__file__ else ast.Module([], [])


def _kept_in(module: ModuleType) -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes]]]:
    for name, value in tuple(vars(module).items()):
        yield from ((name, pattern) for pattern in _inside(value, module.__name__, depth=4))


def _inside(value: object, module: str, *, depth: int) -> Iterator[re.Pattern[str] | re.Pattern[bytes]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for inner in (*value.keys(), *value.values()):
            yield from _inside(inner, module, depth=depth - 1)
    elif depth and isinstance(value, (tuple, list, set, frozenset)):
        for inner in value:
            yield from _inside(inner, module, depth=depth - 1)
    elif depth and getattr(type(value), "__module__", "") == module and hasattr(type(value), "__slots__"):
        for name in getattr(type(value), "__slots__", ()):
            yield from _inside(getattr(value, name, None), module, depth=depth - 1)
    elif depth and isinstance(value, type) and value.__module__ == module:
        for inner in vars(value).values():
            yield from _inside(inner, module, depth=depth - 1)


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_of_re(node.func) and node.args:
            yield node, node.func.attr


def hidden(tree: ast.Module) -> Iterator[int]:
    """Lines where a function of ``re`` is given another name or handed on, so that its patterns are not seen."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            if any(
                alias.name in ("regex", "sre_compile") or (alias.name == "re" and alias.asname) for alias in node.names
            ):
                yield node.lineno
        elif isinstance(node, ast.ImportFrom):
            if node.module == "re" and any(alias.name in _FUNCTIONS for alias in node.names):
                yield node.lineno
        elif _is_of_re(node) and id(node) not in called:
            yield node.lineno


def _is_of_re(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "re"
        and node.attr in _FUNCTIONS
    )


def _is_kept(module: ModuleType, call: ast.Call) -> bool:
    """The call is made when the module is imported: its pattern was found by its name."""
    return not any(
        isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and _holds(node, call)
        for node in ast.walk(tree_of(module))
    )


def _holds(node: ast.AST, call: ast.Call) -> bool:
    return any(inner is call for inner in ast.walk(node))


class _Sample(str):
    """Stands for a part of a pattern that is only known when the program runs, and for what is made of that part."""

    __slots__ = ()

    def __getattr__(self, name: str) -> _Sample:
        return self

    def __call__(self, *_: object) -> _Sample:
        return self

    def __iter__(self) -> Iterator[str]:
        """As of several parts."""
        return iter((str(self), str(self)))

    def split(self, *_: object) -> list[str]:
        return [*self]


class _Names(dict[str, object]):
    """The names of a module; any other is a sample."""

    sample: str | bytes = _Sample("abc")

    def __missing__(self, name: str) -> object:
        if hasattr(builtins, name):
            raise KeyError(name)
        return self.sample


def _value(node: ast.expr, names: dict[str, object]) -> object:
    try:
        return eval(compile(ast.Expression(node), "pattern", "eval"), {}, names)
    except (NameError, AttributeError, TypeError):
        return None


def _compiled(module: ModuleType, call: ast.Call, method: str) -> re.Pattern[str] | re.Pattern[bytes] | None:
    names = dict(vars(module))
    flags = _flags(call, method, names)
    argument = call.args[0]
    value = _value(argument, names)
    if value is None and isinstance(argument, (ast.JoinedStr, ast.BinOp, ast.Call)):
        sampled = _Names(names)
        if any(isinstance(node, ast.Constant) and isinstance(node.value, bytes) for node in ast.walk(argument)):
            sampled.sample = b"abc"
        value = _value(argument, sampled)
    if isinstance(value, re.Pattern):
        return value
    return re.compile(value, flags) if isinstance(value, (str, bytes)) else None


#: Where the flags stand among the arguments.
_FLAGS_AT = {"compile": 1, "search": 2, "match": 2, "fullmatch": 2, "findall": 2, "finditer": 2, "split": 3, "sub": 4}


def _flags(call: ast.Call, method: str, names: dict[str, object]) -> int:
    at = _FLAGS_AT.get(method, 4)
    arguments = [word.value for word in call.keywords if word.arg == "flags"] or call.args[at : at + 1]
    value = _value(arguments[0], names) if arguments else 0
    return int(value) if isinstance(value, int) else 0


@cache
def _uses() -> dict[tuple[str, str], set[str]]:
    """Methods by the module and the name of what they are called of; a name that is handed on may be searched for."""
    uses: dict[tuple[str, str], set[str]] = {}
    for module in modules():
        tree = tree_of(module)
        owners = _imported(tree, module)
        called: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _FUNCTIONS:
                # From a given place on: one match behind the other, as a tokenizer does it.
                is_chain = len(node.args) > 1 and node.func.attr == "match"
                for key in _keys(node.func.value, module, owners):
                    uses.setdefault(key, set()).add("chain" if is_chain else node.func.attr)
                called.add(id(node.func.value))
        for node in ast.walk(tree):
            if (
                isinstance(node, (ast.Name, ast.Attribute))
                and isinstance(node.ctx, ast.Load)
                and id(node) not in called
            ):
                for key in _keys(node, module, owners):
                    uses.setdefault(key, set()).add("finditer")
    return uses


def _imported(tree: ast.Module, module: ModuleType) -> dict[str, tuple[str, str]]:
    """The module and the name there of each name that was imported from one."""
    return {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _keys(node: ast.expr, module: ModuleType, owners: dict[str, tuple[str, str]]) -> list[tuple[str, str]]:
    if isinstance(node, ast.Name):
        return [owners.get(node.id, (module.__name__, node.id))]
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        package, name = owners.get(node.value.id, ("", ""))
        return [(f"{package}.{name}", node.attr)]
    return []
