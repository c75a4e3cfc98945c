"""An action is carried out only where story, message and rule are known and the person has the right; and silences."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from bot import rules, storage
from bot.channels.webhook import document
from bot.config.settings import Settings
from bot.model.actions import (
    Action,
    EndSilence,
    MakeSilence,
    Noise,
    RulingKind,
    ShowMenu,
    ShowWhy,
    Silence,
    SilenceKind,
    Split,
    Useful,
    rule_key,
)
from bot.model.alerts import Alert, AlertAction, AlertState, Reason
from bot.model.channels import ActionResult, ChannelFeatures, Delivery, Person, Press
from bot.model.errors import CannotSilence
from bot.model.messages import MessageKind, Outgoing, Receipt, SendState, Why
from bot.model.rules import Line, Rule, Severity
from bot.model.stories import ArticleId, SendId, Story, StoryId
from bot.pipeline import actions, silences
from bot.pipeline.actions import carry_out
from bot.pipeline.rights import operator_context
from bot.pipeline.turn import Turn
from bot.queries.silences import ListedSilence, read_silences
from tests.alerts.builders import member, posted
from tests.pipeline.newsroom import DAWN, WIRE, Item, Newsroom
from tests.testbed.fakes import START
from tests.testbed.made import sending, view
from tests.testbed.made_settings import make_settings
from tests.testbed.shown import lines_of, story_post

DAY = timedelta(days=1)
RULES = [
    rules.compile_rule(Rule(name=name, notify=("desk",), any=(Line(label="w", terms=(name,)),)))
    for name in ("exit", "law")
]
SETTINGS = make_settings(rules=RULES, channels=("desk", "policy", "phone"), operator="ops")
RECEIPT = Receipt(ref="1449046920.000100", place="C1", sent_at=START)
READER = Person(id="U1")
STORY = StoryId("s1")
HERE = MakeSilence(kind=SilenceKind.STORY, is_here=True)
RULE_HERE = MakeSilence(kind=SilenceKind.RULE, name=rule_key("exit"), lasts=DAY, is_here=True)
RULE = replace(RULE_HERE, is_here=False)
SPLIT = Split(articles=(ArticleId("b"),))


def restricting(names: Collection[str], others: Collection[str] = ("phone",)) -> Settings:
    """Return settings in which only one person may act in these channels. ``others`` are those of other services."""
    features = {name: ChannelFeatures(may_act=("U9",) if name in names else ()) for name in ("desk", "policy", *others)}
    return make_settings(rules=RULES, channels=features, operator="ops")


def outgoing(
    name: str, *, kind: MessageKind = MessageKind.POST, rule: str = "exit", due: timedelta = timedelta()
) -> Outgoing:
    why = Why(rule=rule, severity=Severity.NORMAL, evidence=())
    row = sending(name, thread="head", kind=kind, story=STORY, views=(replace(view(STORY), why=(why,)),))
    return replace(row, due_at=START + due)


@dataclass(frozen=True)
class Desk:
    """A story of two articles that is posted in the channel."""

    store: storage.Store

    async def save_alert(self, alert: Alert) -> None:
        await self.store.write(lambda tx: tx.stories.save_alert(alert))

    async def press(
        self,
        action: Action,
        *,
        name: str = "e1",
        person: Person = READER,
        after: timedelta = timedelta(),
        settings: Settings = SETTINGS,
        channels: tuple[str, ...] = ("desk",),
        story: str = STORY,
        place: str = "C1",
        ref: str = RECEIPT.ref,
    ) -> ActionResult:
        pressed = Press(id=name, person=person, action=action, story=StoryId(story), place=place, ref=ref)
        act = partial(actions.apply_press, pressed=pressed, channels=channels)
        return await actions.carry_out(self.store, settings, act, now=START + after)

    async def judgements(self) -> list[tuple[str, str]]:
        return [(one.verdict.value, one.rule) for one in await self.store.read(lambda tx: tx.judgements.since(None))]

    async def silences(self, after: timedelta = timedelta()) -> list[Silence]:
        """Return the silences that are in force."""
        return list(await self.store.read(lambda tx: tx.silences.active(START + after)))

    async def rows(self) -> dict[str, Outgoing]:
        return {row.id: row for row in await self.store.read(lambda tx: tx.outbox.of_story(STORY))}


@pytest.fixture
async def desk(store: storage.Store) -> Desk:
    def work(tx: storage.Transaction) -> None:
        members = tuple(member(name, rules=("exit", "law"), outlet=f"outlet {name}") for name in ("a", "b"))
        for one in members:
            tx.articles.add([one.article])
            tx.articles.add_matches(one.article.id, one.matches)
        tx.stories.save(Story(id=STORY, title="S", first_seen=START, last_seen=START, members=members))
        tx.stories.save_alert(posted(rules=("exit", "law")))
        tx.outbox.add([replace(outgoing("head"), state=SendState.SENT, receipt=RECEIPT)])

    await store.write(work)
    return Desk(store)


# -- opinions


async def test_useful_counts_for_every_rule_that_the_message_names_and_noise_for_the_one_that_was_meant(
    desk: Desk,
) -> None:
    useful = await desk.press(Useful())
    await desk.press(Noise(rule=rule_key("law")), name="e2")
    assert await desk.judgements() == [("useful", "exit"), ("useful", "law"), ("noise", "law")]
    assert useful.text == 'Useful for "exit", "law".'
    [decision] = useful.decisions
    assert (decision.action, decision.reason, decision.rules) == (AlertAction.EDIT, Reason.JUDGED, ("exit", "law"))
    assert decision.detail == 'useful for "exit", "law", by U1'
    await desk.press(Noise(), name="e3")
    assert (await desk.judgements())[-1:] == [("noise", "exit")], "the other rule is noise already"


@pytest.mark.parametrize(
    ("story", "place", "ref"),
    [("unknown", "C1", RECEIPT.ref), (STORY, "C2", RECEIPT.ref), (STORY, "C1", "1449046920.000101")],
)
async def test_a_press_that_names_what_was_never_sent_is_refused(desk: Desk, story: str, place: str, ref: str) -> None:
    assert (await desk.press(Noise(), story=story, place=place, ref=ref)).refused == "unknown message"
    assert (await desk.press(Noise(rule="0123456789ab"))).refused == "this message no longer names that rule"
    assert await desk.judgements() == []


# -- silences by button


async def test_a_silence_of_a_story_drops_what_has_not_left_keeps_the_head_and_has_no_end(desk: Desk) -> None:
    waiting = [outgoing(name, kind=MessageKind.REPLY, due=due) for name, due in (("late", 3 * DAY), ("now", 0 * DAY))]
    await desk.store.write(lambda tx: tx.outbox.add(waiting))
    result = await desk.press(HERE)
    [silence] = await desk.silences(1_000 * DAY)
    assert (silence.kind, silence.name, silence.channels, silence.until) == (SilenceKind.STORY, STORY, ("desk",), None)
    assert result.command == f"silence end {silence.id}"
    assert result.text == "Nothing is posted about this story in desk until somebody ends it."
    rows = await desk.rows()
    for name in ("late", "now"):
        assert rows[name].state is SendState.DROPPED
        assert "silenced: story" in (rows[name].error or "")
    [edit] = [row for row in rows.values() if row.message.kind is MessageKind.EDIT]
    assert (story_post(edit.message).silences, edit.state) == ((silence,), SendState.PENDING)
    menu = (await desk.press(ShowMenu(), name="e2")).post
    assert menu is not None
    assert menu.silences == (silence,), "the menu is the message with all that people did"


@pytest.mark.parametrize("action", [HERE, replace(HERE, name=STORY, is_here=False)], ids=["here", "in my channels"])
async def test_a_silence_of_a_story_from_a_chat_ends_its_records_too_and_can_be_ended_there(
    desk: Desk, action: Action
) -> None:
    features = {"desk": ChannelFeatures(), "tickets": ChannelFeatures(keeps_records=True), "phone": ChannelFeatures()}
    settings = make_settings(rules=RULES, channels=features)
    ticket = replace(sending("ticket", channel="tickets", story=STORY, views=(view(STORY),)), state=SendState.SENT)
    await desk.store.write(lambda tx: tx.outbox.add([replace(ticket, receipt=RECEIPT)]))
    await desk.save_alert(posted(rules=("exit",), channel="tickets", head=ticket.id))
    await desk.press(action, settings=settings)
    [silence] = await desk.silences()
    assert silence.channels == ("desk", "tickets")
    edits = {row.channel: row.message for row in (await desk.rows()).values() if row.message.kind is MessageKind.EDIT}
    assert edits.keys() == {"desk", "tickets"}
    assert document(Delivery(id=SendId("e"), message=edits["tickets"]))["is_over"]
    assert (await desk.press(EndSilence(id=silence.id), name="e2", settings=settings)).refused is None
    assert await desk.silences() == []


async def test_a_silence_under_a_gathered_message_edits_nothing_and_ends_by_its_command(desk: Desk) -> None:
    await desk.save_alert(posted(rules=("exit", "law"), is_gathered=True))
    for number, action in enumerate((HERE, RULE_HERE)):
        result = await desk.press(action, name=f"start {number}")
        ended = await desk.press(EndSilence(id=result.command.split()[-1]), name=f"end {number}")
        assert await desk.silences() == []
    assert ended.text == 'The silence of rule "exit" has ended.'
    assert list(await desk.rows()) == ["head"]
    decisions = await desk.store.read(lambda tx: tx.stories.decisions(STORY))
    assert {decision.action for decision in decisions} == {AlertAction.SILENT}
    assert {decision.reason for decision in decisions} == {Reason.SILENCED, Reason.SILENCE_ENDED}


async def test_a_press_that_changes_nothing_edits_nothing(desk: Desk) -> None:
    presses: list[Action] = [Useful(), Useful(), HERE, HERE]
    for number, action in enumerate(presses):
        result = await desk.press(action, name=str(number))
        assert len(result.decisions) == (number + 1) % 2
        assert result.text.startswith('Useful for "exit"' if number < 2 else "Nothing is posted about this story")
    assert len(await desk.rows()) == 3, "the message and two edits"


async def test_a_message_that_a_merged_story_left_to_the_older_one_is_still_silenced(desk: Desk) -> None:
    def merge(tx: storage.Transaction) -> None:
        younger = tx.stories.get([STORY])[STORY]
        tx.stories.save(replace(younger, id=StoryId("s0")))
        tx.stories.save(replace(younger, members=(), merged_into=StoryId("s0")))
        tx.stories.save_alert(posted(story=StoryId("s0"), rules=("exit", "law")))
        tx.stories.save_alert(posted(state=AlertState.MERGED))

    await desk.store.write(merge)
    await desk.press(HERE)
    assert [silence.name for silence in await desk.silences()] == ["s0"]


async def test_a_message_that_points_to_an_older_one_is_not_judged(desk: Desk) -> None:
    await desk.save_alert(posted(state=AlertState.MERGED))
    result = await desk.press(HERE)
    assert result.refused == "merged story"
    assert "merged into an earlier one" in result.text


async def test_an_outlet_of_the_message_is_silenced_for_a_day_and_the_operator_told(desk: Desk) -> None:
    await desk.press(Useful(), name="e0")
    count_before = len(await desk.rows())
    [decision] = (await desk.press(MakeSilence(kind=SilenceKind.OUTLET, name="a", lasts=DAY))).decisions
    assert (decision.action, len(await desk.rows())) == (AlertAction.SILENT, count_before), "a message shows no outlets"
    [silence] = await desk.silences()
    assert (silence.kind, silence.name, silence.until) == (SilenceKind.OUTLET, "outlet a", START + DAY)
    [notice] = [row for row in await desk.store.read(lambda tx: tx.outbox.unsent()) if row.channel == "ops"]
    assert lines_of(notice.message) == (silence.summary,)
    assert 'outlet "outlet a" in desk until 2015-12-03 09:00 UTC by U1: by button, under "S"' in silence.summary
    gone = MakeSilence(kind=SilenceKind.OUTLET, name="0123456789abcdef0123", lasts=DAY)
    assert (await desk.press(gone, name="e2")).refused == "the message no longer names that subject"


# -- rights


@pytest.mark.parametrize(
    "action",
    [Useful(), Noise(), HERE, RULE, EndSilence(id="0"), Split(articles=()), ShowWhy(), ShowMenu()],
    ids=lambda action: type(action).__name__,
)
async def test_a_person_who_may_not_act_changes_and_stores_nothing(desk: Desk, action: Action) -> None:
    result = await desk.press(action, person=Person(id="U1", barred=frozenset({"desk"})))
    assert result.refused == "the person is not in may_act of the channel"
    assert result.text == "Nothing was changed: only people listed by the operator may use the buttons of this channel."
    assert (result.decisions, result.post) == ((), None)
    assert (await desk.judgements(), await desk.silences()) == ([], [])


async def test_what_holds_everywhere_needs_the_right_in_every_channel_of_the_app(desk: Desk) -> None:
    press = partial(
        desk.press,
        person=Person(id="U1", barred=frozenset({"policy"})),
        settings=restricting({"policy"}),
        channels=("desk", "policy"),
    )
    for action in (RULE, SPLIT):
        assert (await press(action)).refused == "in policy only people listed under may_act may act"
    assert await desk.silences() == []
    assert await desk.store.read(lambda tx: tx.rulings.waiting()) == []
    assert (await press(RULE_HERE, name="e3")).refused is None, "its own channel is another matter"


#: The channels of another service, those with ``may_act``, those of which the person is a member, and the silence's.
BOTH = ("desk", "policy")
WHERE = {
    "everybody may": ((), (), BOTH, ()),
    "no member of policy": ((), (), ("desk",), ("desk",)),
    "another service restricts": (("phone",), ("phone",), BOTH, BOTH),
    "another service has readers in whose channel nobody may act": (("duty",), (), BOTH, BOTH),
    "named in policy": ((), ("policy",), ("desk",), ()),
}


@pytest.mark.parametrize(("others", "restricted", "member_of", "expected"), WHERE.values(), ids=WHERE)
async def test_a_silence_from_a_chat_holds_where_the_person_counts(
    desk: Desk,
    others: tuple[str, ...],
    restricted: tuple[str, ...],
    member_of: tuple[str, ...],
    expected: tuple[str, ...],
) -> None:
    person = Person(id="U1", member_of=frozenset(member_of))
    await desk.press(RULE, person=person, settings=restricting(restricted, others), channels=("desk", "policy"))
    assert [silence.channels for silence in await desk.silences()] == [expected]


async def test_a_split_is_refused_where_a_channel_of_another_service_says_who_may_act(desk: Desk) -> None:
    refused = (await desk.press(SPLIT, settings=restricting({"phone"}))).refused
    assert "in phone only people listed" in str(refused)
    assert (await desk.press(SPLIT, name="e2")).refused is None
    [ruling] = await desk.store.read(lambda tx: tx.rulings.waiting())
    assert (ruling.kind, ruling.articles) == (RulingKind.SPLIT, ("b",))


# -- compute, then commit


async def test_an_action_that_a_decision_overtakes_is_computed_again_and_written_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, commits = desk.store.write, 0

    async def overtake(work: Callable[[storage.Transaction], object]) -> object:
        nonlocal commits
        commits += 1
        if commits == 1:
            await write(lambda tx: tx.decision_queue.note_change())
        return await write(work)

    monkeypatch.setattr(desk.store, "write", overtake)
    await desk.press(Useful())
    assert commits == 2
    assert await desk.judgements() == [("useful", "exit"), ("useful", "law")]


async def test_why_shows_the_decisions_for_the_channel_and_opens_no_write_transaction(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(work: object) -> object:
        raise AssertionError("nothing is to be written")

    assert "decisions for this channel" not in (await desk.press(ShowWhy(), name="early")).text
    for number in range(8):
        action = Noise() if number % 2 else Useful()
        await desk.press(action, name=f"n{number}", after=timedelta(minutes=number))
    monkeypatch.setattr(desk.store, "write", refuse)
    text = (await desk.press(ShowWhy(), name="why")).text
    assert 'Rule "exit"' in text
    assert "outlet b: " in text
    assert "The last 6 of 8 decisions for this channel:" in text
    assert text.splitlines()[-1].endswith('edit, judged: noise for "exit", "law", by U1')


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
    await room.poll(DAWN, item("1", "BlackBerry Messenger returns to Sindh"))
    (story,) = await room.stories()
    await silence(room, SilenceKind.STORY, story.id, span=None)
    await room.poll(WIRE, item("2", "BlackBerry Messenger returns to Sindh"))
    assert [row.message.kind for row in await room.unsent()] == [MessageKind.POST]
    assert len((await room.stories())[0].members) == 2


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
