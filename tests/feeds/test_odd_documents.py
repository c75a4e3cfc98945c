"""Broken, cut, soiled and hostile documents: read as far as they go, and it is said; or refused, and it is said why."""

from __future__ import annotations

import re

import pytest

from bot.feeds.kit import fields, markup
from bot.model.errors import IsPage, ReadError
from tests.feeds.documents import URL, atom, entry, item, read, rss
from tests.feeds.test_cut import JSON, SITEMAP

FEEDS = {"rss": rss(*map(item, range(3))), "atom": atom(*map(entry, range(3))), "json": JSON, "sitemap": SITEMAP}


def _with(extra: str) -> str:
    """Return a feed over which feedparser may take minutes."""
    return rss(item(1, extra=extra))


def _attributes(count: int) -> str:
    return "<x " + " ".join(f"a{number}='1'" for number in range(count)) + "/>"


_CUT = "cut off before the end of its first item; it is polled again later"
_SITEMAPS = "".join(f"<sitemap><loc>https://a.example.org/{name}.xml</loc></sitemap>" for name in ("pages", "news"))
#: Document -> its error.
REFUSED = [
    (b"", "empty body"),
    (b"\x00\x00", "empty body"),
    (b"\xef\xbb\xbf\n", "empty body"),
    (b"%PDF-1.7 binary", 'not a feed: starts with "%PDF-1.7 binary"'),
    (b"<svg xmlns='x'></svg>", 'not a feed: XML with the root element "svg"'),
    (b"<opml version='2.0'><body/></opml>", 'an OPML list of feeds, not a feed; "wirewatch feeds import" reads it'),
    (b'{"error": "nope"}', 'not a feed: JSON without a list of "items" (it has "error")'),
    (b"[1, 2]", "not a feed: JSON, but not an object"),
    # Found by fuzzing: the apparent root is inside a document type.
    (b"<!DOCTYPE x [ <rss > ]><urlset><url>", 'its root element is "urlset", but one of rss, feed, rdf, channel'),
    (b"{broken", 'broken JSON, or cut off: starts with "{broken"; it is polled again later'),
    (b"[" * 100_000, "broken JSON, or cut off"),
    (b"<html><title>Log in</title><p>x", 'an HTML page titled "Log in", not a feed, and it names no feed'),
    (FEEDS["rss"][:200], _CUT),
    (FEEDS["atom"][:250], _CUT),
    ("<urlset><url><loc>https://news.example.org/1</loc></url></urlset>", "lists pages, not news"),
    (
        f"<sitemapindex>{_SITEMAPS}</sitemapindex>",
        "write one of https://a.example.org/news.xml, https://a.example.org/pages",
    ),
    (_with(_attributes(5_000)), "refused: an element with 5000 attributes"),
    (_with("<title>x</title>" * 20_000), "refused: an element with more than 10000 children"),
    (_with("<a>" * 20_000 + "</a>" * 20_000), "refused: more than 500 elements inside one another"),
    (_with(("<a>" + "<b/>" * 5_000 + "</a>") * 50), "refused: more than 200000 elements"),
    (_with("<a>x</b>" * 150_000), "refused: not well-formed, with more than 200000 tags"),
    (rss(item(1, body="AT&T & more") * 5_001), "refused: 5001 items that cannot be parsed separately"),
]


