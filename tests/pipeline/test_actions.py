"""An action is carried out only where story, message and rule are known and the person has the right; and silences."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial

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
from bot.model.messages import MessageKind, Outgoing, Receipt, SendState, Why
from bot.model.rules import Line, Rule, Severity
from bot.model.stories import ArticleId, SendId, Story, StoryId
from bot.pipeline import actions, silences
from bot.pipeline.rights import operator_context
from bot.pipeline.turn import Turn
from tests.alerts.builders import member, posted
from tests.testbed.fakes import START
from tests.testbed.made import sending, view
from tests.testbed.made_settings import make_settings
from tests.testbed.shown import lines_of, story_post

DAY = timedelta(days=1)
EXIT, LAW = (
    rules.compile_rule(Rule(name=name, notify=("desk",), any=(Line(label="w", terms=(name,)),)))
    for name in ("exit", "law")
)

CHANNELS = ("desk", "policy", "phone")
SETTINGS = make_settings(rules=[EXIT, LAW], channels=CHANNELS, operator="ops")


def restricting(names: Collection[str], others: Collection[str] = ("phone",)) -> Settings:
    """Return settings in which only one person may act in these channels. ``others`` are those of other services."""
    features = {name: ChannelFeatures(may_act=("U9",) if name in names else ()) for name in ("desk", "policy", *others)}
    return make_settings(rules=[EXIT, LAW], channels=features, operator="ops")


RECEIPT = Receipt(ref="1449046920.000100", place="C1", sent_at=START)
HERE = MakeSilence(kind=SilenceKind.STORY, is_here=True)
RULE_HERE = MakeSilence(kind=SilenceKind.RULE, name=rule_key("exit"), lasts=DAY, is_here=True)
RULE = replace(RULE_HERE, is_here=False)


def outgoing(
    name: str,
    *,
    kind: MessageKind = MessageKind.POST,
    rule: str = "exit",
    due: timedelta = timedelta(),
    story: str = "s1",
) -> Outgoing:
    why = Why(rule=rule, severity=Severity.NORMAL, evidence=())
    row = sending(name, thread="head", kind=kind, story=story, views=(replace(view(story), why=(why,)),))
    return replace(row, due_at=START + due)


async def post(store: storage.Store, *, alert: Alert | None = None, story: str = "s1") -> None:
    """A story of two articles that is posted in the channel."""

    def work(tx: storage.Transaction) -> None:
        members = tuple(member(name, rules=("exit", "law"), outlet=f"outlet {name}") for name in ("a", "b"))
        for one in members:
            tx.articles.add([one.article])
            tx.articles.add_matches(one.article.id, one.matches)
        tx.stories.save(Story(id=StoryId(story), title="S", first_seen=START, last_seen=START, members=members))
        tx.stories.save_alert(alert or posted(rules=("exit", "law")))
        tx.outbox.add([outgoing("head")])
        [row] = tx.outbox.claim("desk", now=START, limit=1, token="t", lease=timedelta(seconds=60))
        tx.outbox.save(replace(row, state=SendState.SENT, receipt=RECEIPT), token="t")

    await store.write(work)


async def press(
    store: storage.Store,
    action: Action,
    *,
    name: str = "e1",
    person: Person | None = None,
    after: timedelta = timedelta(),
    settings: Settings = SETTINGS,
    channels: tuple[str, ...] = ("desk",),
    story: str = "s1",
    place: str = "C1",
    ref: str = RECEIPT.ref,
) -> ActionResult:
    pressed = Press(
        id=name,
        person=person or Person(id="U1"),
        action=action,
        story=StoryId(story),
        place=place,
        ref=ref,
    )
    now = START + after
    act = partial(actions.apply_press, pressed=pressed, channels=channels)
    return await actions.carry_out(store, settings, act, now=now)


async def judgements(store: storage.Store) -> list[tuple[str, str]]:
    return [(one.verdict.value, one.rule) for one in await store.read(lambda tx: tx.judgements.since(None))]


async def active(store: storage.Store, after: timedelta = timedelta()) -> list[Silence]:
    return list(await store.read(lambda tx: tx.silences.active(START + after)))


async def rows(store: storage.Store, story: str = "s1") -> dict[str, Outgoing]:
    return {row.id: row for row in await store.read(lambda tx: tx.outbox.of_story(StoryId(story)))}


# -- opinions


async def test_useful_counts_for_every_rule_that_the_message_names_and_noise_for_the_one_that_was_meant(
    store: storage.Store,
) -> None:
    await post(store)
    useful = await press(store, Useful())
    await press(store, Noise(rule=rule_key("law")), name="e2")
    assert await judgements(store) == [("useful", "exit"), ("useful", "law"), ("noise", "law")]
    assert useful.text == 'Useful for "exit", "law".'
    [decision] = useful.decisions
    assert (decision.action, decision.reason, decision.rules) == (
        AlertAction.EDIT,
        Reason.JUDGED,
        ("exit", "law"),
    )
    assert decision.detail == 'useful for "exit", "law", by U1'
    await press(store, Noise(), name="e3")
    assert (await judgements(store))[-1:] == [("noise", "exit")], "the other rule is noise already"


@pytest.mark.parametrize(
    ("story", "place", "ref"),
    [("unknown", "C1", RECEIPT.ref), ("s1", "C2", RECEIPT.ref), ("s1", "C1", "1449046920.000101")],
)
async def test_a_press_that_names_what_was_never_sent_is_refused(
    store: storage.Store, story: str, place: str, ref: str
) -> None:
    await post(store)
    assert (await press(store, Noise(), story=story, place=place, ref=ref)).refused == "unknown message"
    assert (await press(store, Noise(rule="0123456789ab"))).refused == "this message no longer names that rule"
    assert await judgements(store) == []


# -- silences by button


async def test_a_silence_of_a_story_drops_what_has_not_left_keeps_the_head_and_has_no_end(
    store: storage.Store,
) -> None:
    await post(store)
    waiting = [outgoing(name, kind=MessageKind.REPLY, due=due) for name, due in (("late", 3 * DAY), ("now", 0 * DAY))]
    await store.write(lambda tx: tx.outbox.add(waiting))
    result = await press(store, HERE)
    [silence] = await active(store, 1_000 * DAY)
    assert (silence.kind, silence.name, silence.channels, silence.until) == (SilenceKind.STORY, "s1", ("desk",), None)
    assert result.command == f"silence end {silence.id}"
    assert result.text == "Nothing is posted about this story in desk until somebody ends it."
    found = await rows(store)
    for name in ("late", "now"):
        assert found[name].state is SendState.DROPPED
        assert "silenced: story" in (found[name].error or "")
    [edit] = [row for row in found.values() if row.message.kind is MessageKind.EDIT]
    assert story_post(edit.message).silences == (silence,)
    assert edit.state is SendState.PENDING


@pytest.mark.parametrize("action", [HERE, replace(HERE, name="s1", is_here=False)], ids=["here", "in my channels"])
async def test_a_silence_of_a_story_from_a_chat_ends_its_records_too_and_can_be_ended_there(
    store: storage.Store, action: Action
) -> None:
    features = {"desk": ChannelFeatures(), "tickets": ChannelFeatures(keeps_records=True), "phone": ChannelFeatures()}
    settings = make_settings(rules=[EXIT, LAW], channels=features)
    await post(store)
    ticket = replace(sending("ticket", channel="tickets", story="s1", views=(view("s1"),)), state=SendState.SENT)
    await store.write(lambda tx: tx.outbox.add([replace(ticket, receipt=RECEIPT)]))
    alert = replace(posted(rules=("exit",)), channel="tickets", head=ticket.id)
    await store.write(lambda tx: tx.stories.save_alert(alert))
    await press(store, action, settings=settings)
    [silence] = await active(store)
    assert silence.channels == ("desk", "tickets")
    edits = {row.channel: row.message for row in (await rows(store)).values() if row.message.kind is MessageKind.EDIT}
    assert edits.keys() == {"desk", "tickets"}
    assert document(Delivery(id=SendId("e"), message=edits["tickets"]))["is_over"]
    assert (await press(store, EndSilence(id=silence.id), name="e2", settings=settings)).refused is None
    assert await active(store) == []


async def test_a_silence_under_a_gathered_message_edits_nothing_and_ends_by_its_command(store: storage.Store) -> None:
    await post(store, alert=posted(rules=("exit", "law"), is_gathered=True))
    for number, action in enumerate((HERE, RULE_HERE)):
        result = await press(store, action, name=f"start {number}")
        assert isinstance(result.created, Silence)
        ended = await press(store, EndSilence(id=result.command.split()[-1]), name=f"end {number}")
        assert await active(store) == []
    assert ended.text == 'The silence of rule "exit" has ended.'
    assert list(await rows(store)) == ["head"]
    decisions = await store.read(lambda tx: tx.stories.decisions(StoryId("s1")))
    assert {decision.action for decision in decisions} == {AlertAction.SILENT}
    assert {decision.reason for decision in decisions} == {Reason.SILENCED, Reason.SILENCE_ENDED}


async def test_a_press_that_changes_nothing_edits_nothing(store: storage.Store) -> None:
    await post(store)
    presses: list[Action] = [Useful(), Useful(), HERE, HERE]
    for number, action in enumerate(presses):
        result = await press(store, action, name=str(number))
        assert len(result.decisions) == (number + 1) % 2
        assert result.text.startswith('Useful for "exit"' if number < 2 else "Nothing is posted about this story")
    assert len(await rows(store)) == 3, "the message and two edits"


async def test_a_message_that_a_merged_story_left_to_the_older_one_is_still_silenced(store: storage.Store) -> None:
    await post(store)

    def merge(tx: storage.Transaction) -> None:
        younger = tx.stories.get([StoryId("s1")])[StoryId("s1")]
        tx.stories.save(replace(younger, id=StoryId("s0")))
        tx.stories.save(replace(younger, members=(), merged_into=StoryId("s0")))
        tx.stories.save_alert(posted(story=StoryId("s0"), rules=("exit", "law")))
        tx.stories.save_alert(posted(state=AlertState.MERGED))

    await store.write(merge)
    await press(store, HERE)
    assert [silence.name for silence in await active(store)] == ["s0"]


async def test_a_message_that_points_to_an_older_one_is_not_judged(store: storage.Store) -> None:
    await post(store, alert=posted(state=AlertState.MERGED))
    result = await press(store, HERE)
    assert result.refused == "merged story"
    assert "merged into an earlier one" in result.text


async def test_an_outlet_of_the_message_is_silenced_for_a_day(store: storage.Store) -> None:
    await post(store)
    outlet = MakeSilence(kind=SilenceKind.OUTLET, name="a", lasts=DAY)
    await press(store, Useful(), name="e0")
    count_before = len(await rows(store))
    [decision] = (await press(store, outlet)).decisions
    assert (decision.action, len(await rows(store))) == (AlertAction.SILENT, count_before), "a message shows no outlets"
    assert [(one.kind, one.name, one.until) for one in await active(store)] == [
        (SilenceKind.OUTLET, "outlet a", START + DAY)
    ]
    gone = MakeSilence(kind=SilenceKind.OUTLET, name="0123456789abcdef0123", lasts=DAY)
    assert (await press(store, gone, name="e2")).refused == "the message no longer names that subject"


# -- rights


@pytest.mark.parametrize(
    "action",
    [Useful(), Noise(), HERE, RULE, EndSilence(id="0"), Split(articles=()), ShowWhy(), ShowMenu()],
    ids=lambda action: type(action).__name__,
)
async def test_a_person_who_may_not_act_changes_and_stores_nothing(store: storage.Store, action: Action) -> None:
    await post(store)
    result = await press(store, action, person=Person(id="U1", barred=frozenset({"desk"})))
    assert result.refused == "the person is not in may_act of the channel"
    assert result.text == "Nothing was changed: only people listed by the operator may use the buttons of this channel."
    assert result.decisions == ()
    assert result.post is None
    assert await judgements(store) == []
    assert await active(store) == []


async def test_what_holds_everywhere_needs_the_right_in_every_channel_of_the_app(store: storage.Store) -> None:
    await post(store)
    barred = Person(id="U1", barred=frozenset({"policy"}))
    settings = restricting({"policy"})
    actions: list[Action] = [RULE, Split(articles=(ArticleId("a"),))]
    for number, action in enumerate(actions):
        result = await press(
            store, action, name=str(number), person=barred, settings=settings, channels=("desk", "policy")
        )
        assert result.refused == "in policy only people listed under may_act may act"
    assert await active(store) == []
    assert await store.read(lambda tx: tx.rulings.waiting()) == []
    here = await press(store, RULE_HERE, name="e3", person=barred, settings=settings, channels=("desk", "policy"))
    assert here.refused is None, "its own channel is another matter"


@pytest.mark.parametrize(
    ("others", "restricted", "member_of", "expected"),
    [
        ((), (), ("desk", "policy"), ()),
        ((), (), ("desk",), ("desk",)),
        (("phone",), ("phone",), ("desk", "policy"), ("desk", "policy")),
        (("duty",), (), ("desk", "policy"), ("desk", "policy")),
        ((), ("policy",), ("desk",), ()),
    ],
    ids=[
        "everybody may",
        "no member of policy",
        "another service restricts",
        "another service has readers in whose channel nobody may act",
        "named in policy",
    ],
)
async def test_a_silence_from_a_chat_holds_where_the_person_counts(
    store: storage.Store,
    others: tuple[str, ...],
    restricted: tuple[str, ...],
    member_of: tuple[str, ...],
    expected: tuple[str, ...],
) -> None:
    await post(store)
    person = Person(id="U1", member_of=frozenset(member_of))
    settings = restricting(restricted, others)
    await press(store, RULE, person=person, settings=settings, channels=("desk", "policy"))
    assert [silence.channels for silence in await active(store)] == [expected]


async def test_a_split_is_refused_where_a_channel_of_another_service_says_who_may_act(store: storage.Store) -> None:
    await post(store)
    split = Split(articles=(ArticleId("b"),))
    settings = restricting({"phone"})
    assert "in phone only people listed" in str((await press(store, split, settings=settings)).refused)
    assert (await press(store, split, name="e2")).refused is None
    [ruling] = await store.read(lambda tx: tx.rulings.waiting())
    assert (ruling.kind, ruling.articles) == (RulingKind.SPLIT, ("b",))


async def test_a_silence_that_holds_elsewhere_too_is_not_ended_from_a_channel(store: storage.Store) -> None:
    await post(store)
    turn_by = "root (command line)"

    def make(turn: Turn) -> None:
        silences.make_silence(
            operator_context(turn, by=turn_by),
            MakeSilence(kind=SilenceKind.RULE, name="exit", lasts=DAY, reason="live", channels=("policy", "desk")),
        )

    await actions.carry_out(store, SETTINGS, make, now=START)
    [silence] = await active(store)
    result = await press(store, EndSilence(id=silence.id))
    assert result.refused == "this silence also covers policy, where you may not act"
    assert len(await active(store)) == 1


async def test_every_silence_is_named_on_the_operators_channel_in_one_line(store: storage.Store) -> None:
    await post(store)
    await press(store, RULE)
    await press(store, RULE)
    [row] = [row for row in await store.read(lambda tx: tx.outbox.unsent()) if row.channel == "ops"]
    [silence] = await active(store)
    assert lines_of(row.message) == (silence.summary,)
    assert 'rule "exit" in desk until 2015-12-03 09:00 UTC by U1: by button, under "S"' in silence.summary


# -- compute, then commit


async def test_an_action_that_a_decision_overtakes_is_computed_again_and_written_once(
    store: storage.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(store)
    write, commits, computed = store.write, 0, []

    async def overtake(work: Callable[[storage.Transaction], object]) -> object:
        nonlocal commits
        commits += 1
        if commits == 1:
            await write(lambda tx: tx.decision_queue.note_change())
        return await write(work)

    def judge(turn: Turn) -> ActionResult:
        computed.append(turn)
        person, story = Person(id="U1"), StoryId("s1")
        pressed = Press(id="e1", person=person, action=Useful(), story=story, place="C1", ref=RECEIPT.ref)
        return actions.apply_press(turn, pressed, channels=("desk",))

    monkeypatch.setattr(store, "write", overtake)
    await actions.carry_out(store, SETTINGS, judge, now=START)
    assert (len(computed), commits) == (2, 2)
    assert await judgements(store) == [("useful", "exit"), ("useful", "law")]


async def test_an_action_that_changes_nothing_opens_no_write_transaction(
    store: storage.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(store)

    async def refuse(work: object) -> object:
        raise AssertionError("nothing is to be written")

    monkeypatch.setattr(store, "write", refuse)
    assert (await press(store, ShowWhy())).text


# -- the menu and the reasons of a message


async def test_the_menu_is_the_message_as_it_should_read_now(store: storage.Store) -> None:
    await post(store)
    await press(store, HERE)
    current = (await press(store, ShowMenu(), name="e2")).post
    assert current is not None
    assert [silence.kind for silence in current.silences] == [SilenceKind.STORY]
    assert [line.outlet for line in current.story.lines] == ["outlet a", "outlet b"]
    assert len(await store.read(lambda tx: tx.stories.decisions(StoryId("s1")))) == 1, "a look changes nothing"


async def test_why_shows_the_decisions_for_the_channel(store: storage.Store) -> None:
    await post(store)
    for number in range(8):
        action = Noise() if number % 2 else Useful()
        await press(store, action, name=f"n{number}", after=timedelta(minutes=number))
    text = (await press(store, ShowWhy(), name="why")).text
    assert 'Rule "exit"' in text
    assert "outlet b: " in text
    assert "The last 6 of 8 decisions for this channel:" in text
    assert text.splitlines()[-1].endswith('edit, judged: noise for "exit", "law", by U1')
