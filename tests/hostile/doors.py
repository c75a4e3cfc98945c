"""Every way in for strangers' bytes, each as a function that raises AssertionError if a promise is broken.

Each door promises that it ends, raises only the errors that it declares, and returns values within its bounds.
"""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from msgspec.structs import replace

from bot.channels.slack import blocks, socket_mode
from bot.config import opml
from bot.feeds import items, kinds
from bot.feeds.kit import fields, markup, packing
from bot.fetch import fulltext, headers, protocol
from bot.llm import prompts
from bot.model.errors import BadAnswer, BodyTooBig, ReadError
from bot.model.feeds import Entry, Feed, ParsedFeed
from bot.model.fetching import Body
from tests.feeds.documents import atom, entry, item, rss
from tests.testbed import made

#: The text of a file that no document may show.
SECRET = "the-text-of-a-file-on-this-machine"
#: A document has at most this many times as many characters when it is read: entities and addresses may make it grow.
MAX_GROWTH, MAX_GROWTH_OF_LITTLE = 5, 10_000
_URL = "https://news.example.org/feed"
_FEED = Feed(url=_URL)
_NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
_YEARS = timedelta(days=3_660)


@dataclass(frozen=True, slots=True)
class Door:
    #: Raises AssertionError, or an exception that the code behind the door does not declare.
    run: Callable[[bytes], None]
    #: Documents that inputs are made of.
    seeds: tuple[bytes, ...]
    #: Pieces that have a meaning behind this door.
    words: tuple[bytes, ...]


def _document(content_type: str, *, kind: str | None = None, options: str = "{}") -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        body = Body(content=data, content_type=content_type, url=_URL)
        try:
            reading = kinds.parse_document(body, kind=kind, options=options)
        except ReadError:
            return
        assert len(reading.entries) <= fields.MAX_ENTRIES
        assert len(reading.item_hashes) <= fields.MAX_ENTRIES
        assert all(fields.is_within_bounds(entry) for entry in reading.entries)
        assert len(reading.link or "") <= fields.MAX_ADDRESS
        assert SECRET not in repr(reading)
        text = sum(len(entry.title or "") + len(entry.body or "") for entry in reading.entries)
        assert text <= MAX_GROWTH * len(data) + MAX_GROWTH_OF_LITTLE
        prepared_items = items.prepare_items(_FEED, reading)[1]
        assert len(prepared_items) <= len(reading.entries)
        for prepared in prepared_items:
            assert prepared.key
            assert prepared.title or prepared.guid
        with contextlib.suppress(UnicodeEncodeError):  # the reader process replaces half characters
            done = protocol.Done(replace(reading, entries=()), prepared_items)
            decoded = protocol.decode_result(protocol.frame_message(done)[protocol.LENGTH_BYTES :])
            assert decoded == done

    return run


def _mail(data: bytes) -> None:
    _document(packing.MAILS_TYPE, kind="imap")(packing.MAILS_HEAD + packing.pack_mail(data))


def _offered(data: bytes) -> None:
    addresses = markup.find_offered_feeds(data, "text/html", _URL)
    assert len(addresses) <= 20
    assert all(urlsplit(address).scheme in ("http", "https") for address in addresses)


def _opml(data: bytes) -> None:
    reading = opml.read_opml(data)
    assert reading.feeds or reading.problems
    assert all(urlsplit(feed.url).scheme in ("http", "https") for feed in reading.feeds)


def _robots(data: bytes) -> None:
    host = fulltext.Robots(until=_NOW, rules=fulltext._parse_robots(data))
    assert timedelta() <= host.delay <= fulltext.MAX_CRAWL_DELAY
    host.allows("https://news.example.org/a/b?c=d")


def _headers(data: bytes) -> None:
    values = data.decode("latin-1").split("\n")
    for value in values:
        until = headers.retry_after(value, now=_NOW)
        assert until is None or until > _NOW
        headers.http_date(value)
    names = ("cache-control", "expires", "age", "date")
    fresh = headers.fresh_until(dict(zip(names, values, strict=False)), now=_NOW)
    assert fresh is None or _NOW < fresh <= _NOW + _YEARS


def _charset(data: bytes) -> None:
    first, _, content = data.partition(b"\n")
    decoded = markup.decode(content, first.decode("latin-1"))
    assert isinstance(decoded.text, str)
    # The narrowest encodings take two bits a letter, and none makes more than a few of a byte.
    assert len(decoded.text) <= 4 * len(content) + 4
    assert not decoded.text.startswith("\ufeff")


def _packed(data: bytes) -> None:
    with contextlib.suppress(BodyTooBig):
        assert len(packing.gunzip(data, limit_bytes=100_000)) <= max(100_000, len(data))


