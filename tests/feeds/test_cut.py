"""Known items are left out and old items are read without feedparser: the rest is as if the whole were read."""

from __future__ import annotations

import random
import tarfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.feeds.kinds import rss
from bot.feeds.kinds.rss.old_items import read_old_items
from bot.feeds.kit import fields, markup
from bot.model.errors import ReadError
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body
from tests.feeds import documents
from tests.feeds.documents import atom, entry, item, read
from tests.testbed import shared_data

DAY = datetime(2015, 12, 2, tzinfo=UTC)


def _packed(folder: Path, *, every: int) -> Iterator[tuple[str, bytes]]:
    for archive in sorted(folder.glob("*.tar.xz")):
        with tarfile.open(archive) as packed:
            members = [member for member in packed.getmembers() if member.isfile()]
            for member in members[::every]:
                file = packed.extractfile(member)
                assert file is not None
                yield member.name, file.read()


def _without(reading: ParsedFeed, known: frozenset[str]) -> Sequence[Entry]:
    pairs = zip(reading.entries, reading.item_hashes, strict=True)
    return tuple(entry for entry, digest in pairs if digest not in known)


def _check(name: str, content: bytes) -> bool:
    """Whether the document was cut; asserts that nothing of it depends on the cut."""
    try:
        whole = read(content)
    except ReadError:
        return False
    if not whole.item_hashes:
        return False
    assert len(whole.entries) == len(whole.item_hashes), name
    _check_feedparser_agrees(name, content, whole)
    rng = random.Random(name)
    for share in (0.2, 0.6, 0.95):
        known = frozenset(digest for digest in whole.item_hashes if rng.random() < share)
        part = read(content, known=known)
        assert tuple(part.entries) == _without(whole, known), name
        assert part.item_hashes == whole.item_hashes, name
        assert (part.title, part.link, part.language, part.ttl) == (whole.title, whole.link, whole.language, whole.ttl)
    dates = sorted(date for e in whole.entries if (date := e.published or e.updated) is not None)
    if dates:
        before = dates[len(dates) * 9 // 10]
        expected = fields.mark_baseline(whole.entries, before)
        assert read(content, before=before).entries == expected, name
    return True


def _check_feedparser_agrees(name: str, content: bytes, whole: ParsedFeed) -> None:
    body = Body(content=content, content_type="", url=documents.URL)
    if not rss.Source().recognises(body):
        return
    # Use the mended text of a cut document: feedparser's loose reader spoils the links of the original.
    text, _ = rss._mend_end(markup.prepare_xml(body, roots=rss._ROOTS))
    by_feedparser = rss.parse_with_feedparser(text.encode("utf-8", "replace"), documents.URL)
    assert tuple(fields.bound_entry(e) for e in by_feedparser.entries) == whole.entries, name
    assert (by_feedparser.title, by_feedparser.link, by_feedparser.language, by_feedparser.ttl) == (
        whole.title,
        whole.link,
        whole.language,
        whole.ttl,
    )


@pytest.mark.parametrize(
    ("folder", "every"),
    [
        ("feeds-wild", 16),
        ("feed-snapshots", 960),
        pytest.param("feeds-wild", 1, marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
        pytest.param("feed-snapshots", 1, marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
    ],
)
def test_real_feeds_read_in_part_equal_the_whole(folder: str, every: int) -> None:
    results = [_check(name, content) for name, content in _packed(shared_data.path(folder), every=every)]
    assert sum(results) > 5


def test_the_items_of_rss_1_are_cut_too() -> None:
    items = "".join(
        f'<item rdf:about="https://news.example.org/{n}"><title>Order {n}</title>'
        f"<link>https://news.example.org/{n}</link></item>"
        for n in (1, 2)
    )
    document = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        f'<channel rdf:about="x"><title>Example News</title></channel>{items}</rdf:RDF>'
    )
    whole = read(document)
    assert [e.guid for e in whole.entries] == ["https://news.example.org/1", "https://news.example.org/2"]
    new = read(document, known=frozenset(whole.item_hashes[:1]))
    assert [e.title for e in new.entries] == ["Order 2"]


@pytest.mark.parametrize(
    "changed",
    [
        documents.rss(item(1, title="An edit")),
        *(
            documents.rss(item(1), attributes=attributes)
            for attributes in ('xml:base="https://other.example.org/"', 'xml:lang="ur"', 'xmlns:x="urn:x"')
        ),
    ],
)
def test_an_item_is_read_again_when_it_or_a_tag_around_it_changes(changed: str) -> None:
    first = read(documents.rss(item(1)))
    assert len(read(changed, known=frozenset(first.item_hashes)).entries) == 1


@pytest.mark.parametrize(
    "trap",
    [
        "<![CDATA[ an example: <item><title>not one</title></item> ]]>",
        "<!-- <item> -->",
        "<![CDATA[</item>]]>",
        "<![CDATA[]]]]><![CDATA[>]]>",
        '<?php echo "</item>" ?>',
    ],
)
def test_text_that_only_looks_like_an_item_is_not_an_item(trap: str) -> None:
    document = documents.rss(item(1, body=f"One {trap} two"), item(2))
    whole = read(document)
    assert len(whole.entries) == len(whole.item_hashes) == 2
    assert [e.guid for e in read(document, known=frozenset(whole.item_hashes[:1])).entries] == ["id-2"]


def test_a_document_that_is_not_well_formed_is_read_whole() -> None:
    document = documents.rss(item(1, body="AT&T & more"), item(2))
    reading = read(document)
    assert reading.item_hashes == ()
    assert [e.guid for e in reading.entries] == ["id-1", "id-2"]


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd">',
        '<!DOCTYPE rss SYSTEM "http://my.netscape.com/publish/formats/rss-0.91.dtd" []>',
        "<!doctype rss>",
    ],
)
def test_a_document_type_that_declares_nothing_is_no_reason_to_read_known_items(doctype: str) -> None:
    items = item(1, body="&amp;nbsp;a"), item(2), item(3)
    document = documents.rss(*items, declaration=doctype)
    whole = read(document)
    assert [e.guid for e in read(document, known=frozenset(whole.item_hashes[1:])).entries] == ["id-1"]
    assert whole.entries == rss.parse_with_feedparser(document.encode(), documents.URL).entries


