"""Every text that a user sees, with the place where it is written: pages, help, descriptions, messages, templates."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.main import get_command

from bot.cli.commands import app_of

ROOT = Path(__file__).parents[2]
#: Not text for people: statements in SQL, patterns, markup.
_NOT_PROSE = re.compile(r"\(\?|\\[bsdw]|^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE)\b|[\^$]\)")


@dataclass(frozen=True, slots=True)
class Text:
    place: str
    text: str


def pages() -> Iterator[Text]:
    """The pages, by line. Decisions are records of their day and are not rewritten."""
    folders = [path for path in (ROOT / "docs").rglob("*.md") if "decisions" not in path.parts]
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(folders)]:
        is_code = False
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            is_code ^= line.lstrip().startswith("```")
            if not is_code:
                yield Text(f"{path.relative_to(ROOT)}:{number}", line)


def command_help() -> Iterator[Text]:
    group = get_command(app_of())
    waiting: list[tuple[str, object]] = [("wirewatch", group)]
    while waiting:
        name, command = waiting.pop()
        yield Text(f"{name} --help", getattr(command, "help", None) or "")
        for param in getattr(command, "params", ()):
            yield Text(f"{name} --help: {param.name}", getattr(param, "help", None) or "")
        waiting.extend((f"{name} {inner}", found) for inner, found in getattr(command, "commands", {}).items())


def literals() -> Iterator[Text]:
    """String literals of two words or more; docstrings only where pydantic or Typer shows them."""
    for path in sorted((ROOT / "bot").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        hidden = _docstrings(tree) | _parts_of_f_strings(tree)
        for node in ast.walk(tree):
            if id(node) in hidden or not isinstance(node, ast.Constant | ast.JoinedStr):
                continue
            text = _text(node)
            if " " in text.strip() and not _NOT_PROSE.search(text):
                yield Text(f"{path.relative_to(ROOT)}:{node.lineno}", text)


def templates() -> Iterator[Text]:
    for path in sorted((ROOT / "bot" / "web" / "templates").rglob("*.html")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            shown = re.sub(r"\{[{%#].*?[}%#]\}", "…", line)
            yield Text(f"{path.relative_to(ROOT)}:{number}", re.sub(r"<[^>]*>", " ", shown))


def everything() -> Iterator[Text]:
    yield from pages()
    yield from command_help()
    yield from literals()
    yield from templates()


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)  # type: ignore[misc]


def _docstrings(tree: ast.Module) -> set[int]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            is_shown = isinstance(node, ast.ClassDef) and any(_is_shape(base) for base in node.bases)
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and not is_shown:
                found.add(id(first.value))
    return found


def _is_shape(base: ast.expr) -> bool:
    return "Model" in ast.unparse(base) or "Shape" in ast.unparse(base) or "Options" in ast.unparse(base)


def _parts_of_f_strings(tree: ast.Module) -> set[int]:
    whole = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    return {
        id(part) for node in whole for part in ast.walk(node) if part is not node and isinstance(part, ast.Constant)
    }


def command(name: str) -> Any:
    """The whole program without a name, or one of its groups."""
    group: Any = get_command(app_of())
    return group.commands[name] if name else group
