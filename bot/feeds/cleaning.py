"""Clean the text of an item: turn markup into text and links, and remove a feed's repeated sentences.

Does not depend on rules. A blank line in clean text ends a phrase.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice

import msgspec
from lxml import etree

from bot.feeds import links
from bot.patterns import LazyPattern

#: Maximum links of one body. A page with thousands of links is a menu, not an article.
MAX_LINKS = 200

# Control characters that represent breaks. The input cannot contain them, and ``\s`` does not match them.
_PARAGRAPH = "\x01"
_LINE = "\x02"
_BREAKS = f" {_LINE}"

_CONTROLS = LazyPattern("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
_BLANK_LINE = LazyPattern(r"\r?\n[^\S\n]*\r?\n\s*")
_LINES = LazyPattern(f"{_LINE}[ {_LINE}]*+")

#: Elements that end a phrase: sections, grouping, tables and forms of HTML 5, and obsolete elements that feeds use.
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

_BLOCK_END = LazyPattern(rf"</(?=(?:{'|'.join(sorted(_BLOCKS))})\b)", re.IGNORECASE)
_STRAY_BREAK = LazyPattern(r"</(?=br\b)", re.IGNORECASE)


class Clean(msgspec.Struct, frozen=True, kw_only=True):
    """The readable text of a piece of markup, and its links."""

    #: Paragraphs separated by blank lines; entities decoded; invisible characters unchanged.
    text: str
    #: Canonical http(s) links in order, without duplicates.
    links: tuple[str, ...] = ()


_NOTHING = Clean(text="")


def clean(markup: str, *, base: str | None = None) -> Clean:
    """Return the text as a reader sees it, and its links.

    Inline tags do not separate words; ``<br>`` and block tags do. Block tags and blank lines end a phrase.

    >>> clean("<p><b>back</b>door<p>in<br>BES&hellip;").text
    'backdoor\\n\\nin\\nBES…'
    """
    return Cleaner().clean(markup, base=base)


class Cleaner:
    """Cleans many texts in one thread with one parser, because making a parser takes five times as long as using it."""

    def __init__(self) -> None:
        self._reader = _TextCollector()
        # With a target the parser builds no tree, so depth costs nothing (100,000 nested <div> take one pass).
        self._parser = etree.HTMLParser(target=self._reader, remove_comments=True, huge_tree=True)

    def clean(self, markup: str, *, base: str | None = None) -> Clean:
        """Return text and links of HTML or plain text. Drop relative links if ``base`` is None."""
        if not markup:
            return _NOTHING
        if _CONTROLS.search(markup):
            markup = _CONTROLS.sub("", markup)
        if "<" not in markup:
            return Clean(text=_lay_out(html.unescape(markup) if "&" in markup else markup))
        self._reader.begin()
        self._parser.feed(_mend(markup))
        self._parser.close()
        hrefs = self._reader.hrefs[:MAX_LINKS]
        outgoing = tuple(dict.fromkeys(filter(None, (links.canonical_link(href, base) for href in hrefs))))
        return Clean(text=_lay_out("".join(self._reader.parts)), links=outgoing)


def _mend(markup: str) -> str:
    """Add a break before each block's end tag, because libxml2 ignores end tags without a start tag (“one</p>two”)."""
    if "<![CDATA[" in markup:
        markup = markup.replace("<![CDATA[", "").replace("]]>", "")
    return _STRAY_BREAK.sub("<", _BLOCK_END.sub("<hr></", markup))


def _lay_out(text: str) -> str:
    if "\n" in text:
        text = _BLANK_LINE.sub(_PARAGRAPH, text)
    text = " ".join(text.split())
    if _PARAGRAPH in text:
        # Split and join, because a regular expression would take half of the time that cleaning takes.
        paragraphs = (paragraph.strip(_BREAKS) for paragraph in text.split(_PARAGRAPH))
        text = "\n\n".join(filter(None, paragraphs))
    if _LINE in text:
        text = _LINES.sub(
            lambda breaks: "\n" if breaks[0].strip(" ") == _LINE else "\n\n", text.replace(f" {_LINE}", _LINE)
        )
    return text.strip()


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
        """Ignore a comment, which is not text."""

    def close(self) -> None:
        """Do nothing. The interface requires this method; the result is in ``parts``."""


def fingerprint_of(title: str, text: str) -> str:
    """Return SHA-256 of a folded title and a folded text, so that case, punctuation and white space do not count."""
    return hashlib.sha256(f"{title}\n{text}".encode("utf-8", "replace")).hexdigest()


