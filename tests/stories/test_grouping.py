"""Articles become stories."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import stories
from bot.model.stories import Article, JoinReason, StoryId
from bot.stories import openstory
from tests.stories import examples
from tests.stories.examples import START, arrival, article, join, threads
from tests.stories.test_look_alikes import LOOK_ALIKES

#: The example story runs from July to December.
WINDOW = timedelta(days=200)
DAY = timedelta(days=1)


def test_an_article_with_nothing_like_it_opens_a_story() -> None:
    join = stories.Grouping(window=WINDOW).join(article("Comet seen over Quetta", "Astronomers watched a comet pass."))

    assert join.reason is JoinReason.OPENED
    assert join.detail == "no open story shares its words"


def test_a_reason_names_what_is_shared() -> None:
    grouping = stories.Grouping(window=WINDOW)
    grouping.join(examples.EXIT)

    join = grouping.join(examples.AFFECTED)

    assert join.reason is JoinReason.SIMILAR
    assert "% sure that it is the same event; both say " in join.detail
    assert "both name BlackBerry, PTA, Pakistan" in join.detail


def test_a_story_whose_last_article_is_too_old_is_not_joined() -> None:
    grouping = stories.Grouping(window=14 * DAY)

    july, december = threads(grouping, examples.ORDER, examples.EXIT)

    assert july != december


EXIT_AGAIN = f"{examples.EXIT.text} (Agencies)"
FOOTER = " ".join(f"Subscribe to our channel number {at} for all the news of the day." for at in range(12))


@pytest.mark.parametrize(
    ("first", "later", "is_copy"),
    [
        (examples.EXIT, article("Phone maker goes", EXIT_AGAIN, outlet="Mirror", at=START + DAY / 24), True),
        (article(examples.EXIT.title), article(examples.EXIT.title, outlet="Mirror"), True),
        (examples.EXIT, examples.AFFECTED, False),
        (examples.EXIT, article(examples.EXIT.title, examples.EXIT.text, at=START + 20 * DAY), False),
        (
            article("Tankers wait off California", f"Two dozen tankers wait off the port. {FOOTER}"),
            article("Vaccine trials begin in Leeds", f"A vaccine is given to volunteers. {FOOTER}"),
            False,
        ),
    ],
    ids=[
        "the same text under another headline",
        "the same headline over no text",
        "its own words",
        "the same text weeks later",
        "an equal footer",
    ],
)
def test_a_syndicated_copy_joins_and_names_its_original(first: Article, later: Article, *, is_copy: bool) -> None:
    grouping = stories.Grouping(window=WINDOW)
    home = grouping.join(first).story

    join = grouping.join(later)

    assert join.copy_of == (first.id if is_copy else None)
    assert not is_copy or (join.story, join.reason) == (home, JoinReason.COPY)


@pytest.mark.parametrize("is_same", [True, False])
def test_the_same_link_is_the_same_story_if_the_titles_agree_too(*, is_same: bool) -> None:
    grouping = stories.Grouping(window=WINDOW)
    page = "https://gazette.example/live"
    first = grouping.join(article("Storm nears the coast: live updates", "Nothing yet.", link=page))

    title = "Storm nears the coast: wind falls" if is_same else "Comet over Quetta"
    second = grouping.join(article(title, "A calm at dawn.", link=page, outlet="Mirror"))

    assert (second.story == first.story) is is_same
    assert (second.reason is JoinReason.SAME_LINK) is is_same


FERRY = article("Ferry sinks off Manora", "The ferry Shahbaz sank off Manora island in a storm, the port says.")
CREW = article(
    "Rescue boats search for Karachi crew",
    "Boats from Karachi look for the crew of a ship lost near Keamari.",
    at=START + DAY / 8,
)
SHIP_LOST = article(
    "Ferry Shahbaz lost: rescue boats from Karachi search for its crew off Manora",
    "The ferry Shahbaz sank off Manora island. Boats from Karachi search for the crew near Keamari, the port says.",
    at=START + DAY / 4,
)


def test_an_article_that_tells_two_stories_merges_none_of_which_it_is_not_sure() -> None:
    grouping = stories.Grouping(window=WINDOW)
    ferry, crew = grouping.join(FERRY), grouping.join(CREW)
    assert ferry.story != crew.story

    bridge = grouping.join(SHIP_LOST)

    assert bridge.merges == ()


def test_two_stories_of_which_one_article_is_surely_merge_into_the_older() -> None:
    grouping = stories.Grouping(window=WINDOW)
    again = article(examples.EXIT.title, examples.EXIT.text, outlet="Tribune", at=START + DAY / 24)
    older, younger = examples.story(examples.EXIT), examples.story(again)
    grouping.load([younger, older])

    bridge = grouping.join(article(examples.EXIT.title, examples.EXIT.text, outlet="Echo", at=START + DAY / 12))

    assert bridge.story == older.id
    assert bridge.merges == (younger.id,)
    assert grouping.join(again).story == older.id
    assert grouping.join(again).reason is JoinReason.MERGED


def test_a_loaded_index_decides_as_the_one_that_grew() -> None:
    grown = stories.Grouping(window=WINDOW)
    home = grown.join(examples.EXIT).story
    grown.join(examples.AFFECTED)
    loaded = stories.Grouping(window=WINDOW)
    stored = examples.story(examples.EXIT, examples.AFFECTED)
    loaded.load([stored])

    assert grown.join(examples.MOVED).story == home
    assert loaded.join(examples.MOVED).story == stored.id
    assert grown.join(examples.MESSENGER).detail == loaded.join(examples.MESSENGER).detail


def test_a_story_that_was_merged_is_not_loaded() -> None:
    grouping = stories.Grouping(window=WINDOW)
    grouping.load([replace(examples.story(examples.EXIT), merged_into=StoryId("other"))])

    assert not grouping.knows(examples.EXIT.id)


def sizes(grouping: stories.Grouping) -> tuple[int, ...]:
    """Everything that could grow."""
    index = grouping._index
    return (
        len(index.stories),
        len(index._by_word),
        len(index._by_link),
        len(grouping._joins),
        len(index.rarity.commonness),
        sum(len(story.members) + len(story.totals) + len(story.names) for story in index.stories.values()),
    )


def test_many_short_stories_stay_bounded_by_the_window() -> None:
    grouping = stories.Grouping(window=2 * DAY)
    seen = []
    for day in range(30):
        now = START + day * DAY
        grouping.forget(now - 2 * DAY)
        grouping.join_batch(
            arrival(article(" ".join(f"{word}{day}x{n}" for word in ("Alpha", "beta", "gamma", "delta")), at=now))
            for n in range(10)
        )
        seen.append(sizes(grouping))

    early, late = (map(max, *part) for part in (seen[4:12], seen[15:]))
    assert all(now <= before for now, before in zip(late, early, strict=True))


def test_one_story_that_never_ends_stays_bounded_by_the_window() -> None:
    grouping = stories.Grouping(window=2 * DAY)
    seen = []
    for day in range(120):
        now = START + day * DAY
        grouping.forget(now - 2 * DAY)
        fresh = " ".join(f"word{day}x{n}" for n in range(6))
        grouping.join(article(examples.EXIT.title, f"{examples.EXIT.text} {fresh}", at=now))
        seen.append(sizes(grouping))

    assert {one[0] for one in seen} == {1}
    assert max(one[5] for one in seen) < 4 * openstory.VOCABULARY
    assert max(one[3] for one in seen) <= 3


POOL = (
    examples.EXIT,
    examples.AFFECTED,
    examples.MOVED,
    examples.MESSENGER,
    examples.MESSENGER_AGAIN,
    article("BlackBerry to leave Pakistan", outlet="Wire"),
    article("BlackBerry to leave Pakistan", outlet="Wire", link=""),
    article("BlackBerry to leave Pakistan", outlet="Echo", link=""),
    *LOOK_ALIKES["two earthquakes"],
    *LOOK_ALIKES["two phones"],
    article("", ""),
    article("", "5,000", link=""),
)


@settings(max_examples=40)
@given(st.permutations(POOL))
def test_the_order_inside_a_batch_does_not_change_the_stories(batch: list[Article]) -> None:
    one, other = (stories.Grouping(window=WINDOW).join_batch(map(arrival, each)) for each in (batch, POOL))

    assert one == other


@settings(max_examples=60)
@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=200)), max_size=6))
def test_any_text_finds_a_story(texts: list[tuple[str, str]]) -> None:
    grouping = stories.Grouping(window=WINDOW)
    batch = [article(title, text, outlet=f"Outlet{at}") for at, (title, text) in enumerate(texts)]

    joins = grouping.join_batch(map(arrival, batch))

    assert {join.article for join in joins} == {one.id for one in batch}
    assert all(grouping.knows(one.id) for one in batch)


def test_hundreds_of_nearly_equal_articles_are_one_story_and_another_event_among_them_is_not() -> None:
    grouping = stories.Grouping(window=WINDOW)
    burst = [
        article(
            f"Regulator orders BlackBerry to open backdoor, Outlet{number} reports",
            f"The regulator has ordered BlackBerry to open a backdoor into its servers, Outlet{number} reports.",
            at=START + number * DAY / 1000,
        )
        for number in range(300)
    ]
    other = article(
        "Court fines Northlink 20 million over BlackBerry backdoor claims",
        "A court in Leeds fined Northlink for false claims about a backdoor.",
        at=START + DAY / 10,
    )

    found = [join(grouping, one, "backdoor", "BlackBerry", "backdoor").story for one in (*burst, other)]

    assert len(set(found[:-1])) == 1
    assert found[-1] != found[0]
