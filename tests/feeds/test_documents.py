"""Documents: their fields and encodings; broken, cut and soiled ones; items that no parser can read."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.feeds.kit import fields, markup
from bot.model.errors import IsPage, ReadError
from bot.text.dates import DocumentDates
from tests.feeds.documents import KINDS, URL, atom, entry, item, of_kind, read, rss

SITEMAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://news.example.org/1</loc><news:news>
 <news:publication><news:name>Example</news:name><news:language>en</news:language></news:publication>
 <news:publication_date>2015-12-02</news:publication_date><news:title>One</news:title></news:news></url></urlset>"""
JSON = '{"version": "https://jsonfeed.org/version/1.1", "title": "Example", "items": [{"id": "1", "title": "One"}]}'


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
    for useless in ("0", "-5", "soon", "", "9" * 400):
        interval = read(rss(head=f"<ttl>{useless}</ttl>")).ttl
        assert interval is None or interval <= timedelta(days=365), useless


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


# -- encodings


TITLE = "Café žluťoučký 東京 Привет"


def _titled(title: str, encoding: str, *, declared: str | None = None) -> bytes:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else '<?xml version="1.0"?>'
    return rss(item(1, title=title), declaration=declaration).encode(encoding)


@pytest.mark.parametrize(
    ("title", "encoding", "declared", "header"),
    [
        ("Привет мир", "windows-1251", "windows-1251", ""),
        ("東京の記事", "iso-2022-jp", "iso-2022-jp", ""),
        ("新聞報導", "big5", "big5", ""),
        ("서울 뉴스", "euc-kr", "euc-kr", ""),
        ("مرحبا", "windows-1256", "windows-1256", ""),
        # names of the web that Python does not know
        ("東京の記事", "shift_jis", "x-sjis", ""),
        ("新闻报道", "gbk", "", "x-gbk"),
        ("שלום", "iso-8859-8", "iso-8859-8-i", ""),
        # the header counts before the document, unless it names UTF-8 and the bytes are none
        ("Привет", "windows-1251", "iso-8859-1", "windows-1251"),
        ("Ščerba", "iso-8859-2", "iso-8859-2", "utf-8"),
        # the bytes count before both
        (TITLE, "utf-8-sig", "iso-8859-1", "us-ascii"),
        (TITLE, "utf-16-be", "iso-8859-1", "us-ascii"),
        (TITLE, "utf-16", "iso-8859-1", "us-ascii"),
        (TITLE, "utf-32", "iso-8859-1", "us-ascii"),
    ],
)
def test_an_encoding_is_read_from_the_bytes_the_header_or_the_document(
    title: str, encoding: str, declared: str, header: str
) -> None:
    content = _titled(title, encoding, declared=declared or None)
    content_type = f"text/xml; charset={header}" if header else ""
    assert read(content, content_type=content_type).entries[0].title == title


@pytest.mark.parametrize(
    ("content", "title", "remark"),
    [
        (
            _titled(f"{TITLE} X", "utf-8", declared="utf-8").replace(b" X", b" \xe9"),
            f"{TITLE} \ufffd",
            "1 byte is not UTF-8",
        ),
        # Without one letter of UTF-8, a few other bytes are windows-1252.
        *(
            (
                _titled("It X s a caf\xe9", "cp1252", declared=declared).replace(b" X ", b"\x92"),
                "It’s a café",
                "declared as UTF-8, but is windows-1252; read as windows-1252",
            )
            for declared in ("utf-8", "us-ascii")
        ),
        (_titled(TITLE, "utf-8", declared="iso-8859-1"), TITLE, "declared as cp1252, but is UTF-8; read as UTF-8"),
    ],
)
def test_bytes_that_contradict_the_declared_encoding_have_a_remark(content: bytes, title: str, remark: str) -> None:
    reading = read(content)
    assert (reading.entries[0].title, reading.remarks) == (title, (remark,))


@pytest.mark.parametrize("declared", ["utf-8", None])
@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("windows-1251", "Суд приостановил решение регулятора о блокировке мессенджера"),
        ("shift_jis", "総務省は通信事業者に行政指導を実施した。電波法の改正案を閣議決定しました。"),
        ("euc-kr", "법원이 메신저 차단 명령을 중지했다. 규제 기관이 통신사에 과징금을 부과했다."),
        ("windows-1252", "Größere Städte würden gefördert, erklärte der Minister"),
        ("windows-1256", "علقت المحكمة قرار الهيئة التنظيمية بحجب تطبيق المراسلة وقدم الوزير مشروع الرخصة"),
    ],
)
def test_an_undeclared_encoding_is_guessed_by_its_letters_and_windows_1252_for_latin_ones(
    encoding: str, title: str, declared: str | None
) -> None:
    assert read(_titled(title, encoding, declared=declared)).entries[0].title == title


@pytest.mark.parametrize("name", ["x-unknown", "rot13", "base64", "idna", "utf-16", "none", "\x00"])
def test_an_encoding_that_is_none_is_passed_over(name: str) -> None:
    content = _titled(TITLE, "utf-8").replace(b'"1.0"?', f'"1.0" encoding="{name}"?'.encode())
    assert read(content).entries[0].title == TITLE


@given(st.text(max_size=100))
def test_utf8_is_never_changed(text: str) -> None:
    if not text.startswith(("<\0", "\0<", "{\0", "\0{", "\ufeff")):
        assert markup.decode(text.encode(), "text/xml; charset=utf-8").text == text


# -- broken documents are read as far as they go, or refused, and the reason is given


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


