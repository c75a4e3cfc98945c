"""The archive by its words, over every store."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot import storage
from bot.model.archive import AnyOf, CandidateQuery, SearchTerm
from bot.model.errors import SearchTooLong
from bot.model.stories import Article
from bot.rules import search
from tests.testbed.fakes import START
from tests.testbed.made import MINUTE, article, match


def item(name: str, title: str, body: str = "", *, minutes: int = 0, outlet: str = "Dawn") -> Article:
    return replace(article(name, minutes=minutes, text=body or "Nothing else."), title=title, outlet=outlet)


ARTICLES = (
    item("one", "BlackBerry to leave Pakistan", "The regulator's order of 5,000 words. Élan and naïveté."),
    item("two", "Rain stops play", "No phone maker left Pakistan, said BlackBerry.", minutes=1, outlet="The Guardian"),
    item("three", "پاکستان میں بلیک بیری", "یہ خبر ہے۔ Выборы прошли в Киеве.", minutes=2),
    item("four", "株価が下落", "東京市場で株価が下落した。", minutes=3),
)


def titles(tx: storage.Transaction, words: str | None, **asked: object) -> list[str]:
    query = search.SearchQuery(condition=search.parse_search(words) if words else None, **asked)  # type: ignore[arg-type]
    return [hit.article.title for hit in search.search_page(tx.search.candidates, query).hits]


#: Searches, and which of the articles they find, newest first.
SEARCHES = {
    "blackberry pakistan": [1, 0],
    '"leave pakistan"': [0],
    '"regulator order"': [0],
    "title:blackberry": [0],
    "regulat* OR rain": [1, 0],
    "blackberry NOT rain": [0],
    "pakistan NOT rain NOT wombat NOT title:stops": [0],
    "pakistan NOT Élan NOT maker": [],
    "phone NEAR/3 pakistan": [1],
    '"pakistan maker"~4': [1],
    "elan naivete": [0],
    "5,000": [0],
    "source:guardian": [1],
    "site:dawn.example rain": [1],
    "/bl.ckberry/i": [1, 0],
    "bl?ckberry": [1, 0],
    "پاکستان": [2],
    "выборы": [2],
    "株価": [3],
    "wombat OR 株価": [3],
    "❶ OR rain": [1],
    "wombat": [],
}


def test_a_search_finds_what_a_rule_would(tx: storage.Transaction) -> None:
    tx.articles.add(ARTICLES)
    found = {words: titles(tx, words) for words in SEARCHES}
    assert found == {words: [ARTICLES[number].title for number in numbers] for words, numbers in SEARCHES.items()}
    assert titles(tx, "blackberry", outlet="guardian") == [ARTICLES[1].title]
    assert titles(tx, None, outlet="The Guardian") == [ARTICLES[1].title]


def test_common_and_rare_words_are_found_in_order_across_all_windows(
    tx: storage.Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.storage.search._WINDOW", 10)
    monkeypatch.setattr("bot.storage.search._COMMON", 3)
    monkeypatch.setattr("bot.storage.search._FEW", 10)
    many = [
        item(
            f"n{number}",
            f"{number} {'emu' * (number % 3 == 0)}",
            f"A {'rare ' * (number % 20 == 0)}kangaroo{' and a wombat' * (number % 4 == 0)}.",
            minutes=number,
            outlet="Koala and wombat news" if number % 2 else "Dawn",
        )
        for number in range(60)
    ]
    tx.articles.add(many)
    rules = {"many": range(0, 60, 2), "few": range(0, 60, 16)}
    for name, numbers in rules.items():
        for number in numbers:
            tx.articles.add_matches(many[number].id, [match(name, "kangaroo")])
    wanted: dict[str, Callable[[int], bool]] = {
        "kangaroo": lambda n: True,
        "wombat": lambda n: n % 4 == 0,
        "wombat emu": lambda n: n % 12 == 0,
        '"rare kangaroo"': lambda n: n % 20 == 0,
        "title:emu OR koala": lambda n: n % 3 == 0,
        "kangaroo NOT wombat": lambda n: n % 4 != 0,
        "koala": lambda n: False,
    }
    days = {"since": START + 20 * MINUTE, "until": START + 40 * MINUTE}
    for bounds, low, high in (({}, 0, 60), ({"before": 31}, 0, 30), (days, 20, 40)):
        for words, rule in itertools.product(wanted, (None, *rules)):
            result = titles(tx, words, most=100, rule=rule, **bounds)
            of_rule = rules.get(rule or "", range(60))
            expected = [many[n].title for n in reversed(range(low, high)) if wanted[words](n) and n in of_rule]
            assert result == expected, (words, bounds, rule)
    assert titles(tx, None, rule="few") == [many[number].title for number in (48, 32, 16, 0)]
    assert titles(tx, "wombat", since=START + 60 * MINUTE) == []
    query = search.SearchQuery(condition=search.parse_search("wombat"), most=10)
    page = search.search_page(tx.search.candidates, query)
    rest = titles(tx, "wombat", most=10, before=page.after)
    assert [hit.article.title for hit in page.hits] + rest == [many[n].title for n in range(56, -1, -4)]


def test_the_search_follows_revised_articles_and_finds_none_without_text(tx: storage.Transaction) -> None:
    first = ARTICLES[0]
    tx.articles.add([first])
    tx.articles.add([replace(first, title="Never written")])
    tx.articles.add([item("bare", "Identity of a wombat")], has_text=False)
    assert titles(tx, "wombat OR never") == []
    tx.articles.revise(replace(first, title="Wombat", version=2))
    assert titles(tx, "wombat") == ["Wombat"]
    assert titles(tx, "title:blackberry") == []


async def test_a_search_that_takes_too_long_is_stopped(store: storage.Store) -> None:
    many = [item(f"n{number}", f"Wombat {number}", "Kangaroo here. " * 20, minutes=number) for number in range(1_500)]
    await store.write(lambda tx: tx.articles.add(many))
    query = CandidateQuery(condition=AnyOf((SearchTerm(words=("kangaroo",)), SearchTerm(words=("wombat",)))))
    with pytest.raises(SearchTooLong, match="use rarer words"):
        await store.read(lambda tx: list(tx.search.candidates(query, timedelta(milliseconds=1))))
    found = await store.read(lambda tx: titles(tx, "kangaroo", most=30))
    assert len(found) == 30, "the next one has its own time"


def test_an_article_on_which_the_expressions_of_a_search_are_too_costly_is_left_out(tx: storage.Transaction) -> None:
    tx.articles.add([item("long", "Long", "the quick brown fox " * 10_000 + "7"), item("short", "Short", "a fox 7")])
    costly = " OR ".join(rf"/(?i:[a-z\s]{{1,{190 - number}}}[0-9])/" for number in range(5))
    assert titles(tx, costly) == ["Short"]
    assert titles(tx, "/fox.{0,5}7/") == ["Short", "Long"]


async def test_searches_leave_the_threads_on_which_the_bot_reads(store: storage.Store) -> None:
    may_end = threading.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(store.read_long(lambda tx: may_end.wait(60)))
        try:
            async with asyncio.timeout(300):
                for _ in range(8):
                    assert await store.read(lambda tx: tx.articles.count()) == 0
        finally:
            may_end.set()
