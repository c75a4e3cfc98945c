"""Text into sentences, by their places: paragraphs first, then sentencex inside each.

Knows nothing of what a good sentence is: that is `worth`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

import sentencex

from bot.language import extensions

#: Thai, Lao, Burmese, Khmer, Kana and Han: letters of scripts that run without spaces.
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
#: A language that sentencex knows; it stops at the marks of every script whatever the language.
_DEFAULT_LANGUAGE = "en"

#: sentencex 1.0 panics at one between a capital letter and a full stop: "vitamin B ." with a space that does not break.
_WIDE_BLANK = re.compile(r"[^\S\x00-\x7f]")
#: Characters. sentencex pairs each opening quotation mark with all that follows, in quadratic time.
_MOST_AT_ONCE = 2_000

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
#: What may follow a sentence's last mark.
_CLOSERS = "\"'”’»›)]}」』）】"
_ENDS = re.compile(rf"[.!?…。．！？｡।॥۔؟։။፧።៕՞][{re.escape(_CLOSERS)}\s]*$")
#: Lengths of lines that a program wrapped: all of a paragraph's but the last are about as long.
_WRAPPED = (50, 100)

# Where sentencex stops too early in some language: "M. Dupont", "30 nov. 2015", "5 p.m. Tuesday".
_TITLE_END = re.compile(
    r"(?:^|[\s(“\"«])(?:[^\W\d_]|Mr|Mrs|Ms|Dr|St|Sr|Sra|Hr|Fr|Mme|Mlle|vs|Gen|Sen|Rep|Gov|Lt|Col|Capt|Prof)\.\s*$"
)
_BEFORE_NUMBER_END = re.compile(
    r"\b(?:No|Nr|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Okt|Nov|Dec|Dez|janv|févr|avr|juil|déc|ene|abr|ago|dic)\.\s*$",
    re.IGNORECASE,
)
_HOUR_END = re.compile(r"\b[ap]\.\s?m\.\s*$")
_BEHIND_HOUR = re.compile(
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|(?:January|February|March|April|May|June|July|August|September|October"
    r"|November|December)\b|(?:[A-Z]{1,4}[DS]T|[ACEMPW]E?T|GMT|UTC)\b"
)
# And where it takes a word for an abbreviation that is none as it is written: "on 13 May. Farmers", "by the SEC. “He".
_WHOLE_WORD_END = re.compile(r"(?:(?<=\bMay\.)|(?<=\b[A-Z]{3}\.))\s++(?=[\"“‘'(]?[A-Z][a-z\s'’])")
_QUOTED_END = re.compile(r"[」』][\s]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceSpan:
    """One sentence's place in a text; ``text[start:end]`` has no blanks around it."""

    start: int
    end: int
    text: str
    #: Counted from 0.
    paragraph: int


def split(text: str, language: str | None = None) -> tuple[SentenceSpan, ...]:
    """The sentences of a text in order; none runs over a blank line.

    >>> [span.text for span in split("Mr. Khan left at 5 p.m. Tuesday. Why?")]
    ['Mr. Khan left at 5 p.m. Tuesday.', 'Why?']
    """
    found = []
    for number, (start, end) in enumerate(_paragraphs(text)):
        for first, last in _cut(text[start:end], language):
            piece = text[start + first : start + last]
            lead = len(piece) - len(piece.lstrip())
            piece = piece.strip()
            if piece:
                begin = start + first + lead
                found.append(SentenceSpan(start=begin, end=begin + len(piece), text=piece, paragraph=number))
    return tuple(found)


def ends_a_sentence(text: str) -> bool:
    """Its last mark is one that ends a sentence in some script."""
    return bool(_ENDS.search(text))


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Places of paragraphs: parted by blank lines, or by a line end."""
    start = 0
    for gap in [*_BLANK_LINE.finditer(text), None]:
        end = gap.start() if gap else len(text)
        yield from _lines(text, start, end)
        start = gap.end() if gap else end


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A line is a separate paragraph, except for wrapped lines and one that goes on in small letters."""
    lines = text[start:end].split("\n")
    is_wrapped = len(lines) > 2 and all(_WRAPPED[0] <= len(line.strip()) <= _WRAPPED[1] for line in lines[:-1])
    at = first = start
    for line, following in zip_longest(lines, lines[1:], fillvalue=""):
        at += len(line) + 1
        goes_on = following.lstrip()[:1].islower() or (is_wrapped and bool(following) and not ends_a_sentence(line))
        if not goes_on or not line.strip():
            if text[first : at - 1].strip():
                yield first, at - 1
            first = at
    if first < end and text[first:end].strip():
        yield first, end


def _cut(paragraph: str, language: str | None) -> list[tuple[int, int]]:
    """Places of sentences in one paragraph, too early stops repaired."""
    primary = re.split(r"[-_]", language or "", maxsplit=1)[0].lower() or _DEFAULT_LANGUAGE
    ends = {0, len(paragraph)}
    for start, end in _windows(paragraph):
        window = paragraph[start:end]
        boundaries: Sequence[Mapping[str, int]] = extensions.call(
            sentencex.get_sentence_boundaries, [], primary, _WIDE_BLANK.sub(" ", window)
        )
        ends.update(start + int(boundary["end_index"]) for boundary in boundaries)
        missed = (stop.end() for stop in _WHOLE_WORD_END.finditer(window))
        ends.update(start + at for at in missed if not _is_in_quote(window[:at]))
    cuts = sorted(ends)
    places: list[tuple[int, int]] = []
    for first, last in pairwise(cuts):
        # The last words before the stop tell; reading more would be slow where every stop is a false one.
        if places and _runs_on(paragraph[max(places[-1][0], first - 40) : first], paragraph[first : first + 40]):
            places[-1] = (places[-1][0], last)
        else:
            places.append((first, last))
    return places


def _is_in_quote(before: str) -> bool:
    return before.count('"') % 2 == 1 or before.count("“") > before.count("”")


def _windows(paragraph: str) -> Iterator[tuple[int, int]]:
    """The paragraph, as it nearly always is; a very long one in parts, each ended behind a sentence or a word."""
    start = 0
    while len(paragraph) - start > _MOST_AT_ONCE:
        middle, last = start + _MOST_AT_ONCE // 2, start + _MOST_AT_ONCE
        stop = max(paragraph.rfind(mark, middle, last) for mark in (". ", "? ", "! "))
        end = stop + 2 if stop >= 0 else paragraph.rfind(" ", middle, last) + 1 or last
        yield start, end
        start = end
    yield start, len(paragraph)


def _runs_on(before: str, after: str) -> bool:
    """The stop between the two ends no sentence."""
    after = after.lstrip()
    if not after or not before.strip():
        return True
    if after[0].islower() or after[0] in "”’»›)]}」』）】" or _QUOTED_END.search(before):
        return True
    if after[0].isdigit() and _BEFORE_NUMBER_END.search(before):
        return True
    if _BEHIND_HOUR.match(after) and _HOUR_END.search(before):
        return True
    return bool(_TITLE_END.search(before))