@pytest.mark.parametrize(
    ("document", "clean", "remark"),
    [
        *((space + clean, clean, None) for space in ("\n\n  ", "\ufeff" * 3) for clean in FEEDS.values()),
        *((WARNING + clean, clean, "text before the document left out") for clean in (FEEDS["atom"], SITEMAP)),
        (WARNING + FEEDS["rss"], FEEDS["rss"], "text before the document left out"),
        (FEEDS["rss"] + "\n<script>ads()</script>", FEEDS["rss"], "text after the document left out"),
        (FEEDS["rss"].removesuffix("</channel></rss>"), FEEDS["rss"], "cut off at its end, after item 3"),
        *(
            (FEEDS["rss"].replace("order 1", f"order{control} 1"), FEEDS["rss"], "1 control character left out")
            for control in "\x00\x08\x1b\ufffe"
        ),
    ],
)
def test_what_does_not_belong_to_a_document_is_left_out(document: str, clean: str, remark: str | None) -> None:
    reading, expected = read(document), read(clean)
    assert (reading.entries, bool(reading.item_hashes)) == (expected.entries, bool(expected.item_hashes))
    assert reading.remarks == ((remark,) if remark else ())


def test_a_feed_inside_a_page_is_read() -> None:
    wrapped = "<html><body>" + atom(entry(1)).removeprefix('<?xml version="1.0"?>') + "</body></html>"
    assert [e.guid for e in read(wrapped).entries] == ["tag:example.org,2015:1"]


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
        ("2015. 12. 2. 오후 9:30", "2015-12-02 21:30"),
        ("20151202T093000Z", "2015-12-02 09:30"),
        ("Wed, 02-Dec-2015 09:30:00 GMT", "2015-12-02 09:30"),
        ("Wed, 02 Dec 2015 09:30:00 CEST", "2015-12-02 07:30"),
        ("2015-december-02T9:30-05:00", "2015-12-02 14:30"),
        ("2015-12", "2015-12-01 00:00"),
        ("2015-336", "2015-12-02 00:00"),
        ("2015/99/99", "None"),
        ("1449048600", "2015-12-02 09:30"),
    ],
)
def test_a_date_is_read_whole_or_not_at_all(written: str, day: str) -> None:
    dated = item(1).replace("Wed, 02 Dec 2015 09:01:00 GMT", written)
    published = read(rss(dated, head="<language>ko</language>")).entries[0].published
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


# -- an item on which a parser raises an unexpected error is at fault alone


POISON = "Bogle"
NAMES = ("First", "Second", "Third")


def make(kind: str, dates: Sequence[str]) -> str:
    """Return a document with items of these dates."""
    return of_kind(
        kind,
        *(
            {"id": name, "title": name, "link": f"https://a.example/{name}", "date": date}
            for name, date in zip(NAMES, dates, strict=True)
        ),
    )


def without_borders(document: str) -> str:
    """Return a document that is not well-formed, so that it is not cut into its items."""
    return document.replace("</pubDate>", "</pubDate><br>", 1)


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug that shows when some dates are parsed."""
    parse = DocumentDates.parsed

    def parse_or_raise(self: DocumentDates, text: str, *more: Any, **named: Any) -> Any:
        if text == POISON:
            raise LookupError("a bug")
        return parse(self, text, *more, **named)

    monkeypatch.setattr(DocumentDates, "parsed", parse_or_raise)


DATES = ("Wed, 02 Dec 2015 09:00:00 GMT", POISON, "Wed, 02 Dec 2015 10:00:00 GMT")


@pytest.mark.usefixtures("bug")
@pytest.mark.parametrize(
    ("kind", "document"),
    [
        *((kind, make(kind, DATES)) for kind in sorted({*KINDS.values()})),
        pytest.param("rss", without_borders(make("rss", DATES)), id="one that cannot be cut"),
    ],
)
def test_one_item_at_fault_is_named_stays_unknown_and_costs_no_other_item(kind: str, document: str) -> None:
    reading = read(document, kind=kind)
    assert [entry.title for entry in reading.entries] == ["First", "Third"]
    [fault] = reading.faulty_items
    assert fault.error.startswith("LookupError in bot/feeds/kinds/")
    second_reading = read(document, kind=kind, known=frozenset(reading.item_hashes))
    assert second_reading.faulty_items == (fault,)
    assert second_reading.item_hashes == reading.item_hashes
    if reading.item_hashes:
        assert (len(reading.item_hashes), second_reading.entries) == (2, ())


@pytest.mark.usefixtures("bug")
@pytest.mark.parametrize("kind", sorted({*KINDS.values()}))
def test_a_parser_that_fails_on_every_item_fails_on_the_document(kind: str) -> None:
    with pytest.raises(RuntimeError, match="no item can be parsed: LookupError in bot/feeds/kinds/"):
        read(make(kind, [POISON] * 3), kind=kind)


def test_an_item_on_which_feedparser_raises_is_at_fault_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = feedparser.parse

    def parse_or_raise(document: io.BytesIO, **named: Any) -> Any:
        if POISON.encode() in document.getvalue():
            raise AttributeError("a bug")
        return parse(document, **named)

    monkeypatch.setattr(feedparser, "parse", parse_or_raise)
    reading = read(make("rss", ("yesterday", POISON, "today")), kind="rss")
    assert [entry.title for entry in reading.entries] == ["First", "Third"]
    [fault] = reading.faulty_items
    assert fault.error.startswith("AttributeError in bot/feeds/kinds/rss/__init__.py")
    assert len(reading.item_hashes) == 2
    with pytest.raises(ReadError, match=r"too broken to be read \(AttributeError\)"):
        read(without_borders(make("rss", ("yesterday", POISON, "today"))), kind="rss")
