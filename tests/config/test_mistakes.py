"""Each mistake of tests/config/mistakes is answered with exactly its expected text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot import config
from tests.config import mistakes_made, mistakes_table

MISTAKES = mistakes_made.all_mistakes()
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_reads_as_it_should(mistake: mistakes_made.Mistake, tmp_path: Path) -> None:
    found = config.render(mistakes_made.problems_of(mistake, tmp_path))
    assert found == mistake.expected, "if it reads better now: scripts/mistakes-table --accept, and read the diff"


def test_more_than_forty_mistakes_are_made() -> None:
    assert len(MISTAKES) >= 40


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_no_answer_speaks_of_python_or_of_schemas(mistake: mistakes_made.Mistake) -> None:
    assert mistake.expected
    for word in ("Traceback", "pydantic", "dict", "NoneType", "tuple", "str_type", "Input should", "libyaml", "[type="):
        assert word not in mistake.expected


def test_no_answer_repeats_a_secret() -> None:
    everything = "".join(mistake.expected for mistake in MISTAKES)
    assert "hunter2" not in everything
    assert "xoxb-12345" not in everything


def test_the_page_of_mistakes_is_fresh() -> None:
    page = (ROOT / "docs" / "mistakes.md").read_text(encoding="utf-8")
    assert page == mistakes_table.table(), "run scripts/mistakes-table"


def test_each_mistake_that_a_kind_names_is_made_and_no_kind_is_empty() -> None:
    assert set(mistakes_table.named()) - {mistake.name for mistake in MISTAKES} == set()
    page = mistakes_table.table()
    assert page.count("<details ") == len(MISTAKES)
    assert [part for part in page.split("\n## ")[1:] if "<details " not in part] == []


def test_the_good_folder_has_no_problem(tmp_path: Path) -> None:
    good = mistakes_made.Mistake(name="none", about="", files=(), expected="")
    assert mistakes_made.problems_of(good, tmp_path) == ()


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_problems_come_sorted_by_place_and_point_into_their_file(
    mistake: mistakes_made.Mistake, tmp_path: Path
) -> None:
    found = mistakes_made.problems_of(mistake, tmp_path)
    assert list(found) == sorted(found, key=lambda problem: (problem.file, problem.line, problem.column))
    for problem in found:
        if problem.line:
            lines = (tmp_path / problem.file).read_text(encoding="utf-8", errors="replace").splitlines() or [""]
            assert problem.line <= len(lines)
            assert problem.length >= 1
        for entry in json.loads(config.render([problem], "json")):
            assert set(entry) == {"severity", "file", "line", "column", "rule", "code", "message", "help"}
