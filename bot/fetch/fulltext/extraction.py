"""HTML bytes → the article's text. Blocking; trafilatura is imported on first use (55 MB, 129 ms)."""

from __future__ import annotations

import codecs
import logging
import re

#: Longer pages are cut: an article begins well before, and time grows with the tree.
MAX_PAGE_BYTES = 3_000_000
MAX_TEXT_LENGTH = 200_000
#: Where a page may name its charset (HTML, “determining the character encoding”).
_HEAD_BYTES = 1_024

_HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_META_CHARSET = re.compile(rb"""<meta[^<>]+?charset\s*+=\s*+["']?([\w.:-]++)""", re.IGNORECASE)
#: ISO-8859-1 on the Web means windows-1252 (WHATWG Encoding, “names and labels”).
_MEANT = {"iso8859-1": "cp1252", "ascii": "cp1252"}


def main_text(page: bytes, *, url: str | None = None, content_type: str = "") -> str | None:
    """Paragraphs parted by blank lines, without menus, captions and comments; None: the page has no article.

    Raises whatever the parser raises on a page that it cannot take.
    """
    import trafilatura

    # It logs an error for each page that is none; whether that matters is said by who asked.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    found: str | None = trafilatura.extract(
        _decoded(page[:MAX_PAGE_BYTES], content_type), url=url, include_comments=False, include_tables=True
    )
    if not found:
        return None
    paragraphs = (" ".join(line.split()) for line in found.splitlines())
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)[:MAX_TEXT_LENGTH] or None


def _decoded(page: bytes, content_type: str) -> str | bytes:
    """Text where the page or its server says how it is written; else the bytes, for trafilatura to guess."""
    for bom, codec in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if page.startswith(bom):
            return page[len(bom) :].decode(codec, "replace")
    try:
        return page.decode("utf-8")  # bytes that are UTF-8 by chance are not seen, mislabelled pages daily
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":  # cut within a letter
            return page.decode("utf-8", "ignore")
    named = [found[1] for found in (_HEADER_CHARSET.search(content_type),) if found]
    named += [found[1].decode("ascii", "replace") for found in (_META_CHARSET.search(page[:_HEAD_BYTES]),) if found]
    for name in named:
        try:
            codec = codecs.lookup(name).name
        except LookupError:
            continue
        if codec.startswith("utf-16") or codec in ("idna", "punycode", "unicode_escape", "raw_unicode_escape"):
            continue  # a page that can be read for its charset is not UTF-16; the others are no charsets
        text = page.decode(_MEANT.get(codec, codec), "replace")
        # One charset named and another used is common: half-read text is worse than a guess.
        if text.count("\ufffd") * 200 <= len(text):
            return text
    return page