@pytest.mark.parametrize(("content", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_the_error_names_what_a_document_is_instead_of_a_feed(content: bytes | str, says: str) -> None:
    with pytest.raises(ReadError, match=re.escape(says)):
        read(content)


def test_a_document_that_is_odd_but_can_be_read_is_not_refused() -> None:
    assert read("<urlset></urlset>").entries == ()
    assert len(read(rss(item(1, body="AT&T & more"))).entries) == 1
    assert len(read(_with(_attributes(900))).entries) == 1


def test_a_page_offers_its_feeds_best_first() -> None:
    page = """<!doctype html><html><head><base href="/section/"><link rel="alternate" type="application/rss+xml"
      title="Comments" href="/comments/feed"><link rel="alternate" type="application/atom+xml" href="atom.xml">
      <link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/1"><link rel="stylesheet" href="a.css">
      <link rel="ALTERNATE" type="application/rss+xml; charset=utf-8" href="//cdn.example.org/rss">
      <link rel="alternate" type="application/rss+xml" href="javascript:x"></head>
      <body><a href="/world.rss">RSS</a><a href="/about">x</a></body></html>"""
    with pytest.raises(IsPage, match=r"the page names https://cdn\.example\.org/rss and 3 more") as caught:
        read(page, content_type="text/html")
    assert caught.value.feeds == (
        "https://cdn.example.org/rss",
        "https://news.example.org/section/atom.xml",
        "https://news.example.org/world.rss",
        "https://news.example.org/comments/feed",
    )


WARNING = "<br />\n<b>Warning</b>: Cannot modify header in /x.php<br />\n"


@pytest.mark.parametrize("kind", FEEDS)
@pytest.mark.parametrize("junk", ["\n\n  ", "\ufeff", "\ufeff" * 3])
def test_space_before_the_document_is_nothing(kind: str, junk: str) -> None:
    reading = read(junk + FEEDS[kind])
    assert reading.entries == read(FEEDS[kind]).entries
    assert reading.remarks == ()


@pytest.mark.parametrize("kind", ["rss", "atom", "sitemap"])
def test_junk_before_the_document_is_left_out(kind: str) -> None:
    reading = read(WARNING + FEEDS[kind])
    assert reading.entries == read(FEEDS[kind]).entries
    assert reading.remarks == ("text before the document left out",)


def test_junk_after_the_document_is_left_out() -> None:
    reading = read(rss(item(1)) + "\n<script>ads()</script>")
    assert [e.guid for e in reading.entries] == ["id-1"]
    assert reading.item_hashes
    assert reading.remarks == ("text after the document left out",)


def test_a_feed_inside_a_page_is_read() -> None:
    wrapped = "<html><body>" + atom(entry(1)).removeprefix('<?xml version="1.0"?>') + "</body></html>"
    assert [e.guid for e in read(wrapped).entries] == ["tag:example.org,2015:1"]


@pytest.mark.parametrize("control", ["\x00", "\x08", "\x1b", "\ufffe"])
def test_control_characters_are_left_out(control: str) -> None:
    reading = read(rss(item(1, title=f"One{control} two"), item(2)))
    assert reading.entries[0].title == "One two"
    assert reading.remarks == ("1 control character left out",)


@pytest.mark.parametrize(("kind", "end"), [("rss", "</item>"), ("atom", "</entry>")])
def test_a_cut_document_keeps_its_whole_items_and_a_remark(kind: str, end: str) -> None:
    document = FEEDS[kind]
    second = document.index(end, document.index(end) + 1) + len(end)
    whole = read(document)
    for more in (40, 60, 90):
        reading = read(document[: second + more])
        assert reading.entries == whole.entries[:2]
        assert reading.remarks == ("cut off after item 2",)
        assert reading.title == whole.title


def test_a_document_that_lacks_only_its_end_is_whole() -> None:
    reading = read(rss(item(1), item(2)).removesuffix("</channel></rss>"))
    assert len(reading.entries) == 2
    assert reading.remarks == ("cut off at its end, after item 2",)


def test_entries_and_fields_are_bounded() -> None:
    many = rss(*(item(1, title=str(number)) for number in range(fields.MAX_ENTRIES + 10)))
    reading = read(many, before=None)
    assert len(reading.entries) == fields.MAX_ENTRIES
    assert (reading.entries[0].title, reading.entries[-1].title) == ("0", str(fields.MAX_ENTRIES + 9))
    assert "only the first and the last 2500 are read" in reading.remarks[0]
    long = rss(item(1, title="t" * 5000, body="b" * 2_000_000).replace("id-1", "g" * 20_000))
    (parsed,) = read(long).entries
    assert (len(parsed.title or ""), len(parsed.body or "")) == (fields.MAX_TITLE, fields.MAX_BODY)
    assert (parsed.guid or "").startswith("sha256:")


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("a &#55357;&#56832; b", "a 😀 b"),
        ("a &amp;#55357;&amp;#56832; b", "a 😀 b"),
        ("a&#0;b&#x1F;c&#55357;d&#99999999;", "abcd"),
        ("it&#0039;s &#128512;&#65533;", "it's 😀\ufffd"),
    ],
)
def test_references_to_half_letters_and_to_none_do_not_break_the_document(written: str, read_as: str) -> None:
    reading = read(rss(item(1, title=written), item(2)))
    assert [entry.title for entry in reading.entries] == [read_as, "Regulator writes order 2"]
    assert len(reading.item_hashes) == 2


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2015/12/02 09:30:00", "2015-12-02 09:30"),
        ("2015. 12. 2. 오후 9:30", "2015-12-02 21:30"),
        ("20151202T093000Z", "2015-12-02 09:30"),
        ("Wed, 02-Dec-2015 09:30:00 GMT", "2015-12-02 09:30"),
        ("Wed, 02 Dec 2015 9:30:00 PM", "2015-12-02 21:30"),
        ("Wed, 02 Dec 2015 09:30:00 CEST", "2015-12-02 07:30"),
        ("2015-december-02T9:30-05:00", "2015-12-02 14:30"),
        ("December 2, 2015", "2015-12-02 00:00"),
        ("2015-12", "2015-12-01 00:00"),
        ("2015-336", "2015-12-02 00:00"),
        ("2 декабря 2015 09:30", "2015-12-02 09:30"),
        ("2015/99/99", "None"),
        ("1449048600", "2015-12-02 09:30"),
    ],
)
def test_a_date_is_read_whole_or_not_at_all(written: str, day: str) -> None:
    dated = item(1).replace("Wed, 02 Dec 2015 09:01:00 GMT", written)
    language = next((name for name, word in (("ru", "я"), ("ko", "오"), ("ko", "년")) if word in written), "hu")
    published = read(rss(dated, head=f"<language>{language}</language>")).entries[0].published
    assert (f"{published:%Y-%m-%d %H:%M}" if published else "None") == day


@pytest.mark.parametrize(
    ("guid", "link"), [('"https://a.example/1"', "https://a.example/1"), ('"abc"', None), ("2", None)]
)
def test_an_id_of_json_is_a_link_only_where_it_is_an_address(guid: str, link: str | None) -> None:
    [entry] = read(
        f'{{"version": "https://jsonfeed.org/version/1", "items": [{{"id": {guid}, "title": "x"}}]}}'
    ).entries
    assert (entry.guid, entry.link) == (guid.strip('"'), link)


# -- what fuzzing has found


@pytest.mark.parametrize(
    "place", ['<base href="http://[">', '<a href="http://[/rss">x</a>', '<link rel="feed" href="//[">']
)
def test_an_address_with_an_open_bracket_hides_no_other_feed_of_a_page(place: str) -> None:
    page = f'<html>{place}<link rel="alternate" type="application/rss+xml" href="/feed.xml"></html>'
    assert markup.find_offered_feeds(page.encode(), "text/html", URL) == ("https://news.example.org/feed.xml",)
    with pytest.raises(IsPage):
        read(page)
