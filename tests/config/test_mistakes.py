"""Each mistake of tests/config/mistakes is answered with exactly the text of its case."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from bot import config
from bot.model.settings import Problem
from tests.config import mistake_cases

MISTAKES = mistake_cases.all_mistakes()
ROOT = Path(__file__).parents[2]


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


#: Corrections that a help describes in words: the case, its file, the wrong text and the right text.
CORRECTED = [
    ("slack-channel-under-notify", "rules/telecom.yaml", '"#fines"', "fines"),
    ("space-from-a-document", "rules/telecom.yaml", "\u00a0", " "),
    ("space-from-a-document-after-dash", "rules/telecom.yaml", "\u00a0", " "),
    ("space-from-a-document-in-indentation", "rules/telecom.yaml", "\u00a0", " "),
    ("or-several-times-in-list", "rules/telecom.yaml", "Ofcom OR Ofgem OR telecoms", "Ofcom, Ofgem, telecoms"),
    (
        "or-in-plain-all",
        "rules/telecom.yaml",
        "all: [Ofcom OR Ofgem, fines]",
        "all: {one: [Ofcom, Ofgem], other: fines}",
    ),
    ("or-as-an-item", "rules/telecom.yaml", ", OR", ""),
    ("and-as-an-item", "rules/telecom.yaml", ", AND", ""),
    ("and-in-list", "rules/telecom.yaml", "any: [Ofcom AND fines]", "all: [Ofcom, fines]"),
    ("and-in-list", "rules/telecom.yaml", "any: [Ofcom AND fines]", "query: Ofcom AND fines"),
    ("not-in-list", "rules/telecom.yaml", "any: [Ofcom NOT parking]", "any: [Ofcom]\n    none: [parking]"),
    ("boundary-in-double-quotes", "rules/telecom.yaml", '"/\\bOfcom\\b/"', "'/\\bOfcom\\b/'"),
    ("boundary-without-slashes", "rules/telecom.yaml", "'\\bOfcom\\b'", "'/\\bOfcom\\b/'"),
    ("backslash-in-double-quotes", "rules/telecom.yaml", '"/back\\s?door/"', "'/back\\s?door/'"),
    ("regex-never-closed", "rules/telecom.yaml", "[/Ofcom,", "[/Ofcom/,"),
    ("name-that-is-also-a-word", "rules/telecom.yaml", "Apple", '"{Apple}"'),
    ("name-that-is-also-a-word", "rules/telecom.yaml", "Apple", "apple"),
    ("name-found-as-a-word", "rules/telecom.yaml", "Apple", '"{Apple}"'),
    ("number-of-two-digits", "rules/telecom.yaml", "42", '"42 people"'),
    ("empty-feeds", "feeds.yaml", "", "feeds: []"),
    ("feeds-removed", "feeds.yaml", "", "feeds: []"),
    ("two-letters", "rules/telecom.yaml", "eu", "EU"),
]


@pytest.mark.parametrize(("name", "file", "wrong", "right"), CORRECTED)
def test_the_remedy_of_a_help_is_accepted(name: str, file: str, wrong: str, right: str, tmp_path: Path) -> None:
    mistake = next(mistake for mistake in MISTAKES if mistake.name == name)
    mistake_cases.make(mistake, tmp_path / "config")
    path = tmp_path / "config" / file
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    assert wrong in text
    path.write_text(text.replace(wrong, right), encoding="utf-8")
    if name == "slack-channel-under-notify":
        # The line that its help has for bot.yaml.
        [line] = re.findall(r"add (fines: \{.*?\}) there", mistake.answer)
        bot = tmp_path / "config" / "bot.yaml"
        bot.write_text(
            bot.read_text(encoding="utf-8").replace("channels:\n", f"channels:\n  {line}\n"), encoding="utf-8"
        )
    problems = mistake_cases.check(tmp_path)
    assert problems == (), config.render_problems(problems)


def test_the_good_folder_has_no_problem(tmp_path: Path) -> None:
    shutil.copytree(mistake_cases.GOOD, tmp_path / "config")
    assert mistake_cases.check(tmp_path) == ()
