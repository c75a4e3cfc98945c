"""Each module, public class, function and method of bot/ says what it is for.

A method needs no text where a base of its class has it, or a protocol of bot/: one whose methods the class has, or one
of the class's own name, which then explains the class too. Nor does the ``upgrade`` of a
migration, which Alembic calls and whose module says what it does.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "bot").rglob("*.py"))
DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def without_docstring(source: str) -> Iterator[str]:
    """Dotted names of the public definitions of a module, and of their methods, that have no docstring."""
    waiting: list[tuple[str, ast.Module | ast.ClassDef]] = [("", ast.parse(source))]
    while waiting:
        inside, parent = waiting.pop()
        for node in parent.body:
            if isinstance(node, DEFINITIONS) and not node.name.startswith("_"):
                overloads = [each for each in node.decorator_list if ast.unparse(each) == "overload"]
                if ast.get_docstring(node) is None and not overloads:
                    yield inside + node.name
                if isinstance(node, ast.ClassDef):
                    waiting.append((f"{inside}{node.name}.", node))


@cache
def protocols() -> tuple[type, ...]:
    modules = [importlib.import_module(module_of(path)) for path in FILES if "migrations" not in path.parts]
    classes = {each for module in modules for each in vars(module).values() if inspect.isclass(each)}
    return tuple(each for each in classes if each.__module__.startswith("bot.") and vars(each).get("_is_protocol"))


def is_explained_above(module: str, name: str) -> bool:
    """Whether a base or a protocol explains the class or the method."""
    owner, _, method = name.rpartition(".")
    found: object = importlib.import_module(module)
    for part in owner.split(".") if owner else [method]:
        found = getattr(found, part)
    if not isinstance(found, type):
        return False
    above = [base for base in found.__mro__[1:] if base is not object] if owner else []
    above += [each for each in protocols() if each is not found and is_of(found, each)]
    if not owner:
        return any(each.__name__ == name and each.__doc__ for each in above)
    return any(inspect.getdoc(getattr(each, method, None)) for each in above if hasattr(each, method))


def is_of(found: type, protocol: type) -> bool:
    """Whether the class has its methods, or is a part of the protocol of its own name."""
    methods = {name for name in vars(protocol) if not name.startswith("_")}
    return methods <= set(dir(found)) or (
        found.__name__ == protocol.__name__ and protocol.__module__ != found.__module__
    )


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_what_is_public_has_a_docstring(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source)) or not source
    if path.parent.name != "versions":
        module = module_of(path)
        assert [name for name in without_docstring(source) if not is_explained_above(module, name)] == []


def test_a_definition_without_a_docstring_is_found_and_one_explained_by_its_protocol_is_not() -> None:
    source = "class A:\n    def of(self) -> int: ...\n    def _own(self) -> int: ...\ndef b() -> None: ...\n"
    assert list(without_docstring(source)) == ["A", "b", "A.of"]
    assert is_explained_above("bot.storage.articles", "Articles.known")
    assert not is_explained_above("bot.storage.articles", "Articles.nothing")
