"""A piece of work that breaks a decision is set aside; all others are decided, and the operator gets one notice."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.model.actions import Ruling, RulingKind
from bot.model.quarantine import PieceKind
from bot.model.stories import ArticleId
from bot.pipeline import join
from bot.pipeline.turn import Turn
from tests.faults import rows
from tests.journeys.world import World, world
from tests.testbed import commands


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "config") as made:
        made.configure("wire", rules=rows.RULES)
        await made.once()
        yield made


async def test_one_article_at_fault_among_twenty_is_set_aside_and_the_others_are_posted(desk: World) -> None:
    reports = rows.reports(21)
    desk.publish("wire", *reports)
    async with desk.opened() as running:
        desk.clock.advance(timedelta(minutes=5))
        token, states = await running.pipeline.claim(limit=100, everything=True)
        await running.pipeline.run(token, states, running.live.settings, decides=False)
    (number, body) = rows.ask(desk, "SELECT n, body FROM decision_queue ORDER BY n")[7]
    entry = json.loads(body)
    # A time without a zone cannot be compared with the others.
    entry["article"]["first_seen"] = "2015-12-02T09:00:00"
    rows.change(desk, "UPDATE decision_queue SET body = ? WHERE n = ?", json.dumps(entry), number)

    await desk.once()

    poison = entry["article"]["title"].split()[0]
    assert rows.posted(desk, reports) == sorted(report.id for report in reports if report.id != poison)
    assert await rows.pieces(desk) == [(PieceKind.ARTICLE, "decide")]
    assert len(rows.notices(desk)) == 1
    await desk.once()
    assert len(rows.notices(desk)) == 1


async def test_a_stored_alert_that_cannot_be_read_keeps_no_article_from_being_posted(desk: World) -> None:
    desk.publish("wire", *rows.reports(1))
    await desk.once()
    rows.change(
        desk, "UPDATE alerts SET state = 'held', held_until = 1, alert = json_set(alert, '$.reason', 'from tomorrow')"
    )
    desk.publish("wire", *rows.reports(4))

    await desk.once()

    assert rows.posted(desk, rows.reports(4)) == sorted(report.id for report in rows.reports(4))
    assert await rows.pieces(desk) == [(PieceKind.ROW, "read")]
    assert len(rows.notices(desk)) == 1
    await desk.once()
    assert len(rows.notices(desk)) == 1


async def test_a_due_alert_that_raises_is_set_aside_and_the_others_are_released(
    desk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = rows.RULES.replace("notify: desk", 'notify: desk, when: "digest 12:00"')
    desk.configure("wire", rules=quiet)
    reports = rows.reports(21)
    desk.publish("wire", *reports)
    await desk.once()
    assert rows.posted(desk, reports) == []
    rows.change(
        desk,
        "UPDATE alerts SET alert = json_set(alert, '$.held_until', '2015-12-02T12:00:00') WHERE story = "
        "(SELECT story FROM members ORDER BY n LIMIT 1)",
    )
    desk.clock.advance(timedelta(hours=4))

    await desk.once()

    assert len(rows.posted(desk, reports)) == 20
    assert await rows.pieces(desk) == [(PieceKind.ALERT, "release")]
    assert len(rows.notices(desk)) == 1


async def test_a_broken_article_takes_no_ruling_with_it(desk: World) -> None:
    desk.publish("wire", *rows.reports(2))
    await desk.once()
    first, second = (story.id for story in await desk.stories())
    now = desk.clock.now()
    ruling = Ruling(id="r1", at=now, by="ann", kind=RulingKind.MERGE, story=first, other=second)
    desk.publish("wire", *rows.reports(3))
    async with desk.opened() as running:
        desk.clock.advance(timedelta(minutes=5))
        token, states = await running.pipeline.claim(limit=100, everything=True)
        await running.pipeline.run(token, states, running.live.settings, decides=False)
        await running.store.write(lambda tx: tx.rulings.add(ruling))
    rows.change(desk, "UPDATE decision_queue SET body = json_set(body, '$.article.first_seen', '2015-12-02T09:00:00')")

    await desk.once()

    stories = await desk.stories()
    assert sorted(story.merged_into is None for story in stories) == [False, True]
    assert await rows.pieces(desk) == [(PieceKind.ARTICLE, "decide")]


async def test_a_ruling_that_raises_is_set_aside_and_the_others_are_carried_out(
    desk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.publish("wire", *rows.reports(2))
    await desk.once()
    first, second = (story.id for story in await desk.stories())
    split = join.split_story

    def raise_for_one(turn: Turn, ruling: Ruling) -> object:
        if ruling.id == "bad":
            raise LookupError("a bug")
        return split(turn, ruling)

    monkeypatch.setattr(join, "split_story", raise_for_one)
    now = desk.clock.now()
    bad = Ruling(id="bad", at=now, by="ann", kind=RulingKind.SPLIT, story=first, articles=(ArticleId("x"),))
    good = Ruling(id="good", at=now, by="ann", kind=RulingKind.MERGE, story=first, other=second)
    async with desk.opened() as running:
        await running.store.write(lambda tx: (tx.rulings.add(bad), tx.rulings.add(good)))

    await desk.once()

    assert sorted(story.merged_into is None for story in await desk.stories()) == [False, True]
    assert await rows.pieces(desk) == [(PieceKind.RULING, "rulings")]
    assert [row[0] for row in rows.ask(desk, "SELECT id FROM rulings WHERE done_at IS NULL")] == ["bad"]
    environ = {**os.environ, **desk.environ}
    shown = commands.run(["feedback", "--since", "2015-01-01", "--config", str(desk.folder)], desk.folder, environ)
    (failed,) = [line for line in shown.stdout.splitlines() if "separate from" in line]
    assert "(failed: LookupError" in failed
    assert "waits for the bot" not in shown.stdout


async def test_a_stored_story_or_message_that_cannot_be_read_keeps_no_later_article_from_being_posted(
    desk: World,
) -> None:
    desk.publish("wire", *rows.reports(2))
    await desk.once()
    rows.change(desk, "UPDATE stories SET last_seen = 'yesterday' WHERE rowid = 1")
    rows.change(desk, "UPDATE outbox SET message = '{' WHERE seq = (SELECT min(seq) FROM outbox)")
    desk.publish("wire", *rows.reports(22))

    await desk.once()

    assert rows.posted(desk, rows.reports(22)) == sorted(report.id for report in rows.reports(22))
    assert {kind for kind, _ in await rows.pieces(desk)} == {PieceKind.ROW}
    assert len(rows.notices(desk)) == 1


async def test_a_new_version_puts_back_what_it_can_read(desk: World) -> None:
    desk.publish("wire", *rows.reports(1))
    await desk.once()
    (before,) = rows.ask(desk, "SELECT alert FROM alerts")
    rows.change(desk, "UPDATE alerts SET alert = json_set(alert, '$.reason', 'from tomorrow'), held_until = 1")
    await desk.once()
    assert rows.ask(desk, "SELECT alert FROM alerts") != [before]
    # The next version knows the reason.
    rows.change(desk, "UPDATE quarantine SET version = '0', body = json_set(body, '$.values.alert', ?)", before[0])

    await desk.once()

    assert rows.ask(desk, "SELECT alert FROM alerts") == [before]
    assert await rows.pieces(desk) == []


async def test_a_posted_alert_that_cannot_be_read_is_not_posted_again_because_of_a_new_article(desk: World) -> None:
    desk.configure("wire", "courier", rules=rows.RULES)
    await desk.once()
    (report,) = rows.reports(1)
    desk.publish("wire", report)
    await desk.once()
    rows.change(desk, "UPDATE alerts SET alert = '{'")
    desk.publish("courier", replace(report, id="again"))

    await desk.once()

    (story,) = await desk.stories()
    assert len(story.members) == 2
    assert rows.posted(desk, [report]) == [report.id]
    assert await rows.pieces(desk) == [(PieceKind.ROW, "read")]


async def test_a_ruling_that_is_dropped_is_shown_as_dropped_and_is_not_carried_out(desk: World) -> None:
    desk.publish("wire", *rows.reports(1))
    await desk.once()
    (story,) = await desk.stories()
    rows.change(
        desk,
        "INSERT INTO rulings (id, at, by, kind, story, articles) VALUES ('r1', 1, 'ann', 'split', ?, '[]')",
        story.id,
    )
    piece = "INSERT INTO quarantine (kind, id, stage, error, version, at, body, is_retry_requested, is_reported)"
    rows.change(desk, f"{piece} VALUES ('ruling', 'r1', 'rulings', 'LookupError', '1', 1, '', 0, 1)")
    environ, config = {**os.environ, **desk.environ}, ["--config", str(desk.folder)]

    commands.run(["quarantine", "drop", "--all", *config], desk.folder, environ)
    await desk.once()

    shown = commands.run(["feedback", "--since", "1970-01-01", *config], desk.folder, environ)
    assert "(failed, and was dropped)" in shown.stdout
    assert rows.ask(desk, "SELECT done_at FROM rulings") == [(None,)]


async def test_the_command_lists_retries_and_drops_what_was_set_aside(desk: World) -> None:
    desk.publish("wire", *rows.reports(2))
    await desk.once()
    rows.change(desk, "UPDATE alerts SET alert = '{', held_until = 1")
    await desk.once()
    environ = {**os.environ, **desk.environ}
    config = ["--config", str(desk.folder)]

    listed = commands.run(["quarantine", "list", "--json", *config], desk.folder, environ)
    numbers = [piece["number"] for piece in json.loads(listed.stdout)["pieces"]]
    assert len(numbers) == 2
    dropped = commands.run(["quarantine", "drop", str(numbers[0]), *config], desk.folder, environ)
    assert dropped.stderr.strip() == "1 piece dropped."
    retried = commands.run(["quarantine", "retry", "--all", *config], desk.folder, environ)
    assert retried.stderr.strip() == "1 piece will be tried again."
    unknown = commands.run(["quarantine", "drop", "999", *config], desk.folder, environ)
    assert "nothing in quarantine has the number 999" in unknown.stdout + unknown.stderr
    assert [piece.n for piece in await desk.read(lambda tx: tx.quarantine.requested())] == numbers[1:]
