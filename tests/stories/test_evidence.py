"""Evidence of one event: what happened, who, when and how much."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import model
from bot.stories import evidence, profile
from bot.stories.index import Index
from tests.stories.examples import START, arrival, article

DAY = timedelta(days=1)
WINDOW = timedelta(days=30)
STORM = article(
    "Nine die as ferry sinks off Karun",
    "The ferry Asel went down on Wednesday, 2 December, in a storm off Karun. Nine bodies and 340 bags were found.",
)


def compare_with_storm(title: str, text: str = "", *terms: str, after: timedelta = DAY) -> evidence.Evidence:
    """Return the evidence for the story of the ferry, under a rule with these terms."""
    index = Index()
    later = article(title, text, at=START + after, outlet="Mirror")
    first, second = (
        profile.profile_of(one, arrival(one, "ferries", *terms).matches if terms else ()) for one in (STORM, later)
    )
    index.add(model.StoryId("storm"), first)
    (compared,) = evidence.compare(second, index.near(second, WINDOW), index.rarity)
    return compared


def test_a_day_that_both_name_counts_and_another_day_does_not() -> None:
    assert (
        compare_with_storm("Karun asks why the Asel sailed", "The ferry sank on 2 December.", after=6 * DAY).days == 1
    )
    assert compare_with_storm("Ferry sinks off Karun", "The ferry went down on 9 December.", after=7 * DAY).days == 0


def test_words_of_both_heads_that_describe_what_happened_count() -> None:
    same, other = (compare_with_storm(f"Ferry {what} near Karun").deeds for what in ("sinks", "departs"))

    assert same > other > 0


def test_a_term_of_the_rule_is_not_a_shared_name() -> None:
    title = "Karun gets a new ferry"

    assert compare_with_storm(title).names > 0
    assert compare_with_storm(title, "", "Karun").names == 0


def test_names_that_the_story_lacks_count_against_it() -> None:
    known, foreign = (compare_with_storm(f"Ferry sinks near {place}").new_in_title for place in ("Karun", "Velmere"))

    assert known == 0 < foreign


@pytest.mark.parametrize(("bags", "clashes"), [("340 bags", False), ("610 bags", True)])
def test_another_figure_in_the_title_counts_against_the_story(bags: str, clashes: bool) -> None:
    index = Index()
    index.add(model.StoryId("storm"), profile.profile_of(article(f"{STORM.title}: 340 bags found", STORM.text)))
    later = profile.profile_of(article(f"Ferry off Karun: {bags} found", at=START + DAY, outlet="Mirror"))

    (compared,) = evidence.compare(later, index.near(later, WINDOW), index.rarity)

    assert compared.figures_clash == clashes


def test_the_sort_of_item_before_a_headline_is_no_word_of_it() -> None:
    plain, dressed = (
        profile.profile_of(article(f"{dress}Tannery Row cuts forecast")) for dress in ("", "REFILE-UPDATE 2: ")
    )

    assert dressed.title == plain.title
    assert dressed.names == plain.names
