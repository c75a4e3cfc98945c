"""Silences from the moment that somebody makes one: what is refused, what is held back, and where it is listed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot import storage
from bot.model.actions import MakeSilence, Silence, SilenceKind
from bot.model.errors import CannotSilence
from bot.model.messages import MessageKind
from bot.model.stories import SendId
from bot.pipeline import silences
from bot.pipeline.actions import carry_out
from bot.pipeline.rights import operator_context
from bot.pipeline.turn import Turn
from bot.queries.silences import ListedSilence, read_silences
from tests.pipeline.newsroom import DAWN, WIRE, Item, Newsroom
from tests.pipeline.test_actions import outgoing
from tests.testbed.made_settings import make_settings

HOUR = timedelta(hours=1)


@pytest.fixture
def room(store: storage.Store) -> Newsroom:
    return Newsroom(store, [DAWN, WIRE])


async def silence(
    room: Newsroom,
    kind: SilenceKind,
    name: str,
    *,
    span: timedelta | None = HOUR,
    reason: str = "they move",
    channels: tuple[str, ...] = (),
    once: str | None = None,
) -> Silence:
    settings = make_settings(feeds=room.feeds, rules=room.settings.rules, channels=("desk", "policy"), operator="ops")
    action = MakeSilence(kind=kind, name=name, lasts=span, reason=reason, channels=channels)

    def make(turn: Turn) -> Silence:
        context = operator_context(turn, by="ann")
        return silences.make_silence(replace(context, once=once or context.once), action)[0]

    return await carry_out(room.store, settings, make, now=room.now)


async def listed(room: Newsroom) -> list[ListedSilence]:
    return list(await room.store.read(lambda tx: read_silences(tx, now=room.now)))


def item(name: str, title: str) -> Item:
    return Item(id=name, link=f"https://site.example/{name}", title=title, text=f"BlackBerry, says {name}.")


@pytest.mark.parametrize(
    ("kind", "written", "name"), [(SilenceKind.RULE, "BLACKB", "blackberry"), (SilenceKind.OUTLET, "dawn", "Dawn")]
)
async def test_what_is_silenced_is_kept_listed_and_counted_and_afterwards_told_again(
    room: Newsroom, kind: SilenceKind, written: str, name: str
) -> None:
    made = await silence(room, kind, written)
    await room.poll(DAWN, item("1", "BlackBerry Messenger returns to Sindh"))
    assert len(await room.unsent()) == 0
    (entry,) = await listed(room)
    (story,) = await room.stories()
    assert (entry.silence, entry.is_active, entry.stories) == (made, True, (story.id,))
    assert made.name == name

    room.now += HOUR
    assert await listed(room) == []
    await room.poll(WIRE, item("2", "BlackBerry to sell phones made by a rival"))
    assert len(await room.unsent()) == 1, "it has ended by itself"


async def test_a_story_is_silenced_by_its_id(room: Newsroom) -> None:
    report = item("1", "BlackBerry Messenger returns to Sindh")
    await room.poll(DAWN, report)
    (story,) = await room.stories()
    await silence(room, SilenceKind.STORY, story.id, span=None)
    await room.poll(WIRE, report)
    assert [row.message.kind for row in await room.unsent()] == [MessageKind.POST]


@pytest.mark.parametrize(
    ("kind", "name", "changes", "refusal"),
    [
        (SilenceKind.RULE, "blackbery", {}, 'there is no rule "blackbery"; did you mean "blackberry"?'),
        (SilenceKind.OUTLET, "Karachi Wires", {}, 'there is no outlet "Karachi Wires"; `wirewatch status`'),
        (SilenceKind.STORY, "5f2d3a9c01e4b7788990", {"span": None}, "no story 5f2d3a9c01e4b7788990"),
        (SilenceKind.OUTLET, "  ", {}, "needs the name"),
        (SilenceKind.OUTLET, "Dawn", {"reason": ""}, "needs a reason"),
        (SilenceKind.OUTLET, "Dawn", {"span": -HOUR}, "must end in the future"),
        (SilenceKind.OUTLET, "Dawn", {"span": None}, "needs an end"),
        (SilenceKind.RULE, "blackberry", {"channels": ("polcy",)}, 'no channel "polcy"; did you mean "policy"'),
    ],
)
async def test_a_silence_that_cannot_be_is_refused_and_says_why(
    room: Newsroom, kind: SilenceKind, name: str, changes: dict[str, Any], refusal: str
) -> None:
    with pytest.raises(CannotSilence, match=re.escape(refusal)):
        await silence(room, kind, name, **changes)
    assert await listed(room) == []


async def test_a_silence_of_one_channel_leaves_the_others_alone(room: Newsroom) -> None:
    await silence(room, SilenceKind.RULE, "blackberry", channels=("policy",))
    await room.poll(DAWN, item("1", "BlackBerry Messenger returns to Sindh"))
    assert len(await room.unsent()) == 1


async def test_a_subject_that_is_silenced_for_as_long_already_gets_no_second_silence(room: Newsroom) -> None:
    first = await silence(room, SilenceKind.OUTLET, "Dawn")
    assert await silence(room, SilenceKind.OUTLET, "Dawn") == first
    assert await silence(room, SilenceKind.OUTLET, "Dawn", channels=("desk",)) == first
    assert await silence(room, SilenceKind.OUTLET, "Dawn", span=2 * HOUR) != first
    assert len(await listed(room)) == 2


async def test_a_request_that_is_delivered_again_after_its_silence_has_ended_makes_none(room: Newsroom) -> None:
    await silence(room, SilenceKind.OUTLET, "Dawn", once="the same")
    room.now += 2 * HOUR
    await silence(room, SilenceKind.OUTLET, "Dawn", once="the same")
    assert await listed(room) == []
    assert len(await room.store.read(lambda tx: tx.outbox.unsent())) == 1, "one notice to the operator"


async def test_unsent_replies_are_dropped_if_all_their_rules_are_silenced(room: Newsroom) -> None:
    rows = [outgoing(rule, kind=MessageKind.REPLY, rule=rule, due=8 * HOUR) for rule in ("blackberry", "law")]
    await room.store.write(lambda tx: tx.outbox.add(rows))
    await silence(room, SilenceKind.RULE, "blackberry")
    found = await room.store.read(lambda tx: tx.outbox.get([row.id for row in rows]))
    assert {name: row.state.value for name, row in found.items()} == {"blackberry": "dropped", "law": "pending"}
    assert "they move" in (found[SendId("blackberry")].error or "")
