"""Silences, over every store."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bot import storage
from bot.model.actions import Silence, SilenceId, SilenceKind
from bot.model.alerts import AlertAction, Reason
from tests.testbed.fakes import START
from tests.testbed.made import MINUTE, decision, silence, story

HOUR = timedelta(hours=1)


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
