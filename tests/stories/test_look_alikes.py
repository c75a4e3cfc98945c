"""Two events that look alike are two stories, and one event in different words is one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.model.stories import Article
from bot.stories.index import Index
from tests.stories import examples
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


def pair(first: str, second: str, *, outlet: str = "Gazette") -> tuple[Article, Article]:
    return article(first), article(second, outlet=outlet)


#: The terms of a rule that collects such headlines.
WATCHED = ("quake", "Fire", "dies", "recalls", "bans", "Ofcom", "fines")
BARE_LOOK_ALIKES = {
    "two bans": pair("Pakistan bans TikTok over indecent content", "India bans PUBG over security fears"),
    "two fines": pair(
        "Ofcom fines Northlink 20 million over failed emergency calls",
        "Ofcom fines Calder 45 million over failed emergency calls",
    ),
}
SUBSCRIBE = (
    "\n\nSubscribe to our channel: https://go.example/GazetteTube - Follow us on Twitter: https://chat.example/Gazette"
)
NAME = " - Channel 5 Action News - Riverton, Westland"
UNLIKE_ITEMS_OF_ONE_OUTLET = {
    "under one invitation": (
        article("Vaccine trials begin in Leeds", f"A vaccine of a hospital is given to volunteers.{SUBSCRIBE}"),
        article("Tankers wait off California", f"Two dozen tankers wait since nobody buys their load.{SUBSCRIBE}"),
    ),
    "under the outlet's name": (
        article(
            f"Two hurt in shop robbery{NAME}",
            "Two clerks were hurt on Elm Road in Larkfield, police said on Monday.",
            outlet="Channel 5",
        ),
        article(
            f"Teen charged after crash{NAME}",
            "A boy of 16 was charged after a crash on Quay Street in Norburn.",
            outlet="Channel 5",
        ),
    ),
}


@pytest.mark.parametrize(
    ("articles", "rule", "terms"),
    [
        pytest.param(articles, rule, terms, id=name)
        for table, rule, terms in (
            (LOOK_ALIKES, "watched", (*WATCHED, "shot dead", "earthquake", "unveils")),
            (BARE_LOOK_ALIKES, "watched", WATCHED),
            (UNLIKE_ITEMS_OF_ONE_OUTLET, "", ()),
            ({"two events with the same names": (examples.EXIT, examples.MESSENGER)}, "watched", ("BlackBerry", "PTA")),
        )
        for name, articles in table.items()
    ],
)
def test_two_events_are_two_stories(articles: tuple[Article, Article], rule: str, terms: tuple[str, ...]) -> None:
    one, other = threads(Index(window=WINDOW), *articles, rule=rule, terms=terms)

    assert one != other


ONE_EVENT = {
    "an exit and whom it affects": (examples.EXIT, examples.AFFECTED),
    "a ban that is lifted": (examples.MESSENGER, examples.MESSENGER_AGAIN),
    "a report of another outlet each second day": tuple(
        article(
            f"{examples.EXIT.title}, day {day}",
            f"{examples.EXIT.text} It is day {day}.",
            at=START + day * timedelta(days=1),
            outlet=f"Outlet{day}",
        )
        for day in range(0, 8, 2)
    ),
    "bare headlines": pair(
        "BlackBerry to leave Pakistan over demand for a backdoor",
        "BlackBerry quits Pakistan after government sought a backdoor",
        outlet="Mirror",
    ),
    "Chinese": (
        article("黑莓公司宣布退出巴基斯坦市场", "黑莓公司拒绝巴基斯坦电信管理局查看企业服务器的要求。"),
        article("黑莓公司将退出巴基斯坦", "巴基斯坦电信管理局要求查看黑莓企业服务器。", outlet="Mirror"),
    ),
}


@pytest.mark.parametrize("articles", ONE_EVENT.values(), ids=ONE_EVENT)
def test_reports_of_one_event_are_one_story(articles: tuple[Article, ...]) -> None:
    found = threads(Index(window=WINDOW), *articles)

    assert len(set(found)) == 1
