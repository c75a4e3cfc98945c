"""Hostile and huge files are refused or read in bounded time and memory, with a place."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path
from types import ModuleType

import pytest

from bot.config import files, nodes
from bot.model.settings import Problem
from tests.config import folders

HEAD = "rules:\n  - name: R\n    notify: desk\n"


def _check(folder: Path, rules: str) -> tuple[Problem, ...]:
    start = time.process_time()
    problems = folders.check(folders.make(folder, rules=rules))
    assert time.process_time() - start < 10
    return problems


@pytest.mark.parametrize(
    "rules",
    [
        "rules: " + "[" * 100 + "]" * 100,
        "rules:\n" + "".join(" " * (2 * depth) + "- a:\n" for depth in range(1, 200)),
        HEAD + "    query: " + "(" * 10_000 + "\n",
        HEAD + "    all: ['/" + "(a+)+" * 1000 + "b/']\n",
        HEAD + "    all: ['/(a{1000}){1000}/']\n",
        HEAD + "    all: [" + ", ".join(["*a"] * 10_000) + "]\n",
        HEAD + "    all: " + "&a " * 1000 + "x\n",
        "? " + "x" * 100_000 + "\n: y\n",
        "x" * 2000 + ": y\n",
        "rules: !!python/object/apply:os.system [echo]\n",
        "%YAML 9.9\n---\nrules: []\n",
        "rules: [\ud83d]".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
        "---\n" * 1000,
        ":" * 1000,
        "rules:\n" + "  - x\n" * 5000,
        "rules:\n" + "  - {name: R, notify: desk, nome: x}\n" * 1010,
    ],
    ids=range(16),
)
def test_hostile_rules_give_located_problems_in_bounded_time(rules: str, tmp_path: Path) -> None:
    problems = _check(tmp_path, rules)
    assert any(problem.severity == "error" for problem in problems)
    assert all(problem.line > 0 for problem in problems if problem.severity == "error")
    assert len(problems) <= 1001


@pytest.mark.parametrize(("module", "limit"), [(files, "MAX_BYTES"), (nodes, "MAX_NODES")])
def test_a_file_larger_than_any_real_one_is_refused(
    module: ModuleType, limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, limit, 150)
    problems = _check(tmp_path, "rules: [" + ", ".join(["[x]"] * 100) + "]\n")
    assert [problem.code for problem in problems if problem.file.endswith("a.yaml")] == ["too-big"]


def test_rules_cost_a_few_kilobytes_each_while_they_are_read(tmp_path: Path) -> None:
    rules = "rules:\n" + "".join(
        f"  - {{name: R{n}, notify: desk, all: {{a: [word{n}, other{n}], b: [third{n}]}}, "
        f"must_match: [word{n} third{n}], must_not_match: [nothing]}}\n"
        for n in range(300)
    )
    nodes.parse_yaml(rules)
    tracemalloc.start()
    document = nodes.parse_yaml(rules)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert document.root is not None
    assert held / 300 < 6000
