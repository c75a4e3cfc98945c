"""The silences and judgements of people, over every store."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bot import storage
from bot.model.actions import Silence, SilenceId, SilenceKind, Verdict
from bot.model.alerts import AlertAction, Reason
from bot.model.stories import JudgementId, StoryId
from tests.testbed.fakes import START
from tests.testbed.made import MINUTE, decision, judgement, silence, story

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def outlet(name: str, *, minutes: int = 60) -> Silence:
    until = START + minutes * MINUTE if minutes else None
    return silence(SilenceKind.OUTLET, "Dawn", id=SilenceId(name), channels=("desk", "política"), until=until)


async def test_a_silence_is_in_force_until_its_end_or_until_somebody_ends_it(store: storage.Store) -> None:
    first, other, endless = (
        outlet("0000000a"),
        outlet("0000000b", minutes=90),
        outlet("0000000c", minutes=0),
    )
    added = await store.write(lambda tx: [tx.silences.add(value) for value in (first, other, first, endless)])
    assert added == [True, True, False, True]
    assert await store.read(lambda tx: tx.silences.active(START)) == [first, other, endless]
    assert await store.read(lambda tx: tx.silences.active(START + HOUR)) == [other, endless]
    ended = replace(other, ended_at=START + MINUTE, ended_by="bob")
    await store.write(lambda tx: tx.silences.save_end(ended))
    await store.write(lambda tx: tx.silences.save_end(replace(ended, ended_by="somebody else, later")))
    assert await store.read(lambda tx: tx.silences.active(START)) == [first, endless]
    assert await store.read(lambda tx: tx.silences.all()) == [first, ended, endless]


async def test_stories_that_a_silence_held_back_are_found_by_their_reason(store: storage.Store) -> None:
    output = story("A")
    silent = AlertAction.SILENT, Reason.SILENCED
    kept = decision(output.id, *silent, silence=SilenceId("0000000a"))
    held = replace(kept, reason=Reason.QUIET_HOURS, silence=None)

    def work(tx: storage.Transaction) -> None:
        tx.stories.save(output)
        tx.stories.decide([replace(kept, at=START - HOUR), held, kept])

    await store.write(work)
    assert await store.read(lambda tx: tx.stories.silenced(since=START)) == [kept]


async def test_judgements_are_returned_in_order_without_repetitions_and_deleted_with_their_story(
    store: storage.Store,
) -> None:
    noise = judgement(Verdict.NOISE, id="1", story="A")
    useful = judgement(Verdict.USEFUL, id="2", story="A", at=START + MINUTE)
    changed, elsewhere = (
        replace(useful, id=JudgementId("4"), at=START),
        replace(noise, id=JudgementId("3"), channel="other"),
    )
    await store.write(lambda tx: tx.stories.save(story("A")))
    await store.write(lambda tx: tx.judgements.add([noise, useful, elsewhere]))
    assert await store.write(lambda tx: tx.judgements.add([noise, changed])) == [changed]
    assert await store.read(lambda tx: tx.judgements.of_story(StoryId("A"), "desk")) == [noise, useful, changed]
    assert await store.read(lambda tx: tx.judgements.since(START + MINUTE)) == [useful]
    assert len(await store.read(lambda tx: tx.judgements.since(None))) == 4
    await storage.trim(store, before=START + 400 * DAY)
    assert await store.read(lambda tx: tx.judgements.since(None)) == []
