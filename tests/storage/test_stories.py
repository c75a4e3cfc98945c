"""Stories, decisions and alerts, and the silences and judgements of people, over every store."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot import storage
from bot.model.actions import Silence, SilenceId, SilenceKind, Verdict
from bot.model.alerts import AlertAction, AlertState, Reason
from bot.model.stories import ArticleId, JoinReason, Story, StoryId
from bot.testing.messages import NEW_FACT
from tests.testbed.fakes import START
from tests.testbed.made import MINUTE, alert, article, decision, judgement, match, silence, story

A, B, C = StoryId("A"), StoryId("B"), StoryId("C")
HOUR = timedelta(hours=1)


def keep(tx: storage.Transaction, *stories: Story) -> None:
    for item in stories:
        tx.articles.add([member.article for member in item.members])
        tx.stories.save(item)


def load(tx: storage.Transaction, name: StoryId) -> Story:
    return tx.stories.get([name])[name]


def test_a_story_comes_back_with_its_members_and_their_matches_and_saving_it_again_adds_members(
    tx: storage.Transaction,
) -> None:
    first, two = article("one"), article("two")
    created = story("A", first)
    keep(tx, created)
    tx.articles.add_matches(first.id, [match("rule", "PTA")])
    members = (replace(created.members[0], matches=(match("rule", "PTA"),)),)
    assert load(tx, A) == replace(created, members=members)
    keep(tx, replace(story("A", two, first), title="Better title", last_seen=START + MINUTE))
    stored = load(tx, A)
    assert [member.article.id for member in stored.members] == [first.id, two.id], "in order of arrival"
    assert (stored.title, stored.last_seen) == ("Better title", START + MINUTE)


def test_stories_are_shown_by_the_page_and_counted_without_being_read(tx: storage.Transaction) -> None:
    named = {name: article(name) for name in ("old", "one", "two", "three", "part")}
    keep(
        tx,
        story("old", named["old"], minutes=-10),
        story("A", named["one"], minutes=1),
        story("B", named["two"], minutes=2),
        story("C", named["three"], minutes=3),
        # Became part of A long after it moved last.
        replace(story("part", named["part"], minutes=-9), merged_into=A),
    )
    for name, rule in {"old": "spies", "one": "spies", "two": "banks", "part": "banks"}.items():
        tx.articles.add_matches(named[name].id, [match(rule, "x")])

    def page(rule: str | None = None, *, skip: int = 0, after: StoryId | None = None) -> list[str]:
        end = (load(tx, after).last_seen, after) if after else None
        return [item.id for item in tx.stories.newest(since=START, rule=rule, skip=skip, most=2, after=end)]

    assert (page(), page(skip=2), tx.stories.count(since=START, rule=None)) == (["C", "B"], ["A"], 3)
    assert [page(after=last) for last in (C, B, A)] == [["B", "A"], ["A"], []]
    assert [page(rule) for rule in ("banks", "spies")] == [["B", "A"], ["A"]]
    assert [tx.stories.count(since=START, rule=rule) for rule in ("banks", "spies", "nobody's")] == [2, 1, 0]
    assert tx.stories.count_by_rule(since=START) == {"banks": 2, "spies": 1}


def test_a_merged_story_continues_in_the_oldest_one_in_whatever_order_the_merges_are_written(
    tx: storage.Transaction,
) -> None:
    first, two, three = article("one"), article("two"), article("three")
    keep(tx, story("A", first), story("B", two, minutes=1), story("C", three))
    for younger, older in ((C, B), (B, A)):
        merged = replace(load(tx, younger), members=(), merged_into=older)
        tx.stories.save(merged)
    stored = load(tx, A)
    assert [(member.article.id, member.join.reason, member.join.story) for member in stored.members] == [
        (first.id, JoinReason.OPENED, A),
        (two.id, JoinReason.MERGED, A),
        (three.id, JoinReason.MERGED, A),
    ]
    assert load(tx, B).members == ()
    assert load(tx, C).merged_into == A
    assert [item.id for item in tx.stories.since(None)] == [A, C, B], "oldest first"
    assert [item.id for item in tx.stories.open_since(START)] == [A]
    keep(tx, story("D", minutes=2), replace(story("E", minutes=1), last_seen=START + 9 * MINUTE))
    assert [item.id for item in tx.stories.open_since(START + MINUTE)] == ["E", "D"]
    assert tx.stories.of_article(two.id) == stored


def test_decisions_come_back_in_the_order_they_were_made(tx: storage.Transaction) -> None:
    fact = replace(NEW_FACT.facts[0], after="30 December\x00")
    reply = AlertAction.REPLY, Reason.NEW_FACT
    created = [decision(A), decision(A, *reply, rules=("a",), facts=(fact,))]
    keep(tx, story("A"))
    tx.stories.decide(created)
    tx.stories.decide([])
    assert list(tx.stories.decisions(A)) == created


def test_a_story_has_one_alert_a_channel_and_a_held_one_comes_when_its_time_has_come(
    tx: storage.Transaction,
) -> None:
    keep(tx, story("A"), story("B"), story("C"))
    waits = alert(A, state=AlertState.HELD, rules=("r",), reason=Reason.QUIET_HOURS)
    early = replace(waits, story=B, held_until=START)
    late = replace(waits, posted_facts=("deadline: 30 December",), held_until=START + MINUTE)
    other, endless = replace(waits, channel="other"), replace(waits, story=C)
    for item in (waits, early, other, endless, late):
        tx.stories.save_alert(item)
    assert list(tx.stories.alerts([A])) == [late, other]
    assert list(tx.stories.held_until(START)) == [early]
    assert list(tx.stories.held_until(START + MINUTE)) == [early, late]
    posted = replace(late, state=AlertState.POSTED, posted_at=START + MINUTE, held_until=None)
    tx.stories.save_alert(posted)
    assert list(tx.stories.held_until(START + MINUTE)) == [early]
    assert list(tx.stories.posted_since("desk", START + MINUTE)) == [posted]
    assert list(tx.stories.posted_since("desk", START + 2 * MINUTE)) == []


def test_an_id_that_no_database_can_hold_names_nothing(tx: storage.Transaction) -> None:
    for written in ("story\0", "\ud800", "' OR 1=1 --"):
        assert tx.stories.get([StoryId(written)]) == {}
        assert tx.articles.get([ArticleId(written)]) == {}
        assert tx.feeds.get(written) is None


def test_a_story_is_found_by_the_beginning_of_its_id(tx: storage.Transaction) -> None:
    keep(tx, story("a1b2"), story("a1c3"), story("f_%"))
    tx.stories.save(replace(story("b9"), merged_into=StoryId("a1c3")))

    def beginning(start: str) -> list[str]:
        return sorted(tx.stories.beginning(start, most=2))

    assert beginning("a1b") == ["a1b2"]
    assert beginning("a1b2") == ["a1b2"]
    assert beginning("a1") == ["a1b2", "a1c3"]
    assert beginning("b9") == ["a1c3"], "the story that it became"
    for start in ("c", "%", "a_", "a1b2\0c", "\ud800"):
        assert beginning(start) == []


# -- what people decide


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
