"""What a later article says that the story did not have: dates, numbers, names, decisions, and nothing else."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import facts as facts_bench
from bot import model
from bot.stories import news
from bot.stories.news import calendar
from tests.stories.updates import article, story

FIRST = article(
    "BlackBerry to leave Pakistan",
    "BlackBerry will leave Pakistan by 30 November after the regulator sought access to its servers. "
    "The order affects 5,000 companies in the country.",
    name="first",
)


def facts(title: str, text: str, *, earlier: model.Article = FIRST) -> list[tuple[str, str, str | None, str]]:
    found = news.facts(story(earlier), article(title, text, outlet="Mashable"))
    return [(fact.kind, fact.label, fact.before, fact.after) for fact in found if not fact.is_sentence]


def test_a_moved_deadline_says_what_it_was_and_what_it_is() -> None:
    text = "The deadline for BlackBerry was extended from 30 November to Dec. 30, 2015, the regulator said on Monday."
    assert facts("BlackBerry gets a month", text) == [("date", "deadline", "30 November", "30 December")]


def test_a_number_of_the_same_thing_that_changed_is_told_with_both() -> None:
    text = "The order to BlackBerry affects some six thousand companies in the country, the ministry said."
    assert facts("BlackBerry exit", text) == [("number", "companies", "5,000", "6,000")]


def test_a_fact_names_its_article_and_outlet_and_shows_a_whole_sentence() -> None:
    text = "The deadline for BlackBerry is now 30 December. Users are relieved."
    (fact,) = news.facts(story(FIRST), article("More time", text, outlet="Mashable"))
    assert fact.sentence == "The deadline for BlackBerry is now 30 December."
    assert (fact.article, fact.outlet) == (model.ArticleId("later"), "Mashable")


@pytest.mark.parametrize("same", ["Nov 30", "30 November 2015", "November 30th", "the 30th of November", "2015-11-30"])
def test_the_same_date_in_another_form_is_not_new(same: str) -> None:
    assert facts("BlackBerry exit", f"The deadline for BlackBerry to leave is {same}.") == []


@pytest.mark.parametrize("same", ["5,000", "five thousand", "5000", "about 5,000", "nearly 5,020"])
def test_the_same_number_in_another_form_is_not_new(same: str) -> None:
    assert facts("BlackBerry exit", f"The order affects {same} companies in the country.") == []


@pytest.mark.parametrize(
    "text",
    [
        "The regulator may lift its order, an official said.",
        "Users have asked the regulator to lift its order.",
        "The regulator has not lifted its order to BlackBerry.",
        "If the regulator lifted its order, BlackBerry would stay.",
        "In 2010 Saudi Arabia had banned the service, and India lifted its demand years ago.",
        "BlackBerry has 6,200 staff and was founded in 1984.",
        "The company said on Monday that users would be told.",
        "Millions of users write hundreds of messages each day.",
    ],
)
def test_what_may_be_what_was_and_background_are_not_new(text: str) -> None:
    assert facts("BlackBerry and Pakistan", "BlackBerry will leave Pakistan. " + text) == []


def test_a_decision_is_told_once_whatever_its_wording() -> None:
    lifted = article("Order dropped", "The regulator has rescinded its order to BlackBerry.", name="lifted")
    assert [kind for kind, *_ in facts(lifted.title, lifted.text)] == ["decision"]
    again = article("PTA lifts BlackBerry order", "Pakistan has withdrawn its order to BlackBerry.", name="again")
    assert news.facts(story(FIRST, lifted), again) == ()


def test_a_name_known_by_its_initials_is_not_new() -> None:
    earlier = article("PTA wants access", "The Pakistan Telecommunication Authority wants access.", name="first")
    text = "Officials of the PTA met today. The chief of the PTA spoke. Many in the PTA agree."
    assert facts("PTA speaks", text, earlier=earlier) == []


def test_an_article_that_opens_its_story_has_no_news_against_it() -> None:
    assert news.facts(story(FIRST), FIRST) == ()
    assert news.facts(replace(story(FIRST), members=()), FIRST) == ()


def test_a_copy_and_an_empty_article_have_no_news() -> None:
    assert news.facts(story(FIRST), article(FIRST.title, FIRST.text, name="copy")) == ()
    assert facts("", "") == []


def test_only_the_articles_before_it_count_for_an_article_that_is_in_the_story() -> None:
    later = article("More time", "The deadline for BlackBerry is now 30 December.", name="later")
    after = article("More time", "The deadline for BlackBerry is 30 December.", name="after")
    assert len(news.facts(story(FIRST, later, after), later)) == 1


def test_no_article_tells_more_than_five_facts() -> None:
    text = " ".join(
        f"The {word} meeting on the order will be held on {day} May."
        for day, word in enumerate(("first", "next", "third", "fourth", "fifth", "sixth", "seventh"), 3)
    )
    assert len(facts("BlackBerry talks", text)) <= 5


def test_the_same_news_in_two_articles_is_said_in_the_same_words() -> None:
    one = facts("A", "The deadline for BlackBerry has been extended to December 30.")
    other = facts("B", "BlackBerry got a new deadline: it is 30 December 2015 now.")
    assert [(label, after) for _, label, _, after in one] == [(label, after) for _, label, _, after in other]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("until 30 December", ["30 December"]),
        ("on Dec 30, 2016", ["30 December 2016"]),
        ("le 30 décembre 2015", ["30 December"]),
        ("am 30. Dezember", ["30 December"]),
        ("el 30 de diciembre de 2015", ["30 December"]),
        ("by 2016-02-29", ["29 February 2016"]),
        ("by next Monday", ["7 December"]),
        ("said on Monday", ["30 November"]),
        ("by the end of January", ["January 2016"]),
        ("from 30/12/2015", ["30 December"]),
        ("on 03/04/2015", []),
        ("on 31 February", []),
        ("they may 5 times", []),
        ("version 12.30", []),
    ],
)
def test_days_are_read_in_many_forms(text: str, expected: list[str]) -> None:
    written = date(2015, 12, 2)
    assert [day.shown(written) for day in calendar.days(text, written)] == expected


@pytest.mark.parametrize("name", ["development", "held_out", "sentences_development", "sentences_held_out"])
def test_precision_and_recall_over_the_story_updates_stay_above_the_promise(name: str) -> None:
    precision, recall = facts_bench.figures(facts_bench.outcomes(name))
    assert precision >= 0.85
    assert recall >= 0.85


SECOND = article(
    "BlackBerry leaves Pakistan",
    "BlackBerry will leave Pakistan by 30 November because the regulator sought access to its servers. "
    "Engineers from Waterloo copied the keys of three embassies onto a laptop before the visit of inspectors.",
    name="second",
    outlet="Mashable",
)
NEW = "Engineers from Waterloo copied the keys of three embassies onto a laptop before the visit of inspectors."


def sentences(earlier: model.Story, later: model.Article) -> list[str]:
    return [fact.after for fact in news.facts(earlier, later) if fact.is_sentence]


def test_a_sentence_that_says_what_no_earlier_article_says_is_told_whole_with_its_outlet() -> None:
    (fact,) = (each for each in news.facts(story(FIRST), SECOND) if each.is_sentence)
    assert (fact.kind, fact.label, fact.before, fact.after, fact.sentence) == ("sentence", "new", None, NEW, NEW)
    assert (fact.article, fact.outlet) == (SECOND.id, "Mashable")


def test_a_sentence_is_new_once_also_when_the_next_outlet_rewords_it() -> None:
    reworded = article(
        "Exit from Pakistan",
        "Keys of three embassies were copied onto a laptop by engineers from Waterloo before inspectors visited.",
        name="third",
    )
    assert sentences(story(FIRST, SECOND), reworded) == []


def test_the_newest_sentence_is_that_of_the_last_article_that_has_one() -> None:
    again = article(FIRST.title, "The order affects 5,000 companies in Pakistan.", name="third")
    found = news.newest_sentence(story(FIRST, SECOND, again))
    assert found is not None
    assert found.after == NEW
    assert news.newest_sentence(story(FIRST, again)) is None


@given(st.permutations(["The order affects 5,000 companies in the country.", "Users are calm.", "It dates from July."]))
def test_another_order_of_the_same_sentences_is_not_new(order: list[str]) -> None:
    earlier = article("Order", " ".join(sorted(order)), name="first")
    assert sentences(story(earlier), article("Order", " ".join(order))) == []


@given(st.text(max_size=120), st.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_facts_without_an_error(title: str, text: str) -> None:
    for fact in news.facts(story(FIRST), article(title, text)):
        assert fact.after
        assert fact.sentence


@pytest.mark.parametrize(
    "text", ["million " * 4000, "By A." * 4000, "A-" * 8000, "1," * 8000, "twenty one hundred " * 2000]
)
def test_text_made_to_be_slow_is_read_in_a_moment(text: str) -> None:
    began = time.perf_counter()
    news.facts(story(FIRST), article(text, text))
    assert time.perf_counter() - began < 3


@pytest.mark.parametrize(
    "text",
    [
        "The talks on BlackBerry were delayed Monday by the regulator.",
        "BlackBerry's fate hangs on Friday's hearing in the case.",
        "The regulator's release party for the BlackBerry order was on 2 December 2015.",
        "The regulator will answer the BlackBerry letter that came Tuesday by a driver.",
        "Senators called on the regulator to postpone the BlackBerry deadline until 20 December.",
        "Engineers were due to open BlackBerry's servers, the regulator said on Thursday.",
    ],
)
def test_a_day_that_was_names_an_event_or_is_only_asked_for_is_no_date(text: str) -> None:
    assert [found for found in facts("BlackBerry and Pakistan", text) if found[0] == "date"] == []


def test_an_article_that_still_names_the_old_deadline_replaces_it_only_in_so_many_words() -> None:
    both = "The deadline for BlackBerry to leave is 30 November, and users must act by 20 December."
    assert ("date", "deadline", "30 November", "20 December") not in facts("BlackBerry exit", both)
    moved = "The PTA moved the deadline for BlackBerry from 30 November to 30 December."
    assert facts("BlackBerry exit", moved) == [("date", "deadline", "30 November", "30 December")]


def test_a_primary_is_a_vote_and_a_name_is_told_whole() -> None:
    text = "Ardel holds its BlackBerry primary on 9 January. Police identified the man as Tomas Brandt Nilsen, a voter."
    assert [found[1:] for found in facts("Ardel votes on BlackBerry", text)] == [
        ("vote", None, "9 January 2016"),
        ("identified", None, "Tomas Brandt Nilsen"),
    ]
