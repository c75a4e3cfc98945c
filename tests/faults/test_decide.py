"""A piece of work that breaks a decision is set aside; all others are decided, and the operator gets one notice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from bot.model.actions import Ruling, RulingKind
from bot.model.quarantine import PieceKind
from bot.model.stories import ArticleId
from tests.faults import rows
from tests.journeys.world import World
from tests.testbed import commands, faults
from tests.testbed.faults import spoiling


async def test_a_posted_alert_that_cannot_be_read_is_not_posted_again_because_of_a_new_article(desk: World) -> None:
    rows.configure(desk, "wire", "courier")
    await desk.once()
    (report,) = rows.reports(1)
    desk.publish("wire", report)
    await desk.once()
    await desk.close()
    rows.run(desk, "UPDATE alerts SET alert = '{'")
    desk.publish("courier", replace(report, id="again"))

    await desk.once()

    (story,) = await desk.stories()
    assert len(story.members) == 2
    assert rows.posted(desk, [report]) == [report.id]
    assert await rows.pieces(desk) == [(PieceKind.ROW, "read")]


async def test_an_article_joins_its_story_although_a_running_bot_meets_a_damaged_row_meanwhile(desk: World) -> None:
    rows.configure(desk, "wire", "courier")
    await desk.once()
    (report,) = rows.reports(1)
    desk.publish("wire", report)
    async with desk.opened() as running:
        desk.clock.advance(timedelta(minutes=5))
        await running.once(everything=True, drain=timedelta(seconds=60))
        # Silences are read after the article was compared with the stories.
        columns = 'id, at, "by", kind, name, channels, reason, ended_by'
        rows.run(desk, f"INSERT INTO silences ({columns}) VALUES ('s', 1, '', '?', '', '[]', '', '')")
        desk.publish("courier", replace(report, id="again"))
        desk.clock.advance(timedelta(minutes=5))
        await running.once(everything=True, drain=timedelta(seconds=60))

    (story,) = await desk.stories()
    assert len(story.members) == 2
    assert (PieceKind.ROW, "read") in await rows.pieces(desk)


async def test_a_due_alert_that_raises_is_set_aside_and_the_others_are_released(desk: World) -> None:
    rows.configure(desk, "wire", rules=rows.RULES.replace("notify: desk", "notify: desk, gather: 3 hours"))
    reports = rows.reports(8)
    desk.publish("wire", *reports)
    await desk.once()
    assert rows.posted(desk, reports) == []
    await desk.close()
    first = "story = (SELECT story FROM members ORDER BY n LIMIT 1)"
    [(held,)] = rows.run(desk, f"SELECT alert FROM alerts WHERE {first}")
    spoiled = json.dumps(json.loads(held) | {"held_until": spoiling.ZONELESS})
    rows.run(desk, f"UPDATE alerts SET alert = :spoiled WHERE {first}", spoiled=spoiled)
    desk.clock.advance(timedelta(hours=4))

    await desk.once()

    assert len(rows.posted(desk, reports)) == 7
    assert await rows.pieces(desk) == [(PieceKind.ALERT, "release")]
    assert len(rows.notices(desk)) == 1


async def test_a_ruling_that_raises_is_reported_as_given_up_and_affects_nothing_else(
    desk: World,
) -> None:
    desk.publish("wire", *rows.reports(2))
    await desk.once()
    first, second = (story.id for story in await desk.stories())
    now = desk.clock.now()
    bad = Ruling(id="bad", at=now, by="ann", kind=RulingKind.SPLIT, story=first, articles=(ArticleId("x"),))
    good = Ruling(id="good", at=now, by="ann", kind=RulingKind.MERGE, story=first, other=second)
    async with desk.opened() as running:
        await running.store.write(lambda tx: (tx.rulings.add(bad), tx.rulings.add(good)))
    spoiling.refuse(desk.address, "rulings", "UPDATE", "NEW.id = 'bad' AND NEW.done_at IS NOT NULL")
    desk.publish("wire", *rows.reports(3, poison=faults.ARTICLE, at=2))

    await desk.once()

    assert sorted(story.merged_into is None for story in await desk.stories()) == [False, True]
    assert await rows.pieces(desk) == [(PieceKind.ARTICLE, "decide")]
    [notice] = [message for message in map(str, desk.heads("ops")) if "because of a bug" in message]
    assert f"The split of story {first} by ann failed" in notice

    await desk.once()
    assert len(rows.notices(desk)) == 1
    assert rows.run(desk, "SELECT id FROM rulings WHERE done_at IS NULL") == [("bad",)]


async def test_an_article_at_fault_keeps_no_other_from_being_posted_and_the_command_lists_retries_and_drops_it(
    desk: World,
) -> None:
    reports = rows.reports(3, poison=faults.ARTICLE, at=1)
    desk.publish("wire", *reports)
    await desk.once()
    assert rows.posted(desk, reports) == rows.ids(reports, without=faults.ARTICLE)
    assert spoiling.quarantined_words(desk.address) == [faults.ARTICLE]
    rows.run(desk, "UPDATE alerts SET alert = '{', state = 'held', held_until = 1")
    await desk.once()

    def quarantine(*words: str, code: int = 0) -> str:
        done = commands.call(
            "quarantine", *words, "--config", str(desk.folder), folder=desk.folder, code=code, **desk.environ
        )
        return done.stdout + done.stderr

    pieces = json.loads(quarantine("list", "--json"))["pieces"]
    assert [piece["kind"] for piece in pieces] == ["article", "row", "row"]
    article, row, _ = (str(piece["number"]) for piece in pieces)
    refused = quarantine("retry", row, code=2)
    assert "a stored row cannot be tried again; restore it from the backup" in refused
    assert quarantine("drop", row).strip() == "1 piece dropped."
    assert quarantine("retry", "--all").strip() == "1 piece will be tried again."
    assert "nothing in quarantine has the number 999" in quarantine("drop", "999", code=2)
    assert [piece.n for piece in await desk.read(lambda tx: tx.quarantine.requested())] == [int(article)]


async def test_a_fault_of_all_articles_sets_none_aside_and_the_operator_reads_that_nothing_is_posted(
    desk: World,
) -> None:
    # So few could each be at fault; only work without any of them shows that they are not.
    reports = rows.reports(2)
    spoiling.refuse(desk.address, "decisions", "INSERT", "true")
    desk.publish("wire", *reports)

    report = await desk.once()

    assert [failure.name for failure in report.stopped] == ["decide"]
    assert rows.posted(desk, reports) == []
    assert await rows.pieces(desk) == []
    [notice] = [message for message in map(str, desk.heads("ops")) if "Nothing is posted" in message]
    assert "the stage “decide” fails on everything (IntegrityError)" in notice or desk.database

    spoiling.allow(desk.address, "decisions")
    await desk.once()
    assert rows.posted(desk, reports) == rows.ids(reports)
