"""This version opens the archive and the configuration of each release."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.journeys.world import Item, rss
from tests.testbed.commands import wirewatch
from tests.testbed.servers.feeds import FeedServer

ROOT = Path(__file__).parents[2]
TITLE = "BlackBerry quits Pakistan after PTA sought backdoor into BES"


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.fixture(params=git("tag", "--list", "v[0-9]*").split() or [""], ids=lambda name: name or "none")
def old_code(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The program of a release."""
    if not request.param:
        pytest.skip("no release yet, or a clone without tags")
    archive = subprocess.run(
        ["git", "archive", request.param, "bot", "config"], cwd=ROOT, capture_output=True, check=True
    )
    code = tmp_path / "code"
    code.mkdir()
    subprocess.run(["tar", "-x"], cwd=code, input=archive.stdout, check=True)
    return code


def run_old(code: Path, *words: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def test_the_archive_and_the_configuration_of_an_earlier_version_go_on(old_code: Path, tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    folder.mkdir()
    run_old(old_code, "init", "config", folder=folder)
    kept = (folder / "config" / "rules" / "telecom.yaml").read_text(encoding="utf-8")
    bot = folder / "config" / "bot.yaml"
    bot.write_text(bot.read_text(encoding="utf-8").replace("allow_private: []", "allow_private: [127.0.0.0/8]"))
    now = datetime.now(UTC) - timedelta(hours=1)  # noqa: TID251 - the commands read the machine's clock
    async with FeedServer() as server:
        server.serve("/feed.xml", rss("wire", Item(id="one", title=TITLE, text="It quits.", at=now)))
        (folder / "config" / "feeds.yaml").write_text(f"feeds: [{server.url('/feed.xml')}]\n")
        await asyncio.to_thread(run_old, old_code, "once", "--now", folder=folder)
        before = sorted(file.name for file in folder.rglob("*.db"))
        assert before == ["wirewatch.db"]
        problems = json.loads(wirewatch("check", "--json", folder=folder).stdout)
        # A configuration of before is not refused; a feed without a name is warned of.
        assert {(problem["severity"], problem["code"]) for problem in problems} <= {("warning", "no-name")}
        done = await asyncio.to_thread(wirewatch, "once", "--now", folder=folder)
    assert "0 new articles" in done.stderr
    assert "0 messages sent" in done.stderr
    [story] = json.loads(wirewatch("stories", "--json", folder=folder).stdout)
    assert [article["title"] for article in story["articles"]] == [TITLE]
    assert sorted(file.name for file in folder.rglob("*.db")) == before
    assert (folder / "config" / "rules" / "telecom.yaml").read_text(encoding="utf-8") == kept
