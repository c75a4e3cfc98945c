"""Stories, decisions and alerts, over every store."""

from __future__ import annotations

from msgspec.structs import replace

from bot import storage
from bot.model.alerts import AlertAction, AlertState, Reason
from bot.model.stories import ArticleId, Fact, JoinReason, Story, StoryId
from tests.testbed.fakes import START
from tests.testbed.made import MINUTE, alert, article, decision, match, story

A, B, C = StoryId("A"), StoryId("B"), StoryId("C")


async def keep(store: storage.Store, *stories: Story) -> None:
    def work(tx: storage.Transaction) -> None:
        for item in stories:
            tx.articles.add([member.article for member in item.members])
            tx.stories.save(item)

    await store.write(work)


async def load(store: storage.Store, name: StoryId) -> Story:
    return (await store.read(lambda tx: tx.stories.get([name])))[name]


async def test_a_story_comes_back_with_its_members_and_their_matches_and_saving_it_again_adds_members(
    store: storage.Store,
) -> None:
    first, two = article("one"), article("two")
    created = story("A", first)
    await keep(store, created)
    await store.write(lambda tx: tx.articles.add_matches(first.id, [match("rule", "PTA")]))
    members = (replace(created.members[0], matches=(match("rule", "PTA"),)),)
    assert await load(store, A) == replace(created, members=members)
    await keep(store, replace(story("A", two, first), title="Better title", last_seen=START + MINUTE))
    stored = await load(store, A)
    assert [member.article.id for member in stored.members] == [first.id, two.id], "in order of arrival"
    assert (stored.title, stored.last_seen) == ("Better title", START + MINUTE)


async def test_open_stories_are_those_with_late_news_oldest_first(store: storage.Store) -> None:
    await keep(store, story("B", minutes=2), story("A", minutes=1), story("C", minutes=0))
    opened = await store.read(lambda tx: tx.stories.open_since(START + MINUTE))
    assert [item.id for item in opened] == [A, B]
    everything = await store.read(lambda tx: tx.stories.since(None))
    assert [item.id for item in everything] == [C, A, B]


async def test_stories_are_shown_by_the_page_and_counted_without_being_read(store: storage.Store) -> None:
    named = {name: article(name) for name in ("old", "one", "two", "three", "part")}
    await keep(
        store,
        story("old", named["old"], minutes=-10),
        story("A", named["one"], minutes=1),
        story("B", named["two"], minutes=2),
        story("C", named["three"], minutes=3),
        # Became part of A long after it moved last.
        replace(story("part", named["part"], minutes=-9), merged_into=A),
    )
    hits = {"old": "spies", "one": "spies", "two": "banks", "part": "banks"}

    def add_matches(tx: storage.Transaction) -> None:
        for name, rule in hits.items():
            tx.articles.add_matches(named[name].id, [match(rule, "x")])

    await store.write(add_matches)

    async def page(rule: str | None = None, *, skip: int = 0) -> list[str]:
        stories = await store.read(lambda tx: tx.stories.newest(since=START, rule=rule, skip=skip, most=2))
        return [item.id for item in stories]

    async def count(rule: str | None = None) -> int:
        return await store.read(lambda tx: tx.stories.count(since=START, rule=rule))

    assert (await page(), await page(skip=2), await count()) == (["C", "B"], ["A"], 3)
    assert (await page("banks"), await count("banks")) == (["B", "A"], 2)
    assert (await page("spies"), await count("spies")) == (["A"], 1)
    assert await count("nobody's") == 0

    async def behind(last: str) -> list[str]:
        end = (await load(store, StoryId(last))).last_seen, StoryId(last)
        stories = await store.read(lambda tx: tx.stories.newest(since=START, rule=None, skip=0, most=9, after=end))
        return [item.id for item in stories]

    assert [await behind(last) for last in "CBA"] == [["B", "A"], ["A"], []]
    assert await store.read(lambda tx: tx.stories.count_by_rule(since=START)) == {"banks": 2, "spies": 1}


