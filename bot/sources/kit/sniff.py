"""What kind of document bytes are, by a look at their beginning.

Decides nothing about how it is read.
"""

from __future__ import annotations

import re

from bot.sources.kit import asides, charset

#: Warnings of a broken server may be before the document; a feed begins within this.
_HEAD_BYTES = 16_384
_ROOT = re.compile(
    r"<(?:[A-Za-z_][\w.-]*:)?(rss|feed|RDF|channel|urlset|sitemapindex|opml|html|head|body|!doctype\s+html)(?=[\s/>])",
    re.IGNORECASE,
)
#: A feed that a proxy or a template put into a page; a page never has these attributes in elements of these names.
_WRAPPED = re.compile(r"<(rss(?=\s[^<>]*version=)|feed(?=\s[^<>]*xmlns=))", re.IGNORECASE)
_ANY_ELEMENT = re.compile(r"<([A-Za-z_][\w.:-]*)")


def root(content: bytes, content_type: str = "") -> str:
    """Lower-case name of the first element that tells the kind; "json"; else the first element, or nothing.

    >>> root(b'<?xml version="1.0"?><!-- <html> --><rss version="2.0">')
    'rss'
    """
    text = charset.decode(content[:_HEAD_BYTES], content_type).text.lstrip("\x00\t\n\r \ufeff")
    if text.startswith(("{", "[")):
        return "json"
    text = asides.without(text)
    if found := _ROOT.search(text):
        name = found.group(1).lower()
        if name not in ("html", "head", "body") and not name.startswith("!doctype"):
            return name
        wrapped = _WRAPPED.search(text)
        return wrapped.group(1).lower() if wrapped else "html"
    if "<!ENTITY" in text:
        return "rss"  # declarations larger than any feed's: for xmltext.py to refuse
    found = _ANY_ELEMENT.search(text)
    return found.group(1).lower() if found else ""


def beginning(content: bytes, content_type: str) -> str:
    """The first words, for an error text."""
    text = charset.decode(content[:400], content_type).text
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:60]
