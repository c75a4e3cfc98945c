"""The deadlines of a story."""

from __future__ import annotations

from datetime import date

import pytest

from bot.model.stories import Article
from bot.stories import facts
from tests.testbed.updates import article

FIRST = article(
    "BlackBerry to leave Pakistan",
    "BlackBerry will leave Pakistan by 15 December after the regulator sought access to its servers.",
    name="first",
)
MOVED = article(
    "BlackBerry gets a month",
    "The regulator extended the deadline for BlackBerry to leave Pakistan from 15 December to 30 December.",
    name="moved",
    outlet="Mashable",
)


def days(*articles: Article) -> list[date]:
    return [deadline.day for deadline in facts.claims_of(articles).dues.deadlines()]


def test_the_first_article_of_a_story_may_hold_its_deadline() -> None:
    assert days(FIRST) == [date(2015, 12, 15)]


def test_of_a_deadline_that_moved_only_the_new_day_counts() -> None:
    (new,) = facts.claims_of([FIRST, MOVED]).dues.deadlines()
    assert new.day == date(2015, 12, 30)
    assert (new.fact.after, new.fact.outlet) == ("30 December", "Mashable")
    assert new.fact.sentence.startswith("The regulator extended the deadline")


def test_a_late_article_that_repeats_the_old_day_does_not_bring_it_back() -> None:
    late = article("BlackBerry in Pakistan", "BlackBerry must leave Pakistan by 15 December.", name="late")
    assert days(FIRST, MOVED, late) == [date(2015, 12, 30)]


def test_a_deadline_that_moves_back_is_the_old_day_again() -> None:
    back = article(
        "Earlier exit", "The deadline for BlackBerry was brought forward from 30 December to 15 December.", name="back"
    )
    assert days(FIRST, MOVED, back) == [date(2015, 12, 15)]


def test_two_matters_have_a_deadline_each() -> None:
    other = article("Bids", "Rival phone makers may hand in their bids until 15 January 2016.", name="other")
    assert days(FIRST, other) == [date(2015, 12, 15), date(2016, 1, 15)]


@pytest.mark.parametrize(
    "text",
    [
        "The regulator said on 2 December that it was content.",
        "The deadline passed on 1 March 2014.",
        "A hearing is set for 14 December.",
        "BlackBerry will leave by the end of the year.",
        "The service stopped due to the regulator's order on Friday.",
        "The ship had been due to sail on Friday with 800 people.",
        "The company said on Wednesday that the regulator set a deadline.",
    ],
)
def test_days_of_speech_past_days_and_other_roles_are_no_deadlines(text: str) -> None:
    assert days(article("BlackBerry", text)) == []


@pytest.mark.parametrize("text", ["The licence is due to end on Friday.", "The ban must end by Wednesday."])
def test_a_plan_and_a_limit_of_today_are_deadlines(text: str) -> None:
    assert len(days(article("BlackBerry", text))) == 1


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("es", "La plataforma tiene de plazo hasta el 30 de diciembre para responder."),
        ("fr", "La plateforme doit répondre avant le 30 décembre."),
        ("de", "Die Plattform muss bis zum 30. Dezember antworten."),
        ("pt", "A plataforma tem prazo até 30 de dezembro para responder."),
        ("ar", "أمام المنصة مهلة حتى 30 ديسمبر للرد."),
        ("ur", "پلیٹ فارم کو 30 دسمبر تک جواب دینا ہے۔"),
        ("ru", "Платформа должна ответить до 30 декабря."),
        ("pl", "Platforma ma odpowiedzieć do 30 grudnia."),
    ],
)
def test_a_deadline_is_read_in_its_language(language: str, sentence: str) -> None:
    assert days(article("", sentence, language=language)) == [date(2015, 12, 30)]
