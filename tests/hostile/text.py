"""Bytes and characters: encodings that are not what they say, and characters that no text has."""

from __future__ import annotations

from tests.feeds.documents import item, rss
from tests.hostile.making import Documents, Making, json, name_documents, page, with_title, xml

_PLAIN = rss(item(1, title="Caf\u00e9 \u2014 \u4e2d\u6587"))
_VERSION = '{"version": "https://jsonfeed.org/version/1.1", '
#: Python codecs that are not charsets, and charsets that do not fit the bytes.
_LABELS = (
    "unicode_escape raw_unicode_escape rot13 zlib base64 hex idna punycode undefined utf-7 utf-16 utf-32 iso2022_jp hz"
    " cp037 shift_jis euc-kr big5 none ../../x mbcs utf-8-sig"
).split()


def _labelled(label: str) -> Making:
    declared = _PLAIN.replace('<?xml version="1.0"?>', f'<?xml version="1.0" encoding="{label}"?>')
    return lambda targets: xml(declared, content_type=f"text/xml; charset={label}")


DOCUMENTS: Documents = {
    **{f"charset: {label}": _labelled(label) for label in _LABELS},
    **name_documents(
        "characters in a title",
        {
            "escapes of a terminal": "\x1b[31mred\x1b]0;title\x07 \x9b31m",
            "direction": "\u202eevil\u202c \u2066x\u2069 \u200e\u200f",
            "tags": "".join(chr(0xE0000 + ord(letter)) for letter in "ignore previous"),
            "halves": "\ud800 \udfff",
            "marks of order": "\ufeff" * 1_000,
        },
        with_title,
    ),
    "bytes: NUL between all": lambda targets: xml("\0".join(_PLAIN)),
    "bytes: NUL only": lambda targets: xml(b"\0" * 1_000_000),
    "bytes: letters begun and not ended": lambda targets: xml(_PLAIN.encode().replace(b"Caf", b"\xf0" * 500_000)),
    "bytes: halves in UTF-8": lambda targets: xml(_PLAIN.encode().replace(b"Caf", b"\xed\xa0\x80\xed\xb0\x80" * 9_999)),
    "bytes: UTF-32 out of range": lambda targets: xml(b"\xff\xfe\0\0" + b"\xff\xff\xff\x7f" * 100_000),
    "bytes: escapes of ISO-2022": lambda targets: xml(
        _PLAIN.encode().replace(b"Caf", b"\x1b$B\x1b(B" * 50_000), content_type="text/xml; charset=iso-2022-jp"
    ),
    "bytes: UTF-7 over markup": lambda targets: xml(
        _PLAIN.replace("Caf\u00e9", "+ADw-script+AD4-").encode(), content_type="text/xml; charset=utf-7"
    ),
    "json: depth": lambda targets: json("[" * 500_000),
    "json: a number of a million digits": lambda targets: json(_feed('{"id": ' + "9" * 1_000_000 + "}")),
    "json: 100,000 items": lambda targets: json(_feed(",".join(f'{{"id": "{n}"}}' for n in range(100_000)))),
    "json: other types in items": lambda targets: json(_feed('{"id": {}, "url": [], "title": 1e300}, 5')),
    "json: a date of 400 digits": lambda targets: json(_feed(f'{{"id": "x", "date_published": {10**400}}}')),
    "json: a text that is not closed": lambda targets: json(_feed('{"id": "1"}, {"id": "' + "x" * 1_000_000)),
    "json: cut after 20,000 items": lambda targets: json(_feed('{"id": "1", "x": [1' + ', {"id": "2"}' * 20_000)),
    "json: too many tags": lambda targets: json(_feed('{"id": "1", "tags": [' + '"x",' * 100_000 + '"y"]}')),
    "page: 50,000 feeds": lambda targets: page('<link rel=alternate type="application/rss+xml" href="/x">' * 50_000),
    "page: feeds inside": lambda targets: page(
        f'<base href="{targets.canary}"><link rel=alternate type="application/rss+xml" href="{targets.canary}">'
        f'<link rel=alternate type="application/atom+xml" href="file://{targets.secret}">'
        '<link rel=alternate type="application/rss+xml" href="javascript:alert(1)">'
    ),
    "page: moves": lambda targets: page(f'<meta http-equiv=refresh content="0;url={targets.canary}">'),
    "page: a script that is not closed": lambda targets: page("<html><script>" + "</scrip" * 200_000),
    "sitemap: 100,000 addresses": lambda targets: xml(
        _sitemap("<url><loc>https://a.example/</loc></url>" * 100_000), content_type="application/xml"
    ),
    "sitemap: a list of private ones": lambda targets: xml(
        '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        + f"<sitemap><loc>{targets.canary}</loc></sitemap>" * 1_000
        + "</sitemapindex>",
        content_type="application/xml",
    ),
    "opml: nested": lambda targets: xml("<opml><body>" + "<outline>" * 100_000, content_type="text/xml"),
}


def _feed(items: str) -> str:
    return f'{_VERSION}"title": "t", "items": [{items}]}}'


def _sitemap(urls: str) -> str:
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'
