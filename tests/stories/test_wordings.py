"""Reports of one event are one story, and two events that look alike are two, without a language model."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.model.stories import Article
from bot.stories.index import Index
from tests.stories import examples
from tests.stories.examples import START, article, threads

WINDOW = timedelta(days=14)
#: Eight outlets report in their own words that BlackBerry leaves Pakistan.
WORDINGS = (
    (
        "BlackBerry to leave Pakistan over demand for backdoor",
        "BlackBerry will end its business in Pakistan because the regulator PTA wants a backdoor into its BES servers.",
    ),
    (
        "BlackBerry exits Pakistan rather than open servers to government",
        "The phone maker said it would leave Pakistan after the PTA demanded access to every BES message.",
    ),
    (
        "Why BlackBerry is pulling out of Pakistan",
        "The Canadian company refuses a backdoor to its BES servers, which the PTA had ordered, and goes.",
    ),
    (
        "BlackBerry quits Pakistan in row over data access",
        "BlackBerry will quit Pakistan after the PTA asked for unfettered access, a backdoor, to its BES traffic.",
    ),
    (
        "Phone maker abandons Pakistani market after backdoor order",
        "BlackBerry leaves the market of Pakistan at the end of the month, as the PTA insists on reading BES e-mails.",
    ),
    (
        "No backdoor: BlackBerry walks away from Pakistan",
        "BlackBerry says it will not give the PTA a backdoor to BES and stops all operations in Pakistan.",
    ),
    (
        "Privacy before profit for Waterloo firm",
        "A regulator's wish to watch all BES messages drives BlackBerry away; the PTA asked for a backdoor in July.",
    ),
    (
        "BlackBerry shuts Pakistan operations over surveillance demand",
        "The company shuts its operations in Pakistan, where the PTA demanded a backdoor to monitor BES servers.",
    ),
)
OTHER = (
    "Sindh lifts ban on BlackBerry Messenger",
    "The PTA restores BlackBerry Messenger, Skype and WhatsApp in the province after police got a backdoor.",
)
SUBSCRIBE = (
    "\n\nSubscribe to our channel: https://go.example/GazetteTube - Follow us on Twitter: https://chat.example/Gazette"
)
NAME = " - Channel 5 Action News - Riverton, Westland"
TWO_EVENTS = {
    "two earthquakes": (
        article("Strong earthquake strikes Iran near Kerman", "A quake of magnitude 6.1 hit Kerman province in Iran."),
        article("Strong earthquake strikes Chile near Iquique", "A quake of magnitude 7.4 hit Iquique in north Chile."),
    ),
    "two phones": (
        article("Samsung unveils Galaxy S6 in Barcelona", "Samsung showed its new phone, the Galaxy S6, in Barcelona."),
        article("HTC unveils One M9 in Barcelona", "HTC showed its new phone, the One M9, at a fair in Barcelona."),
    ),
    "two bare headlines": (
        article("Ofcom fines Northlink 20 million over failed emergency calls"),
        article("Ofcom fines Calder 45 million over failed emergency calls"),
    ),
    "two items under one invitation": (
        article("Vaccine trials begin in Leeds", f"A vaccine of a hospital is given to volunteers.{SUBSCRIBE}"),
        article("Tankers wait off California", f"Two dozen tankers wait since nobody buys their load.{SUBSCRIBE}"),
    ),
    "two items under the outlet's name": (
        article(f"Two hurt in shop robbery{NAME}", "Two clerks were hurt on Elm Road in Larkfield, police said."),
        article(f"Teen charged after crash{NAME}", "A boy of 16 was charged after a crash on Quay Street in Norburn."),
    ),
    "two events with the same names": (examples.EXIT, examples.MESSENGER),
}
TERMS = ("earthquake", "unveils", "Ofcom", "fines", "BlackBerry", "PTA")


@pytest.mark.parametrize("articles", TWO_EVENTS.values(), ids=TWO_EVENTS)
def test_two_events_are_two_stories(articles: tuple[Article, Article]) -> None:
    one, other = threads(Index(window=WINDOW), *articles, rule="watched", terms=TERMS)

    assert one != other


ONE_EVENT = {
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
    "bare headlines": (
        article("BlackBerry to leave Pakistan over demand for a backdoor"),
        article("BlackBerry quits Pakistan after government sought a backdoor", outlet="Mirror"),
    ),
    "Chinese": (
        article("黑莓公司宣布退出巴基斯坦市场", "黑莓公司拒绝巴基斯坦电信管理局查看企业服务器的要求。"),
        article("黑莓公司将退出巴基斯坦", "巴基斯坦电信管理局要求查看黑莓企业服务器。", outlet="Mirror"),
    ),
    "a report and a live page": (
        article("Ferry Shahbaz sinks off Manora with 40 aboard", "The ferry Shahbaz sank off Manora in a storm."),
        article(
            "Ferry Shahbaz sinks off Manora, 40 were aboard: live",
            "The ferry Shahbaz sank in a storm off Manora.",
            outlet="Sun",
            link="https://sun.example/live/ferry",
        ),
    ),
}


@pytest.mark.parametrize("articles", ONE_EVENT.values(), ids=ONE_EVENT)
def test_reports_of_one_event_are_one_story(articles: tuple[Article, ...]) -> None:
    found = threads(Index(window=WINDOW), *articles)

    assert len(set(found)) == 1
