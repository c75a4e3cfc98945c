"""Silences from the moment that somebody makes one: what is refused, what is held back, and where it is listed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from bot import storage
from bot.model.actions import MakeSilence, Silence, SilenceKind
from bot.model.errors import CannotSilence
from bot.model.feeds import Feed
from bot.model.messages import MessageKind
from bot.model.stories import SendId
from bot.pipeline import silences
from bot.pipeline.actions import carry_out
from bot.pipeline.rights import operator_context
from bot.pipeline.turn import Turn
from bot.queries.silences import ListedSilence, read_silences
from tests.pipeline.newsroom import Item, Newsroom
from tests.pipeline.test_actions import outgoing
from tests.testbed.fakes import START
from tests.testbed.made_settings import make_settings

HOUR = timedelta(hours=1)
DAWN = Feed(url="https://dawn.example/feed", name="Dawn", owner="Dawn")
WIRE = Feed(url="https://wire.example/feed", name="Wire", owner="Wire")


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
) -> Silence:
    settings = make_settings(feeds=room.feeds, rules=room.settings.rules, channels=("desk", "policy"), operator="ops")
    action = MakeSilence(kind=kind, name=name, lasts=span, reason=reason, channels=channels)

    def make(turn: Turn) -> Silence:
        return silences.make_silence(operator_context(turn, by="ann"), action)[0]

    return await carry_out(room.store, settings, make, now=room.now)


async def listed(room: Newsroom) -> list[ListedSilence]:
    now = room.now
    return list(await room.store.read(lambda tx: read_silences(tx, now=now)))


async def posts(room: Newsroom) -> int:
    return len([row for row in await room.store.read(lambda tx: tx.outbox.unsent()) if row.channel != "ops"])


async def end(room: Newsroom, ended: Silence) -> Silence:
    now = room.now
    return await carry_out(room.store, room.settings, lambda turn: silences.end_silence(turn, ended, by="bob"), now=now)


def item(name: str, title: str, *, at: datetime = START) -> Item:
    return Item(id=name, link=f"https://site.example/{name}", title=title, text=f"BlackBerry, says {name}.", at=at)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (SilenceKind.RULE, "blackberry"),
        (SilenceKind.OUTLET, "dawn"),
    ],
)
async def test_what_is_silenced_is_kept_listed_and_counted_and_afterwards_told_again(
    room: Newsroom, kind: SilenceKind, name: str
) -> None:
    made = await silence(room, kind, name)
    await room.poll(DAWN, item("1", "BlackBerry Messenger returns to Sindh"))
    assert await posts(room) == 0
    (entry,) = await listed(room)
    (story,) = await room.stories()
    assert (entry.silence, entry.is_active, entry.stories) == (made, True, (story.id,))

    room.now += HOUR
    assert await listed(room) == []
    with pytest.raises(CannotSilence, match="has already ended"):
        await end(room, made)
    await room.poll(WIRE, item("2", "BlackBerry to sell phones made by a rival"))
    assert await posts(room) == 1, "it has ended by itself"


@pytest.mark.parametrize(
    ("kind", "name", "hours", "reason", "said"),
    [
        (SilenceKind.RULE, "blackbery", 1, "x", 'there is no rule "blackbery"; did you mean "blackberry"?'),
        (SilenceKind.OUTLET, "Dawm", 1, "x", 'there is no outlet "Dawm"; did you mean "Dawn"?'),
        (SilenceKind.OUTLET, "Karachi Wires", 1, "x", 'there is no outlet "Karachi Wires"; `wirewatch status`'),
        (SilenceKind.STORY, "5f2d3a9c01e4b7788990", None, "x", "no story 5f2d3a9c01e4b7788990"),
        (SilenceKind.OUTLET, "  ", 1, "x", "needs the name"),
        (SilenceKind.OUTLET, "Dawn", 1, "", "needs a reason"),
        (SilenceKind.OUTLET, "Dawn", -1, "x", "must end in the future"),
        (SilenceKind.OUTLET, "Dawn", None, "x", "needs an end"),
    ],
)
async def test_a_silence_that_cannot_be_is_refused_and_says_why(
    room: Newsroom, kind: SilenceKind, name: str, hours: int | None, reason: str, said: str
) -> None:
    with pytest.raises(CannotSilence, match=re.escape(said)):
        await silence(room, kind, name, span=None if hours is None else hours * HOUR, reason=reason)
    assert await listed(room) == []
    with pytest.raises(CannotSilence, match='no channel "polcy"; did you mean "policy"'):
        await silence(room, SilenceKind.RULE, "blackberry", channels=("polcy",))


async def test_a_part_of_a_rules_name_and_an_outlets_name_in_any_case_are_enough(room: Newsroom) -> None:
    assert (await silence(room, SilenceKind.RULE, "BLACKB")).name == "blackberry"
    assert (await silence(room, SilenceKind.OUTLET, "dawn")).name == "Dawn"


async def test_a_silence_of_one_channel_leaves_the_others_alone(room: Newsroom) -> None:
    await silence(room, SilenceKind.RULE, "blackberry", channels=("policy",))
    await room.poll(DAWN, item("1", "BlackBerry Messenger returns to Sindh"))
    assert await posts(room) == 1


async def test_a_request_that_is_delivered_twice_makes_one_silence(room: Newsroom) -> None:
    action = MakeSilence(kind=SilenceKind.OUTLET, name="Dawn", lasts=HOUR, reason="x")

    def make(turn: Turn) -> None:
        silences.make_silence(replace(operator_context(turn, by="ann"), once="the same"), action)

    for _ in range(2):
        await carry_out(room.store, room.settings, make, now=START)
    assert len(await listed(room)) == 1


async def test_a_subject_that_is_silenced_for_as_long_already_gets_no_second_silence(room: Newsroom) -> None:
    first = await silence(room, SilenceKind.OUTLET, "Dawn")
    assert await silence(room, SilenceKind.OUTLET, "Dawn") == first
    assert await silence(room, SilenceKind.OUTLET, "Dawn", channels=("desk",)) == first
    assert await silence(room, SilenceKind.OUTLET, "Dawn", span=2 * HOUR) != first
    assert len(await listed(room)) == 2


async def test_unsent_replies_are_dropped_if_all_their_rules_are_silenced(room: Newsroom) -> None:
    reply = MessageKind.REPLY
    rows = [
        outgoing("waits", kind=reply, rule="blackberry", due=8 * HOUR),
        outgoing("other", kind=reply, rule="law", due=8 * HOUR),
    ]
    await room.store.write(lambda tx: tx.outbox.add(rows))
    await silence(room, SilenceKind.RULE, "blackberry")
    found = await room.store.read(lambda tx: tx.outbox.get([row.id for row in rows]))
    assert {name: row.state.value for name, row in found.items()} == {
        "waits": "dropped",
        "other": "pending",
    }
    assert "they move" in (found[SendId("waits")].error or "")
