"""An article as statements: its headline and first sentences, each with its words, names, numbers and days.

Reads one article; knows no story.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot import model
from bot.stories.facts.turns import turns_in
from bot.text import dates, lexicon, names, numbers, sentences, titles, tokens, words
from bot.text.titles import is_live_page

#: Sentences read of one article; what is further down is background, and a page of thousands must cost no more.
READ = 24
#: Characters on each side of a number in which is what it counts; a clause's end is its end.
BESIDE = 48
#: Characters in which a dateline ends, which the splitting would break at "Jan. 22".
_OPENING = 240
#: "CORRECTED-Acme sues Borel", "Correction: …", "Correction"; and behind a headline: "… (corrected)".
_FIRST_WORD = re.compile(r"\W{0,4}([^\W\d_]+)(?:\s?[:|–—-]|[\])]|\W{0,4}$)")
_LAST_WORD = re.compile(r"[(\[]([^\W\d_]+)[)\]]\W{0,4}$")
_CORRECTS = re.compile(
    r"\b(?:earlier|previous|original) (?:version|report|article|story|headline|item)s?\b"
    r"(?: of this\b|.{0,80}\b(?:incorrect|wrong|mistaken|misstat|misspell|misidentif|erro))"
    r"|\bregrets? the (?:error|mistake)|\bwe (?:wrongly|incorrectly|mistakenly) (?:said|reported|stated|wrote|gave)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:.]\s|\s[–—-]\s")


#: What may befall people: which of them a number counts is told by the nearest.
FATES = frozenset({"=die", "=hurt", "=missing", "=arrest", "=rescue", "=evacuate", "=charge"})

#: What money is for.
SUMS = frozenset({"=fine", "=pay", "=settle", "=ransom", "=sell", "=buy", "=stolen"})


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with the words of content that are near it: what it may count."""

    number: numbers.Number
    beside: frozenset[str]
    #: What it counts, as far as that is sure: a fate ("=die") or the stem of the noun behind it; else nothing.
    what: str
    #: That noun as written: "companies".
    noun: str
    #: "more", "another", "of the": a part of the whole number, or what is added to it.
    is_part: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """A headline (order 0) or a sentence."""

    text: str
    #: Normalised, number words in digits: what the places of numbers and days refer to.
    plain: str
    order: int
    #: Words of content in order: their meaning where the lexicon has one, else their stem; numbers left out.
    words: tuple[str, ...]
    names: frozenset[str]
    figures: tuple[Figure, ...]
    days: tuple[dates.Day, ...]
    #: Folded words, small ones too.
    folded: frozenset[str]
    #: Kinds of the turns of events that it reports.
    turns: tuple[str, ...]
    day: date
    language: str

    @property
    def content(self) -> frozenset[str]:
        """The words that carry meaning, each once."""
        return frozenset(self.words)

    def has(self, table: str) -> bool:
        """Any word of a table of the language is in it."""
        known = lexicon.of(self.language).tables.get(table)
        return known is not None and any(map(known.get, self.folded))


@dataclass(frozen=True, slots=True)
class Reading:
    """An article as it is compared with a story."""

    article: model.ArticleId
    outlet: str
    link: str
    at: datetime
    language: str
    fingerprint: str
    statements: tuple[Statement, ...]
    #: It corrects a report: "Correction: …", "An earlier version of this article said …".
    is_correction: bool = False
    #: A live page, which is about several events.
    is_live: bool = False

    @property
    def title(self) -> Statement | None:
        """The headline; None: the article has none."""
        return self.statements[0] if self.statements and self.statements[0].order == 0 else None

    @property
    def body(self) -> tuple[Statement, ...]:
        """The statements of the text."""
        return self.statements[1:] if self.title else self.statements


def read(article: model.Article) -> Reading:
    """Return the statements of an article, at most ``READ`` sentences, whatever its length."""
    language = lexicon.base(article.language)
    day = article.when.date()
    found: list[Statement] = []
    title = " ".join(article.title[: sentences.LONGEST].split())
    if title:
        bare = titles.without_outlet(title, outlet=article.outlet, link=article.link)
        found.append(statement(title, 0, language, day, read_as=titles.bare_title(bare)))
    # Cut before it is split, so that a document of megabytes costs as an article does.
    text = article.text[: READ * sentences.LONGEST]
    text = text[sentences.dateline_length(text[:_OPENING]) :]
    for span in sentences.without_footer(sentences.split(text, article.language))[: 2 * READ]:
        own = span.text[sentences.dateline_length(span.text) :]
        if len(own) <= sentences.LONGEST and not sentences.is_boilerplate(own):
            found.append(statement(" ".join(own.split()), len(found) + (not title), language, day))
        if len(found) > READ:
            break
    return Reading(
        article.id,
        article.outlet,
        article.link,
        article.when,
        language,
        article.fingerprint,
        tuple(found),
        is_correction=_is_titled_correction(article.title, language) or _CORRECTS.search(text) is not None,
        is_live=is_live_page(article),
    )


