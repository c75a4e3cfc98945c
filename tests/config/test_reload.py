"""A reload keeps the last good version of what is broken, and reads only what changed."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import app
from bot.config import watching
from tests.config import folders
from tests.testbed import fakes


def _with(folder: Path, name: str, text: str) -> Path:
    folders.write(folder, {name: text})
    return folder


def test_a_refused_rule_keeps_its_last_good_version(tmp_path: Path) -> None:
    before = folders.load(folders.make(tmp_path))
    broken = folders.RULES.replace("all: [PTA, backdoor*]", "all: [PTA, ba*]")
    after = folders.load(_with(tmp_path, "rules/a.yaml", broken), before)
    assert set(folders.names(after)) == {"First", "Second"}
    assert after.kept == ("First",)
    assert after.off == ()
    kept = next(entry for entry in after.rules if entry.rule.name == "First")
    assert kept.rule.all == before.rules[0].rule.all
    mended = folders.load(_with(tmp_path, "rules/a.yaml", folders.RULES), after)
    assert mended.kept == ()
    assert mended.problems == ()


def test_a_rule_broken_since_the_cold_start_is_off_until_it_is_mended(tmp_path: Path) -> None:
    broken = folders.RULES.replace("all: [PTA, backdoor*]", "all: [PTA, ba*]")
    before = folders.load(folders.make(tmp_path, rules=broken))
    assert before.off == ("First",)
    after = folders.load(_with(tmp_path, "rules/a.yaml", folders.RULES), before)
    assert after.off == ()
    assert folders.names(after) == ["First", "Second"]


def test_a_rule_that_is_no_longer_yaml_keeps_its_last_good_version_and_the_others_their_edits(tmp_path: Path) -> None:
    before = folders.load(folders.make(tmp_path))
    broken = folders.RULES.replace("all: [PTA, backdoor*]", "all: [PTA, backdoor*").replace(
        "[BlackBerry]", "[Nokia, BlackBerry]"
    )
    after = folders.load(_with(tmp_path, "rules/a.yaml", broken), before)
    assert after.kept == ("First",)
    rules = {entry.rule.name: entry.rule for entry in after.rules}
    assert rules["First"].all == before.rules[0].rule.all
    assert [line.label for line in rules["Second"].any] == ["Nokia", "BlackBerry"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("rules/a.yaml", text) for text in ("", "rules: [\n", "ruels: []\n", "rules: {}\n", "- name: x\n", "text\n")),
        ("rules/a.yaml", "rules: 5\n"),
        *(
            ("bot.yaml", text)
            for text in ("", "channels: {}\n", "channels: [\n", "channels: {alerts: {kind: consol}}\n")
        ),
        *(("feeds.yaml", text) for text in ("", "feeds: [\n", "feed: []\n")),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing_in_a_running_bot(name: str, text: str, tmp_path: Path) -> None:
    before = folders.load(folders.make(tmp_path))
    after = folders.load(_with(tmp_path, name, text), before)
    assert folders.names(after) == ["First", "Second"]
    assert after.kept == (("First", "Second") if name == "rules/a.yaml" else ())
    assert (after.bot, after.feeds) == (before.bot, before.feeds)
    assert any(problem.severity == "error" and problem.file.endswith(name) for problem in after.problems)


def test_a_rule_that_was_removed_is_gone(tmp_path: Path) -> None:
    before = folders.load(folders.make(tmp_path))
    without = "rules:\n" + folders.RULES[folders.RULES.index("  - name: Second") :]
    after = folders.load(_with(tmp_path, "rules/a.yaml", without), before)
    assert folders.names(after) == ["Second"]
    assert after.problems == ()


def test_a_rules_folder_that_vanishes_keeps_every_rule(tmp_path: Path) -> None:
    before = folders.load(folders.make(tmp_path))
    (tmp_path / "rules/a.yaml").unlink()
    (tmp_path / "rules").rmdir()
    after = folders.load(tmp_path, before)
    assert folders.names(after) == ["First", "Second"]
    assert [problem.code for problem in after.problems] == ["no-file"]
    folders.make(tmp_path)
    assert folders.load(tmp_path, after).problems == ()


@pytest.mark.parametrize(("name", "text"), [("feeds.yaml", "feeds: []\n"), ("rules/a.yaml", "rules: []\n")])
def test_the_advised_content_of_an_empty_file_is_accepted_at_once(name: str, text: str, tmp_path: Path) -> None:
    before = folders.load(folders.make(tmp_path))
    [problem] = folders.load(_with(tmp_path, name, ""), before).problems
    assert problem.help is not None
    assert text.strip() in problem.help
    after = folders.load(_with(tmp_path, name, text), before)
    assert after.problems == ()
    assert not (after.feeds if name == "feeds.yaml" else after.rules)


def test_a_broken_feed_keeps_its_last_good_version(tmp_path: Path) -> None:
    before = folders.load(folders.make(tmp_path))
    after = folders.load(_with(tmp_path, "feeds.yaml", folders.FEEDS.replace("tags:", "tgas:")), before)
    assert after.feeds == before.feeds
    assert [problem.code for problem in after.problems] == ["unknown-key"]


def test_a_channel_that_is_removed_refuses_the_rules_that_tell_it_though_their_file_is_the_same(tmp_path: Path) -> None:
    before = folders.load(folders.make(tmp_path))
    after = folders.load(_with(tmp_path, "bot.yaml", "channels: {alerts: {kind: console}}\noperator: alerts\n"), before)
    assert [problem.code for problem in after.problems] == ["unknown-channel"]
    assert after.kept == ("First",)
    loaded = folders.load(_with(tmp_path, "bot.yaml", folders.BOT), after)
    assert loaded.problems == ()
    assert loaded.kept == ()


def test_a_rule_in_an_unchanged_file_has_a_warning_when_no_model_is_asked_about_it_any_more(tmp_path: Path) -> None:
    rules = folders.RULES.replace("all: [PTA, backdoor*]", "all: [PTA, backdoor*]\n    about: demands to read messages")
    model = "model: {url: http://127.0.0.1:11434/v1, name: small, uses: [relevance, facts]}\n"
    before = folders.load(folders.make(tmp_path, bot=folders.BOT + model, rules=rules))
    assert before.problems == ()
    after = folders.load(_with(tmp_path, "bot.yaml", folders.BOT + model.replace("relevance, ", "")), before)
    assert [problem.code for problem in after.problems] == ["no-use"]
    assert after.kept == after.off == ()


def test_a_new_time_zone_reaches_rules_whose_file_is_the_same(tmp_path: Path) -> None:
    rules = "rules:\n  - {name: R, all: [PTA], notify: desk, until: 2026-12-31}\n"
    before = folders.load(folders.make(tmp_path, rules=rules))
    after = folders.load(_with(tmp_path, "bot.yaml", folders.BOT + "timezone: Asia/Karachi\n"), before)
    # Midnight in Karachi.
    assert after.rules[0].rule.until == datetime(2026, 12, 31, 19, tzinfo=UTC)


def test_a_change_that_keeps_size_and_times_is_still_seen(tmp_path: Path) -> None:
    folder = folders.make(tmp_path)
    before = folders.load(folder)
    path = folder / "rules/a.yaml"
    old = path.stat()
    path.write_text(folders.RULES.replace("name: First", "name: Fir5t"), encoding="utf-8")
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert folders.names(folders.load(folder, before)) == ["Fir5t", "Second"]


def test_two_loads_of_one_folder_have_one_version_and_a_change_another(tmp_path: Path) -> None:
    first = folders.load(folders.make(tmp_path))
    assert folders.load(tmp_path).version == first.version
    assert folders.load(_with(tmp_path, "feeds.yaml", "feeds: []\n")).version != first.version


def test_of_two_rules_with_one_name_in_two_files_the_first_stands(tmp_path: Path) -> None:
    folder = folders.make(tmp_path)
    folders.write(folder, {"rules/b.yaml": "rules:\n  - {name: First, all: [wirewatch], notify: desk}\n"})
    settings = folders.load(folder)
    assert folders.names(settings) == ["First", "Second"]
    assert settings.rules[0].rule.all[0].label == "PTA"
    assert [problem.code for problem in settings.problems if problem.severity == "error"] == ["duplicate-rule"]


def _watcher(folder: Path, clock: fakes.FakeClock) -> watching.Watcher:
    return watching.Watcher(folder, folders.load(folder), clock=clock, environ={}, kinds=app.kinds())


async def test_the_watcher_reports_new_changed_and_removed_files_once(tmp_path: Path) -> None:
    watcher = _watcher(folders.make(tmp_path), fakes.FakeClock())
    assert await watcher.look() is None
    _with(tmp_path, "rules/a.yaml", folders.RULES.replace("Second", "Other"))
    assert (settings := await watcher.look()) is not None
    assert folders.names(settings) == ["First", "Other"]
    _with(tmp_path, "rules/a.yaml", folders.RULES)
    _with(tmp_path, "rules/b.yaml", "rules:\n  - {name: Third, all: [wirewatch], notify: desk}\n")
    assert (settings := await watcher.look()) is not None
    assert folders.names(settings) == ["First", "Second", "Third"]
    (tmp_path / "rules/b.yaml").unlink()
    assert (settings := await watcher.look()) is not None
    assert folders.names(settings) == ["First", "Second"]
    assert await watcher.look() is None


async def test_the_watcher_tells_of_problems_once_and_of_their_end(tmp_path: Path) -> None:
    watcher = _watcher(folders.make(tmp_path), fakes.FakeClock())
    _with(tmp_path, "bot.yaml", "channels: [\n")
    assert (settings := await watcher.look()) is not None
    assert settings.problems
    assert await watcher.look() is None
    _with(tmp_path, "bot.yaml", folders.BOT)
    assert (settings := await watcher.look()) is not None
    assert settings.problems == ()


async def test_a_folder_that_is_gone_for_a_while_changes_nothing(tmp_path: Path) -> None:
    folder = folders.make(tmp_path / "config")
    watcher = _watcher(folder, fakes.FakeClock())
    folder.rename(tmp_path / "away")
    assert await watcher.look() is None
    (tmp_path / "away").rename(folder)
    assert await watcher.look() is None
    assert folders.names(watcher.settings) == ["First", "Second"]


async def test_a_file_that_is_still_being_written_is_waited_for(tmp_path: Path) -> None:
    class WritingClock(fakes.FakeClock):
        """The editor writes the second half while the watcher waits."""

        async def sleep(self, duration: timedelta) -> None:
            await super().sleep(duration)
            _with(tmp_path, "rules/a.yaml", folders.RULES)

    folders.make(tmp_path)
    watcher = _watcher(tmp_path, WritingClock())
    _with(tmp_path, "rules/a.yaml", folders.RULES[: folders.RULES.index("  - name: Second")])
    await watcher.look()
    assert folders.names(watcher.settings) == ["First", "Second"]


async def test_a_forced_look_reads_all_and_always_answers(tmp_path: Path) -> None:
    bot = folders.BOT + "web: {listen: 127.0.0.1:1, token: env:WEB}\n"
    folder = folders.make(tmp_path, bot=bot)
    environ: dict[str, str] = {}
    watcher = watching.Watcher(
        folder,
        folders.load(folder, environ=environ),
        clock=fakes.FakeClock(),
        environ=environ,
        kinds=app.kinds(),
    )
    assert [problem.code for problem in watcher.settings.problems] == ["unset-secret"]
    environ["WEB"] = "now set to a long token"
    assert (settings := await watcher.look(force=True)) is not None
    assert settings.problems == ()