def _page(data: bytes) -> None:
    # The contract allows any exception for a page.
    with contextlib.suppress(Exception):
        article = fulltext.main_text(data, url=_URL, content_type="text/html")
        assert article is None or len(article.text) <= protocol.MAX_TEXT_LENGTH


_JOB = protocol.ParseJob(Body(content=b"", content_type="", url=_URL), _FEED)
_READING = ParsedFeed(entries=(Entry(title="A title", link="https://a.b/c"),))
_DONE = protocol.Done(replace(_READING, entries=()), items.prepare_items(_FEED, _READING)[1])


def _result(data: bytes) -> None:
    with contextlib.suppress(protocol.Garbage):
        answer = protocol.decode_result(data)
        if isinstance(answer, protocol.Done):
            _JOB.unpack(answer)
    with contextlib.suppress(protocol.Garbage):
        protocol.decode_job(data)


def _press(data: bytes) -> None:
    try:
        payload = json.loads(data)
    except (ValueError, RecursionError):
        return
    press = blocks.parse_press(payload, envelope="1")
    assert press is None or press.story
    for kind in ("slash_commands", "events_api", "interactive"):
        request = socket_mode.parse_question(kind, payload, envelope="1")
        assert request is None or len(request.words) <= 2_000


def _model(data: bytes) -> None:
    with contextlib.suppress(BadAnswer):
        answer = prompts.parse_answer(_PROMPT, data.decode("utf-8", "replace"), prompts.Relevance)
        assert answer.problem(json.loads(_PROMPT.data)) is None


def _words(text: bytes) -> tuple[bytes, ...]:
    return tuple(text.split(b" "))


_XML_WORDS = _words(
    b"<item> </item> <entry> </entry> <![CDATA[ ]]> <!-- --> <!DOCTYPE <!ENTITY &lt; &amp; &#x41; &a; <?xml ?>"
    b' xml:base= xmlns:x="u" <x:item> <content type="xhtml"> <div> </div> <link href=" <guid> <pubDate> </rss> </feed>'
    b" <a href= <br> encoding= utf-16 \xff\xfe \x00 \xf0\x9f\x98\x80 \xe2\x80\xae ]> %p; SYSTEM"
)
_RSS = rss(
    item(
        1, body="&lt;p&gt;Text &amp;amp; more&lt;/p&gt;", extra="<category>a</category><author>a@b.example (A)</author>"
    ),
    item(2, title="Second", extra='<enclosure url="http://a.example/x" length="1" type="a/b"/>'),
    head="<ttl>60</ttl><skipHours><hour>1</hour></skipHours>",
).encode()
_ENTITIES = rss(item(1, title="&x;"), declaration='<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x "y">]>').encode()
_ATOM = atom(entry(1), entry(2, extra='<content type="xhtml"><div>x <b>y</b></div></content>')).encode()
_JSON = (
    b'{"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": [{"id": "1", "url": "https://a.example/1",'
    b' "title": "x \\u00e9", "content_html": "<p>y</p>", "date_published": "2015-12-02T09:00:00Z", "tags": ["a"],'
    b' "authors": [{"name": "n"}]}, {"id": 2, "content_text": "z", "external_url": "/2"}]}'
)
_SITEMAP = (
    b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    b' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://a.example/1</loc><news:news>'
    b"<news:publication><news:name>N</news:name><news:language>en</news:language></news:publication>"
    b"<news:publication_date>2015-12-02T09:00:00Z</news:publication_date><news:title>T</news:title>"
    b"<news:keywords>a, b</news:keywords></news:news></url></urlset>"
)
_HTML = (
    b'<html><head><title>T</title><base href="/x/"><link rel="alternate" type="application/rss+xml" href="feed">'
    b'</head><body><article><p>Some text of an article that is long enough to be one.</p></article><a href="/rss">r</a>'
)
_LIST = (
    b'<html lang="de"><base href="/x/"><ul class="news">'
    b'<li><h2><a href="/1">Title</a></h2><time datetime="2015-12-02T09:00:00Z">x</time><p>Text</p><i>A</i></li>'
    b'<li><h2><a href="2">Other</a></h2><time>2. Dezember 2015, 09:30 Uhr</time><p>Text <b>x</b></p></li></ul></html>'
)
_SELECTORS = '{"item": "ul.news > li", "title": "h2", "date": "time", "text": "p"}'
_OUTLINE = (
    b'<opml version="2.0"><body><outline text="a"><outline type="rss" xmlUrl="https://a.example/f" category="/x,y"/>'
    b'</outline><outline xmlUrl="feed://b.example/f" title="&amp;"/></body></opml>'
)
_ROBOTS = (
    b"User-agent: *\nDisallow: /a*b$\nAllow: /\nCrawl-delay: 2\nUser-agent: wirewatch\nRequest-rate: 1/5\nSitemap: x\n"
)
_HEAD = b'max-age=60, s-maxage="5"\nSun, 06 Nov 1994 08:49:37 GMT\n120.5\nSunday, 06-Nov-94 08:49:37 GMT\nNov  6 1994'

