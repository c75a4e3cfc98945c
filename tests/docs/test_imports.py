"""Who may import whom.

No file of bot/ needs a file that needs it back: neither at import, nor for types only, nor inside a function.
Tests and benches share only the testbed.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def modules_of(folder: Path) -> dict[str, Path]:
    """Dotted name -> file; a package is named as its ``__init__``."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(source: str, known: Mapping[str, Path]) -> frozenset[str]:
    """Every module of ``known`` that the source names in an import, wherever the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in known else node.module for name in below}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(found & known.keys())


def circles(needs: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Groups of modules of which each needs every other, by the strongly connected components (Tarjan)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        open_.append(name)
        for other in sorted(needs[name]):
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in open_:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            at = open_.index(name)
            group = open_[at:]
            del open_[at:]
            if len(group) > 1 or name in needs[name]:
                found.append(sorted(group))

    for name in needs:
        if name not in order:
            visit(name)
    return found


def test_no_file_needs_a_file_that_needs_it_back() -> None:
    known = modules_of(ROOT / "bot")
    assert len(known) > 300
    needs = {name: imported(path.read_text(encoding="utf-8"), known) for name, path in known.items()}
    assert circles(needs) == []


def test_a_circle_is_found_also_for_types_only_and_inside_a_function() -> None:
    sources = {
        "bot.a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from bot.b import B\n",
        "bot.b": "def late():\n    from bot import c\n",
        "bot.c": "import bot.a\n",
        "bot.d": "from bot.c import x\n",
    }
    known = dict.fromkeys(sources, ROOT)
    assert circles({name: imported(source, known) for name, source in sources.items()}) == [["bot.a", "bot.b", "bot.c"]]


@pytest.mark.parametrize("folder", ["tests", "bench", "testbed"])
def test_tests_and_benches_share_nothing_but_the_testbed(folder: str) -> None:
    others = {"tests", "bench"} - {folder}
    modules: dict[str, Path] = {}
    for other in sorted(others):
        modules |= modules_of(ROOT / other)
    assert len(modules) > 30
    for path in (ROOT / folder).rglob("*.py"):
        assert imported(path.read_text(encoding="utf-8"), modules) == frozenset(), path


def test_an_import_of_a_bench_is_found() -> None:
    assert imported("from bench.soak import joins\n", modules_of(ROOT / "bench")) == {"bench.soak.joins"}
