"""Extract the text of an article from HTML. Blocking; imports trafilatura on first use (55 MB, 129 ms)."""

from __future__ import annotations

import codecs
import logging
import re

#: Longer pages are cut: the article begins well before, and time grows with the tree.
MAX_PAGE_BYTES = 3_000_000
MAX_TEXT_LENGTH = 200_000
#: A page names its charset within this (HTML, “determining the character encoding”).
_HEAD_BYTES = 1_024

_HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_META_CHARSET = re.compile(rb"""<meta[^<>]+?charset\s*+=\s*+["']?([\w.:-]++)""", re.IGNORECASE)
#: ISO-8859-1 on the Web means windows-1252 (WHATWG Encoding, “names and labels”).
_MEANT = {"iso8859-1": "cp1252", "ascii": "cp1252"}


def main_text(page: bytes, *, url: str | None = None, content_type: str = "") -> str | None:
    """Return the paragraphs of the article, without menus, captions and comments, or None if there is no article.

    Raises whatever the parser raises.
    """
    import trafilatura

    # It logs an error for each page without an article; the caller logs what matters.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    text: str | None = trafilatura.extract(
        _decoded(page[:MAX_PAGE_BYTES], content_type), url=url, include_comments=False, include_tables=True
    )
    if not text:
        return None
    paragraphs = (" ".join(line.split()) for line in text.splitlines())
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)[:MAX_TEXT_LENGTH] or None


def _decoded(page: bytes, content_type: str) -> str | bytes:
    """Decode the page if it or its server names its encoding; else return the bytes, for trafilatura to guess."""
    for bom, codec in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if page.startswith(bom):
            return page[len(bom) :].decode(codec, "replace")
    try:
        return page.decode("utf-8")  # other bytes are hardly ever valid UTF-8; wrong labels are common
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":  # cut within a letter
            return page.decode("utf-8", "ignore")
    in_header, in_page = _HEADER_CHARSET.search(content_type), _META_CHARSET.search(page[:_HEAD_BYTES])
    names = [in_header[1]] if in_header else []
    names += [in_page[1].decode("ascii", "replace")] if in_page else []
    for name in names:
        try:
            codec = codecs.lookup(name).name
        except LookupError:
            continue
        if codec.startswith("utf-16") or codec in ("idna", "punycode", "unicode_escape", "raw_unicode_escape"):
            continue  # a page with a readable charset is not UTF-16; the others are not charsets
        text = page.decode(_MEANT.get(codec, codec), "replace")
        # Wrong names of charsets are common, and a guess is better than half of a text.
        if text.count("\ufffd") * 200 <= len(text):
            return text
    return page
