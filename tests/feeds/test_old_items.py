"""Old items that are read without feedparser have the identity that feedparser would give them."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from bot.feeds.kinds.rss.old_items import read_old_items
from bot.feeds.kit import fields
from tests.feeds import documents
from tests.feeds.documents import atom, entry, item, read

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
