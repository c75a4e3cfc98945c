"""Whatever one feed's server, headers, addresses and documents do, the article of another feed is posted, once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from bot.pipeline.poll import OUR_BUG
from tests.crash import process
from tests.journeys import world as worlds
from tests.journeys.world import Item, world
from tests.testbed.servers.feeds import FeedServer, Reply

BOT = worlds.BOT.replace("fetch: {{", "fetch: {{per_host: 64, concurrency: 64, timeout: 2 seconds, ")
RULES = "rules:\n  - {name: Recalls, all: {what: [recalls]}, notify: desk}\n"
PRODUCTS = ("kettles", "ladders", "prams", "tyres")
#: The longest time between two polls of a feed that is due each second, on a busy machine.
ON_TIME_S = 20
PAGE = b"<html><body><article><h1>News</h1>" + b"<p>A long paragraph of the page about nothing.</p>" * 20


@dataclass(frozen=True, slots=True)
class Hostile:
    """A feed's answers, one after another, and the answers of the pages of its server."""

    replies: Sequence[Reply]
    pages: Mapping[str, Reply] = field(default_factory=dict)


def to(location: str, status: int = 302) -> Hostile:
    """Redirect to an address."""
    return Hostile([Reply.redirect(location, status=status)])


def headed(name: str, value: str) -> Hostile:
    """Send a header with a feed that changes."""
    return Hostile([Reply(body=_rss(number), headers={name: value}) for number in range(3)])


def raw(answer: bytes) -> Hostile:
    """Send bytes that are a whole response."""
    return Hostile([Reply(raw=answer)])


def body(content: str | bytes, content_type: str = "text/xml") -> Hostile:
    """Send a document."""
    document = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return Hostile([Reply(body=document, headers={"Content-Type": content_type})])


def linked(link: str) -> Hostile:
    """Send a feed whose item links to an address, which is fetched for the full text."""
    return Hostile([Reply(body=_rss(1, link=link))])


def paged(page: Reply, robots: Reply | None = None) -> Hostile:
    """Send a feed whose item links to a page of the same server."""
    return Hostile([Reply(body=_rss(1, link="/page"))], {"/page": page, "/robots.txt": robots or Reply(status=404)})


def _rss(number: int, *, link: str = "/page") -> bytes:
    return worlds.rss("wire", Item(id=f"n{number}", title=f"Report {number} about nothing", text="Nothing.", link=link))


