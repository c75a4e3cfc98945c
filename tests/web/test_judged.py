"""The rules page shows the readers' opinions of each rule."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from bot import storage
from bot.model.actions import Silence, SilenceKind, Verdict
from bot.model.alerts import AlertAction, Decision, Reason
from bot.model.stories import Story, StoryId
from bot.pipeline import silences
from bot.pipeline.actions import carry_out
from tests.testbed.commands import wirewatch
from tests.testbed.made import judgement, silence
from tests.web.conftest import Page
from tests.web.markup import elements, text_of
from tests.web.test_pages import read

RULE = "BlackBerry in Pakistan"


async def judge(page: Page, *, useful: int, noise: int, rule: str = RULE) -> None:
    """Stories that one reader has judged, and a silence of their rule."""
    now = page.clock.now()

    def work(tx: storage.Transaction) -> None:
        verdicts = [Verdict.USEFUL] * useful + [Verdict.NOISE] * noise
        for number, verdict in enumerate(verdicts):
            story = StoryId(f"judged-{number}")
            tx.stories.save(Story(id=story, title="Old", first_seen=now, last_seen=now, members=()))
            at = now - timedelta(hours=1)
            tx.judgements.add([judgement(verdict, id=f"{rule} {number}", rule=rule, story=story, at=at)])
        tx.silences.add(silence(SilenceKind.RULE, rule, at=now, until=now + timedelta(hours=2), channels=("desk",)))

    await page.running.store.write(work)


async def test_a_rule_shows_its_precision(page: Page) -> None:
    await judge(page, useful=9, noise=2)
    cards = elements(await read(page, "/rules"), "//article")
    (card,) = [text_of(item) for item in cards if RULE in text_of(item)]
    assert "Precision: 82 % (9 useful, 2 noise)" in card
    assert "silenced in desk until" in card
    other_items = [text_of(item) for item in cards if RULE not in text_of(item)]
    assert other_items
    assert not any("Precision" in item for item in other_items)
    (row,) = (await page.get("/api/v1/feedback?since=1d")).json()["feedback"]
    assert (row["rule"], row["useful"], row["noise"], row["precision"]) == (RULE, 9, 2, 9 / 11)
    assert (await page.get("/api/v1/feedback?since=1m")).json() == {"feedback": []}
    assert (await page.get("/api/v1/feedback?rule=unknown")).status_code == 404
    command = partial(wirewatch, "feedback", "--rule", "blackberry", folder=page.folder.parent)
    shown = (await asyncio.to_thread(command, "--since", "9000d")).stdout
    assert f"{RULE}: precision 82% (9 useful, 2 noise)" in shown
    assert "No feedback in this time" in (await asyncio.to_thread(command)).stderr


async def test_the_overview_lists_the_silences_in_force_with_author_reason_and_what_each_kept_back(page: Page) -> None:
    now = page.clock.now()

    def work(tx: storage.Transaction) -> Silence:
        created = silence(SilenceKind.OUTLET, "<b>Dawn</b>", at=now, until=now + timedelta(hours=2))
        tx.silences.add(created)
        (story, *_) = tx.stories.since(None)
        kept = Decision(
            at=now,
            story=story.id,
            channel="desk",
            action=AlertAction.SILENT,
            reason=Reason.SILENCED,
            silence=created.id,
        )
        tx.stories.decide([kept])
        return created

    created = await page.running.store.write(work)
    shown = text_of(await read(page, "/"))
    assert "outlet “<b>Dawn</b>” in every channel until 2" in shown
    assert "by ann: they move · 1 story held back" in shown
    now = now + timedelta(minutes=1)
    running = page.running
    end = partial(silences.end_silence, silence=created, by="ann")
    await carry_out(running.store, running.settings, end, now=now)
    assert "Nothing is posted about:" not in text_of(await read(page, "/"))
