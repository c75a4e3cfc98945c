"""wirewatch doctor says what needs a hand, and what to do."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import model, storage
from bot.cli import init
from testbed.commands import wirewatch
from testbed.fakes import FakeClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init.copy_starter(tmp_path / "config")
    (tmp_path / "config" / "feeds.yaml").write_text("feeds: []\n")
    (tmp_path / "config" / "data").mkdir()
    return tmp_path


async def note_tick(folder: Path, when: datetime) -> None:
    store = storage.open_store(f"sqlite:///{folder}/config/data/wirewatch.db", clock=FakeClock())
    await store.write(lambda tx: tx.key_values.put("tick", when.isoformat()))
    await store.close()


def looked_at(folder: Path, *, code: int, **environ: str) -> dict[str, tuple[bool, str]]:
    lines = json.loads(wirewatch("doctor", "--json", folder=folder, code=code, **environ).stdout)
    return {line["what"].partition(":")[0]: (line["good"], line["what"] + " " + line["help"]) for line in lines}


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the command reads the machine's clock


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """By a process that works on the database."""
    address = f"sqlite:///{folder}/config/data/wirewatch.db"
    store = storage.open_store(address, clock=FakeClock(), process_name="wirewatch run")
    try:
        yield
    finally:
        store.close_now()


async def test_a_bot_that_runs_well_needs_nothing(folder: Path) -> None:
    await note_tick(folder, now())
    with owned(folder):
        _runs_well(folder)


def _runs_well(folder: Path) -> None:
    found = looked_at(folder, code=0)
    assert {"configuration", "database", "clock", "bot", "disk", "feeds", "channel alerts"} <= set(found)
    assert "ok" in wirewatch("doctor", folder=folder).stdout


async def test_a_bot_that_was_killed_is_not_said_to_run(folder: Path) -> None:
    await note_tick(folder, now())
    good, text = looked_at(folder, code=1)["bot"]
    assert not good
    assert text.startswith("bot: not running; it last looked for due feeds ")
    assert "bot: not running" in wirewatch("status", folder=folder).stdout


async def test_a_bot_that_holds_the_database_and_does_nothing_is_stuck(folder: Path) -> None:
    await note_tick(folder, now() - timedelta(minutes=3))
    with owned(folder):
        good, text = looked_at(folder, code=1)["bot"]
        assert not good
        assert re.match(r"bot: wirewatch run \(process \d+\) is stuck; it last looked for due feeds 3 min ago", text), (
            text
        )
        assert "is stuck; it last looked for due feeds 3 min ago" in wirewatch("status", folder=folder).stdout


async def test_a_clock_that_went_back_is_told(folder: Path) -> None:
    await note_tick(folder, now() + timedelta(days=3))
    good, text = looked_at(folder, code=1)["clock"]
    assert not good
    assert "set the clock" in text


async def test_a_bot_that_stopped_is_told(folder: Path) -> None:
    await note_tick(folder, now() - timedelta(hours=1))
    good, text = looked_at(folder, code=1)["bot"]
    assert not good
    assert "wirewatch run" in text


def test_a_database_that_is_not_there_and_a_channel_without_its_secret_are_told_together(folder: Path) -> None:
    bot = folder / "config" / "bot.yaml"
    bot.write_text(
        bot.read_text().replace("channels:\n", "channels:\n  hook: {kind: webhook, url: env:NOT_SET_HOOK}\n", 1)
    )
    found = looked_at(folder, code=1)
    assert not found["database"][0]
    assert "wirewatch once" in found["database"][1]
    assert not found["channel hook"][0]
    assert "NOT_SET_HOOK" in found["channel hook"][1]


async def test_a_feed_that_asks_for_a_wait_is_not_to_be_tested(folder: Path) -> None:
    until = datetime(2015, 12, 2, 10, 30, tzinfo=UTC)
    url = "https://busy.example/feed"
    store = storage.open_store(f"sqlite:///{folder}/config/data/wirewatch.db", clock=FakeClock())
    state = model.FeedState(url=url, due_at=until, failures=1, error="429 Too Many Requests", retry_after=until)
    await store.write(lambda tx: tx.feeds.sync([url], now=until))
    await store.write(lambda tx: tx.feeds.save([state]))
    await store.close()
    assert "wait: the server set Retry-After, until 02 Dec 10:30 UTC" in looked_at(folder, code=1)["feed https"][1]


async def test_status_counts_mistakes_of_the_configuration_and_says_that_nothing_ran(folder: Path) -> None:
    storage.open_store(f"sqlite:///{folder}/config/data/wirewatch.db", clock=FakeClock()).close_now()
    (folder / "config" / "feeds.yaml").write_text("feeds: []\nfeed: x\n")
    told = wirewatch("status", folder=folder).stdout
    assert "configuration: 1 error; `wirewatch check` says where" in told
    assert "0 articles in the archive" in told
    assert "bot: not running; it has not run here yet" in told


def test_a_mistake_that_stops_everything_is_told_once(folder: Path) -> None:
    (folder / "config" / "bot.yaml").write_text("database: sqlite:///a.db b: c\n")
    told = wirewatch("status", folder=folder, code=2).stderr
    assert told.count("= help: quote the whole value") == 1
    assert told.rstrip().endswith("bot.yaml: it cannot be used")


async def test_two_feeds_that_redirect_to_one_address_are_told(folder: Path) -> None:
    await note_tick(folder, now())
    urls = ["https://old.example/feed", "https://www.new.example/feed/", "https://other.example/feed"]
    lines = "".join(f'  - {{url: "{url}", name: Paper {number}}}\n' for number, url in enumerate(urls))
    (folder / "config" / "feeds.yaml").write_text(f"feeds:\n{lines}")
    store = storage.open_store(f"sqlite:///{folder}/config/data/wirewatch.db", clock=FakeClock())
    states = [model.FeedState(url=url, due_at=now()) for url in urls]
    states[0] = dataclasses.replace(states[0], moved_to="https://new.example/feed")
    await store.write(lambda tx: tx.feeds.sync(urls, now=now()))
    await store.write(lambda tx: tx.feeds.save(states))
    await store.close()
    said = json.loads(wirewatch("doctor", "--json", folder=folder, code=1).stdout)
    [twins] = [line["what"] for line in said if "one address" in line["what"]]
    assert "Paper 0" in twins
    assert "Paper 1" in twins
    assert "Paper 2" not in twins
    [problem] = json.loads(wirewatch("check", "--json", folder=folder).stdout)
    assert (problem["severity"], problem["line"], problem["code"]) == ("warning", 3, "same-feed")
    assert urls[0] in problem["message"]
