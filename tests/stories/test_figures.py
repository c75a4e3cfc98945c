"""Which numbers of an article count something, what they count, and which of them are news."""

from __future__ import annotations

import pytest

from bot.stories import news
from bot.stories.news.quantities import quantities
from tests.stories.updates import article, story

FIRST = article(
    "Blast at Ardel fuel depot",
    "A blast has destroyed the fuel depot in Ardel. Police have closed the road to the port.",
    name="first",
)


def figures(title: str, text: str, first: str = FIRST.text) -> list[tuple[str, str | None, str]]:
    earlier = article(FIRST.title, first, name="first")
    found = news.facts(story(earlier), article(title, text))
    return [(fact.label, fact.before, fact.after) for fact in found if fact.kind == "number"]


@pytest.mark.parametrize(
    "plain",
    [
        "The gunman killed Tom Brandt, 18.",
        "The blast killed Ross, 24 and Brandt, 23, both of Ardel.",
        "Police arrested a man, 31, at the port.",
        "The senator died at 91 in hospital.",
        "She was 27 when she was killed.",
        "Two boys – Brandt, 9, and Ross – both 8 – were injured.",
        "Police charged a 16-Year-Old boy.",
        "He was arrested in the 2500 block of Neva Avenue.",
        "He was arrested at 305 E. Main St. in Ardel.",
        "Neighbours called 911 after the shooting that killed him.",
        "He told FOX 8 that his brother was killed.",
        "The player was injured in the 31-24 win.",
        "The father killed her in '91.",
    ],
)
def test_ages_addresses_calls_scores_and_channels_count_nothing(plain: str) -> None:
    assert [each for each in quantities(plain) if each.value > 2] == []


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ("The blast left a man dead and 3 others injured.", [("injured", 3)]),
        ("Police seek 2 men over a blast that injured 13.", [("men", 2), ("injured", 13)]),
        ("Acme raised the number of its layoffs by 5000 to 55000.", [("jobs cut", 55000)]),
        ("A man was charged with shooting 4 people.", [("people", 4)]),
        ("Bail was set at $5000 on Monday.", [("bail", 5000)]),
        ("Police offered a reward of $1000.", [("reward", 1000)]),
        ("The office knows of 2 murders in Ardel.", [("murders", 2)]),
    ],
)
def test_a_number_counts_what_its_clause_says(plain: str, expected: list[tuple[str, float]]) -> None:
    assert [(each.label, each.value) for each in quantities(plain)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "Engineers fear that the fire may kill 40 people in the blocks beside the depot.",
        "The mayor laid flowers for the 12 people killed in the blast.",
        "According to four people familiar with the inquiry, workers fell ill before the blast.",
        "Such fires killed 300 people across the country.",
    ],
)
def test_what_may_be_what_is_known_who_speaks_and_the_whole_country_are_no_first_figures(text: str) -> None:
    assert figures("Ardel mourns", text) == []


def test_a_few_that_were_told_one_by_one_are_no_figure_and_more_are() -> None:
    first = "A blast has killed a couple and their son in Ardel."
    assert figures("Ardel blast", "Three people died in the blast in Ardel.", first) == []
    assert figures("Ardel blast", "Nine people died in the blast in Ardel.", first) == [("deaths", None, "9")]


def test_the_same_number_of_people_is_the_same_people() -> None:
    first = "Seven people were hit by glass when the depot in Ardel blew up."
    assert figures("Ardel blast", "Seven people were injured in the blast in Ardel.", first) == []
    assert figures("Ardel blast", "In Ardel seven people are in custody over the blast.", first) == [
        ("arrested", None, "7")
    ]


def test_nobody_hurt_tells_no_number_of_injured() -> None:
    first = "A blast has destroyed the depot in Ardel. No injuries were reported."
    assert figures("Ardel blast", "Three people were injured in the blast in Ardel.", first) == [("injured", None, "3")]


def test_the_old_figure_beside_the_new_one_is_not_replaced_but_its_own_headline_is() -> None:
    first = "The blast in Ardel has killed 40 people."
    both = "The toll of such blasts in the world has reached 90 dead, with 40 people killed in Ardel."
    assert figures("Ardel blast", both, first) == []
    assert figures("Global cases top 4 million, Ardel toll at 43 dead", "Ardel mourns.", first)[:1] == [
        ("deaths", "40", "43")
    ]


def test_at_least_so_many_says_nothing_new_of_a_few_more() -> None:
    first = "Twenty-three states have sued over the rule on depots."
    text = "More than 20 states have sued over the rule on depots."
    assert figures("States sue over depots", text, first) == []


def test_about_a_hundred_is_ninety_two() -> None:
    first = "About 100 depots are to be checked after the blast in Ardel."
    assert figures("Depots", "92 depots are to be checked after the blast in Ardel.", first) == []
    assert figures("Depots", "70 depots are to be checked after the blast in Ardel.", first) == [
        ("depots", "100", "70")
    ]


def test_a_figure_is_shown_in_the_sentence_that_holds_it() -> None:
    text = (
        "The depot stands in the 900 block. A man of 9 Bay Road saw the flash. Nine people died in the blast in Ardel."
    )
    (fact,) = (each for each in news.facts(story(FIRST), article("Ardel blast", text)) if each.kind == "number")
    assert fact.sentence == "Nine people died in the blast in Ardel."


def test_an_outlets_name_in_a_title_counts_nothing() -> None:
    later = article("Ardel blast kills dozens - Channel 5 News", "Ardel mourns its dead.", outlet="Channel 5 News")
    assert [fact for fact in news.facts(story(FIRST), later) if fact.kind == "number"] == []