def test_old_items_of_a_baseline_keep_their_identity_and_only_the_first_of_them_their_text() -> None:
    document = documents.rss(item(0, day=2), *(item(n, day=1) for n in range(1, 15)))
    new, *old = read(document, before=DAY).entries
    assert (new.identity_only, bool(new.body)) == (False, True)
    assert all(entry.identity_only for entry in old)
    assert [entry.body for entry in old] == [f"Text of {n}." for n in range(1, 8)] + [None] * 7
    assert old[-1] == Entry(
        guid="id-14",
        link="https://news.example.org/14",
        title="Regulator writes order 14",
        published=datetime(2015, 12, 1, 9, 14, tzinfo=UTC),
        identity_only=True,
    )


@pytest.mark.parametrize("kind", documents.KINDS)
def test_known_items_are_left_out_and_listed_on_request(kind: str) -> None:
    items = ({"id": title, "title": title, "link": f"https://a.example/{title}"} for title in ("One", "Two", "Three"))
    document, source = documents.of_kind(kind, *items), documents.KINDS[kind]
    whole = read(document, kind=source)
    assert (len(whole.entries), len(set(whole.item_hashes))) == (3, 3)
    known = frozenset(whole.item_hashes[1:])
    part = read(document, kind=source, known=known)
    assert (tuple(part.entries), part.item_hashes) == (tuple(whole.entries[:1]), whole.item_hashes)
    listed = read(document, kind=source, known=known, names_known=True)
    assert [replace(entry, identity_only=False) for entry in listed.entries] == list(whole.entries)
    assert [entry.identity_only for entry in listed.entries] == [False, True, True]
    assert listed.item_hashes == whole.item_hashes


# -- old items have the identity that feedparser would give them


#: Later than any item: all are old then.
FAR = datetime(2016, 1, 1, tzinfo=UTC)
SPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:media="http://search.yahoo.com/mrss/" xmlns:a="http://www.w3.org/2005/Atom"'
)
#: As many items as keep their text at a first poll.
FIRST = [item(n) for n in range(fields.SAMPLE)]
FIRST_ENTRIES = [entry(n) for n in range(fields.SAMPLE)]
USUAL_ITEMS = [
    item(30),
    item(31, body="<![CDATA[<p>Text of <b>one</b></p>]]>", extra="<category>law</category><dc:creator>A</dc:creator>"),
    item(32, title="Zürich: Перевод", extra='<enclosure url="https://a.example.org/1.mp3"/><comments>x</comments>'),
    item(33).replace(' isPermaLink="false">id-33', ">https://news.example.org:8443/?p=1"),
    item(34, day=9).replace("GMT", "+0530").replace("/34</link>", "/34?a=1&amp;b=2</link>"),
]