async def test_a_merged_story_continues_in_the_oldest_one_in_whatever_order_the_merges_are_written(
    store: storage.Store,
) -> None:
    first, two, three = article("one"), article("two"), article("three")
    await keep(store, story("A", first), story("B", two, minutes=1), story("C", three))
    for younger, older in ((C, B), (B, A)):
        merged = replace(await load(store, younger), members=(), merged_into=older)
        await store.write(lambda tx, merged=merged: tx.stories.save(merged))  # type: ignore[misc]
    stored = await load(store, A)
    assert [(member.article.id, member.join.reason, member.join.story) for member in stored.members] == [
        (first.id, JoinReason.OPENED, A),
        (two.id, JoinReason.MERGED, A),
        (three.id, JoinReason.MERGED, A),
    ]
    assert (await load(store, B)).members == ()
    assert (await load(store, C)).merged_into == A
    assert [item.id for item in await store.read(lambda tx: tx.stories.open_since(START))] == [A]
    assert {item.id for item in await store.read(lambda tx: tx.stories.since(START))} == {A, B, C}
    assert await store.read(lambda tx: tx.stories.of_article(two.id)) == stored


async def test_decisions_come_back_in_the_order_they_were_made(store: storage.Store) -> None:
    fact = Fact(
        kind="date",
        label="deadline",
        before="30 November",
        after="30 December\x00",
        sentence="The deadline moved.",
        article=article("one").id,
        outlet="Dawn",
    )
    reply = AlertAction.REPLY, Reason.NEW_FACT
    created = [decision(A), decision(A, *reply, rules=("a",), facts=(fact,))]
    await keep(store, story("A"))
    await store.write(lambda tx: tx.stories.decide(created))
    await store.write(lambda tx: tx.stories.decide([]))
    assert list(await store.read(lambda tx: tx.stories.decisions(A))) == created


async def test_a_story_has_one_alert_a_channel_and_a_held_one_comes_when_its_time_has_come(
    store: storage.Store,
) -> None:
    await keep(store, story("A"), story("B"), story("C"))
    waits = alert(A, state=AlertState.HELD, rules=("r",), reason=Reason.QUIET_HOURS)
    early = replace(waits, story=B, held_until=START)
    late = replace(waits, posted_facts=("deadline: 30 December",), held_until=START + MINUTE)
    other, endless = replace(waits, channel="other"), replace(waits, story=C)
    for item in (waits, early, other, endless, late):
        await store.write(lambda tx, item=item: tx.stories.save_alert(item))  # type: ignore[misc]
    assert list(await store.read(lambda tx: tx.stories.alerts([A]))) == [late, other]
    assert list(await store.read(lambda tx: tx.stories.held_until(START))) == [early]
    assert list(await store.read(lambda tx: tx.stories.held_until(START + MINUTE))) == [early, late]
    posted = replace(late, state=AlertState.POSTED, posted_at=START + MINUTE, held_until=None)
    await store.write(lambda tx: tx.stories.save_alert(posted))
    assert list(await store.read(lambda tx: tx.stories.held_until(START + MINUTE))) == [early]
    assert list(await store.read(lambda tx: tx.stories.posted_since("desk", START + MINUTE))) == [posted]
    assert list(await store.read(lambda tx: tx.stories.posted_since("desk", START + 2 * MINUTE))) == []


async def test_an_id_that_no_database_can_hold_names_nothing(store: storage.Store) -> None:
    for written in ("story\0", "\ud800", "' OR 1=1 --"):
        assert await store.read(lambda tx, name=written: tx.stories.get([StoryId(name)])) == {}  # type: ignore[misc]
        assert await store.read(lambda tx, name=written: tx.articles.get([ArticleId(name)])) == {}  # type: ignore[misc]
        assert await store.read(lambda tx, name=written: tx.feeds.get(name)) is None  # type: ignore[misc]


async def test_a_story_is_found_by_the_beginning_of_its_id(store: storage.Store) -> None:
    await keep(store, story("a1b2"), story("a1c3"), story("f_%"))
    await store.write(lambda tx: tx.stories.save(replace(story("b9"), merged_into=StoryId("a1c3"))))

    async def beginning(start: str) -> list[str]:
        return sorted(await store.read(lambda tx: tx.stories.beginning(start, most=2)))

    assert await beginning("a1b") == ["a1b2"]
    assert await beginning("a1b2") == ["a1b2"]
    assert await beginning("a1") == ["a1b2", "a1c3"]
    assert await beginning("b9") == ["a1c3"], "the story that it became"
    for start in ("c", "%", "a_", "a1b2\0c", "\ud800"):
        assert await beginning(start) == []
