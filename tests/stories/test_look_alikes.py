"""Events that look alike, told apart by names; and one event that does not look alike, told by them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import model, stories
from tests.stories.examples import START, article, threads

WINDOW = timedelta(days=14)

LOOK_ALIKES = {
    "two shootings in two towns": (
        article(
            "Man shot dead outside bar in Larkfield", "Police in Larkfield said Tom Avery, 31, was shot on Elm Road."
        ),
        article(
            "Man shot dead outside bar in Norburn", "Police in Norburn said Carl Dent, 45, was shot on Quay Street."
        ),
    ),
    "two earthquakes": (
        article("Strong earthquake strikes Iran near Kerman", "A quake of magnitude 6.1 hit Kerman province in Iran."),
        article("Strong earthquake strikes Chile near Iquique", "A quake of magnitude 7.4 hit Iquique in north Chile."),
    ),
    "two phones": (
        article("Samsung unveils Galaxy S6 in Barcelona", "Samsung showed its new phone, the Galaxy S6, in Barcelona."),
        article("HTC unveils One M9 in Barcelona", "HTC showed its new phone, the One M9, at a fair in Barcelona."),
    ),
}


@pytest.mark.parametrize("pair", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
def test_names_and_places_tell_look_alikes_apart(pair: tuple[model.Article, model.Article]) -> None:
    one, other = threads(stories.Grouping(window=WINDOW), *pair, rule="watched")

    assert one != other


#: What a rule that collects such headlines matches on.
WATCHED = ("earthquake", "Fire", "dies", "recalls", "bans")
BARE_LOOK_ALIKES = {
    "two earthquakes": ("Strong earthquake strikes Iran near Kerman", "Strong earthquake strikes Chile near Iquique"),
    "two fires": ("Fire destroys warehouse in Leeds", "Fire destroys school in Bradford"),
    "two deaths": ("Actor John Hale dies at 84", "Singer Mary Stone dies at 84"),
    "two recalls": ("Toyota recalls 1.2 million cars over airbags", "Ford recalls 300,000 trucks over brakes"),
    "two bans": ("Pakistan bans TikTok over indecent content", "India bans PUBG over security fears"),
}


@pytest.mark.parametrize("pair", BARE_LOOK_ALIKES.values(), ids=BARE_LOOK_ALIKES)
def test_names_tell_bare_headlines_apart(pair: tuple[str, str]) -> None:
    one, other = threads(stories.Grouping(window=WINDOW), *map(article, pair), rule="watched", terms=WATCHED)

    assert one != other


def test_bare_headlines_of_one_event_join() -> None:
    one, other = threads(
        stories.Grouping(window=WINDOW),
        article("BlackBerry to leave Pakistan over demand for a backdoor"),
        article("BlackBerry quits Pakistan after government sought a backdoor", outlet="Mirror"),
    )

    assert one == other


def test_an_outlet_that_names_itself_in_each_title_does_not_join_its_own_stories() -> None:
    shop = ("Two hurt in shop robbery", "Two clerks were hurt on Elm Road in Larkfield, police said on Monday.")
    crash = ("Teen charged after crash", "A boy of 16 was charged after a crash on Quay Street in Norburn.")
    tail = "Channel 5 Action News - Riverton, Westland"

    one, other = threads(
        stories.Grouping(window=WINDOW),
        *(article(f"{title} - {tail}", text, outlet="Channel 5") for title, text in (shop, crash)),
    )

    assert one != other


def test_a_follow_up_after_days_joins_by_a_rare_name() -> None:
    grouping = stories.Grouping(window=WINDOW)
    arrest = article(
        "Man held over shooting in Larkfield",
        "Police arrested Corwin Tavish, 31, over the death of Idris Malloway outside a bar in Larkfield.",
    )
    charge = article(
        "Tavish charged with murder of Malloway",
        "A court in Larkfield charged Corwin Tavish with the murder of Idris Malloway, who was shot outside a bar.",
        at=START + timedelta(days=12),
    )

    assert len(set(threads(grouping, arrest, charge))) == 1
