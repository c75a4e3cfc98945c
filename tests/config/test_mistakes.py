"""Each mistake of tests/config/mistakes is answered with exactly the text of its case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bot import config
from bot.model.settings import Problem
from tests.config import mistake_cases

MISTAKES = mistake_cases.all_mistakes()


def test_no_answer_speaks_of_python_or_of_schemas() -> None:
    words = ("Traceback", "pydantic", "dict", "NoneType", "tuple", "str_type", "Input should", "libyaml", "[type=")
    assert all(mistake.answer for mistake in MISTAKES)
    assert not [mistake.name for mistake in MISTAKES if any(word in mistake.answer for word in words)]


def corrected(line: str, problem: Problem) -> str:
    """The line as its help says, where that says exactly what to type."""
    advice = problem.help or ""
    start = problem.column - 1
    if match := re.fullmatch(r'did you mean "?(\S+?)"?\?', advice):
        word = match[1].removesuffix(":") if line[start + problem.length :].startswith(":") else match[1]
        return line[:start] + word + line[start + problem.length :]
    if (
        match := re.search(r"(?:quote|quotes)[^:\"']*: (?:it is one term: )?([\"'].*[\"'])\Z", advice)
    ) and "…" not in match[1]:
        # In single quotes a quote is written twice.
        text = match[1][1:-1].replace("''", "'") if match[1][0] == "'" else match[1][1:-1]
        bare = next((text for text in (f'"{text}"', text) if text in line), None)
        return line.replace(bare, match[1], 1) if bare is not None else line
    return line


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_reads_as_it_should_and_a_help_that_says_exactly_what_to_type_removes_it(
    mistake: mistake_cases.Mistake, tmp_path: Path
) -> None:
    mistake_cases.make(mistake, tmp_path / "config")
    before = mistake_cases.check(tmp_path)
    text = config.render_problems(before)
    assert text == mistake.answer, "if it reads better now, run scripts/accept-mistakes and read the diff"
    applied = set()
    for problem in sorted(before, key=lambda problem: -problem.column):
        path = tmp_path / problem.file
        if not problem.line or not path.is_file():
            continue
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        line = lines[problem.line - 1] if problem.line <= len(lines) else ""
        if (edited := corrected(line, problem)) != line:
            lines[problem.line - 1] = edited
            path.write_text("".join(lines), encoding="utf-8")
            applied.add((problem.file, problem.line, problem.code, problem.message))
    if not applied:
        return
    after = mistake_cases.check(tmp_path)
    assert not applied & {(problem.file, problem.line, problem.code, problem.message) for problem in after}
    # Examples of some cases and a written-out secret are further mistakes, which the first one hid.
    hidden = {"must-match", "secret"}
    if len(before) == 1:
        errors = [problem for problem in after if problem.severity == "error" and problem.code not in hidden]
        assert not errors, config.render_problems(errors)


REMEDIES = [(mistake, remedy) for mistake in MISTAKES for remedy in mistake.remedies]


@pytest.mark.parametrize(("mistake", "remedy"), REMEDIES, ids=[mistake.name for mistake, _ in REMEDIES])
def test_a_remedy_that_a_help_has_in_words_is_accepted(
    mistake: mistake_cases.Mistake, remedy: Mapping[str, str], tmp_path: Path
) -> None:
    [(name, text)] = mistake.files.items()
    text = text or ""
    assert remedy["wrong"] in text
    mended = replace(mistake, files={name: text.replace(remedy["wrong"], remedy["right"])})
    mistake_cases.make(mended, tmp_path / "config")
    problems = mistake_cases.check(tmp_path)
    assert problems == (), config.render_problems(problems)


def test_the_line_that_a_help_has_for_bot_yaml_is_accepted_there(tmp_path: Path) -> None:
    mistake = next(mistake for mistake in MISTAKES if mistake.name == "slack-channel-under-notify")
    [line] = re.findall(r"add (fines: \{.*?\}) there", mistake.answer)
    [(name, text)] = mistake.files.items()
    bot = (mistake_cases.GOOD / "bot.yaml").read_text(encoding="utf-8")
    files = {
        name: str(text).replace('"#fines"', "fines"),
        "bot.yaml": bot.replace("channels:\n", f"channels:\n  {line}\n"),
    }
    mistake_cases.make(replace(mistake, files=files), tmp_path / "config")
    assert mistake_cases.check(tmp_path) == ()
