"""The terminal: one golden page of every message, in 80 columns."""

from __future__ import annotations

import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from bot.model.alerts import Reason
from bot.model.errors import ChannelClosed
from bot.model.messages import Edit
from bot.testing import messages
from tests.channels.context import GOLDEN, build, check_golden, delivery


async def test_every_message_reads_as_in_the_golden_page(capsys: pytest.CaptureFixture[str]) -> None:
    for message in messages.ALL.values():
        await build("console").send(delivery(message))
    page = capsys.readouterr().out
    check_golden(GOLDEN / "console.txt", page)
    assert "\x1b" not in page, "no colour without a terminal"


async def test_a_terminal_of_another_character_set_still_shows_the_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "out"
    with file.open("w", encoding="ascii") as out:
        monkeypatch.setattr(sys, "stdout", out)
        await build("console").send(delivery(messages.NEW_FACT))
    assert "15 December ? 30 December" in file.read_text()


async def test_a_closed_output_parks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    closed = (tmp_path / "out").open("w")
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    with pytest.raises(ChannelClosed, match="standard output is closed"):
        await build("console").send(delivery(messages.POST))


async def test_times_are_in_the_zone_of_the_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    for message in (messages.LATEST, messages.POST):
        await build("console", zone=ZoneInfo("Asia/Karachi")).send(delivery(message))
    out = capsys.readouterr().out
    assert "2 Dec 14:02 PKT" in out
    assert "UTC" not in out


async def test_an_edit_prints_a_new_summary_and_nothing_that_a_reply_has_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await build("console").send(delivery(Edit(content=replace(messages.GROWN, reason=Reason.CORRECTION))))
    assert capsys.readouterr().out == ""
    story = messages.GROWN.story
    await build("console").send(delivery(Edit(content=replace(messages.GROWN, reason=Reason.TRANSLATION))))
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith(f"↳ summary: {story.title.text}")
    assert "".join(span.text for span in story.summary[0].spans)[:40] in out
    assert "outlet" not in out


async def test_an_edit_prints_the_headlines_that_joined_and_the_stories_that_grew_and_no_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    newest = messages.WIDE_POST.story.coverage[1]
    await build("console").send(delivery(replace(messages.WIDE, added=(newest.article,))))
    first, item = capsys.readouterr().out.replace("\n    •", "\n•").split("\n•")
    assert first.startswith("↳ now 14 outlets, 5 citing Globe Wire, and 1 copy: BlackBerry to leave Pakistan")
    assert item.split(" https://")[0] == f" {newest.title} — Tech Ledger · 2 Dec 12:12 UTC · probably the same event"

    added = (messages.LISTING.stories[0].coverage[0].article,)
    await build("console").send(delivery(Edit(content=messages.LISTING, added=added)))
    out = capsys.readouterr().out
    assert "Why BlackBerry is going — Karachi Herald" in out
    assert "Sindh" not in out
