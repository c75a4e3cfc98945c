"""The escalation of a story of severity high that nobody claims, and the effect of a claim, wherever it is made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import pytest

from bot import rules, storage
from bot.config.settings import Settings
from bot.model.actions import Action, Claim, MakeSilence, Release, SilenceKind, Verdict
from bot.model.channels import ActionResult, ChannelFeatures, Person, Press
from bot.model.errors import CannotAct
from bot.model.feeds import Feed
from bot.model.messages import Escalation, Mention, MessageKind, Outgoing, Receipt, SendState
from bot.model.rules import Severity
from bot.model.settings import Escalate
from bot.model.stories import StoryId
from bot.pipeline import actions
from bot.pipeline.rights import operator_context
from bot.pipeline.turn import Turn
from tests.pipeline.newsroom import Item, Newsroom, rule
from tests.testbed.fakes import START
from tests.testbed.made_settings import make_settings

DAWN = Feed(url="https://dawn.example/feed", name="Dawn", owner="Dawn")
WIRE = Feed(url="https://wire.example/feed", name="Wire", owner="Wire")
QUARTER = timedelta(minutes=15)
TITLE = "BlackBerry Messenger returns to Sindh after a ban of two months"


@dataclass(slots=True)
class Watch(Newsroom):
    notify: tuple[str, ...] = ("desk", "second")
    severity: Severity = Severity.HIGH
    #: By bot.yaml, and by the rule.
    mention: dict[Severity, tuple[str, ...]] = field(default_factory=dict)
    own: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        changed = replace(rule().rule, notify=self.notify, severity=self.severity, mention=self.own)
        return make_settings(
            feeds=self.feeds,
            rules=[rules.compile_rule(changed)],
            mention=self.mention,
            channels={
                "desk": ChannelFeatures(people={"duty": "S1"}, has_buttons=True),
                "duty": ChannelFeatures(people={"duty": "S2"}),
            },
            escalate=Escalate(after=QUARTER, to="duty"),
        )

    async def rows(self, channel: str) -> list[Outgoing]:
        (story, *_) = await self.stories()
        return [row for row in await self.store.read(lambda tx: tx.outbox.of_story(story.id)) if row.channel == channel]

    async def send(self, channel: str, ref: str) -> None:
        """Send the waiting messages of a channel."""

        def work(tx: storage.Transaction) -> None:
            later = self.now + 2 * QUARTER
            for row in tx.outbox.claim(channel, now=later, limit=9, token="t", lease=QUARTER):
                receipt = Receipt(ref=ref, place=channel, sent_at=self.now)
                tx.outbox.save(replace(row, state=SendState.SENT, receipt=receipt), token="t")

        await self.store.write(work)

    async def press(self, action: Action, place: str, ref: str, *, once: str = "", **person: object) -> ActionResult:
        (story, *_) = await self.stories()
        who = replace(Person(id="U1"), **person)  # type: ignore[arg-type]  # a test names the fields it changes
        once = once or f"{type(action).__name__} {place}"
        press = Press(id=once, person=who, action=action, story=story.id, place=place, ref=ref)
        settings, now = self.settings, self.now
        act = partial(actions.apply_press, pressed=press, channels=("desk", "second", "duty"))
        return await actions.carry_out(self.store, settings, act, now=now)


@pytest.fixture
def room(store: storage.Store) -> Watch:
    return Watch(store, [DAWN, WIRE])


def item(name: str = "a") -> Item:
    return Item(
        id=name, link=f"https://{name}.example/1", title=TITLE, text=f"The ban was lifted, says {name}.", at=START
    )


async def test_one_row_waits_for_the_second_channel_however_many_channels_post_the_story(room: Watch) -> None:
    await room.poll(DAWN, item())
    (row,) = await room.rows("duty")
    (head,) = await room.rows("desk")
    assert row.due_at == room.now + QUARTER
    assert row.message.escalation == Escalation(head=head.id, channel="desk", after=QUARTER)
    await room.poll(WIRE, item("b"))
    assert len(await room.rows("duty")) == 1


@pytest.mark.parametrize(
    "changes", [{"severity": Severity.NORMAL}, {"notify": ("duty",)}], ids=["not high", "there already"]
)
async def test_nobody_is_called_or_asked_to_claim_what_is_not_high_or_is_posted_there_anyway(
    room: Watch, changes: dict[str, object]
) -> None:
    for name, value in changes.items():
        setattr(room, name, value)
    await room.poll(DAWN, item())
    assert [row for row in await room.rows("duty") if row.message.escalation] == []
    rows = await room.rows(room.notify[0])
    assert [row.message.shows_claim_command for row in rows] == [False]


@pytest.mark.parametrize(
    ("action", "why"),
    [(Claim(), "claimed by U1"), (MakeSilence(kind=SilenceKind.STORY), 'silenced: story "')],
    ids=["claim", "silence"],
)
async def test_a_claim_or_a_silence_of_the_story_calls_it_off(room: Watch, action: Action, why: str) -> None:
    await room.poll(DAWN, item())
    await room.send("second", "2")
    await room.press(action, "second", "2", member_of=frozenset({"desk", "duty"}))
    (row,) = await room.rows("duty")
    assert row.state is SendState.DROPPED
    assert (row.error or "").startswith(why)


async def test_a_story_that_was_escalated_is_claimed_on_the_second_channel_and_both_messages_show_it(
    room: Watch,
) -> None:
    await room.poll(DAWN, item())
    await room.send("desk", "1")
    await room.send("duty", "9")
    barred = await room.press(Claim(), "duty", "9", barred=frozenset({"duty"}))
    assert barred.refused == "the person is not in may_act of the channel"
    judged = await room.press(Claim(), "duty", "9", barred=frozenset({"desk"}))
    assert judged.text == "The story is claimed."
    for channel in ("desk", "duty"):
        edit = (await room.rows(channel))[-1]
        assert edit.message.kind is MessageKind.EDIT
        assert [one.verdict for one in edit.message.judgements] == [Verdict.CLAIMED]
    assert (await room.rows("duty"))[-1].thread == (await room.rows("duty"))[0].id


async def test_a_released_claim_calls_again_after_the_time_but_never_twice(room: Watch) -> None:
    await room.poll(DAWN, item())
    await room.send("desk", "1")
    await room.press(Claim(), "desk", "1")
    room.now += QUARTER
    await room.press(Release(), "desk", "1")
    first, again = await room.rows("duty")
    assert (first.state, again.due_at) == (SendState.DROPPED, room.now + QUARTER)
    await room.send("duty", "9")
    await room.press(Claim(), "desk", "1", once="third")
    await room.press(Release(), "desk", "1", once="fourth")
    assert len([row for row in await room.rows("duty") if row.message.kind is MessageKind.POST]) == 2


async def test_how_to_claim_is_said_where_somebody_is_called_otherwise(room: Watch) -> None:
    await room.poll(DAWN, item())
    shown = [(await room.rows(name))[0].message.shows_claim_command for name in ("desk", "second", "duty")]
    assert shown == [False, True, True]


async def test_a_claim_from_the_command_line_is_shown_in_every_channel_that_has_the_story(room: Watch) -> None:
    await room.poll(DAWN, item())
    (story,) = await room.stories()
    settings, now = room.settings, room.now

    def claim(turn: Turn, story_id: StoryId) -> ActionResult:
        context = operator_context(turn, by="ann")
        return actions.apply_action(context, Claim(), actions.story_target(context, story_id))

    made = await actions.carry_out(room.store, settings, partial(claim, story_id=story.id), now=now)
    assert len(made.decisions) == 2
    for channel in ("desk", "second"):
        assert [one.by for one in (await room.rows(channel))[-1].message.judgements] == ["ann"]
    assert (await room.rows("duty"))[0].state is SendState.DROPPED
    with pytest.raises(CannotAct, match="no story 0"):
        await actions.carry_out(room.store, settings, partial(claim, story_id=StoryId("0")), now=now)


async def test_a_first_message_and_an_escalation_mention_whom_the_rule_or_its_severity_names_by_each_channels_ids(
    room: Watch,
) -> None:
    room.mention = {Severity.HIGH: ("duty", "ann")}
    await room.poll(DAWN, item())
    ann = Mention(name="ann")
    assert (await room.rows("desk"))[0].message.mentions == (Mention(name="duty", id="S1"), ann)
    assert (await room.rows("second"))[0].message.mentions == (Mention(name="duty"), ann)
    assert (await room.rows("duty"))[0].message.mentions == (Mention(name="duty", id="S2"), ann)


async def test_a_rules_own_mention_counts_before_that_of_its_severity(room: Watch) -> None:
    room.mention, room.own = {Severity.HIGH: ("duty",)}, ("bob",)
    await room.poll(DAWN, item())
    assert [each.name for each in (await room.rows("desk"))[0].message.mentions] == ["bob"]
