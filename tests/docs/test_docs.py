"""The docs are true: links, examples, commands, metrics, reference pages, quoted messages, layers and tables."""

from __future__ import annotations

import asyncio
import doctest
import functools
import importlib
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from bot.cli.commands import COMMANDS, app_of
from bot.queries.catalog import QUERIES
from bot.storage import schema
from scripts.pages import messages, reference
from tests.config import folders
from tests.web.conftest import ACTS, READS, Page, filled, filled_once, listening, page_over

__all__ = ["filled", "filled_once"]

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "SECURITY.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "CHANGELOG.md",
        *(ROOT / "docs").rglob("*.md"),
    ]
)
#: A block of YAML whose first line names its file.
_BLOCK = re.compile(r"^```yaml\n# (bot\.yaml|feeds\.yaml|rules[\w/.-]*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: The modules with examples in their docstrings.
_WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "bot").rglob("*.py")
    if ">>> " in path.read_text()
)
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


#: Loading all commands takes long.
_all_commands = functools.cache(lambda: get_command(app_of()))


def commands() -> dict[str, typer.core.TyperCommand]:
    return dict(_all_commands().commands)  # type: ignore[attr-defined]  # a Typer of several commands is a group


@pytest.mark.parametrize("module", _WITH_EXAMPLES)
def test_the_examples_of_docstrings_are_true(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert (result.failed, result.attempted > 0) == (0, True)


def test_help_shows_each_command_with_its_whole_summary_and_an_example() -> None:
    summaries = {name: command.get_short_help_str(1_000) for name, command in commands().items()}
    assert summaries == {name: command.summary for name, command in COMMANDS.items()}
    groups = {name: getattr(command, "commands", {}) for name, command in commands().items()}
    for inner in (commands(), groups["feeds"], groups["database"]):
        cut = [word for word, command in inner.items() if command.get_short_help_str(62).endswith("...")]
        assert set(cut) <= {"stories"}
    for name, command in commands().items():
        for part in (groups[name] or {"": command}).values():
            assert f"Example: wirewatch {name}" in (part.help or ""), name


def examples() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the title and the (file, text) of each example. A recipe has several files; test_walk has start.md."""
    recipes = re.split(r"^## ", (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = [(recipe.partition("\n")[0], _BLOCK.findall(recipe)) for recipe in recipes]
    for recipe, (_, blocks) in zip(recipes, found, strict=True):
        assert len(blocks) == recipe.count("```yaml"), "begin each block with a comment that names its file"
    pages = [page for page in sorted((ROOT / "docs").glob("*.md")) if page.stem not in ("recipes", "rules", "start")]
    return found + [
        (f"{page.stem}-{number}", [block])
        for page in pages
        for number, block in enumerate(_BLOCK.findall(page.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize("blocks", [pytest.param(blocks, id=title) for title, blocks in examples()])
def test_each_example_is_a_good_configuration(blocks: list[tuple[str, str]], tmp_path: Path) -> None:
    folder = folders.make(tmp_path)
    for file, text in blocks:
        if file == "bot.yaml" and "channels:" not in text:
            text = folders.BOT + text
        folders.write(folder, {"rules/a.yaml" if file == "rules" else file: text})
    environ = {"SLACK_BOT_TOKEN": "xoxb-1", "CONTACT": "ops@example.org", "TZ_OF_THE_DESK": "UTC"}
    problems = folders.check(folder, environ=environ)
    # The rules of the other folder may notify channels that an example of bot.yaml does not have.
    is_bot_only = [file for file, _ in blocks] == ["bot.yaml"]
    errors = [problem for problem in problems if problem.severity == "error"]
    assert [problem for problem in errors if not (is_bot_only and problem.file.endswith("rules/a.yaml"))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_between_pages_leads_somewhere(page: Path) -> None:
    targets = _LINK.findall(page.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def test_each_metric_that_a_page_names_exists() -> None:
    metrics = set(
        re.findall(r"`(wirewatch_\w+)`", (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8"))
    )
    assert len(metrics) > 10
    for page in PAGES:
        if page.name != "CHANGELOG.md":
            assert set(re.findall(r"`(wirewatch_\w+)`", page.read_text(encoding="utf-8"))) - metrics == set(), page


def _typed(page: Path) -> list[str]:
    """Return the lines of code blocks, and the code spans, that begin with the command."""
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"^(?: {4,}|\$ )?(?:\.venv/bin/)?(wirewatch [a-z].*)$", text, flags=re.MULTILINE)
    return lines + re.findall(r"`(?:\.venv/bin/)?(wirewatch [a-z][^`]*)`", text)


def _unknown(line: str) -> list[str]:
    command = _all_commands()
    words = shlex.split(line.replace("'", '"'), comments=True)[1:]
    # A second command may follow: only the first is checked.
    words = words[: next((index for index, word in enumerate(words) if word in ("&&", "|", ";")), len(words))]
    while words and (inner := getattr(command, "commands", {})):
        if words[0].startswith("--") and getattr(command, "invoke_without_command", False):
            break
        if words[0] not in inner:
            return [words[0]]
        command = inner[words.pop(0)]
    known = {option for param in command.params for option in param.opts} | {"--help"}
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    return [word for word in options if word not in known]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_command_of_a_page_exists_with_its_options(page: Path) -> None:
    assert page.name != "start.md" or len(_typed(page)) > 8, "the commands are no longer recognised"
    wrong = {line: unknown for line in _typed(page) if (unknown := _unknown(line))}
    assert wrong == {}


# -- the reference pages, and docs/troubleshooting.md, which quotes only messages that the program has


@pytest.mark.parametrize("name", reference.NAMES)
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_a_reference_page_is_as_the_program_is_now_and_describes_every_row(name: str) -> None:
    page = (reference.FOLDER / name).read_text(encoding="utf-8")
    assert page == reference.page(name), "run scripts/docs-reference"
    assert [line for line in page.splitlines() if line.startswith("| ") and line.endswith("|  |")] == []


def test_the_troubleshooting_page_quotes_each_message_of_the_program_at_most_once() -> None:
    page = (messages.ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    # A line of a list that is nothing but a message of the program.
    listed = re.finditer(r"^- (?P<mark>`+) ?(?P<text>.+?) ?(?P=mark)$", page, re.MULTILINE)
    quoted = [match["text"] for match in listed]
    assert len(quoted) > 20
    assert set(quoted) <= messages.messages().keys()
    assert len(set(quoted)) == len(quoted)


# -- docs/architecture.md: the layers and tables


def _section(heading: str) -> str:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    match = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL)
    assert match, f"docs/architecture.md has no heading «{heading}»"
    return match[1]


def test_the_layers_are_those_that_the_linter_checks() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [floors] = [contract for contract in settings["tool"]["importlinter"]["contracts"] if contract["type"] == "layers"]
    lines = [line.strip() for line in _section("The layers").splitlines() if line.startswith("    ")]
    # A description of the layer follows several spaces.
    assert [re.split(r"\s{2,}", line)[0] for line in lines] == floors["layers"]


def test_each_table_has_its_place_and_no_table_is_named_that_is_none() -> None:
    rows = re.findall(r"^\|(.+)\|$", _section("Where state is"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)} == set(schema.metadata.tables)


# -- docs/api.md: its requests are answered as the page describes


API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
TYPED = re.findall(r"^    (curl .*)$", API, re.MULTILINE)


async def typed(page: Page, line: str) -> dict[str, Any]:
    stories = await page.running.store.read(lambda tx: tx.stories.since(None))
    line = line.replace("http://127.0.0.1:8080", page.site.url).replace("OTHER", stories[1].id)
    line = line.replace("STORY", stories[0].id).replace("$DASHBOARD_TOKEN", READS).replace("$DUTY_TOKEN", ACTS)
    words = [*shlex.split(line), "--fail-with-body"]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0, output
    answer: dict[str, Any] = json.loads(output)
    return answer


async def test_each_request_of_the_page_is_answered(filled: Path) -> None:
    keys = ("stories", "articles", "explained", "trial", "is_active", "effect", "paths")
    async with page_over(filled, listening(has_token=True, has_tokens=True)) as page:
        for line, key in zip(TYPED, keys, strict=True):
            assert (await typed(page, line))[key], line


def test_the_page_lists_every_operation() -> None:
    listed = re.findall(r"`(GET|POST|DELETE) (/[^`?]*)", API)
    # The export is streamed by a separate route.
    listed.remove(("GET", "/stories.csv"))
    paths = {(method, re.sub(r"\b(ID|NAME)\b", lambda name: f"{{{name[0].lower()}}}", path)) for method, path in listed}
    assert paths == {(question.method, question.path) for question in QUERIES if question.path}
