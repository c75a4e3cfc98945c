"""Tests and benches share only the testbed."""

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
