"""Clean HTML or plain text: return its text and outgoing links.

Knows no feed and no rule; bot/language/tokens.py decides what a word is. A blank line in clean text ends a phrase.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from bot.articles import links

#: Maximum links of one body: a page of thousands is a menu, not an article.
MAX_LINKS = 200

# Not white space for Python's ``re``, and never in the input once control characters are removed.
_PARAGRAPH = "\x01"
_LINE = "\x02"
_BREAKS = f" {_LINE}"

_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
_BLANK_LINE = re.compile(r"\r?\n[^\S\n]*\r?\n\s*")
_LINES = re.compile(f"{_LINE}[ {_LINE}]*+")

#: Elements that end a phrase (HTML 5 sections, grouping, tables, forms, and obsolete ones that feeds still contain).
_BLOCKS = frozenset(
    """
    address article aside blockquote body caption center col colgroup dd details dialog dir div dl dt fieldset
    figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li main menu nav ol
    optgroup option p pre section summary table tbody td tfoot th thead title tr ul
    """.split()
)
#: Visible elements that separate two words but do not end a phrase.
_REPLACED = frozenset("audio button embed iframe img input object picture select svg textarea video".split())
_NOT_TEXT = frozenset(("script", "style", "template", "iframe", "noembed", "noframes"))

_BLOCK_END = re.compile(rf"</(?=(?:{'|'.join(sorted(_BLOCKS))})\b)", re.IGNORECASE)
_STRAY_BREAK = re.compile(r"</(?=br\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """The readable text of a piece of markup, and its links."""

    #: Paragraphs separated by blank lines; entities decoded; invisible characters unchanged.
    text: str
    #: Canonical http(s) links in order, without duplicates.
    links: tuple[str, ...] = ()


_NOTHING = Clean(text="")


def clean(markup: str, *, base: str | None = None) -> Clean:
    """Return the text as a reader sees it.

    Inline tags join words, ``<br>`` and block tags separate them, block tags and blank lines end a phrase.

    >>> clean("<p><b>back</b>door<p>in<br>BES&hellip;").text
    'backdoor\\n\\nin\\nBES…'
    """
    return Cleaner().clean(markup, base=base)


class Cleaner:
    """Cleans many texts in one thread: making a parser takes five times as long as using it."""

    def __init__(self) -> None:
        self._reader = _TextCollector()
        # With a target the parser builds no tree: depth and size cost nothing (100,000 nested <div> are one pass).
        self._parser = etree.HTMLParser(target=self._reader, remove_comments=True, huge_tree=True)

    def clean(self, markup: str, *, base: str | None = None) -> Clean:
        """Return text and links of HTML or plain text; without ``base``, relative links are dropped."""
        if not markup:
            return _NOTHING
        if _CONTROLS.search(markup):
            markup = _CONTROLS.sub("", markup)
        if "<" not in markup:
            return Clean(text=_lay_out(html.unescape(markup) if "&" in markup else markup))
        self._reader.begin()
        self._parser.feed(_mend(markup))
        self._parser.close()
        return Clean(text=_lay_out("".join(self._reader.parts)), links=_outgoing(self._reader.hrefs, base))


def _mend(markup: str) -> str:
    """Add a break before each end tag: libxml2 ignores an end tag that nothing opened (“one</p>two”)."""
    if "<![CDATA[" in markup:
        markup = markup.replace("<![CDATA[", "").replace("]]>", "")
    return _STRAY_BREAK.sub("<", _BLOCK_END.sub("<hr></", markup))


def _lay_out(text: str) -> str:
    if "\n" in text:
        text = _BLANK_LINE.sub(_PARAGRAPH, text)
    text = " ".join(text.split())
    if _PARAGRAPH in text:
        # A regular expression would take half of the whole time.
        paragraphs = (paragraph.strip(_BREAKS) for paragraph in text.split(_PARAGRAPH))
        text = "\n\n".join(filter(None, paragraphs))
    if _LINE in text:
        text = _LINES.sub(
            lambda breaks: "\n" if breaks[0].strip(" ") == _LINE else "\n\n", text.replace(f" {_LINE}", _LINE)
        )
    return text.strip()


def _outgoing(hrefs: list[str], base: str | None) -> tuple[str, ...]:
    outgoing = (links.canonical_link(href, base) for href in hrefs[:MAX_LINKS])
    return tuple(dict.fromkeys(filter(None, outgoing)))


class _TextCollector:
    """Receives the parser's events (the target interface of lxml)."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.parts: list[str] = []
        self.hrefs: list[str] = []
        self._hidden = 0

    def start(self, tag: str | bytes, attrib: Mapping[str | bytes, str | bytes]) -> None:
        if tag in _NOT_TEXT:
            self._hidden += 1
        if tag in _BLOCKS:
            self.parts.append(_PARAGRAPH)
        elif tag == "br":
            self.parts.append(_LINE)
        elif tag in _REPLACED:
            self.parts.append(" ")
        elif tag == "a" and (href := attrib.get("href")):
            self.hrefs.append(str(href))

    def end(self, tag: str | bytes) -> None:
        if tag in _NOT_TEXT:
            self._hidden = max(0, self._hidden - 1)
        if tag in _BLOCKS:
            self.parts.append(_PARAGRAPH)

    def data(self, data: str | bytes) -> None:
        if not self._hidden:
            self.parts.append(str(data))

    def comment(self, data: str | bytes) -> None:
        """Not text."""

    def close(self) -> None:
        """Required by the interface; the result is read from ``parts``."""
