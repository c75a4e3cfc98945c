"""A reload keeps the last good version of what is broken, and reads only what changed."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import app
from bot.config import watching
from tests.config import folders
from tests.testbed import fakes

BROKEN = folders.RULES.replace("all: [PTA, backdoor*]", "all: [PTA, ba*]")
SECOND = folders.RULES[folders.RULES.index("  - name: Second") :]
THIRD = "rules:\n  - {name: Third, all: [wirewatch], notify: desk, must_match: [wirewatch], must_not_match: [wire]}\n"


def _with(folder: Path, name: str, text: str) -> Path:
    return folders.write(folder, {name: text})


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("rules/a.yaml", BROKEN, ("First",)),
        *(
            ("rules/a.yaml", text, ("First", "Second"))
            for text in ("", "rules: [\n", "ruels: []\n", "rules: {}\n", "- name: x\n", "text\n", "rules: 5\n")
        ),
        *(
            ("bot.yaml", text, ())
            for text in ("", "channels: {}\n", "channels: [\n", "channels: {alerts: {kind: consol}}\n")
        ),
        *(
            ("feeds.yaml", text, ())
            for text in ("", "feeds: [\n", "feed: []\n", folders.FEEDS.replace("tags:", "tgas:"))
        ),
    ],
)
def test_what_cannot_be_used_changes_nothing_in_a_running_bot_until_it_is_mended(
    name: str, text: str, kept: tuple[str, ...], tmp_path: Path
) -> None:
    before = folders.load(folders.make(tmp_path))
    after = folders.load(_with(tmp_path, name, text), before)
    assert {entry.rule.name: entry.rule for entry in after.rules} == {
        entry.rule.name: entry.rule for entry in before.rules
    }
    assert (after.bot, after.feeds) == (before.bot, before.feeds)
    assert (after.kept, after.off) == (kept, ())
    assert any(problem.severity == "error" and problem.file.endswith(name) for problem in after.problems)
    mended = folders.load(folders.make(tmp_path), after)
    assert (mended.kept, mended.problems) == ((), ())


def test_a_rules_folder_that_vanishes_keeps_every_rule(tmp_path: Path) -> None:
    before = folders.load(folders.make(tmp_path))
    shutil.rmtree(tmp_path / "rules")
    after = folders.load(tmp_path, before)
    assert folders.names(after) == ["First", "Second"]
    assert [problem.code for problem in after.problems] == ["no-file"]
    assert folders.load(folders.make(tmp_path), after).problems == ()


def test_a_rule_broken_since_the_cold_start_is_off_until_it_is_mended(tmp_path: Path) -> None:
    before = folders.load(folders.make(tmp_path, rules=BROKEN))
    assert before.off == ("First",)
    after = folders.load(folders.make(tmp_path), before)
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
    ("name", "text", "names"),
    [
        ("rules/a.yaml", f"rules:\n{SECOND}", ["Second"]),
        ("rules/a.yaml", "rules: []\n", []),
        ("feeds.yaml", "feeds: []\n", ["First", "Second"]),
    ],
)
def test_what_was_removed_is_gone_also_after_an_empty_file(
    name: str, text: str, names: list[str], tmp_path: Path
) -> None:
    before = folders.load(folders.make(tmp_path))
    for previous in (before, folders.load(_with(tmp_path, name, ""), before)):
        after = folders.load(_with(tmp_path, name, text), previous)
        assert after.problems == ()
        assert folders.names(after) == names
        assert bool(after.feeds) is (name != "feeds.yaml")


def test_a_change_of_bot_yaml_reaches_the_rules_whose_file_is_the_same(tmp_path: Path) -> None:
    rules = folders.RULES.replace(
        "notify: desk", "notify: desk\n    about: demands to read messages\n    until: 2099-12-31"
    )
    model = "model: {url: http://127.0.0.1:11434/v1, name: small, uses: [relevance, facts]}\n"
    before = folders.load(folders.make(tmp_path, bot=folders.BOT + model, rules=rules))
    assert before.problems == ()
    zoned = folders.load(_with(tmp_path, "bot.yaml", f"{folders.BOT}{model}timezone: Asia/Karachi\n"), before)
    # Midnight in Karachi.
    assert zoned.rules[0].rule.until == datetime(2099, 12, 31, 19, tzinfo=UTC)
    unasked = folders.load(_with(tmp_path, "bot.yaml", folders.BOT + model.replace("relevance, ", "")), zoned)
    assert [problem.code for problem in unasked.problems] == ["no-use"]
    assert unasked.kept == unasked.off == ()
    without = folders.BOT.replace("  desk: {kind: console}\n", "") + model
    refused = folders.load(_with(tmp_path, "bot.yaml", without), before)
    assert [problem.code for problem in refused.problems] == ["unknown-channel"]
    assert refused.kept == ("First",)
    mended = folders.load(_with(tmp_path, "bot.yaml", folders.BOT + model), refused)
    assert (mended.kept, mended.problems) == ((), ())


def test_a_change_that_keeps_size_and_times_is_still_seen_and_is_another_version(tmp_path: Path) -> None:
    folder = folders.make(tmp_path)
    before = folders.load(folder)
    path = folder / "rules/a.yaml"
    old = path.stat()
    path.write_text(folders.RULES.replace("name: First", "name: Fir5t"), encoding="utf-8")
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    after = folders.load(folder, before)
    assert folders.names(after) == ["Fir5t", "Second"]
    assert after.version == folders.load(folder).version != before.version


def test_of_two_rules_with_one_name_in_two_files_the_first_stands(tmp_path: Path) -> None:
    folder = folders.make(tmp_path)
    folders.write(folder, {"rules/b.yaml": "rules:\n  - {name: First, all: [wirewatch], notify: desk}\n"})
    settings = folders.load(folder)
    assert folders.names(settings) == ["First", "Second"]
    assert settings.rules[0].rule.all[0].label == "PTA"
    assert [problem.code for problem in settings.problems if problem.severity == "error"] == ["duplicate-rule"]


def _watcher(
    folder: Path, clock: fakes.FakeClock | None = None, environ: dict[str, str] | None = None
) -> watching.Watcher:
    settings = folders.load(folder, environ=environ)
    return watching.Watcher(
        folder, settings, clock=clock or fakes.FakeClock(), environ=environ or {}, kinds=app.kinds()
    )


async def test_the_watcher_reports_once_what_is_new_changed_removed_broken_or_mended(tmp_path: Path) -> None:
    folder = folders.make(tmp_path / "config")
    watcher = _watcher(folder)
    assert await watcher.look() is None
    both = ["First", "Second"]
    for name, text, names, problems in (
        ("rules/a.yaml", folders.RULES.replace("Second", "Other"), ["First", "Other"], []),
        ("rules/a.yaml", folders.RULES, both, []),
        ("rules/b.yaml", THIRD, [*both, "Third"], []),
        ("rules/b.yaml", None, both, []),
        ("bot.yaml", "channels: [\n", both, ["unclosed-bracket"]),
        ("bot.yaml", folders.BOT, both, []),
    ):
        if text is None:
            (folder / name).unlink()
        else:
            _with(folder, name, text)
        settings = await watcher.look()
        assert settings is not None
        assert folders.names(settings) == names
        assert [problem.code for problem in settings.problems] == problems
        assert await watcher.look() is None
    # A folder that is gone for a while changes nothing.
    folder.rename(tmp_path / "away")
    assert await watcher.look() is None
    (tmp_path / "away").rename(folder)
    assert await watcher.look() is None
    assert folders.names(watcher.settings) == both


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
    environ = {"OTHER": "x"}
    watcher = _watcher(folder, environ=environ)
    assert [problem.code for problem in watcher.settings.problems] == ["unset-secret"]
    environ["WEB"] = "now set to a long token"
    assert (settings := await watcher.look(force=True)) is not None
    assert settings.problems == ()