def _chunked(chunks: bytes, head: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks


_CHUNK = b"%x\r\n%b\r\n" % (len(_rss(1)), _rss(1))
_ITEM = "<rss><channel><title>t</title><item><title>x</title>{}</item></channel></rss>"
_JSON = {"version": "https://jsonfeed.org/version/1.1", "title": "t"}

#: What the documents of tests/hostile/corpus.py do not have: they are read as feeds, beside good ones.
HOSTILE: dict[str, Hostile] = {
    "redirect: punycode of nothing": to("http://xn--a/"),
    "redirect: an emoji domain": to("https://xn--ls8h.test/", 301),
    "redirect: an emoji": to("http://\u00f0\u009f\u0092\u00a9.test/"),
    "redirect: a port above 65535": to("http://any.test:99999/"),
    "redirect: a port below 0": to("http://any.test:-1/"),
    "redirect: port 0": to("http://127.0.0.1:0/"),
    "redirect: a port of letters": to("http://any.test:http/"),
    "redirect: a user at punycode": to("http://user:p%40ss@xn--a/", 308),
    "redirect: an open bracket": to("http://[::1"),
    "redirect: an address of the future": to("http://[v1.x]/"),
    "redirect: a zone": to("http://[fe80::1%25eth0]/"),
    "redirect: no host": to("http:///"),
    "redirect: two slashes": to("//"),
    "redirect: empty labels": to("http://a..test/"),
    "redirect: a label of 300 letters": to("http://" + "a" * 300 + ".test/"),
    "redirect: a host with a space": to("http://a b.test/"),
    "redirect: a host of percents": to("http://%00%zz/"),
    "redirect: a control character": to("http://127.0.0.1/\x01\x7f"),
    "redirect: latin letters": to("/\u00e9\u00ff?\u00e9"),
    "redirect: broken percents": to("/%?%%%=%zz"),
    "redirect: a query of 9 KB": to("?" + "x" * 9_000),
    "redirect: a mail": to("mailto:a@b.example"),
    "etag: a control character": headed("ETag", '"a\x01b"'),
    "etag: delete": headed("ETag", '"a\x7fb"'),
    "etag: latin letters": headed("ETag", '"\u00ff\u00e9"'),
    "etag: a line break at the end": headed("ETag", '"a"\r\n folded: yes'),
    "last-modified: a control character": headed("Last-Modified", "Wed, 02 Dec 2015\x02 09:00:00 GMT"),
    "charset: unknown": headed("Content-Type", "text/xml; charset=utf-99"),
    "charset: bytes to bytes": headed("Content-Type", "text/xml; charset=bz2"),
    "charset: a control character": headed("Content-Type", "text/xml; charset=\x01\x02"),
    "type: nonsense": headed("Content-Type", ";;==;charset"),
    "coding: never heard of": headed("Content-Encoding", "br, \x01"),
    "age: not a number": headed("Age", "nan"),
    "link: an open bracket": headed("Link", '<http://[>; rel="self", <http://xn--a/>; rel=hub'),
    "cookie: nonsense": headed("Set-Cookie", "=;=\x01;;Expires=never;Domain=["),
    "length: negative": headed("Content-Length", "-5"),
    "length: an exponent": headed("Content-Length", "1e3"),
    "status: 099": raw(b"HTTP/1.1 099 Odd\r\n\r\n"),
    "status: letters": raw(b"HTTP/1.1 abc OK\r\n\r\n"),
    "status: 9.9": raw(b"HTTP/9.9 200 OK\r\n\r\n" + _rss(1)),
    "status: upgrade": raw(b"HTTP/1.1 101 Switching\r\nUpgrade: tls\r\nConnection: upgrade\r\n\r\n" + _rss(1)),
    "head: a NUL in a name": raw(b"HTTP/1.1 200 OK\r\nA\0B: c\r\n\r\n" + _rss(1)),
    "head: no colon": raw(b"HTTP/1.1 200 OK\r\nnothing\r\n\r\n" + _rss(1)),
    "chunks: a size of letters": raw(_chunked(_CHUNK + b"zz\r\n")),
    "chunks: no line break": raw(_chunked(_CHUNK[:-2] + b"xx")),
    "chunks: an overflow": raw(_chunked(_CHUNK + b"f" * 17 + b"\r\n")),
    "chunks: extensions": raw(_chunked((b"1;" + b"x" * 5_000 + b"\r\na\r\n") * 100)),
    "chunks: trailers": raw(_chunked(_CHUNK + b"0\r\n" + b"X: y\r\n" * 5_000)),
    "chunks: gzip that is not": raw(_chunked(_CHUNK + b"0\r\n\r\n", b"Content-Encoding: gzip, deflate\r\n")),
    "link: punycode of nothing": linked("http://xn--a/x"),
    "link: an emoji domain": linked("https://xn--ls8h.test/x"),
    "link: a port above 65535": linked("http://127.0.0.1:99999/x"),
    "link: a user at punycode": linked("http://user:pass@xn--a/x"),
    "link: a host of percents": linked("http://%00/x"),
    "page: redirects to punycode": paged(Reply.redirect("http://xn--a/")),
    "page: redirects to a port": paged(Reply.redirect("http://any.test:99999/")),
    "page: a charset that is none": paged(Reply(body=PAGE, headers={"Content-Type": "text/html; charset=idna"})),
    "page: a meta charset that is none": paged(
        Reply(body=b"<meta charset=punycode>" + PAGE, headers={"Content-Type": "text/html"})
    ),
    "page: a flaw in its chunks": paged(Reply(raw=_chunked(b"5\r\n<html\r\nzz\r\n", b"Content-Type: text/html\r\n"))),
    "robots: redirects to an emoji domain": paged(Reply(body=PAGE), Reply.redirect("https://xn--ls8h.test/")),
    "robots: redirects to a port": paged(Reply(body=PAGE), Reply.redirect("http://any.test:99999/")),
    "robots: an odd delay": paged(
        Reply(body=PAGE), Reply(body=b"\xff\0User-agent: *\nCrawl-delay: nan\nRequest-rate: 1/0\nAllow: [\nSitemap: [")
    ),
    "document: an encoding that is none": body('<?xml version="1.0" encoding="idna"?>' + _ITEM.format("")),
    "document: an entity of itself": body('<!DOCTYPE r [<!ENTITY a "&a;&a;">]>' + _ITEM.format("&a;")),
    "document: a base of brackets": body(_ITEM.format('<link xml:base="http://[">x</link>')),
    "document: ages": body(_ITEM.format("<ttl>1e999</ttl><pubDate>Wed, 02 Dec 2015 09:00:00 +999999</pubDate>")),
    "document: JSON of other types": body(json.dumps({**_JSON, "items": [{"id": {}, "url": [], "title": 1e300}, 5]})),
    "document: JSON of numbers": body(json.dumps({**_JSON, "items": [{"id": "x", "date_published": 10**400}]})),
    "document: a page with a link to punycode": body(
        '<html><head><link rel="alternate" type="application/rss+xml" href="http://xn--a/"></head></html>', "text/html"
    ),
}
#: Addresses of feeds that some library refuses, although the configuration accepts them.
ADDRESSES = ("http://xn--ls8h.test/feed", "http://xn--a/feed", "https://user:pass@xn--ls8h.test/feed")
#: One case of each sort.
QUICK = {name.partition(":")[0]: name for name in HOSTILE}.values()


async def post_beside(folder: Path, hostile: Sequence[Hostile], addresses: Sequence[str] = ()) -> None:
    """Poll hostile feeds and a good one three times, and check that each new article of the good one is posted once."""
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(world(folder / "config"))
        desk.configure("courier", rules=RULES, bot=BOT)
        feeds: list[dict[str, str]] = [{"url": desk.outlets.url("/courier.xml"), "owner": "courier"}]
        for number, case in enumerate(hostile):
            server = await stack.enter_async_context(FeedServer())
            server.script("/feed", *case.replies)
            for path, reply in case.pages.items():
                server.serve(path, reply)
            feeds.append({"url": server.url(), "owner": f"hostile {number}", "full_text": "always"})
        feeds += [{"url": url, "owner": url} for url in addresses]
        (desk.folder / "feeds.yaml").write_text(json.dumps({"feeds": feeds}))
        await desk.once()
        articles = [Item(id=product, title=f"Acme recalls {product}", text=product) for product in PRODUCTS]
        for count in range(1, len(articles) + 1):
            desk.publish("courier", *articles[:count])
            report = await desk.once()
            assert OUR_BUG not in [feed.error for feed in report.passed.feeds]
        posted = [article.id for message in desk.heads() for article in articles if article.title in str(message)]
        assert posted == list(PRODUCTS)


async def test_an_article_beside_a_hostile_feed_of_each_sort_is_posted_once(tmp_path: Path) -> None:
    await post_beside(tmp_path, [HOSTILE[name] for name in QUICK], ADDRESSES)


@pytest.mark.long
async def test_an_article_beside_all_hostile_feeds_is_posted_once(tmp_path: Path) -> None:
    await post_beside(tmp_path, list(HOSTILE.values()))


# -- whatever they generate


# -- in a bot that runs


@pytest.mark.long
async def test_beside_a_hostile_feed_the_others_are_polled_on_time_and_the_bot_is_healthy(tmp_path: Path) -> None:
    async with process.bot_in(tmp_path) as bot:
        bot.feeds.serve("/hostile", Reply.redirect("http://any.test:99999/"))
        addresses = {name: bot.feeds.url(f"/{name}") for name in ("wire", "hostile")}
        feeds = {"feeds": [{"url": url, "name": name} for name, url in addresses.items()]}
        (bot.folder / "feeds.yaml").write_text(json.dumps(feeds))
        async with bot.running():
            await bot.until_watching()
            await bot.until(lambda: len(bot.feeds.seen("/hostile")) >= 2)
            polls_before = len(bot.feeds.seen("/wire"))
            await bot.publish_and_await_messages(2)
            await bot.until(lambda: len(bot.feeds.seen("/wire")) >= polls_before + 5)
            assert (await bot.health())[0] == 200
            assert await bot.ended(await bot.start("status")) == 0
        times = [request.at for request in bot.feeds.seen("/wire")]
        assert max(later - earlier for earlier, later in pairwise(times)) < ON_TIME_S
        assert sorted(bot.heads) == bot.names(2)
        assert re.search(r"hostile +failing .*ports end at 65535", bot.log)
        assert re.search(r"wire +ok ", bot.log)