def check(document: str) -> None:
    assert read(document, before=FAR).entries == fields.mark_baseline(read(document).entries, FAR)


def test_usual_items_are_read_without_feedparser_as_feedparser_reads_them() -> None:
    rss, feed = documents.rss(*USUAL_ITEMS, attributes=SPACES), atom(entry(30), entry(31, title="Zürich"))
    assert None not in read_old_items(rss.encode(), before=FAR)
    assert None not in read_old_items(feed.encode(), before=FAR)
    check(documents.rss(*FIRST, *USUAL_ITEMS, attributes=SPACES))
    check(atom(*FIRST_ENTRIES, entry(30), entry(31, title="Zürich")))


#: Texts of any element, as written in XML: what feedparser mends, guesses at, resolves or takes out.
TEXTS = st.sampled_from([
    "", " ", "word", " two words\n", "caf\u00c3\u00a9", "It\u0092s", "\u00c3\u00a0 ",
    "\u0627\u062e\u0628\u0627\u0631", "AT&amp;T", "&amp;amp;", "&amp;nbsp;x", "&amp;#8217;",
    "&lt;b&gt;x&lt;/b&gt;", "a &lt; b", "<![CDATA[<p>x</p>]]>", "<![CDATA[a]]> b <!-- c -->", "false", "0",
    "https://news.example.org/1", "https://news.example.org/1?", "https://news.example.org?a=1&amp;b=2#c",
    "/relative", "https://news.example.org/1?a=1&amp;amp;b=2", "https://news.example.org/1;a=2", "https:///x",
    "HTTP://News.Example.org/", "http://[x", "https://n.example.org/\u00e9", "https://n.example.org/a/../b//c",
    "tag:example.org,2015:1", "urn:x:[1]", "yt:video:1", "mailto:a@b.org", "Wed, 02 Dec 2015 09:01:00 GMT",
    "Wed, 02 Dec 2015 09:01:00 +0530", "02 Dec 2015 09:01:00 EST", "31 Feb 2015 09:01:00 GMT",
    "2015-12-02T09:01:00Z", "2015-12-02T09:01:00.5+05:30", "2015-12-02", "<b>x</b>",
])  # fmt: skip
NAMES = st.sampled_from([
    "title", "link", "guid", "pubDate", "description", "author", "category", "comments", "enclosure", "source",
    "updated", "id", "published", "name", "dc:date", "dc:creator", "dc:title", "dc:identifier", "content:encoded",
    "media:title", "media:content", "a:link", "a:title", "a:id", "a:published", "PubDate", "image",
])  # fmt: skip
ATTRIBUTES = st.sampled_from([
    "", "", "", "", ' isPermaLink="false"', ' isPermaLink="true"', ' type="html"', ' type="xhtml"',
    ' xml:lang="fr"', ' xml:base="https://b.example.org/"', ' href="https://a.example.org/1"',
    ' href="/1" rel="self"', ' rel="alternate"', ' rel="Alternate" href="https://a.example.org/2"',
])  # fmt: skip
ELEMENTS = st.builds(lambda name, more, text: f"<{name}{more}>{text}</{name}>", NAMES, ATTRIBUTES, TEXTS)


@example([['<a:link rel="Alternate" href="https://a.example.org/2"/>'], ['<a:link rel="nofollow" href="/"/>']])
@given(st.lists(st.lists(ELEMENTS, max_size=6), min_size=1, max_size=3))
def test_any_old_item_is_read_as_feedparser_reads_it(items: list[list[str]]) -> None:
    # Elements that are added to a usual item, and that replace its title and link.
    parts = ["".join(elements) for elements in items]
    bare = [f"<item>{text}<pubDate>Wed, 02 Dec 2015 09:00:00 GMT</pubDate></item>" for text in parts]
    check(documents.rss(*FIRST, *(item(30, extra=text) for text in parts), *bare, attributes=SPACES))
    bare = [f"<entry>{text}<updated>2015-12-02T09:00:00Z</updated></entry>" for text in parts]
    check(atom(*FIRST_ENTRIES, *(entry(30, extra=text) for text in parts), *bare, attributes=SPACES))
