"""Servers: what they pack, how they answer, and where they send on."""

from __future__ import annotations

import gzip
import zlib

from tests.feeds.documents import item, rss
from tests.hostile.making import XML, Documents, Making
from tests.testbed.servers.feeds import Reply

_FEED = rss(item(1)).encode()
_ZEROS = bytes(1_000_000)
_NEVER_ENDS = {**XML, "Content-Length": "99999999999"}


def _bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(_ZEROS) for _ in range(megabytes)) + packer.flush()


def _packed(body: bytes, coding: str = "gzip") -> Reply:
    return Reply(body=body, headers={**XML, "Content-Encoding": coding} if coding else XML)


def _headed(name: str, value: str) -> Making:
    return lambda targets: Reply(body=_FEED, headers={**XML, name: value})


def _raw(data: bytes) -> Making:
    return lambda targets: Reply(raw=data)


def _to(address: str, status: int = 302) -> Making:
    return lambda targets: Reply.redirect(address.format(canary=targets.canary), status=status)


DOCUMENTS: Documents = {
    "packed: a bomb": lambda targets: _packed(_bomb(200)),
    "packed: a bomb that is not announced": lambda targets: _packed(_bomb(200), ""),
    "packed: a bomb in a bomb": lambda targets: _packed(gzip.compress(_bomb(200))),
    "packed: a bomb in a bomb, twice announced": lambda targets: _packed(gzip.compress(_bomb(200)), "gzip, gzip"),
    "packed: four layers": lambda targets: _packed(gzip.compress(gzip.compress(gzip.compress(_bomb(40))))),
    "packed: a bomb as deflate": lambda targets: _packed(zlib.compress(bytes(100_000_000)), "deflate"),
    "packed: 30,000 members": lambda targets: _packed(gzip.compress(b"") * 30_000),
    "packed: half": lambda targets: _packed(gzip.compress(_FEED * 100)[:400]),
    "packed: damaged": lambda targets: _packed(gzip.compress(_FEED)[:60] + b"\xff" * 200),
    "packed: not at all": lambda targets: _packed(_FEED),
    "packed: as something else": lambda targets: _packed(b"\x8b\x00" * 100, "br"),
    "packed: ten times": lambda targets: _packed(_FEED, ", ".join(["gzip"] * 10)),
    "packed: bytes that seem packed": lambda targets: _packed(b"\x1f\x8b" * 100_000, ""),
    "endless: a body": lambda targets: Reply(headers=_NEVER_ENDS, endless=b"<item>" * 9_999),
    "endless: a body of nothing": lambda targets: Reply(headers=_NEVER_ENDS, endless=_ZEROS),
    "endless: packed bytes of nothing": lambda targets: Reply(
        headers={**XML, "Content-Encoding": "gzip", "Content-Length": "99999999999"}, endless=gzip.compress(b"") * 999
    ),
    "endless: drops": lambda targets: Reply(body=_FEED, headers=XML, drip_seconds=0.2),
    "endless: drops of the head": lambda targets: Reply(body=_FEED, headers=XML, drip_head_seconds=0.2),
    "endless: silence": lambda targets: Reply(delay_seconds=60),
    "endless: redirects": lambda targets: Reply.redirect("?again"),
    "endless: early hints": _raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50_000),
    "redirect: the canary": _to("{canary}"),
    "redirect: the canary, for ever": _to("{canary}", 301),
    "redirect: a number": _to("http://2130706434/x"),
    "redirect: mapped": _to("http://[::ffff:127.0.0.2]/x"),
    "redirect: hexadecimal": _to("http://0x7f.0.0.2/x"),
    "redirect: translated": _to("http://[64:ff9b::7f00:2]/x"),
    "redirect: nobody": _to("http://0.0.0.0:1/"),
    "redirect: metadata": _to("http://169.254.169.254/latest/meta-data/"),
    "redirect: a file": _to("file:///etc/passwd"),
    "redirect: data": _to("data:text/xml,<rss/>"),
    "redirect: another protocol": _to("gopher://127.0.0.2:70/_x"),
    "redirect: a user": _to("http://user:password@127.0.0.2/x"),
    "redirect: 50 KB": _to("/" + "a" * 50_000),
    "redirect: nothing": _to(""),
    "redirect: an open bracket": _to("http://["),
    "header: 60 KB": _headed("X-Long", "x" * 60_000),
    "header: retry after for ever": lambda targets: Reply(status=429, headers={"Retry-After": "9" * 400}),
    "header: retry after 1e999": lambda targets: Reply(status=503, headers={"Retry-After": "1e999"}),
    "header: retry before": lambda targets: Reply(status=429, headers={"Retry-After": "-5"}),
    "header: retry in the year 99999": lambda targets: Reply(
        status=429, headers={"Retry-After": "Wed, 02 Dec 99999 09:00:00 GMT"}
    ),
    "header: fresh for ever": _headed("Cache-Control", "max-age=" + "9" * 4_500),
    "header: fresh until never": _headed("Expires", "Fri, 31 Dec 9999 23:59:59 -2359"),
    "header: directives": _headed("Cache-Control", ", ".join(["max-age=1"] * 5_000)),
    "header: quotes": _headed("Cache-Control", '"' * 20_000),
    "header: tag": _headed("ETag", '"' + "x" * 30_000 + '"'),
    "header: changed in the year 0": _headed("Last-Modified", "Wed, 02 Dec 0000 09:00:00 GMT"),
    "header: a long type": _headed("Content-Type", "text/xml; charset=" + "x" * 30_000),
    "header: a type of quotes": _headed("Content-Type", 'text/xml; charset="' * 2_000),
    "header: a picture": _headed("Content-Type", "image/png"),
    "status: 999": lambda targets: Reply(status=999, body=_FEED),
    "status: 204 with a body": lambda targets: Reply(status=204, body=_FEED),
    "http: 0.9": _raw(_FEED),
    "http: a mail server": _raw(b"220 mail.example.org ESMTP\r\n"),
    "http: nothing": lambda targets: Reply(hang_up=True),
    "http: 20,000 headers": _raw(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000 + b"\r\n"),
    "http: a header that does not end": _raw(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 500_000),
    "http: a chunk of 2^64 bytes": _raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n" + _FEED
    ),
    "http: a chunk of less than nothing": _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n" + _FEED),
    "http: two lengths": _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 900\r\n\r\n" + _FEED),
    "http: a length of less than nothing": _raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + _FEED),
    "http: cut": lambda targets: Reply(body=_FEED, headers=XML, cut_after=200),
    "http: unasked not modified": lambda targets: Reply(status=304),
}
