"""Items and headers that are parsed without feedparser are parsed as feedparser parses them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.feeds.kinds import rss
from bot.feeds.kinds.rss import light
from bot.feeds.kit import fields
from bot.model.feeds import ParsedFeed
from tests.feeds import documents
from tests.feeds.documents import atom, entry, item, read

#: Later than any item: all are old then.
FAR = datetime(2016, 1, 1, tzinfo=UTC)
SPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:media="http://search.yahoo.com/mrss/" xmlns:a="http://www.w3.org/2005/Atom"'
    ' xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"'
)


def check(document: str) -> ParsedFeed:
    """Check that the whole document and its baseline are parsed as by feedparser, and return the feed."""
    by_feedparser = rss.parse_with_feedparser(document.encode(), documents.URL)
    reading = read(document)
    assert reading.entries == tuple(map(fields.bound_entry, by_feedparser.entries))
    header = (reading.title, reading.link, reading.language, reading.ttl, reading.hub, reading.topic)
    assert header == (
        by_feedparser.title,
        by_feedparser.link,
        by_feedparser.language,
        by_feedparser.ttl,
        by_feedparser.hub,
        by_feedparser.topic,
    )
    assert read(document, before=FAR).entries == fields.mark_baseline(reading.entries, FAR)
    return reading


def is_plain(document: str, root: str) -> bool:
    """Return whether all items are parsed without feedparser."""
    plain = light.parse_document(document.encode(), root=root, identity_before=None)
    return plain is not None and None not in plain.entries


def has_plain_header(document: str, root: str) -> bool:
    plain = light.parse_document(document.encode(), root=root, identity_before=None)
    return plain is not None and plain.feed is not None


ODD_ITEMS = {
    "permalink guid": item(1).replace(' isPermaLink="false"', ""),
    "guid as link": item(1)
    .replace("<link>https://news.example.org/1</link>", "")
    .replace(">id-1<", ">https://a.org/1<"),
    "relative link": item(1).replace("https://news.example.org/1", "/1"),
    "entity in title": item(1, title="AT&amp;T and others"),
    "html in title": item(1, title="&lt;b&gt;Bold&lt;/b&gt; words"),
    "cdata title": item(1, title="<![CDATA[Bold <b>words</b>]]>"),
    "no title": item(1).replace("<title>Regulator writes order 1</title>", ""),
    "two titles": item(1, extra="<title>Another</title>"),
    "two links": item(1, extra="<link>https://news.example.org/other</link>"),
    "media title": item(1, extra='<m:title xmlns:m="http://search.yahoo.com/mrss/">Picture</m:title>'),
    "atom link": item(1, extra='<a:link xmlns:a="http://www.w3.org/2005/Atom" href="https://other.example.org/"/>'),
    "picture": item(
        1,
        extra='<m:content xmlns:m="http://search.yahoo.com/mrss/" url="https://img.example.org/1.jpg" medium="image"/>',
    ),
    "picture of no size": item(
        1,
        extra='<m:thumbnail xmlns:m="http://search.yahoo.com/mrss/" url="https://img.example.org/1"/>'
        '<m:content xmlns:m="http://search.yahoo.com/mrss/" url="https://img.example.org/1.mp4" type="video/mp4"/>',
    ),
    "enclosures": item(
        1,
        extra='<enclosure url="https://img.example.org/1.mp3" type="audio/mpeg" length="1"/>'
        '<enclosure url="https://img.example.org/1.png" type="image/png" length="1"/>',
    ),
    "dublin core date": item(
        1, extra='<d:date xmlns:d="http://purl.org/dc/elements/1.1/">2015-12-09T00:00:00Z</d:date>'
    ),
    "dublin core title": item(1, extra='<d:title xmlns:d="http://purl.org/dc/elements/1.1/">Other</d:title>'),
    "source": item(1, extra='<source url="https://a.example.org/">A</source>'),
    "zone by name": item(1).replace("GMT", "EST"),
    "two-digit year": item(1).replace("2015", "15"),
    "base on the item": item(1).replace("<item>", '<item xml:base="https://base.example.org/">'),
    "mojibake": item(1, title="CafÃ© opens"),
    "windows letters": item(1, title="It\x92s here"),
    "query in link": item(1).replace("/1</link>", "/1?a=1&amp;b=2</link>"),
    "named entity in query": item(1).replace("/1</link>", "/1?a=1&amp;copy;=2</link>"),
    "comment in title": item(1, title="One <!-- two --> three"),
    "bare": "<item/>",
}


@pytest.mark.parametrize("name", ODD_ITEMS)
def test_the_light_reader_gives_what_feedparser_gives(name: str) -> None:
    check(documents.rss(ODD_ITEMS[name], item(30, day=9)))


ODD_ENTRIES = {
    "html title": entry(1).replace("<title>", '<title type="html">'),
    "xhtml title": entry(1, title="<div>x</div>").replace("<title>", '<title type="xhtml">'),
    "text title with markup": entry(1, title="a &lt;b&gt; c"),
    "relative id": entry(1).replace("tag:example.org,2015:1", "one"),
    "two links": entry(1).replace("<updated>", '<link rel="enclosure" href="https://a.example.org/x.mp3"/><updated>'),
    "two alternates": entry(1).replace("<updated>", '<link href="https://a.example.org/second"/><updated>'),
    "link of another type": entry(1).replace("<link ", '<link type="application/xhtml+xml" '),
    "published too": entry(1).replace("<updated>", "<published>2015-11-01T00:00:00+05:00</published><updated>"),
    "source": entry(1).replace("<updated>", "<source><title>Other</title><id>tag:o</id></source><updated>"),
    "base": entry(1).replace("<entry>", '<entry xml:base="https://b.example.org/">'),
    "language": entry(1).replace("<title>", '<title xml:lang="fr">'),
    "fraction": entry(1).replace("00Z", "00.123Z"),
    "lower-case zone": entry(1).replace("Z<", "z<"),
}


@pytest.mark.parametrize("name", ODD_ENTRIES)
def test_the_light_reader_gives_what_feedparser_gives_for_atom(name: str) -> None:
    check(atom(ODD_ENTRIES[name], entry(30, day=9)))


PLAIN_ITEMS = [
    item(1),
    item(1, body="<![CDATA[<p>Text of <b>one</b></p>]]>", extra="<category>law</category><category>law</category>"),
    item(1, extra="<content:encoded>&lt;p&gt;All of it, which is longer&lt;/p&gt;</content:encoded>"),
    item(1, extra="<dc:creator>A. Writer</dc:creator><dc:subject> telecom </dc:subject><comments>x</comments>"),
    item(1, title="AT&amp;T &amp;amp; others", extra='<enclosure url="https://a.example.org/1.mp3"/>'),
    item(1, extra='<media:content url="https://a.example.org/1.jpg" type="image/jpeg"/><source url="x">A</source>'),
    item(1, extra='<a:link rel="replies" href="/1/replies"/><slash:comments>7</slash:comments>').replace("\n", " "),
    item(1).replace(' isPermaLink="false">id-1', ">https://news.example.org/?p=1"),
    item(1).replace("GMT", "+0530").replace("/1</link>", "/1?a=1&amp;b=2#c</link>"),
]
PLAIN_ENTRIES = [
    entry(1),
    entry(1, extra="<published>2015-12-01T09:00:00+05:00</published><author><name> A. Writer </name></author>"),
    entry(1, extra='<content type="html">&lt;p&gt;All of it, which is longer&lt;/p&gt;</content>'),
    entry(1, extra='<category term="law" scheme="x"/><category term="law"/><link rel="self" href="/1.atom"/>'),
    entry(1, title="AT&amp;T").replace("<title>", '<title type="html">'),
]
ROOTS = [
    'xmlns:dc="http://search.yahoo.com/mrss/" xmlns:media="http://purl.org/dc/elements/1.1/"',
    'xmlns:content="http://purl.org/dc/elements/1.1/" xmlns:b="http://purl.org/rss/1.0/modules/content/"',
    'xml:base="https://base.example.org/"',
    'xml:lang="ur"',
    'lang="ur"',
    'xmlns="http://purl.org/rss/1.0/"',
    'xmlns="urn:unknown"',
]


def test_ordinary_items_and_entries_read_alike_and_the_items_under_any_root() -> None:
    for plain in PLAIN_ITEMS:
        assert is_plain(documents.rss(plain, attributes=SPACES), "rss")
        check(documents.rss(plain, attributes=SPACES))
    for plain in PLAIN_ENTRIES:
        check(atom(plain))
    for attributes in ROOTS:
        check(documents.rss(item(1), attributes=attributes))


HEADS = {
    "nothing": ("", True),
    "limits": ("<ttl>60</ttl><skipHours><hour>3</hour></skipHours>", True),
    "module": ("<sy:updatePeriod>\n daily </sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", True),
    "usual": ("<language>en-gb</language><lastBuildDate>today</lastBuildDate><generator>G</generator>", True),
    "own address": ('<a:link rel="self" href="https://news.example.org/feed"/><category domain="x">a</category>', True),
    "hub": (
        '<a:link rel="Hub" href="https://hub.example.org/?a=1&amp;b=2"/><a:link rel="hub" href="https://b.example.org/"/>',
        True,
    ),
    "picture": ("<image><url>/x.png</url><title>Another</title><link>/x</link></image><webMaster>w</webMaster>", True),
    "unknown": ("<itunes:author xmlns:itunes='urn:itunes'>A</itunes:author><media:credit>B</media:credit>", True),
    "mojibake": ("<language>caf\u00c3\u00a9</language>", True),
    "relative hub": ('<a:link rel="hub" href="/hub"/>', False),
    "hub with two addresses": (
        '<a:link rel="hub" href="https://hub.example.org/" url="https://b.example.org/"/>',
        False,
    ),
    "another title": ("<title>Another</title>", False),
    "another link": ("<link>https://else.example.org/</link>", False),
    "another page": ('<a:link href="https://else.example.org/"/>', False),
    "guid": ("<guid>https://else.example.org/</guid>", False),
    "picture's odd part": ("<image><title>Another</title><guid>/x</guid></image>", False),
    "picture that ends early": ("<image><x/><title>Another</title></image>", False),
    "picture of itunes": ("<itunes:image xmlns:itunes='urn:itunes' href='/x'/>", False),
    "title of media": ("<media:title>Another</media:title>", False),
    "title of dublin core": ("<dc:title>Another</dc:title>", False),
    "title inside": ("<x><y><title>Another</title></y></x>", False),
    "link in a date": ("<pubDate>today<link>https://else.example.org/</link></pubDate>", False),
    "end of the channel": ("<x><channel/></x><ttl>60</ttl>", False),
    "ttl with an attribute": ('<ttl unit="minutes">60</ttl>', False),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_header_is_what_feedparser_makes_of_it(name: str) -> None:
    head, is_ordinary = HEADS[name]
    document = documents.rss(item(1), head=head, attributes=SPACES)
    check(document)
    assert has_plain_header(document, "rss") == is_ordinary
    if is_ordinary:
        check(documents.rss(item(1), attributes=SPACES).replace("</channel>", f"{head}</channel>"))


ATOM_HEADS = {
    '<link rel="self" href="https://news.example.org/f"/><id>urn:x</id><updated>2015-12-02T09:00:00Z</updated>': True,
    '<link rel="hub" href="https://hub.example.org/"/><author><name>A</name><uri>/a</uri></author>': True,
    '<subtitle type="html">S</subtitle><icon>/i.png</icon><contributor><name>B</name></contributor>': True,
    '<subtitle type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><b>x</b></div></subtitle>': True,
    '<subtitle type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><title>x</title></div></subtitle>': False,
    '<link href="https://else.example.org/"/>': False,
    '<id><link href="https://else.example.org/"/></id>': False,
}


@pytest.mark.parametrize("head", ATOM_HEADS)
def test_a_header_of_atom_is_what_feedparser_makes_of_it(head: str) -> None:
    document = atom(entry(1), head=head)
    check(document)
    assert has_plain_header(document, "feed") == ATOM_HEADS[head]
    without_page = atom(entry(1), head=f"<id>https://id.example.org/</id>{head}").replace("<link ", "<nolink ", 1)
    check(without_page)


def test_the_items_of_rss_1_are_cut_and_read_by_feedparser() -> None:
    first, second = (item(n).replace("<item>", f'<item rdf:about="https://news.example.org/{n}">') for n in (1, 2))
    document = (
        f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" {SPACES}>'
        f'<channel rdf:about="x"><title>Example News</title></channel>{first}{second}</rdf:RDF>'
    )
    document = re.sub("<guid.*?</guid>|<pubDate.*?</pubDate>", "", document)
    reading = check(document)
    assert [e.guid for e in reading.entries] == ["https://news.example.org/1", "https://news.example.org/2"]
    known = read(document, known=frozenset(reading.item_hashes[:1]))
    assert [e.title for e in known.entries] == ["Regulator writes order 2"]
    assert not is_plain(document, "rdf")


#: Texts of any element, as written in XML: what feedparser mends, guesses at, resolves or takes out.
TEXTS = st.sampled_from([
    "", " ", "word", " two words\n", "caf\u00c3\u00a9", "It\u0092s", "\u00c3\u00a0 ",
    "\u0627\u062e\u0628\u0627\u0631", "AT&amp;T", "&amp;amp;", "&amp;nbsp;x", "&amp;unknown;", "&amp;#8217;",
    "&lt;b&gt;x&lt;/b&gt;", "&lt;script&gt;x&lt;/script&gt;", "a &lt; b", "<![CDATA[<p>x</p>]]>",
    "<![CDATA[a]]> b <!-- c -->", "&lt;a href='/x'&gt;y&lt;/a&gt;", "a@example.org (A)", "A (B)", "false", "0",
    "https://news.example.org/1", "https://news.example.org/1?", "https://news.example.org?a=1&amp;b=2#c",
    "/relative", "https://news.example.org/1?a=1&amp;amp;b=2", "https://news.example.org/1;a=2", "https:///x",
    "HTTP://News.Example.org/", "http://[x", "https://n.example.org/\u00e9", "tag:example.org,2015:1", "urn:x:[1]",
    "yt:video:1", "mailto:a@b.org", "Wed, 02 Dec 2015 09:01:00 GMT", "Wed, 02 Dec 2015 09:01:00 +0530",
    "02 Dec 2015 09:01:00 EST", "31 Feb 2015 09:01:00 GMT", "2015-12-02T09:01:00Z", "2015-12-02T09:01:00.5+05:30",
    "2015-12-02", "60", "<b>x</b>",
])  # fmt: skip
NAMES = st.sampled_from([
    "title", "link", "guid", "pubDate", "description", "author", "category", "comments", "enclosure", "source",
    "ttl", "language", "updated", "id", "summary", "content", "published", "name", "dc:date", "dc:creator",
    "dc:subject", "dc:title", "dc:rights", "content:encoded", "media:title", "media:content", "media:description",
    "media:credit", "slash:comments", "a:link", "a:title", "sy:updatePeriod", "image", "PubDate",
])  # fmt: skip
ATTRIBUTES = st.sampled_from([
    "", "", "", "", ' isPermaLink="false"', ' isPermaLink="true"', ' type="html"', ' type="xhtml"', ' type="text"',
    ' xml:lang="fr"', ' xml:base="https://b.example.org/"', ' href="https://a.example.org/1"',
    ' href="/1" rel="self"', ' rel="alternate"', ' rel="Alternate" href="https://a.example.org/2"', ' term="law"',
    ' domain="x"', ' url="https://a.example.org/3"', ' label="x"',
])  # fmt: skip
ELEMENTS = st.builds(lambda name, more, text: f"<{name}{more}>{text}</{name}>", NAMES, ATTRIBUTES, TEXTS)


def element_of(names: Sequence[str], attributes: Sequence[str] = ("",)) -> st.SearchStrategy[str]:
    """An element that is likely to be read lightly."""
    return st.builds(
        lambda name, more, text: f"<{name}{more}>{text}</{name}>",
        st.sampled_from(names),
        st.sampled_from(attributes),
        TEXTS,
    )


ITEM_PARTS = st.one_of(
    element_of(["title", "link", "description", "content:encoded", "author", "dc:creator", "dc:date", "pubDate"]),
    element_of(["guid"], ["", ' isPermaLink="false"', ' isPermaLink="true"']),
    element_of(["category", "dc:subject"], ["", ' domain="x"']),
    ELEMENTS,
)
ENTRY_PARTS = st.one_of(
    element_of(["title", "summary", "content"], ["", ' type="html"', ' type="text"', ' type="xhtml"']),
    element_of(["id", "published", "updated"]),
    element_of(["link"], [' href="https://a.example.org/1"', ' rel="self" href="/x"', ' rel="alternate" href="/x"']),
    element_of(["category"], [' term="law"', ' term="Law" label="x"', ""]),
    st.builds(lambda text: f"<author><name>{text}</name><uri>x</uri></author>", TEXTS),
    ELEMENTS,
)


HEADERS = st.lists(
    st.one_of(
        element_of(["language", "ttl", "sy:updatePeriod", "sy:updateFrequency", "lastBuildDate", "generator", "id"]),
        st.builds(
            lambda rel, href: f'<a:link rel="{rel}" href="{href}"/>',
            st.sampled_from(["self", "hub", "Hub", "next", "alternate"]),
            TEXTS.filter(lambda text: "<" not in text),
        ),
        st.builds(lambda part: f"<image>{part}</image>", element_of(["title", "link", "url", "x"])),
        ELEMENTS,
    ),
    max_size=3,
)


@given(TEXTS, TEXTS, HEADERS)
def test_any_header_reads_as_feedparser_reads_it(title: str, link: str, head: list[str]) -> None:
    own = f"<title>{title}</title><link>{link}</link>"
    check(f'<rss version="2.0" {SPACES}><channel>{own}{"".join(head)}{item(1)}</channel></rss>')
    own = f'<title type="html">{title}</title><link href="https://news.example.org/"/>'
    check(f'<feed xmlns="http://www.w3.org/2005/Atom" {SPACES}>{own}{"".join(head)}{entry(1)}</feed>')


@example([[], ["<description>word</description>", "<description></description>"]], ["<content></content>"])
@given(st.lists(st.lists(ITEM_PARTS, max_size=8), min_size=1, max_size=3), st.lists(ELEMENTS, max_size=3))
def test_any_item_reads_as_feedparser_reads_it(items: list[list[str]], head: list[str]) -> None:
    written = [f"<item>{''.join(parts)}</item>" for parts in items]
    check(documents.rss(*written, head="".join(head), attributes=SPACES))


@given(st.lists(st.lists(ENTRY_PARTS, max_size=8), min_size=1, max_size=3), st.lists(ELEMENTS, max_size=3))
def test_any_entry_reads_as_feedparser_reads_it(entries: list[list[str]], head: list[str]) -> None:
    written = [f"<entry>{''.join(parts)}</entry>" for parts in entries]
    check(atom(*written, head="".join(head), attributes=SPACES))
