"""The fields of a document and of its items: links, text, dates, tags, and how often it may be polled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.feeds.documents import KINDS, atom, entry, item, of_kind, read, rss
from tests.feeds.test_cut import SITEMAP


def test_relative_links_are_resolved_against_xml_base_or_the_address() -> None:
    plain = item(1, body='&lt;a href="more">x&lt;/a> &lt;img src="//cdn.example.org/i.png">').replace(
        "https://news.example.org/1", "../one"
    )
    (parsed,) = read(rss(plain)).entries
    assert parsed.link == "https://news.example.org/one"
    assert 'href="https://news.example.org/feeds/more"' in (parsed.body or "")
    assert 'src="https://cdn.example.org/i.png"' in (parsed.body or "")
    based = atom(
        entry(1, body='&lt;a href="more">x&lt;/a>').replace('href="https://news.example.org/1"', 'href="one"'),
        attributes='xml:base="https://base.example.org/deep/"',
    )
    (parsed,) = read(based).entries
    assert parsed.link == "https://base.example.org/deep/one"
    assert 'href="https://base.example.org/deep/more"' in (parsed.body or "")


def test_the_longest_of_summary_and_content_is_the_body() -> None:
    full = '<c:encoded xmlns:c="http://purl.org/rss/1.0/modules/content/">The whole long text.</c:encoded>'
    assert read(rss(item(1, body="Teaser.", extra=full))).entries[0].body == "The whole long text."
    assert read(rss(item(1, body="The longest of the two.", extra=full.replace("whole long ", "")))).entries[
        0
    ].body == ("The longest of the two.")


def test_plain_text_that_looks_like_markup_stays_text() -> None:
    (parsed,) = read(atom(entry(1, title="Use &lt;b> &amp;amp; co").replace("<title>", '<title type="text">'))).entries
    assert parsed.title == "Use &lt;b&gt; &amp;amp; co"


def test_the_shortest_interval_that_a_feed_asks_for_is_read() -> None:
    assert read(rss(item(1), head="<ttl>60</ttl>")).ttl == timedelta(hours=1)
    head = "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>"
    space = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
    assert read(rss(head=head, attributes=space)).ttl == timedelta(hours=6)


@pytest.mark.parametrize("ttl", ["0", "-5", "soon", "", "9" * 400])
def test_a_useless_ttl_does_no_harm(ttl: str) -> None:
    interval = read(rss(head=f"<ttl>{ttl}</ttl>")).ttl
    assert interval is None or interval <= timedelta(days=365)


def test_a_news_sitemap_gives_its_tags() -> None:
    (parsed,) = read(SITEMAP.replace("<news:title>", "<news:keywords>PTA, BES</news:keywords><news:title>")).entries
    assert (parsed.title, parsed.link, parsed.tags, parsed.language) == (
        "One",
        "https://news.example.org/1",
        ("PTA", "BES"),
        "en",
    )
    assert parsed.published is not None


def test_a_json_feed_gives_all_its_fields() -> None:
    document = """{"version": "https://jsonfeed.org/version/1.1", "title": "T", "home_page_url": "/home",
      "items": [{"id": 5, "url": "/five", "title": "A < B", "content_text": "One & two.\\n\\nThree",
      "tags": ["x", 1, "y"], "authors": [{"name": "Ann"}], "language": "en",
      "date_published": "2015-12-02T14:01:00+05:00", "date_modified": "bad"}, "junk"]}"""
    reading = read(document)
    (parsed,) = reading.entries
    assert (reading.link, parsed.link) == ("https://news.example.org/home", "https://news.example.org/five")
    assert (parsed.guid, parsed.title, parsed.language) == ("5", "A < B", "en")
    assert (parsed.body, parsed.tags, parsed.author) == ("<p>One &amp; two.</p><p>Three</p>", ("x", "y"), "Ann")
    assert parsed.published == datetime(2015, 12, 2, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("date", ["Wed, 02 Dec 2015 14:01:00 +0500", "2015/12/02 09:01", "2 December 2015 09:01"])
def test_dates_of_every_kind_of_feed_are_read_alike(date: str, kind: str) -> None:
    [entry] = read(of_kind(kind, {"date": date}), kind=KINDS[kind]).entries
    assert (entry.published or entry.updated) == datetime(2015, 12, 2, 9, 1, tzinfo=UTC)