def _is_titled_correction(title: str, language: str) -> bool:
    """Whether the headline is marked as a correction: "CORRECTED: …", "Correction", "Acme sues Borel (correction)"."""
    first, last = _FIRST_WORD.match(title), _LAST_WORD.search(title)
    known = lexicon.of(language)
    return any(mark is not None and known.has("correction", words.fold(mark[1])) for mark in (first, last))


def statement(shown: str, order: int, language: str, day: date, *, read_as: str | None = None) -> Statement:
    """One sentence read; ``read_as``: what of it is read, where that is less than all."""
    normal = lexicon.joined(language, tokens.normalise(shown if read_as is None else read_as))
    plain = numbers.in_digits(normal, language)
    days = dates.days(plain, day, language)
    spans = [(each.start, each.end) for each in days]
    figures = [each for each in numbers.numbers(plain, language) if not any(a <= each.start < b for a, b in spans)]
    # Days and numbers are compared as such, and are no words.
    bare = _without(plain, spans + [(each.start, each.end) for each in figures])
    found = list(words.words_of(bare))
    return Statement(
        text=shown,
        plain=plain,
        order=order,
        words=tuple(_content(found, language)),
        names=names.names(found, language),
        figures=tuple(_figure(each, bare, language) for each in figures),
        days=days,
        folded=frozenset(words.fold(token.text) for token in found),
        turns=turns_in(plain, language),
        day=day,
        language=language,
    )


def _without(plain: str, spans: Sequence[tuple[int, int]]) -> str:
    """Blanks in the place of the spans, so that the other places stay."""
    for start, end in spans:
        plain = plain[:start] + " " * (end - start) + plain[end:]
    return plain


def _figure(number: numbers.Number, bare: str, language: str) -> Figure:
    behind = list(words.words_of(_CLAUSE.split(bare[number.end : number.end + BESIDE], maxsplit=1)[0]))
    before = list(words.words_of(_CLAUSE.split(bare[max(0, number.start - BESIDE) : number.start])[-1]))
    table = lexicon.of(language)
    noun = next((token for token in behind[:3] if not lexicon.is_small(language, words.fold(token.text))), None)
    fates = [
        meaning
        for token in (*behind[:5], *before[:-9:-1])
        for meaning in lexicon.meanings(language, words.fold(token.text))
        if meaning in (SUMS if number.unit else FATES)
    ]
    # "12 of the 30" is a part, "data of 30 customers" is not.
    beside = behind[:2] + [token for token in before[-1:] if token.text != "of"]
    is_part = any(table.has("part", words.fold(token.text)) for token in beside)
    # An age or a time counts nobody.
    is_time = noun is not None and any(table.has(each, words.fold(noun.text)) for each in ("age", "time"))
    what = "" if is_time else next(iter(fates), number.unit or (noun.stem if noun else ""))
    near = frozenset((*_content(before[-4:], language), *_content(behind[:4], language)))
    return Figure(number, near, what, _called(noun, behind, language) if noun else "", is_part)


def _called(noun: words.Word, behind: Sequence[words.Word], language: str) -> str:
    """The noun with the one that it goes with: "emergency calls" of "11,400 emergency calls failed"."""
    following = next((each.text for each in behind[behind.index(noun) + 1 :]), "")
    is_verb = lexicon.meanings(language, words.fold(noun.text)) and not noun.text.endswith("ed")
    is_pair = noun.text.islower() and not noun.text.endswith("s") and following.islower() and following.endswith("s")
    return (
        f"{noun.text} {following}"
        if is_pair and not is_verb and not lexicon.is_small(language, following)
        else noun.text
    )


def _content(tokens: Sequence[words.Word], language: str) -> list[str]:
    found: list[str] = []
    for token in tokens:
        folded = words.fold(token.text)
        if not lexicon.is_small(language, folded) and not folded[0].isdigit():
            found.extend(lexicon.meanings(language, folded) or (token.stem,))
    return found
