"""Tests and benches share only the testbed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("folder", "others"), [("tests", "bench"), ("bench", "tests"), ("testbed", "tests|bench")])
def test_tests_and_benches_share_nothing_but_the_testbed(folder: str, others: str) -> None:
    imports = re.compile(rf"^ *(?:from|import) (?:{others})\b", re.MULTILINE)
    paths = list((ROOT / folder).rglob("*.py"))
    assert len(paths) > 10
    assert [path for path in paths if imports.search(path.read_text(encoding="utf-8"))] == []
