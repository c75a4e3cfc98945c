"""A press becomes a judgement only where story, message and rule are known; and what it silences is silent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import model, pipeline, ports, rules, storage
from bot.model import Action, Reason, SendState, Verdict
from testbed.fakes import START, FakeClock
from tests.alerts.builders import member, posted

DAY = timedelta(days=1)
EXIT, LAW = (
    rules.compile_rule(model.Rule(name=name, notify=("desk",), any=(model.Line(label="w", terms=(name,)),)))
    for name in ("exit", "law")
)
SNAPSHOT = pipeline.Snapshot(feeds={}, rules=rules.RuleSet([EXIT, LAW]))
QUIET = replace(
    SNAPSHOT,
    policies={"desk": model.SpeakPolicy(quiet=model.QuietHours(start=time(8), end=time(12), zone=ZoneInfo("UTC")))},
)
RECEIPT = model.Receipt(ref="1449046920.000100", place="C1", sent_at=START)


@pytest.fixture
async def store() -> AsyncIterator[storage.SqlStore]:
    opened = storage.open_store("sqlite://", clock=FakeClock())
    yield opened
    await opened.close()


def outgoing(
    name: str,
    *,
    kind: model.MessageKind = model.MessageKind.POST,
    rule: str = "exit",
    due: timedelta = timedelta(),
    story: str = "s1",
) -> model.Outgoing:
    sentence = model.Sentence(spans=(model.Span(text="t"),), outlet="o", link="https://o.example/1")
    why = model.Why(rule=rule, severity=model.Severity.NORMAL, evidence=())
    brief = model.StoryBrief(
        story=model.StoryId(story),
        title=sentence,
        summary=(),
        why=(why,),
        owner_count=1,
        first_seen=START,
        last_seen=START,
    )
    return model.Outgoing(
        id=model.SendId(name),
        channel="desk",
        thread=model.SendId("head"),
        message=model.Message(kind=kind, briefs=(brief,)),
        story=model.StoryId(story),
        created_at=START,
        due_at=START + due,
    )


async def tell(store: storage.SqlStore, *, alert: model.Alert | None = None, story: str = "s1") -> None:
    """A story that stands in the channel."""

    def work(tx: ports.Transaction) -> None:
        one = member("a", rules=("exit", "law"))
        tx.articles.add([one.article])
        tx.articles.add_matches(one.article.id, one.matches)
        tx.stories.save(
            model.Story(id=model.StoryId(story), title="S", first_seen=START, last_seen=START, members=(one,))
        )
        tx.stories.save_alert(alert or posted(rules=("exit", "law")))
        tx.outbox.add([outgoing("head")])
        [row] = tx.outbox.claim("desk", now=START, limit=1, token="t", lease=timedelta(seconds=60))
        tx.outbox.save(replace(row, state=SendState.SENT, receipt=RECEIPT), token="t")

    await store.write(work)


def press(verdict: Verdict, *, rule: str | None = None, name: str = "e1", **changes: object) -> ports.Press:
    base = ports.Press(
        id=name,
        by="U1",
        verdict=verdict,
        story=model.StoryId("s1"),
        rule=model.rule_key(rule) if rule else "",
        place="C1",
        ref=RECEIPT.ref,
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # a test names the fields it changes


async def judge(
    store: storage.SqlStore,
    pressed: ports.Press,
    *,
    after: timedelta = timedelta(),
    snapshot: pipeline.Snapshot = SNAPSHOT,
    channels: tuple[str, ...] = ("desk",),
) -> pipeline.Judged:
    now = START + after
    return await store.write(lambda tx: pipeline.judge(tx, snapshot, pressed, channels=channels, now=now))


async def judgements(store: storage.SqlStore) -> list[tuple[str, str]]:
    return [(one.verdict.value, one.rule) for one in await store.read(lambda tx: tx.judgements.since(None))]


async def alert_of(store: storage.SqlStore, story: str = "s1") -> model.Alert:
    [alert] = await store.read(lambda tx: tx.stories.alerts([model.StoryId(story)]))
    return alert


async def test_useful_counts_for_every_rule_that_the_message_names_and_noise_for_the_one_that_was_meant(
    store: storage.SqlStore,
) -> None:
    await tell(store)
    useful = await judge(store, press(Verdict.USEFUL))
    await judge(store, press(Verdict.NOISE, rule="law", name="e2"))
    assert await judgements(store) == [("useful", "exit"), ("useful", "law"), ("noise", "law")]
    assert useful.answer == 'Useful for "exit", "law".'
    [decision] = useful.decisions
    assert (decision.action, decision.reason, decision.rules) == (Action.EDIT, Reason.JUDGED, ("exit", "law"))
    assert decision.detail == 'useful for "exit", "law", says U1'


async def test_a_press_that_is_delivered_again_is_one_judgement_and_one_edit(store: storage.SqlStore) -> None:
    await tell(store)
    await judge(store, press(Verdict.NOISE, rule="exit"))
    again = await judge(store, press(Verdict.NOISE, rule="exit"), after=timedelta(minutes=1))
    assert again.refused is None
    assert again.decisions == ()
    assert await judgements(store) == [("noise", "exit")]
    assert len(await store.read(lambda tx: tx.outbox.of_story(model.StoryId("s1")))) == 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"story": "unknown"}, "unknown message"),
        ({"place": "C2"}, "unknown message"),
        ({"ref": "1449046920.000101"}, "unknown message"),
        ({"rule": "0123456789ab"}, "unknown rule"),
    ],
)
async def test_a_press_that_names_what_was_never_sent_is_refused(
    store: storage.SqlStore, changes: dict[str, str], why: str
) -> None:
    await tell(store)
    judged = await judge(store, press(Verdict.NOISE, **changes))
    assert judged.refused == why
    assert await judgements(store) == []


async def test_a_press_under_a_channel_that_this_listener_does_not_serve_is_refused(store: storage.SqlStore) -> None:
    await tell(store)
    assert (await judge(store, press(Verdict.MUTED), channels=("other",))).refused == "unknown message"


async def test_a_mute_drops_what_has_not_left_and_leaves_the_head(store: storage.SqlStore) -> None:
    await tell(store)
    await store.write(
        lambda tx: tx.outbox.add([outgoing("late", kind=model.MessageKind.REPLY, due=timedelta(hours=3))])
    )
    await judge(store, press(Verdict.MUTED))
    assert (await alert_of(store)).is_muted
    rows = {row.id: row for row in await store.read(lambda tx: tx.outbox.of_story(model.StoryId("s1")))}
    assert (rows[model.SendId("late")].state, rows[model.SendId("late")].error) == (SendState.DROPPED, "muted by U1")
    [edit] = [row for row in rows.values() if row.message.kind is model.MessageKind.EDIT]
    assert [one.verdict for one in edit.message.judgements] == [Verdict.MUTED]
    assert edit.state is SendState.PENDING


async def test_muting_and_unmuting_again_and_again_edits_the_message_each_time(store: storage.SqlStore) -> None:
    await tell(store)
    for number, verdict in enumerate((Verdict.MUTED, Verdict.UNMUTED, Verdict.MUTED, Verdict.UNMUTED)):
        judged = await judge(store, press(verdict, name=f"e{number}"), after=timedelta(seconds=number))
        assert judged.decisions
    rows = await store.read(lambda tx: tx.outbox.of_story(model.StoryId("s1")))
    assert len([row for row in rows if row.message.kind is model.MessageKind.EDIT]) == 4
    assert not (await alert_of(store)).is_muted


async def test_an_answer_says_times_in_the_zone_of_the_configuration(store: storage.SqlStore) -> None:
    await tell(store)
    snapshot = replace(SNAPSHOT, zone=ZoneInfo("Asia/Karachi"))
    judged = await judge(store, press(Verdict.SNOOZED, rule="exit"), snapshot=snapshot)
    assert f"{(START + DAY).astimezone(ZoneInfo('Asia/Karachi')):%Y-%m-%d %H:%M} PKT" in judged.answer


async def test_a_snooze_puts_off_replies_and_waking_brings_them_back_but_not_into_quiet_hours(
    store: storage.SqlStore,
) -> None:
    await tell(store)

    def work(tx: ports.Transaction) -> None:
        tx.outbox.add(
            [
                outgoing("mine", kind=model.MessageKind.REPLY),
                outgoing("other", kind=model.MessageKind.REPLY, rule="law"),
            ]
        )

    async def due() -> dict[str, timedelta]:
        rows = await store.read(lambda tx: tx.outbox.unsent())
        return {row.id: row.due_at - START for row in rows if row.message.kind is model.MessageKind.REPLY}

    await store.write(work)
    await judge(store, press(Verdict.SNOOZED, rule="exit"))
    assert await due() == {"mine": DAY, "other": timedelta()}
    await judge(store, press(Verdict.WOKEN, rule="exit", name="e2"), after=timedelta(hours=1), snapshot=QUIET)
    assert await due() == {"mine": timedelta(hours=3), "other": timedelta()}


async def test_waking_releases_what_the_snooze_held_and_nothing_else(store: storage.SqlStore) -> None:
    await tell(store)
    await judge(store, press(Verdict.SNOOZED, rule="exit"))

    def work(tx: ports.Transaction) -> None:
        for name, reason, rule in (
            ("s2", Reason.SNOOZED, "exit"),
            ("s3", Reason.SNOOZED, "law"),
            ("s4", Reason.COOLDOWN, "exit"),
        ):
            tx.stories.save(
                model.Story(id=model.StoryId(name), title=name, first_seen=START, last_seen=START, members=())
            )
            tx.stories.save_alert(
                model.Alert(
                    story=model.StoryId(name),
                    channel="desk",
                    state=model.AlertState.HELD,
                    rules=(rule,),
                    reason=reason,
                    held_until=START + timedelta(hours=20),
                )
            )

    await store.write(work)
    await judge(store, press(Verdict.WOKEN, rule="exit", name="e2"), after=timedelta(hours=1))
    due = await store.read(lambda tx: tx.stories.held_until(START + timedelta(hours=1)))
    assert [alert.story for alert in due] == ["s2"]


async def test_in_a_gathered_message_the_same_choice_again_takes_it_back_and_nothing_is_edited(
    store: storage.SqlStore,
) -> None:
    await tell(store, alert=posted(rules=("exit", "law"), is_gathered=True))
    answers = [
        (await judge(store, press(verdict, rule=rule, name=name, takes_back=True))).answer
        for verdict, rule, name in (
            (Verdict.MUTED, None, "1"),
            (Verdict.MUTED, None, "2"),
            (Verdict.SNOOZED, "law", "3"),
            (Verdict.SNOOZED, "law", "4"),
        )
    ]
    assert await judgements(store) == [("muted", ""), ("unmuted", ""), ("snoozed", "law"), ("woken", "law")]
    assert answers[3] == '"law" is awake again.'
    rows = await store.read(lambda tx: tx.outbox.of_story(model.StoryId("s1")))
    assert [row.id for row in rows] == ["head"]
    decisions = await store.read(lambda tx: tx.stories.decisions(model.StoryId("s1")))
    assert {decision.action for decision in decisions} == {Action.SILENT}


async def test_a_message_that_a_merged_story_left_to_the_older_one_is_still_judged(store: storage.SqlStore) -> None:
    await tell(store)

    def merge(tx: ports.Transaction) -> None:
        younger = tx.stories.get([model.StoryId("s1")])[model.StoryId("s1")]
        tx.stories.save(replace(younger, id=model.StoryId("s0")))
        tx.stories.save(replace(younger, members=(), merged_into=model.StoryId("s0")))
        tx.stories.save_alert(posted(story=model.StoryId("s0"), rules=("exit", "law")))
        tx.stories.save_alert(posted(state=model.AlertState.MERGED))

    await store.write(merge)
    await judge(store, press(Verdict.MUTED))
    assert (await alert_of(store, "s0")).is_muted


async def test_a_message_that_points_to_an_older_one_is_not_judged(store: storage.SqlStore) -> None:
    await tell(store, alert=posted(state=model.AlertState.MERGED))
    judged = await judge(store, press(Verdict.MUTED))
    assert judged.refused == "merged story"
    assert "older message" in judged.answer


@pytest.mark.parametrize("verdict", Verdict)
async def test_a_person_who_may_not_act_changes_and_stores_nothing(store: storage.SqlStore, verdict: Verdict) -> None:
    await tell(store)
    before = await alert_of(store)
    barred = frozenset({"desk"})
    judged = await judge(store, press(verdict, barred=barred))
    assert judged.refused == "the person is not in may_act of the channel"
    assert judged.answer == "Nothing was changed: the buttons of this channel are for those whom its operator named."
    assert judged.decisions == ()
    assert await judgements(store) == []
    assert await alert_of(store) == before
    allowed = (await judge(store, press(verdict, barred=frozenset({"another channel"})))).refused
    # This press names no article, and nothing to silence.
    refused = {Verdict.OTHER_EVENT: "unknown article", Verdict.SILENCED: "not to be silenced"}
    assert allowed == refused.get(verdict)
