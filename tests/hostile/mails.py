"""Mails that each look like a newsletter, and once took the reader of a mailbox minutes, or more than it may answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

_WORDS = b"word " * 20_000


def _html(body: bytes, *, charset: bytes = b"utf-8", more: bytes = b"") -> bytes:
    head = b"Subject: Hostile\nMessage-ID: <%d@hostile.example>\nContent-Type: text/html; charset=%s\n" % (
        hash(body) % 10**9,
        charset,
    )
    return head + more + b"Content-Transfer-Encoding: 8bit\n\n" + body


def _headed(header: bytes, body: bytes = b"<p>text") -> bytes:
    return b"Subject: Hostile\n" + header + b"\n\n" + body


def _nested(count: int, rest: bytes) -> bytes:
    parts = (b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(count))
    return b"Subject: Hostile\n" + b"".join(parts) + rest


#: Each is generated when it is needed: together they have about 40 MB.
MAILS: Mapping[str, Callable[[], bytes]] = {
    "charset: a megabyte of Thai": lambda: _html("ก".encode("cp874") * 990_000, charset=b"tis-620"),
    "charset: no character at all": lambda: _html(b"\xff" * 1_400_000, charset=b"utf-8"),
    "charset: escapes": lambda: _html(b"&amp;" * 250_000 + b"&" * 500_000),
    "charset: bytes that are escaped": lambda: b"Subject: Hostile\n\n" + b"&<>" * 600_000,
    "headers: semicolons in a quote": lambda: _headed(b'Content-Type: text/html; x="' + b";" * 200_000 + b'"'),
    "headers: semicolons in each part": lambda: (
        _headed(b"Content-Type: multipart/mixed; boundary=b", b"")
        + (b'--b\nContent-Type: text/html; x="' + b";" * 6_000 + b'"\n\n \n') * 290
    ),
    "headers: parameters": lambda: _headed(b"Content-Type: text/html; " + b"a=b; " * 200_000),
    "headers: numbered parameters": lambda: _headed(
        b"Content-Type: text/html; " + b"".join(b"a*%d=b; " % number for number in range(50_000))
    ),
    "headers: half a million": lambda: b"Subject: Hostile\n" + b"a:\n" * 500_000 + b"\ntext",
    "headers: encoded words": lambda: b"Subject: " + b"=?utf-8?b?YQ==?= " * 100_000 + b"\n\ntext",
    "headers: a sender of brackets": lambda: b"Subject: Hostile\nFrom: " + b"<(\"" * 500_000 + b"\n\ntext",
    "mail: lines between boundaries": lambda: _nested(55, b"\n" * 1_900_000),
    "mail: reports of reports": lambda: _headed(
        b"Content-Type: message/delivery-status", b"a: b\n\n" * 60_000
    ),
    "mail: nothing but carriage returns": lambda: b"Subject: Hostile\n\n" + b"\r" * 1_900_000,
    "mail: packed by uuencode": lambda: _headed(
        b"Content-Type: text/html\nContent-Transfer-Encoding: x-uuencode", b"begin 644 x\n" + b"M\n" * 900_000
    ),
    "anchors: never closed, a megabyte": lambda: _html(b'<a href="https://x.example/1"><b>' * 280 + _WORDS * 12),
    "anchors: headings in headings": lambda: _html(b"<h1><h2><h3><h4>" * 120 + _WORDS * 12),
}  # fmt: skip
#: One of each family, small enough for the IMAP server of the tests: larger ones keep it busy for minutes.
QUICK = ("headers: semicolons in a quote", "mail: reports of reports", "anchors: headings in headings")
