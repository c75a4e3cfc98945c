"""Servers: what they pack, how they answer, and where they send on."""

from __future__ import annotations

import gzip
import zlib

from tests.feeds.documents import item, rss
from tests.hostile.items import ADDRESSES
from tests.hostile.making import XML, Documents, Making, Site, name_documents, with_link, xml
from tests.testbed.servers.feeds import Reply

_FEED = rss(item(1)).encode()
_ZEROS = bytes(1_000_000)
_NEVER_ENDS = {**XML, "Content-Length": "99999999999"}
_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNK = b"%x\r\n%b\r\n" % (len(_FEED), _FEED)
_ARTICLE = b"<html><body><article><h1>News</h1>" + b"<p>A long paragraph of the page about nothing.</p>" * 20


def _bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(_ZEROS) for _ in range(megabytes)) + packer.flush()


def _packed(body: bytes, coding: str = "gzip") -> Reply:
    return Reply(body=body, headers={**XML, "Content-Encoding": coding} if coding else XML)


def _headed(name: str, value: str) -> Making:
    return lambda targets: Reply(body=_FEED, headers={**XML, name: value})


def _raw(data: bytes) -> Making:
    return lambda targets: Reply(raw=data)


def _chunked(chunks: bytes, head: bytes = b"") -> Making:
    return _raw(_OK + head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)


def _to(address: str) -> Reply:
    return Reply.redirect(address)


def _paged(page: Reply, robots: Reply | None = None) -> Making:
    """Return a feed whose item links to a page of the same server."""
    pages = {"/page": page, "/robots.txt": robots or Reply(status=404)}
    return lambda targets: Site(with_link("/page"), pages)


#: What only a redirect can lead to.
_TARGETS = {
    "nothing": "",
    "data": "data:text/xml,<rss/>",
    "two slashes": "//",
    "a control character": "http://127.0.0.1/\x01\x7f",
    "broken percents": "/%?%%%=%zz",
}
#: One header each, by name and value.
_HEADERS = {
    "60 KB": ("X-Long", "x" * 60_000),
    "fresh for ever": ("Cache-Control", "max-age=" + "9" * 4_500),
    "quotes": ("Cache-Control", '"' * 20_000),
    "an age that is no number": ("Age", "nan"),
    "a long tag": ("ETag", '"' + "x" * 30_000 + '"'),
    "a tag with a control character": ("ETag", '"a\x01b"'),
    "a line break after a tag": ("ETag", '"a"\r\n folded: yes'),
    "changed in the year 0": ("Last-Modified", "Wed, 02 Dec 0000 09:00:00 GMT"),
    "a long type": ("Content-Type", "text/xml; charset=" + "x" * 30_000),
    "a type of nothing": ("Content-Type", ";;==;charset"),
    "a charset from bytes to bytes": ("Content-Type", "text/xml; charset=bz2"),
    "a coding never heard of": ("Content-Encoding", "br, \x01"),
    "a link": ("Link", '<http://[>; rel="self", <http://xn--a/>; rel=hub'),
    "a cookie": ("Set-Cookie", "=;=\x01;;Expires=never;Domain=["),
    "a length of less than nothing": ("Content-Length", "-5"),
    "a length with an exponent": ("Content-Length", "1e3"),
}

DOCUMENTS: Documents = {
    "packed: a bomb": lambda targets: _packed(_bomb(200)),
    "packed: a bomb in a bomb": lambda targets: _packed(gzip.compress(_bomb(200))),
    "packed: four layers": lambda targets: _packed(gzip.compress(gzip.compress(gzip.compress(_bomb(40))))),
    "packed: a bomb as deflate": lambda targets: _packed(zlib.compress(bytes(100_000_000)), "deflate"),
    "packed: 30,000 members": lambda targets: _packed(gzip.compress(b"") * 30_000),
    "packed: ten times": lambda targets: _packed(_FEED, ", ".join(["gzip"] * 10)),
    "packed: bytes that seem packed": lambda targets: _packed(b"\x1f\x8b" * 100_000, ""),
    "packed: nothing": lambda targets: _packed(gzip.compress(b"")),
    "endless: a body": lambda targets: Reply(headers=_NEVER_ENDS, endless=b"<item>" * 9_999),
    "endless: a body of nothing": lambda targets: Reply(headers=_NEVER_ENDS, endless=_ZEROS),
    "endless: drops": lambda targets: Reply(body=_FEED, headers=XML, drip_seconds=0.2),
    "endless: silence": lambda targets: Reply(delay_seconds=60),
    "endless: redirects": lambda targets: _to("?again"),
    "redirect: the canary": lambda targets: _to(targets.canary),
    **name_documents("redirect", {**ADDRESSES, **_TARGETS}, _to),
    **{f"header: {key}": _headed(*header) for key, header in _HEADERS.items()},
    "header: retry after for ever": lambda targets: Reply(status=429, headers={"Retry-After": "9" * 400}),
    "header: retry after 1e999": lambda targets: Reply(status=503, headers={"Retry-After": "1e999"}),
    "http: status 999": lambda targets: Reply(status=999, body=_FEED),
    "http: status 099": _raw(b"HTTP/1.1 099 Odd\r\n\r\n"),
    "http: a status of letters": _raw(b"HTTP/1.1 abc OK\r\n\r\n"),
    "http: version 0.9": _raw(_FEED),
    "http: an upgrade": _raw(b"HTTP/1.1 101 Switching\r\nUpgrade: tls\r\nConnection: upgrade\r\n\r\n" + _FEED),
    "http: a header without colon": _raw(_OK + b"nothing\r\n\r\n" + _FEED),
    "http: 20,000 headers": _raw(_OK + b"A: b\r\n" * 20_000 + b"\r\n"),
    "http: a header that does not end": _raw(_OK + b"A: " + b"b" * 500_000),
    "http: two lengths": _raw(_OK + b"Content-Length: 5\r\nContent-Length: 900\r\n\r\n" + _FEED),
    "http: unasked not modified": lambda targets: Reply(status=304),
    "chunks: a size of letters": _chunked(_CHUNK + b"zz\r\n"),
    "chunks: trailers": _chunked(_CHUNK + b"0\r\n" + b"X: y\r\n" * 5_000),
    "chunks: gzip that is not": _chunked(_CHUNK + b"0\r\n\r\n", b"Content-Encoding: gzip, deflate\r\n"),
    "page of an article: redirects to punycode": _paged(_to("http://xn--a/")),
    "page of an article: a charset that is none": _paged(
        Reply(body=b"<meta charset=punycode>" + _ARTICLE, headers={"Content-Type": "text/html; charset=idna"})
    ),
    "page of an article: a flaw in its chunks": _paged(
        Reply(raw=_OK + b"Content-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<html\r\nzz\r\n")
    ),
    "robots: redirects to an emoji domain": _paged(Reply(body=_ARTICLE), _to("https://xn--ls8h.test/")),
    "robots: redirects to a port": _paged(Reply(body=_ARTICLE), _to("http://any.test:99999/")),
    "robots: an odd delay": _paged(
        Reply(body=_ARTICLE),
        xml(
            b"\xff\0User-agent: *\nCrawl-delay: nan\nRequest-rate: 1/0\nAllow: [\nSitemap: [", content_type="text/plain"
        ),
    ),
}
