"""The messages that the program may show to an operator, extracted from the code by its syntax tree.

Problems of a configuration and answers of chat services have their own tests.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from bot.model import errors
from bot.model.errors import WirewatchError

ROOT = Path(__file__).parents[2]
HOLE = "…"
_ERRORS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, WirewatchError)
} | {"Drop", "NotStarted"}
_LEVELS = {"info", "warning", "error", "critical"}
#: Functions and tables whose texts are shown to people, although they are not errors there.
_PARTS = {
    "bot/cli/run.py": ("on_pass",),
    "bot/pipeline/send_policy.py": ("_after_error", "first_step"),
    "bot/fetch/client.py": ("_CERTIFICATE", "describe_failure"),
    "bot/feeds/health.py": ("_OVER", "_problems"),
    "bot/feeds/polling.py": ("_ADVICE", "_class_advice"),
    "bot/fetch/child.py": ("_answer",),
    "bot/fetch/parsing.py": ("_not_started", "ReaderEnded"),
    "bot/feeds/kinds/page/__init__.py": ("_explain_no_items",),
    "bot/storage/connections.py": ("_GONE", "_POSTGRES", "_SQLITE", "translated"),
    "bot/web/health.py": ("readiness",),
}


#: Folder of bot/ -> heading of docs/reference/messages.md.
_AREAS = {
    "channels": "Channels",
    "cli": "Commands",
    "config": "Configuration",
    "feeds": "Feeds",
    "fetch": "Feeds",
    "llm": "Language model",
    "storage": "Database",
}


def page() -> str:
    """Return docs/reference/messages.md."""
    troubleshooting = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    headings = {
        text: heading.partition("\n")[0]
        for heading in re.split(r"^##+ ", troubleshooting, flags=re.MULTILINE)
        for text in re.findall(r"^- `+ ?(.+?) ?`+$", heading, re.MULTILINE)
    }
    head = (
        "# Every message\n\nErrors and log lines; `…` is a variable part. Where more can be done, a link leads to "
        "[Troubleshooting](../troubleshooting.md). `scripts/docs-reference` writes this page from the code.\n"
    )
    lines = log_lines()
    rows = "".join(
        f"| `{event}` | {level} | {', '.join(f'`{name}`' for name in names) or 'none'} |\n"
        for event, level, names in lines
    )
    parts = [head, f"\n## Log lines\n\n| event | level | fields |\n| --- | --- | --- |\n{rows}"]
    events = {event for event, *_ in lines}
    areas: dict[str, list[str]] = {}
    for text, place in sorted(messages().items(), key=lambda row: row[0].lower().lstrip("…:;` ")):
        if text not in events:
            anchor = re.sub(r"[^\w\- ]", "", headings.get(text, "").lower()).replace(" ", "-")
            more = f" ([more](../troubleshooting.md#{anchor}))" if anchor else ""
            mark = "``" if "`" in text else "`"
            pad = " " if mark == "``" else ""
            areas.setdefault(_AREAS.get(place.split("/")[1], "The bot"), []).append(
                f"- {mark}{pad}{text}{pad}{mark}{more}\n"
            )
    parts += [f"\n## {area}\n\n{''.join(areas[area])}" for area in sorted(areas)]
    return "".join(parts)


@cache
def _nodes() -> Mapping[str, Sequence[ast.AST]]:
    """Return the definitions, assignments and calls of each file of the program, by its path."""
    kinds = (ast.Call, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in sorted((ROOT / "bot").rglob("*.py"))}
    return {
        str(file.relative_to(ROOT)): [node for node in ast.walk(tree) if isinstance(node, kinds)]
        for file, tree in trees.items()
    }


def log_lines() -> list[tuple[str, str, tuple[str, ...]]]:
    """Return (event, level, fields) of each line of the log that the code names as a whole."""
    lines: dict[str, tuple[str, set[str]]] = {}
    for nodes in _nodes().values():
        for node in nodes:
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            is_log = isinstance(node.func.value, ast.Name) and node.func.value.id in ("log", "_log")
            if is_log and node.func.attr in _LEVELS and isinstance(node.args[0], ast.Constant):
                _, names = lines.setdefault(str(node.args[0].value), (node.func.attr, set()))
                names.update(keyword.arg for keyword in node.keywords if keyword.arg and keyword.arg != "exc_info")
    return sorted((event, level, tuple(sorted(names))) for event, (level, names) in lines.items())


@cache
def messages() -> Mapping[str, str]:
    """Return each text, with … where something is inserted, and the place of its code."""
    places: dict[str, str] = {}
    for name, nodes in _nodes().items():
        if name.startswith("bot/testing/"):  # told to whoever runs the contracts, who reads the code
            continue
        for node in (*_message_nodes(nodes), *_texts_of_parts(nodes, _PARTS.get(name, ()))):
            for text in _texts(node):
                places.setdefault(" ".join(text.split()), f"{name}:{node.lineno}")
    return places


def _message_nodes(nodes: Sequence[ast.AST]) -> Iterator[ast.expr]:
    for node in nodes:
        # The first line of a notice.
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["lead"]:
            yield node.value
        if not isinstance(node, ast.Call) or not node.args:
            continue
        match node.func:
            case ast.Attribute(value=ast.Name(id="terminal"), attr="fail"):
                yield node.args[0]
            case ast.Attribute(value=ast.Name(id="log" | "_log"), attr=level) if level in _LEVELS:
                yield node.args[0]
            case ast.Attribute(attr="notice") if len(node.args) > 1:
                yield node.args[1]
            case ast.Attribute(attr=kind) | ast.Name(id=kind) if kind in _ERRORS:
                yield node.args[0]


def _texts_of_parts(nodes: Sequence[ast.AST], names: tuple[str, ...]) -> Iterator[ast.expr]:
    names_found = set()
    for node in nodes:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name) if (
                name in names
            ):
                body: list[ast.AST] = list(node.body[1:] if ast.get_docstring(node) else node.body)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in names:
                body = [value]
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name in names:
                body = [value]
            case _:
                continue
        names_found.add(name)
        yield from _sentences(body)
    assert names_found == set(names), f"scripts/pages/messages.py names what is not there: {set(names) - names_found}"


def _sentences(nodes: list[ast.AST]) -> Iterator[ast.expr]:
    """Whole texts of several words, not their pieces."""
    for node in nodes:
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            if any(" " in text.strip(f" {HOLE}") for text in _texts(node)):
                yield node
        else:
            yield from _sentences(list(ast.iter_child_nodes(node)))


def _texts(node: ast.expr) -> list[str]:
    """What an expression may say; a text that is all hole is none: it is told where it is made."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in values)
            return [text] if text.strip(f" .:;{HOLE}") else []
        case ast.IfExp(body=one, orelse=other):
            return [*_texts(one), *_texts(other)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [a + b for a in _texts(left) or [HOLE] for b in _texts(right) or [HOLE]]
        case _:
            return []