_MAIL = (
    b"Subject: =?utf-8?q?x_=C3=A9?=\r\nFrom: The Paper <a@b.example>\r\nDate: Wed, 02 Dec 2015 08:00:00 +0500\r\n"
    b'Message-ID: <1@b.example>\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\n'
    b"Content-Type: text/plain\r\n\r\nText\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<h2><a href='https://b.example/1'>Four words of headline</a></h2><p>Text</p>" * 3 + b"\r\n--b--\r\n"
)
_PRESS = json.dumps(
    {
        "type": "block_actions",
        "container": {"type": "message", "channel_id": "C0123456789", "message_ts": "1449046800.000100"},
        "user": {"id": "U0123456789", "username": "ann"},
        "actions": [{"type": "button", "action_id": "wirewatch:useful:0a1b2c", "value": "useful:"}],
    }
).encode()
_COMMAND = (
    b'{"command": "/wirewatch", "text": "help", "user_id": "U0123456789", "response_url": "https://hooks.slack.com/x"}'
)
_PROMPT = prompts.relevance_prompt(made.article("a"), "A rule", "what it is about")

DOORS: dict[str, Door] = {
    "rss": Door(_document("application/rss+xml"), (_RSS, _ENTITIES), _XML_WORDS),
    "atom": Door(_document("application/atom+xml"), (_ATOM,), _XML_WORDS),
    "json feed": Door(
        _document("application/feed+json"), (_JSON,), _words(b'{ } [ ] " , : \\ \\ud800 null NaN 1e999 -0 9999')
    ),
    "sitemap": Door(_document("application/xml"), (_SITEMAP,), (*_XML_WORDS, *_words(b"<url> <news:title> <loc>"))),
    "list on a page": Door(
        _document("text/html", kind="page", options=_SELECTORS),
        (_LIST,),
        _words(b'<li> </li> <ul> <h2> <a href=" <time datetime=" <div> &amp; &#x41; <script> <base href= 1. Januar'),
    ),
    "page that is no feed": Door(_document("text/html"), (_HTML,), (*_XML_WORDS, b"<base href=", b"<link rel=")),
    "mail": Door(
        _mail,
        (_MAIL,),
        _words(
            b"Content-Type: multipart/mixed; boundary= --b message/rfc822 =?utf-8?q? ?= base64 \r\n\r\n charset="
            b" <a href= <h2> Subject: Date: \x00"
        ),
    ),
    "feeds of a page": Door(_offered, (_HTML,), (b"<base href=", b"<link rel=", b"javascript:", b"http://[", b"<a ")),
    "opml": Door(_opml, (_OUTLINE,), (*_XML_WORDS, b"<outline ", b' xmlUrl="', b"feed:https://[")),
    "robots.txt": Door(_robots, (_ROBOTS,), _words(b"User-agent: Disallow: * $ Crawl-delay: 1e9 % \n")),
    "headers": Door(_headers, (_HEAD,), _words(b'max-age= , " 99999999999 -0001 GMT \n ( +9999')),
    "charset": Door(
        _charset,
        (b"text/xml; charset=utf-16\n\xff\xfe<\x00", b'x\n<?xml version="1.0" encoding="big5"?>\xa4\xe5\xc0'),
        _words(b"charset= utf-7 hz iso-2022-jp unicode_escape idna \x1b$B ~{ +ADw- \xff\xfe\x00\x00 \xef\xbb\xbf"),
    ),
    "packed bytes": Door(_packed, (gzip.compress(b"abc", mtime=0),), (b"\x1f\x8b\x08",)),
    "article page": Door(_page, (_HTML * 3,), (*_XML_WORDS, b"<table>", b"<p>", b"<meta charset=", b"<script>")),
    "result of a reader process": Door(
        _result,
        tuple(
            protocol.frame_message(message)[protocol.LENGTH_BYTES :]
            for message in (protocol.NoFeed("x", ("y",)), protocol.Ready(), _DONE)
        ),
        (b"\x94", b"\xa4done", b"\xc0", b"cos\nsystem\n(S'true'\ntR."),
    ),
    "press in Slack": Door(
        _press,
        (_PRESS, _COMMAND),
        _words(b'{ } [ ] null 1e999 "value": "noise:0123456789ab" "overflow" "selected_option": {"value": \\ud800'),
    ),
    "answer of a model": Door(
        _model,
        (b'{"sentence": 0, "reason": "a bank", "verdict": "irrelevant"}',),
        _words(b'{ } [ ] "verdict": "relevant" 6 null NaN 1e999 \\ud800 \\u0000'),
    ),
}