#: A sentence is boilerplate if this many other items contained it.
REPEATS = 3
#: Maximum sentences of a feed that are remembered: those seen in one item, and those seen in several. Each takes 9
#: characters of the feed's state.
_SEEN_ONCE, _SEEN_AGAIN = 512, 256
#: Maximum sentences learned from one item, so that a long page does not push out all earlier sentences.
_TAUGHT = 160
#: Minimum words of boilerplate. Shorter sentences ("Nobody was hurt.") repeat by chance.
_FEWEST_WORDS = 4
_DIGEST_BYTES = 6
#: Characters of a digest in base64, and of the count that follows the digest.
_KEY, _COUNT = 8, 1

_WORD = LazyPattern(r"\w+")
_END_OF_SENTENCE = LazyPattern(
    # The lookbehinds exclude "Mr." and "J.", which do not end a sentence.
    r"[.!?…](?<!\b[A-Z]\.)(?<!\b[A-Z][rst]\.)(?<!\b(?:Mrs|Gen|Sen|Rep|Gov)\.)[\"'”’»)\]]?\s++|[。！？।۔]\s*|\n+"
)


class Stripped(msgspec.Struct, frozen=True):
    """A text without the sentences that its feed repeats."""

    text: str
    #: The removed sentences, in order.
    left_out: tuple[str, ...] = ()


def learn_boilerplate(texts: Sequence[str], memory: str) -> str:
    """Add the sentences of new items to a feed's memory (hashes with counts; empty at first), and return it."""
    counts = _load_counts(memory)
    for text in texts:
        keys = {key: None for _, _, key in islice(_sentences(text), _TAUGHT)}
        for key in keys:
            # Remove the key first, so that it moves to the end: the latest sentences are last.
            counts[key] = min(counts.pop(key, 0) + 1, REPEATS + 1)
    return _dump_counts(counts)


def strip_boilerplate(text: str, memory: str) -> Stripped:
    """Return the text of an item without its feed's boilerplate. ``memory`` must already include this text."""
    boilerplate = _repeated(memory)
    repeated = [(start, end) for start, end, key in _sentences(text) if key in boilerplate] if boilerplate else []
    if not repeated:
        return Stripped(text)
    kept, at = [], 0
    for start, end in repeated:
        kept.append(text[at:start])
        at = end
    kept.append(text[at:])
    return Stripped("".join(kept).strip(), tuple(text[start:end].strip() for start, end in repeated))


@lru_cache(maxsize=1)  # one entry is enough, because a feed's items are stripped one after the other
def _repeated(memory: str) -> frozenset[str]:
    return frozenset(key for key, count in _load_counts(memory).items() if count > REPEATS)


def _sentences(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end (after the trailing white space) and key of each sentence long enough to be boilerplate."""
    at = 0
    for stop in (*_END_OF_SENTENCE.finditer(text), None):
        end = stop.end() if stop else len(text)
        words = _WORD.findall(text[at:end].casefold())
        if len(words) >= _FEWEST_WORDS or _is_one_run(words):
            digest = hashlib.blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=_DIGEST_BYTES).digest()
            yield at, end, base64.urlsafe_b64encode(digest).decode()
        at = end


def _is_one_run(words: Sequence[str]) -> bool:
    """Return whether a sentence has a long run of letters, as in scripts without spaces."""
    return any(len(word) >= 2 * _FEWEST_WORDS and ord(word[0]) > 0x0E00 for word in words)


def _load_counts(memory: str) -> dict[str, int]:
    step = _KEY + _COUNT
    return {memory[at : at + _KEY]: int(memory[at + _KEY]) for at in range(0, len(memory) - step + 1, step)}


def _dump_counts(counts: dict[str, int]) -> str:
    once = [(key, count) for key, count in counts.items() if count == 1][-_SEEN_ONCE:]
    several = [(key, count) for key, count in counts.items() if count > 1][-_SEEN_AGAIN:]
    return "".join(f"{key}{count}" for key, count in once + several)


#: Endings of a text whose rest is on the publisher's site, in the languages of the feeds that we have seen.
_GOES_ON = LazyPattern(
    r"(?:…|\.\.\.|\[(?:…|\.{3}|&hellip;)\]"
    r"|\b(?:continue reading|read (?:more|on|the full (?:story|article))|full story|keep reading|weiterlesen|mehr lesen"
    r"|lire la suite|lire plus|leer más|seguir leyendo|continua a leggere|leggi tutto|lees verder|läs mer|les mer"
    r"|læs mere|czytaj dalej|leia mais|читать далее|читати далі|devamı)\b)"
    r"[\s\])}>»→›.…:]{0,40}\Z",
    re.IGNORECASE,
)
#: Number of characters at the end of a text that are searched. A post with “read more” in its middle is complete.
_TAIL = 80


def is_teaser(text: str) -> bool:
    """Return whether a clean text ends like a teaser that was cut off.

    >>> is_teaser("Operators learned on Wednesday that the […]"), is_teaser("Operators left."), is_teaser("")
    (True, False, False)
    """
    return _GOES_ON.search(text[-_TAIL:]) is not None
