"""What speaks for one event: days that are named, what the titles say happened, what sort of item it is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import model
from bot.stories import evidence, profile
from bot.stories.index import Index
from tests.stories.examples import START, article

DAY = timedelta(days=1)
WINDOW = timedelta(days=30)
STORM = article(
    "Nine die as ferry sinks off Karun",
    "The ferry Asel went down on Wednesday, 2 December, in a storm off Karun. Nine bodies were found.",
)


def beside_storm(title: str, text: str, *, after: timedelta) -> evidence.Evidence:
    """The evidence for the story of the ferry."""
    index = Index()
    index.add(model.StoryId("storm"), profile.of(STORM))
    read = profile.of(article(title, text, at=START + after, outlet="Mirror"))
    (found,) = evidence.compare(read, index.near(read, WINDOW), index.rarity)
    return found.evidence


def test_a_day_of_the_story_that_an_article_names_later_refers_back() -> None:
    found = beside_storm("Karun asks why the Asel sailed", "The ferry sank on 2 December.", after=6 * DAY)

    assert (found.day_back, found.days_shared) == (True, 1)
    assert not found.day_new


def test_a_day_of_its_own_after_the_story_is_another_day() -> None:
    found = beside_storm("Ferry sinks off Karun again", "The ferry went down on 9 December.", after=7 * DAY)

    assert found.day_new
    assert (found.day_back, found.days_shared) == (False, 0)


def test_reports_of_the_same_day_name_no_other() -> None:
    found = beside_storm("Ferry lost off Karun", "It sank on Wednesday.", after=timedelta(hours=3))

    assert (found.day_back, found.day_new, found.days_shared) == (False, False, 1)


@pytest.mark.parametrize(
    ("title", "shared", "new"),
    [
        ("Ferry disaster kills nine off Karun", 1, 0),
        ("Captain of Karun ferry arrested", 0, 1),
        ("Karun ferry: the questions", 0, 0),
    ],
)
def test_what_titles_say_happened_is_compared_whatever_the_word(title: str, shared: int, new: int) -> None:
    found = beside_storm(title, "", after=DAY)

    assert (found.meanings, found.new_meanings) == (shared, new)


def test_the_sort_of_item_before_a_headline_is_no_word_of_it() -> None:
    plain, dressed = (profile.of(article(f"{dress}Tannery Row cuts forecast")) for dress in ("", "REFILE-UPDATE 2: "))

    assert dressed.title == plain.title
    assert dressed.names == plain.names
