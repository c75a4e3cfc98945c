"""A language model's opinion counts for the stories in its question, and needs support against the words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.model.rules import Group
from bot.model.stories import Article, Join, JoinReason, StoryId
from bot.stories import grouping
from bot.stories.index import Index
from bot.stories.opinions import Opinion
from tests.stories.examples import AFFECTED, EXIT, MESSENGER, START, arrival, article

RULE = ("phones", "BlackBerry", "PTA")
#: About the event of EXIT: in words that leave it unsure, and in words without meaning.
UNSURE = article(
    "BlackBerry customers in Pakistan told to prepare",
    "Mobilink writes to users of its BES servers in Pakistan.",
    at=START + timedelta(hours=2),
    outlet="Post",
)
STRANGE = article("Letters go out to clients of a phone company", "PTA wants it.", at=UNSURE.when, outlet="Post")


def place(index: Index, *, one: Article = UNSURE, opinion: Opinion, is_high: bool = False) -> Join:
    """Place the article, without adding it."""
    profile = index.profile(arrival(one, *RULE))
    return grouping.place(grouping.find_candidates(index, profile), profile, opinion, is_high=is_high)


def opened(*articles: Article) -> tuple[Index, list[StoryId]]:
    """Return an index in which each article has opened a story."""
    index = Index(window=timedelta(days=14))
    joins = [grouping.join(index, arrival(one, *RULE), modes=[Group.OFF]) for one in articles]
    return index, [join.story for join in joins]


def opinion(asked: list[StoryId], *same: StoryId, confirmed: tuple[StoryId, ...] = ()) -> Opinion:
    return Opinion(asked=frozenset(asked), same=same, detail="says a model", confirmed=frozenset(confirmed))


def test_an_opinion_joins_an_unsure_article_and_its_own_probability_stays_in_the_detail() -> None:
    index, [home] = opened(EXIT)

    join = place(index, opinion=opinion([home], home))

    assert (join.story, join.reason, join.is_advised) == (home, JoinReason.SIMILAR, True)
    assert "says a model; by its words " in join.detail


def test_another_event_opens_a_story() -> None:
    index, [home] = opened(EXIT)

    assert place(index, opinion=opinion([home])).reason is JoinReason.OPENED


def test_an_answer_does_not_part_an_article_from_a_story_that_it_was_not_asked_about() -> None:
    index, [messenger, home] = opened(MESSENGER, EXIT)

    join = place(index, one=AFFECTED, opinion=opinion([messenger]))

    assert join.story == home


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_an_answer_that_names_another_story_than_the_likeliest_needs_a_second_answer(*, is_confirmed: bool) -> None:
    index, [messenger, home] = opened(MESSENGER, EXIT)
    answer = opinion([messenger, home], messenger, confirmed=(messenger,) if is_confirmed else ())

    join = place(index, one=AFFECTED, opinion=answer)

    assert (join.story == messenger) is is_confirmed
    assert is_confirmed or (join.reason, join.near) == (JoinReason.UNSURE, messenger)


def test_an_answer_is_enough_for_the_likeliest_story_however_little_the_words_say() -> None:
    index, [home] = opened(EXIT)
    profile = index.profile(arrival(STRANGE, *RULE))
    assert [candidate.chance < 0.1 for candidate in grouping.find_candidates(index, profile)] == [True]

    assert place(index, one=STRANGE, opinion=opinion([home], home)).story == home


@pytest.mark.parametrize(("article", "joins"), [(MESSENGER, False), (AFFECTED, True)])
def test_under_a_rule_of_severity_high_an_answer_does_not_hide_an_article_that_the_words_keep_apart(
    article: Article, *, joins: bool
) -> None:
    index, [home] = opened(EXIT)
    join = place(index, one=article, opinion=opinion([home], home, confirmed=(home,)), is_high=True)

    assert (join.story == home) is joins
    assert joins or (join.reason, join.near) == (JoinReason.UNSURE, home)


@pytest.mark.parametrize(("outlet", "joins"), [("Post", False), ("Mirror", True)])
def test_under_a_rule_of_severity_high_the_articles_of_two_owners_may_agree_against_the_words(
    outlet: str, *, joins: bool
) -> None:
    index, [home] = opened(EXIT)
    first = grouping.join(index, arrival(STRANGE, *RULE), opinion([home], home), is_high=True)
    assert (first.reason, first.near) == (JoinReason.UNSURE, home)

    later = article("Farewell to a handset firm", "Users ask PTA for more weeks.", at=UNSURE.when, outlet=outlet)
    join = place(index, one=later, opinion=opinion([home, first.story], home, first.story), is_high=True)

    assert (join.reason is not JoinReason.UNSURE) is joins


@pytest.mark.parametrize("mode", [Group.OFF, Group.STRICT])
def test_where_the_user_has_decided_an_opinion_does_not_count(mode: Group) -> None:
    index, [home] = opened(EXIT)

    join = grouping.join(index, arrival(UNSURE, *RULE), opinion([home], home), modes=[mode])

    assert join.story != home
