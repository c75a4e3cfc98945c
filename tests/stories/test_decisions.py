"""Which decisions a sentence states, which of them the story has, and in what words they are shown."""

from __future__ import annotations

import pytest

from bot.stories import news
from tests.stories.updates import article, story

FIRST = "Police are looking into the theft of paintings from the Lund gallery on Friday night."


def decisions(title: str, text: str = "", first: str = FIRST) -> list[tuple[str, str]]:
    earlier = article("Paintings stolen from Lund gallery", first, name="first")
    found = news.facts(story(earlier), article(title, text or "The Lund gallery in Ardel is closed to visitors today."))
    return [(fact.label, fact.after) for fact in found if fact.kind == "decision"]


@pytest.mark.parametrize(
    "first",
    [
        "Police are looking into the theft at the Lund gallery. No arrests have been made.",
        "Police offer a reward for a tip on the Lund gallery that leads to an arrest.",
        "The owners of the Lund gallery called for the arrest of a former guard.",
    ],
)
def test_what_was_denied_hoped_or_asked_for_is_news_once_it_is_done(first: str) -> None:
    text = "Police have arrested a former guard over the theft at the Lund gallery."
    assert decisions("Guard held over Lund theft", text, first) == [
        ("arrested", "arrested a former guard over the theft at the Lund gallery")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "The former guard pleaded not guilty to the theft at the Lund gallery.",
        "Guard of Lund gallery pleads 'not guilty' to theft.",
    ],
)
def test_a_plea_is_no_acquittal(text: str) -> None:
    assert [label for label, _ in decisions(text, text)] == ["pleaded not guilty"]


@pytest.mark.parametrize(
    "title",
    [
        "Vote held after the theft at the Lund gallery",
        "Months of legal delays, then calm at the Lund gallery",
        "Chairman of Lund gallery refuses to comment on the theft",
        "Names of the Lund gallery staff were released",
        "Guard fired his handgun at the Lund gallery",
        "Chairman calls on Rep. Ross to drop Lund gallery bid",
        "Names remain unknown in Lund gallery theft",
        "Chairman of Lund gallery reverses course",
        "Guard paused to look at the Lund gallery paintings",
        "Guard recalled how the Lund gallery was robbed",
    ],
)
def test_events_courtesies_things_told_and_nouns_are_no_decisions(title: str) -> None:
    assert decisions(title, f"{title} on Monday.") == []


def test_a_name_that_somebody_adopted_is_no_decision() -> None:
    assert (
        decisions("Lund gallery", "Brandt, the name she adopted as a painter at the Lund gallery, is not hers.") == []
    )


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Lawmakers approve sale of Lund gallery", "approve sale of Lund gallery"),
        ("Acme and Borel agree to share Lund gallery", "agree to share Lund gallery"),
        ("Acme denies theft at Lund gallery", "denies theft at Lund gallery"),
        ("Lund gallery theft claims denied by Acme", "denied by Acme"),
        ("Licence of Lund gallery expired on Monday", "expired on Monday"),
        ("Sale of Lund gallery went ahead despite protests", "went ahead despite protests"),
        ("Thief of Lund gallery turns himself in", "turns himself in"),
        ("Lund gallery closes", "Lund gallery closes"),
    ],
)
def test_what_several_decide_denials_expiries_and_surrenders_are_told_in_their_own_words(
    title: str, expected: str
) -> None:
    assert [after for _, after in decisions(title)] == [expected]


def test_a_wording_that_holds_its_object_needs_no_other() -> None:
    text = "The mayor of Ardel declared a 14-day state of emergency and closed the Lund gallery."
    assert ("declared", "declared a 14-day state of emergency and closed the Lund gallery") in decisions("Lund", text)


def test_who_was_nearly_killed_dies_for_the_first_time() -> None:
    first = "A guard was nearly killed in the theft at the Lund gallery on Friday night."
    assert decisions("Lund", "The guard of the Lund gallery died on Tuesday after the theft.", first) == [
        ("died", "died on Tuesday")
    ]


def test_sales_that_lift_a_mood_decide_nothing() -> None:
    assert decisions("Paintings lift Lund gallery") == []


def test_a_third_suspect_is_news_in_a_story_of_two_and_only_once() -> None:
    first = "Police have arrested two men, a guard and a second man, over the theft at the Lund gallery."
    text = "A third man has been arrested over the theft at the Lund gallery."
    assert decisions("Third man arrested over Lund theft", text, first) == [
        ("arrested", "Third man arrested over Lund theft")
    ]
    assert decisions("Lund theft", "A second man has been arrested over the Lund gallery theft.", first) == []


def test_who_was_sentenced_was_charged_before() -> None:
    first = "A former guard was jailed for the theft at the Lund gallery."
    assert decisions("Guard", "The former guard of the Lund gallery was charged with theft of paintings.", first) == []


def test_a_decision_told_in_passing_is_known_and_no_news() -> None:
    first = "The Lund gallery in Ardel is quiet after police arrested a guard over the theft of paintings."
    assert decisions("Lund gallery", "Police have arrested a guard over the theft at the Lund gallery.", first) == []


def test_one_decision_of_two_kinds_is_told_once() -> None:
    text = "The mayor ordered an investigation into the theft at the Lund gallery."
    assert len(decisions("Lund gallery theft", text, "Paintings are gone from the Lund gallery.")) == 1
