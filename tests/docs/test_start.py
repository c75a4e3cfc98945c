"""The commands and files of the pages work."""

from __future__ import annotations

import functools
import re
import shlex
import textwrap
from pathlib import Path

import pytest
from typer.main import get_command

from bot.cli import init
from bot.cli.commands import app_of
from tests.config import folders

ROOT = Path(__file__).parents[2]
START = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def test_each_file_of_the_start_page_is_accepted_in_the_shipped_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "my-config"
    init.copy_starter(folder)
    written = []
    for block in re.findall(r"^ *```yaml\n(.*?)^ *```", START, flags=re.MULTILINE | re.DOTALL):
        text = textwrap.dedent(block)
        name = text.split()[1]
        (tmp_path / name).write_text(text, encoding="utf-8")
        written.append(name)
    assert written == ["my-config/rules/encryption.yaml", "my-config/bot.yaml"]
    problems = [problem.message for problem in folders.check(folder)]
    assert problems in ([], ["the variable SLACK_BOT_TOKEN is not set"])


def _typed(page: Path) -> list[str]:
    """Return the lines of code blocks, and the code spans, that begin with the command."""
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"^(?: {4,}|\$ )?(?:\.venv/bin/)?(wirewatch [a-z].*)$", text, flags=re.MULTILINE)
    return lines + re.findall(r"`(?:\.venv/bin/)?(wirewatch [a-z][^`]*)`", text)


#: Loading all commands takes long.
_command = functools.cache(lambda: get_command(app_of()))


def _unknown(line: str) -> list[str]:
    command = _command()
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
