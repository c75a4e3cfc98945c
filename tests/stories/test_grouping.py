"""Articles become stories."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.model.stories import Article, JoinReason, StoryId
from bot.stories import profile
from bot.stories.index import Index
from bot.text import words
from tests.stories import examples
from tests.stories.examples import START, arrival, article, join_batch, put, threads
from tests.stories.test_wordings import LOOK_ALIKES

#: The example story runs from July to December.
WINDOW = timedelta(days=200)
DAY = timedelta(days=1)


def test_an_article_with_nothing_like_it_opens_a_story() -> None:
    join = put(Index(window=WINDOW), article("Comet seen over Quetta", "Astronomers watched a comet pass."))

    assert join.reason is JoinReason.OPENED
    assert join.detail == "no open story shares its words"


def test_a_reason_names_what_is_shared() -> None:
    index = Index(window=WINDOW)
    put(index, examples.EXIT)

    join = put(index, examples.AFFECTED)

    assert join.reason is JoinReason.SIMILAR
    assert "% sure that it is the same event; both say " in join.detail
    assert "both name BlackBerry, Pakistan, PTA" in join.detail
    words = join.detail.partition("both say ")[2].partition(";")[0].split(", ")
    assert not {"BlackBerry", "Pakistan", "PTA"} & set(words), "a name is not a plain word too"


def test_a_story_whose_last_article_is_too_old_is_not_joined() -> None:
    index = Index(window=14 * DAY)

    july, december = threads(index, examples.ORDER, examples.EXIT)

    assert july != december


EXIT_AGAIN = f"{examples.EXIT.text} (Agencies)"
TITLE = "A headline of more than six words here"
WORDS, OWN_WORDS = (" ".join(f"{word}{n}" for n in range(200)) for word in ("word", "own"))
FOOTER = " ".join(f"Subscribe to our channel number {at} for all the news of the day." for at in range(12))


@pytest.mark.parametrize(
    ("first", "later", "is_copy"),
    [
        (examples.EXIT, article("Phone maker goes", EXIT_AGAIN, outlet="Mirror", at=START + DAY / 24), True),
        (article(examples.EXIT.title), article(examples.EXIT.title, outlet="Mirror"), True),
        (examples.EXIT, examples.AFFECTED, False),
        (examples.EXIT, article(examples.EXIT.title, examples.EXIT.text, at=START + 20 * DAY), False),
        (article("A court hears", WORDS), article("Another", WORDS[:900], outlet="Mirror"), True),
        (article("A court hears", WORDS), article("Another", f"{WORDS[:400]} {OWN_WORDS}", outlet="Mirror"), False),
        (article(TITLE, "one two three four"), article(TITLE, "five six seven eight", outlet="Mirror"), False),
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
        "a text with a cut end",
        "a report that quotes a passage",
        "two teasers under one headline",
        "an equal footer",
    ],
)
def test_a_syndicated_copy_joins_and_names_its_original(first: Article, later: Article, *, is_copy: bool) -> None:
    index = Index(window=WINDOW)
    home = put(index, first).story

    join = put(index, later)

    assert join.copy_of == (first.id if is_copy else None)
    assert not is_copy or (join.story, join.reason) == (home, JoinReason.COPY)


@pytest.mark.parametrize("is_same", [True, False])
def test_the_same_link_is_the_same_story_if_the_titles_agree_too(*, is_same: bool) -> None:
    index = Index(window=WINDOW)
    page = "https://gazette.example/live"
    first = put(index, article("Storm nears the coast: live updates", "Nothing yet.", link=page))

    title = "Storm nears the coast: wind falls" if is_same else "Comet over Quetta"
    second = put(index, article(title, "A calm at dawn.", link=page, outlet="Mirror"))

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
    index = Index(window=WINDOW)
    ferry, crew = put(index, FERRY), put(index, CREW)
    assert ferry.story != crew.story

    bridge = put(index, SHIP_LOST)

    assert bridge.merges == ()


def test_a_loaded_index_decides_as_the_one_that_grew() -> None:
    grown = Index(window=WINDOW)
    home = put(grown, examples.EXIT).story
    put(grown, examples.AFFECTED)
    loaded = Index(window=WINDOW)
    stored = examples.story(examples.EXIT, examples.AFFECTED)
    members = tuple(replace(member, join=grown.joins[member.article.id]) for member in stored.members)
    loaded.load([replace(stored, members=members)])

    assert put(grown, examples.MOVED).story == home
    assert put(loaded, examples.MOVED).story == stored.id
    assert put(grown, examples.MESSENGER).detail == put(loaded, examples.MESSENGER).detail


def test_a_story_that_was_merged_is_not_loaded() -> None:
    index = Index(window=WINDOW)
    index.load([replace(examples.story(examples.EXIT), merged_into=StoryId("other"))])

    assert not index.joins


def test_what_is_kept_in_memory_stays_bounded_by_the_window() -> None:
    index = Index(window=2 * DAY)
    sizes = []
    for day in range(30):
        now = START + day * DAY
        index.forget(now - 2 * DAY)
        for n in range(10):
            put(index, article(" ".join(f"{word}{day}x{n}" for word in ("Alpha", "beta", "gamma", "delta")), at=now))
        fresh = " ".join(f"word{day}x{n}" for n in range(6))
        put(index, article(examples.EXIT.title, f"{examples.EXIT.text} {fresh}", at=now))
        sizes.append(
            (
                len(index.stories),
                sum(len(postings) for postings in index._by_word.values()),
                len(index._by_link),
                len(index.joins),
                sum(len(story.members) + len(story.words) + len(story.names) for story in index.stories.values()),
            )
        )

    early, late = (map(max, *part) for part in (sizes[4:12], sizes[15:]))
    assert all(now <= before for now, before in zip(late, early, strict=True))


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


@settings(max_examples=15)
@given(st.permutations(POOL))
def test_the_order_inside_a_batch_does_not_change_the_stories(batch: list[Article]) -> None:
    one, other = (join_batch(Index(window=WINDOW), map(arrival, each)) for each in (batch, POOL))

    assert one == other


@settings(max_examples=25)
@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=200)), max_size=6))
def test_any_text_finds_a_story(texts: list[tuple[str, str]]) -> None:
    index = Index(window=WINDOW)
    batch = [article(title, text, outlet=f"Outlet{at}") for at, (title, text) in enumerate(texts)]

    joins = join_batch(index, map(arrival, batch))

    assert {join.article for join in joins} == {one.id for one in batch}
    assert index.joins.keys() == {one.id for one in batch}


def test_hundreds_of_nearly_equal_articles_are_one_story_and_another_event_among_them_is_not() -> None:
    index = Index(window=WINDOW)
    burst = [
        article(
            f"Regulator orders BlackBerry to open backdoor, Outlet{number} reports",
            f"The regulator has ordered BlackBerry to open a backdoor into its servers, Outlet{number} reports.",
            at=START + number * DAY / 1000,
        )
        for number in range(150)
    ]
    other = article(
        "Court fines Northlink 20 million over BlackBerry backdoor claims",
        "A court in Leeds fined Northlink for false claims about a backdoor.",
        at=START + DAY / 10,
    )

    found = [put(index, one, "backdoor", "BlackBerry", "backdoor").story for one in (*burst, other)]

    assert len(set(found[:-1])) == 1
    assert found[-1] != found[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Orders", "order"), ("company’s", "company"), ("companies", "company"), ("5,000", "5000"), ("U.S.", "us")],
)
def test_forms_of_one_word_meet(one: str, other: str) -> None:
    assert words.stem(one) == words.stem(other)


def test_words_of_scripts_without_spaces_are_pairs() -> None:
    assert [token.stem for token in words.words_of("退出巴基")] == ["退出", "出巴", "巴基"]


@given(st.text())
def test_no_word_is_empty(text: str) -> None:
    assert all(token.stem for token in words.words_of(text))


def test_names_are_told_by_capitals_inside_sentences() -> None:
    read = profile.profile_of(
        arrival(article("Regulator moves deadline", "Today the regulator met BlackBerry in Karachi. It was short."))
    )

    assert {"blackberry", "karachi"} <= read.names.keys()
    assert not {"regulator", "today", "deadline"} & read.names.keys()


def test_a_headline_in_capitals_is_read_by_the_habit_of_the_news() -> None:
    read = profile.profile_of(arrival(article("Police Say Deadline For Pakistan Was Moved")))

    assert "pakistan" in read.names
    assert not {"police", "deadline", "moved"} & read.names.keys()
