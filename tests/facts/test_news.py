"""News in a story: changed values, headlines that say that something is new, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.model.stories import CORRECTION, Article, Fact
from bot.stories import facts
from bot.stories.facts import reading
from tests.stories.examples import START, article

FIRST = article(
    "Ofcom fines Northlink £20m over failed 999 calls",
    "The regulator has fined Northlink £20 million after a fault left customers unable to reach the emergency "
    "services. Some 14,000 calls failed, Ofcom said. The company has until 30 December to pay.",
)
LATER = START + timedelta(days=7)
COUNTED = "Ofcom now says 11,400 emergency calls failed during the Northlink fault, not 14,000."
MOVED = "Ofcom has moved the date for Northlink to pay its fine from 30 December to 30 January 2016."


def find_news(title: str, text: str, *, earlier: Article = FIRST, language: str = "en") -> tuple[Fact, ...]:
    return facts.find_news([earlier], article(title, text, outlet="Metro", at=LATER, language=language))


def quotes(title: str, *, earlier: str, language: str = "en") -> list[tuple[str, str]]:
    """Return mark and text of each quoted headline, in a story with the headline ``earlier``."""
    first = article(earlier, "", language=language)
    return [(fact.mark, fact.sentence) for fact in find_news(title, "", earlier=first, language=language)]


# -- changed values


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("CORRECTION: Northlink 999 outage", COUNTED, [("emergency calls", "14,000", "11,400")]),
        ("Northlink wins extra month to pay", MOVED, [("deadline", "30 December", "30 January 2016")]),
        (
            "Ofcom lowers Northlink tally",
            "That makes 11,400 emergency calls in the Northlink fault, not 14,000, and no new ones in 12,500 hours.",
            [("emergency calls", "14,000", "11,400")],
        ),
        ("Northlink in numbers", "Some 14,000 calls failed at Northlink. It was 9,600 in the worst hour.", []),
        ("Correction", "Some 14,000 calls failed at 3,000 homes of Northlink. It was 9,600.", []),
        ("Northlink apologises", "Some 14,000 calls failed at Northlink. In May 2013 it was 9,600.", []),
        ("Northlink: what is known", "An earlier fine of £45m on Northlink was cut on appeal in 2013.", []),
        ("Northlink: what is known", "Seven more calls failed at Northlink, on top of the 14,000.", []),
        ("Northlink: what is known", "A woman of 81 years called Northlink 12 times.", []),
        ("Northlink fault", "Metro counts 16,200 failed emergency calls at Northlink.", []),
        ("Ofcom trims Northlink fine to £18m", "The regulator found an error in its sums.", []),
    ],
)
def test_a_value_that_the_article_states_to_replace_the_storys_is_a_change_and_no_other_value_is(
    title: str, text: str, expected: list[tuple[str, str, str]]
) -> None:
    stated = find_news(title, text)
    assert [(fact.label, fact.before, fact.after) for fact in stated if not fact.is_sentence] == expected


@pytest.mark.parametrize(
    ("earlier", "text", "expected"),
    [
        (
            "The deal of Helios is expected to close in the first half of 2027.",
            "Helios said its deal to buy Brimstone will now close in the second half of 2027.",
            ("closing", "first half of 2027", "second half of 2027"),
        ),
        (
            "The fine of Northlink is due by 15 January.",
            "Northlink was fined $4 million and has until Saturday, 30 January, not 15 January, to pay.",
            ("deadline", "15 January 2016", "30 January 2016"),
        ),
        (
            "The trial of Helios is to begin in April, the court said.",
            "The trial of Helios was moved from April to June, the court said.",
            ("hearing", "April 2016", "June 2016"),
        ),
        (
            "The deadline for Northlink is 15 January.",
            "The regulator extended the deadline for Northlink until 30 January.",
            ("deadline", "15 January 2016", "30 January 2016"),
        ),
        (
            "The first deadline of Northlink is 15 January. Its second deadline is 20 January.",
            "The regulator extended the deadline for Northlink until 30 January.",
            None,
        ),
        (
            "The Sizewell plant is to start in 2025. Its owner says that it will begin to generate in 2025.",
            "The Sizewell plant will not begin to generate until 2027, a delay of two years.",
            ("start", "2025", "2027"),
        ),
        (
            "Vexport expects its merger with Mazur to close in June, it said.",
            "Sales of Vexport, which merges with Mazur, rose from April to August and will rise until 2017.",
            None,
        ),
    ],
)
def test_a_day_that_moves_replaces_the_only_day_that_the_story_has_in_its_role(
    earlier: str, text: str, expected: tuple[str, str, str] | None
) -> None:
    stated = find_news("In brief", text, earlier=article("In brief", earlier))
    changed = [(fact.label, fact.before, fact.after) for fact in stated if fact.before]
    assert changed == ([expected] if expected else [])


def test_figures_of_different_outlets_are_never_a_change() -> None:
    story = [FIRST]
    for number in range(40):
        count = 15_000 + 7_919 * number % 1_000
        later = article(
            f"Northlink fault: paper {number} counts {count:,} failed calls",
            f"Some {count:,} calls failed at Northlink.",
            outlet=f"Paper {number}",
            at=LATER,
        )
        assert [fact for fact in facts.find_news(story, later) if fact.before] == []
        story.append(later)


@pytest.mark.parametrize(
    "text",
    [
        "Ofcom has moved the date for Northlink to pay its fine from December 30 to January 30, 2016.",
        "Ofcom has listened to Northlink. It moved the date to pay the fine from 30 December to 30 January 2016.",
    ],
    ids=["a value written otherwise", "a sentence that does not name its subject"],
)
def test_the_sentence_of_a_change_is_shown_once_after_the_one_that_names_its_subject(text: str) -> None:
    result = find_news("Northlink wins extra month to pay", text)
    assert [(fact.before, fact.sentence) for fact in result] == [("30 December", text)]


def test_a_sentence_that_goes_from_one_value_to_another_is_read_in_that_order() -> None:
    earlier = article("Stays shortened", "Visa-free stays are cut from 60 days to 30 days.")
    result = find_news("Thailand in a nutshell", "Yes, visa-free stays go from 60 to 30 days.", earlier=earlier)
    assert [(fact.before, fact.after) for fact in result if fact.before] == []


# -- headlines that say that something is new


@pytest.mark.parametrize(
    ("earlier", "title", "mark"),
    [
        ("RSF seizes airport of el-Fasher", "Sudan's army says it retook el-Fasher airport", "Retaken"),
        ("Kestrel Foods recalls baby formula", "Kestrel Foods withdraws recall of baby formula", "Withdrawn"),
        ("PTA to block BlackBerry", "PTA denies plan to block BlackBerry", "Denial"),
        ("Minister Pole arrested over 999 fine", "Minister Pole released on bail", "Released"),
        ("Ebola case confirmed in Goma", "Second person tests positive for Ebola in Goma", ""),
        ("ICO fines Northlink over leak", "Northlink fined again over leak", ""),
        ("Helios to build its plant in Texas", "Helios to build its plant in Ohio instead of Texas", ""),
        ("Northlink to pay for failed calls", "Northlink no longer to pay for failed calls", ""),
        ("Brazil halts chicken exports", "Brazil resumes chicken exports", ""),
        ("Quake in Chala kills 12", "Chala quake: 31 dead", ""),
        ("Novo to cut 7,500 jobs", "Novo cuts 9,000 jobs", ""),
        ("Northlink: data of 850,000 patients stolen", "Northlink says data of 1.2 million people stolen", ""),
        ("Correction of Northlink", "Northlink fined £20m, not £30m", None),
        ("Quake in Chala kills 12", "Twelve dead in Chala quake", None),
        ("Quake in Chala kills 12", "Chala quake: nine dead", None),
        ("Quake in Chala kills 12", "Chala quake: how 31 people died", None),
        ("Quake in Chala kills 12", "Will Chala quake death toll reach 31?", None),
        ("Northlink sales fall", "Northlink sales fall in second quarter", None),
        ("Northlink leaves Leeds", "Northlink is a good neighbour again", None),
        ("PTA denies plan to block BlackBerry", "Regulator denies BlackBerry plan", None),
        ("Air Caledon withdraws forecast", "Air Caledon scraps forecast", None),
        ("Northlink fined", "Road to Northlink offices cleared of snow", None),
        ("Northlink fined", "Court quashes Northlink fine", "Reversed"),
        ("Northlink chief charged with fraud", "Prosecutors drop charges against Northlink chief", "Cleared"),
        ("Northlink chief charged with fraud", "Northlink chief not cleared of fraud", None),
        ("Northlink fined", "Northlink was denied the tender", None),
        ("Northlink chief arrested", "Northlink released a statement", None),
        ("Northlink fined", "Northlink chief denied bail", None),
        ("Kestrel Foods recalls baby formula", "Kestrel Foods may withdraw recall of baby formula", None),
    ],
)
def test_a_headline_that_says_itself_that_something_is_new_is_quoted_and_no_other_is(
    earlier: str, title: str, mark: str | None
) -> None:
    assert quotes(title, earlier=earlier) == ([] if mark is None else [(mark, title)])


@pytest.mark.parametrize(
    ("language", "earlier", "title"),
    [
        ("de", "Northlink plant Abbau", "Northlink dementiert Abbau"),
        ("de", "Ebola in Goma", "Zweiter Fall von Ebola in Goma"),
        ("fr", "Patron de Northlink arrêté", "Patron de Northlink relâché"),
        ("es", "Ébola en Goma", "Segundo caso de ébola en Goma"),
        ("nl", "Northlink betaalt", "Northlink betaalt niet langer"),
        ("ru", "Переговоры в Маскате", "Переговоры в Маскате возобновились"),
        ("ur", "بلیک بیری بند", "پی ٹی اے کی تردید"),
    ],
)
def test_reversals_and_repetitions_are_read_in_other_languages(language: str, earlier: str, title: str) -> None:
    assert [text for _, text in quotes(title, earlier=earlier, language=language)] == [title]


def test_a_toll_in_another_language_is_another_count() -> None:
    spanish = article("Sismo deja cuatro muertos en Chala", "Hay cuatro fallecidos en Chala.", language="es")
    title = "Death toll in Chala quake rises to 11"
    assert [fact.sentence for fact in find_news(title, "", earlier=spanish)] == [title]


def test_a_headline_is_quoted_without_the_label_of_an_update() -> None:
    assert quotes("UPDATE 2: Chala quake: 31 dead", earlier="Quake in Chala kills 12") == [("", "Chala quake: 31 dead")]


@pytest.mark.parametrize(
    ("title", "text", "shows_title"),
    [
        ("Correction: Ofcom vote", "The tally was taken by Ofcom, not by Northlink as we had it.", False),
        (
            "Correction: Northlink",
            "We gave the day by which Northlink has to pay as 30 December. It is 31 December.",
            False,
        ),
        ("Corrected: Polkom, not Sfera, got four", "The auction ended.", True),
    ],
)
def test_a_correction_is_shown_with_the_words_that_correct(title: str, text: str, shows_title: bool) -> None:
    expected = title if shows_title else text
    assert [(fact.mark, fact.sentence) for fact in find_news(title, text)] == [(CORRECTION, expected)]


def test_a_count_or_a_denial_that_the_story_has_had_since_is_not_repeated() -> None:
    story = [article("Quake in Chala kills 12", ""), article("Chala quake: 31 dead", "")]
    assert facts.find_news(story, article("Chala quake toll hits 31", "", outlet="Metro", at=LATER)) == ()
    denied = [article("PTA to block BlackBerry", ""), article("PTA denies plan", "")]
    assert facts.find_news(denied, article("Regulator denies plan", "", outlet="Metro", at=LATER)) == ()


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Northlink fined £20m by Ofcom for failed 999 calls", "Some 14,000 emergency calls failed in the fault."),
        ("Northlink appeals against Ofcom's 999 fine", "Northlink has lodged an appeal with the tribunal."),
        ("", ""),
    ],
)
def test_other_words_for_the_known_and_further_developments_are_not_replies(title: str, text: str) -> None:
    assert find_news(title, text) == ()


def test_the_opening_article_a_copy_and_a_live_page_state_nothing() -> None:
    toll = article("Chala quake: 31 dead", "", outlet="Metro", at=LATER)
    first = article("Quake in Chala kills 12", "")
    assert facts.find_news([], toll) == ()
    assert facts.find_news([first, replace(toll, outlet="Echo")], toll) == ()
    assert facts.find_news([first], replace(toll, title=f"LIVE: {toll.title}")) == ()
    assert facts.find_news([first], toll) != ()


def test_the_newest_statement_of_a_story_that_was_held_is_shown_at_its_head() -> None:
    members = [
        article("Quake in Chala kills 12", ""),
        article("Chala quake: 31 dead", ""),
        article("Quake in Chala: what we know", ""),
    ]
    newest = facts.newest_news(members)
    assert newest is not None
    assert newest.sentence == "Chala quake: 31 dead"
    assert facts.newest_news(members[::2]) is None


# -- who does not corroborate


@pytest.mark.parametrize(
    ("earlier", "title", "expected"),
    [
        (["PTA to block BlackBerry"], "PTA denies plan to block BlackBerry", True),
        (["PTA to block BlackBerry", "PTA denies plan"], "Regulator denies BlackBerry plan", True),
        (["PTA denies plan to block BlackBerry"], "Regulator denies BlackBerry plan", False),
        (["PTA to block BlackBerry"], "BlackBerry to be blocked", False),
        ([], "PTA denies plan", False),
    ],
)
def test_a_denial_opposes_a_story_that_did_not_begin_with_it(earlier: list[str], title: str, expected: bool) -> None:
    story = [article(headline, "") for headline in earlier]
    assert facts.opposes(story, article(title, "", outlet="Metro", at=LATER)) is expected


# -- for a language model, and bounds


def test_a_model_chooses_from_the_whole_sentences() -> None:
    offered = facts.list_sentences(article("Northlink in talks", "Its chief met Ofcom. Will it win? It is open."))
    assert [fact.sentence for fact in offered] == ["Its chief met Ofcom.", "It is open."]


def test_a_story_of_thousands_of_articles_costs_no_more_than_one_of_a_hundred() -> None:
    story = [
        article(f"Northlink fault {number}: {number + 3} towns hit", "", at=LATER + timedelta(number))
        for number in range(2_000)
    ]
    reading.read.cache_clear()
    facts.find_news(story, article("Northlink denies fault", "", outlet="Metro", at=LATER))
    assert reading.read.cache_info().misses < 100


@given(st.text(max_size=120), st.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_facts_without_an_error(title: str, text: str) -> None:
    for fact in find_news(title, text):
        assert fact.after
        assert fact.sentence
