"""The silences and judgements of people, over every store."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot import storage
from bot.model.actions import Silence, SilenceId, SilenceKind, Verdict
from bot.model.alerts import AlertAction, Reason
from bot.model.stories import StoryId
from tests.testbed.fakes import START
from tests.testbed.made import MINUTE, decision, judgement, silence, story

HOUR = timedelta(hours=1)


def outlet(name: str, *, until: datetime | None) -> Silence:
    return silence(SilenceKind.OUTLET, "Dawn", id=SilenceId(name), channels=("desk", "política"), until=until)


def test_a_silence_is_in_force_until_its_end_or_until_somebody_ends_it(tx: storage.Transaction) -> None:
    first, other = outlet("0000000a", until=START + HOUR), outlet("0000000b", until=START + 2 * HOUR)
    endless = outlet("0000000c", until=None)
    added = [tx.silences.add(value) for value in (first, other, first, endless)]
    assert added == [True, True, False, True]
    assert tx.silences.active(START) == [first, other, endless]
    assert tx.silences.active(START + HOUR) == [other, endless]
    ended = replace(other, ended_at=START + MINUTE, ended_by="bob")
    tx.silences.save_end(ended)
    tx.silences.save_end(replace(ended, ended_by="somebody else, later"))
    assert tx.silences.active(START) == [first, endless]
    assert tx.silences.all() == [first, ended, endless]


def test_stories_that_a_silence_held_back_are_found_by_their_reason(tx: storage.Transaction) -> None:
    kept = decision("A", AlertAction.SILENT, Reason.SILENCED, silence=SilenceId("0000000a"))
    held = replace(kept, reason=Reason.QUIET_HOURS, silence=None)
    tx.stories.save(story("A"))
    tx.stories.decide([replace(kept, at=START - HOUR), held, kept])
    assert tx.stories.silenced(since=START) == [kept]


def test_judgements_are_returned_in_order_without_repetitions(tx: storage.Transaction) -> None:
    noise = judgement(Verdict.NOISE, id="1", story="A")
    useful = judgement(Verdict.USEFUL, id="2", story="A", at=START + MINUTE)
    elsewhere = judgement(Verdict.NOISE, id="3", story="A", channel="other")
    changed = judgement(Verdict.USEFUL, id="4", story="A")
    tx.stories.save(story("A"))
    tx.judgements.add([noise, useful, elsewhere])
    assert tx.judgements.add([noise, changed]) == [changed]
    assert tx.judgements.of_story(StoryId("A"), "desk") == [noise, useful, changed]
    assert tx.judgements.since(START + MINUTE) == [useful]
    assert len(tx.judgements.since(None)) == 4
