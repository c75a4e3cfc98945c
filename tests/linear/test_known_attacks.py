"""Texts of a few kilobytes that once held the program for minutes, and documents that once passed the entity guard."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import time
import tracemalloc
from datetime import UTC, datetime

import pytest

from bot.config import nodes
from bot.feeds import kinds
from bot.feeds.kit import fields
from bot.fetch import fulltext
from bot.model.errors import ReadError
from bot.model.feeds import ParsedFeed
from bot.model.fetching import Body
from bot.model.stories import Article
from bot.stories import facts
from bot.stories.facts import corrections as edits
from bot.text import dates
from tests.testbed import updates

#: Processor time for each; before, the least of them took three seconds, most of them hours.
_MOST_S = 1.0
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RSS = '<?xml version="1.0"?><rss version="2.0"><channel><title>A</title><item><guid>1</guid><title>B</title>'


def article(text: str, title: str = "A court ruled") -> Article:
    return updates.article(title, text, name="one")


def read(content: str) -> ParsedFeed:
    return kinds.parse_document(Body(content=content.encode(), content_type="", url="https://feeds.example/"))


def test_an_attribute_and_many_spaces_are_searched_for_a_relative_link_at_once() -> None:
    started = time.process_time()
    without_address = "<a href=" + " " * 12_000 + ">x</a>"
    assert fields.resolve_links(without_address, "https://a.example/") == without_address
    assert fields.resolve_links("<a href= 'news/1'>x</a>", "https://a.example/") == (
        '<a href="https://a.example/news/1">x</a>'
    )
    assert time.process_time() - started < _MOST_S


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a " * 600, "a b " * 300),
        (". ".join(["a a a a"] * 200), ". ".join(["a b a a"] * 200)),
        ("The court ruled" + "." * 6_000 + "x", "The court ruled against" + "." * 6_000 + "x"),
        ("Aa Bb " * 5_000, "Bb Aa " * 5_000),
    ],
)
def test_two_versions_of_an_article_are_compared_in_bounded_time(before: str, after: str) -> None:
    started = time.process_time()
    edits(article(before), article(after))
    edits(article("", before[:2_000]), article("", after[:2_000]))
    assert time.process_time() - started < _MOST_S


@pytest.mark.parametrize(
    "content",
    [
        "<!--" * 30_000,
        "<?" * 30_000,
        RSS + "<!--" * 30_000,
        RSS + "<![CDATA[" * 30_000,
        "<!DOCTYPE a" * 10_000 + RSS,
        "<!DOCTYPE a [" + "<!ENTITY a " * 10_000 + RSS,
        RSS + "</item>" + "<skipHours>" * 10_000,
        '{"version": "https://jsonfeed.org/version/1.1", "items": [' + '{"id": 1},' * 30_000,
        '{"items": [' + "[" * 30_000,
        "<html><head>" + "<link rel=" * 10_000,
    ],
    ids=lambda content: content[:12] + content[-12:],
)
def test_a_document_full_of_beginnings_is_read_or_refused_at_once(content: str) -> None:
    started = time.process_time()
    with contextlib.suppress(ReadError):
        read(content)
    # The loose half of feedparser takes a second for 100 kilobytes of tags that nothing closes.
    assert time.process_time() - started < 4 * _MOST_S


def bomb(name: str = "rss") -> str:
    lines = "".join(f'<!ENTITY e{at} "{f"&e{at - 1};" * 10 if at else "x" * 100}">' for at in range(6))
    return f"<!DOCTYPE {name} [{lines}]>"


REST = '<rss version="2.0"><channel><title>A</title><item><guid>1</guid><title>&e5;</title></item></channel></rss>'


@pytest.mark.parametrize(
    "head",
    [
        bomb(),
        "<!-- <rss > -->" + bomb(),
        "<? <rss > ?>" + bomb(),
        "<!DOCTYPE rss [ <!-- <rss > --> ]>" + bomb(),
        "<!DOCTYPE rss [ <!ENTITY a '<rss >'> ]>" + bomb(),
        "<?xml version='1.0'?><!-- <?xml version='1.0'?><rss > -->" + bomb(),
        bomb().replace("<!DOCTYPE", "<!doctype"),
        '<!DOCTYPE rss [<!ENTITY a ">">' + bomb()[len("<!DOCTYPE rss [") :],
    ],
)
def test_no_entity_of_a_feed_grows_wherever_its_declaration_hides(head: str) -> None:
    titles: list[str] = []
    with contextlib.suppress(ReadError):
        titles = [entry.title or "" for entry in read(head + REST).entries]
    assert all(len(title) < 100 for title in titles)


def test_a_robots_file_of_many_names_and_rules_is_parsed_at_once() -> None:
    names = "".join(f"user-agent: {number:x}\n" for number in range(10_000))
    started = time.process_time()
    rules = fulltext.Robots(until=NOW, rules=fulltext._parse_robots((names + "disallow: /a\n" * 20_000).encode()))
    wildcards = "".join(f"disallow: /*{'a' * 6}b*\n" for _ in range(20_000))
    slow = fulltext.Robots(until=NOW, rules=fulltext._parse_robots(f"user-agent: *\n{wildcards}".encode()))
    assert rules.allows("http://a.example/a")
    assert slow.allows("http://a.example/" + "a" * 1_900)
    assert not slow.allows("http://a.example/" + "a" * 100_000)
    assert time.process_time() - started < _MOST_S


def test_relative_links_over_a_long_base_make_no_large_bodies_of_small_ones() -> None:
    base = f"https://a.example/{'b' * 7_000}/"
    body = "&lt;a href='x'>y&lt;/a>" * 60
    items = "".join(f"<item><guid>{n}</guid><description>{body}</description></item>" for n in range(80))
    content = f'<rss version="2.0" xml:base="{base}"><channel><title>A</title>{items}</channel></rss>'
    entries = read(content).entries
    assert len(entries) == 80
    assert sum(len(entry.body or "") for entry in entries) < 5 * len(content)
    assert fields.resolve_links("<a href='x'>y</a>", base[:2_000] + "/") == f'<a href="{base[:2_000]}/x">y</a>'


def test_a_language_of_its_own_in_each_item_leaves_nothing_in_memory() -> None:
    def read_in(numbers: range) -> None:
        for number in numbers:
            code = "q" + "".join(chr(ord("a") + number // 26**place % 26) for place in range(4))
            facts.read(dataclasses.replace(article("On 3 May 5,000.", "Paid"), language=code))
            dates.DocumentDates().parsed("3 May 2015", code)

    tracemalloc.start()
    try:
        # So many that the caches are full.
        read_in(range(150))
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        read_in(range(150, 210))
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Some four kilobytes stayed for each.
    assert after - before < 160_000


def test_a_key_that_is_given_thousands_of_times_is_said_in_time() -> None:
    text = "rules:\n" + "".join(f"  - {{name: R{n}, note: {'x' * 60}}}\n" for n in range(3_000)) + "x: 1\n" * 3_000
    started = time.process_time()
    document = nodes.parse_yaml(text)
    assert sum(flaw.code == "duplicate-key" for flaw in document.flaws) == 2_999
    assert document.flaws[0].help == "it is already on line 3002: join the two or remove one"
    # A scan of the file for each took minutes.
    assert time.process_time() - started < 10
