"""Read an article into statements: its headline and first sentences, each with its words, names, numbers and days.

A reading depends on one article only, not on its story.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache

import msgspec

from bot.model.stories import Article, ArticleId, Fact
from bot.patterns import LazyPattern
from bot.stories.facts.turns import turns_in
from bot.text import dates, headlines, lexicon, names, numbers, sentences, tokens, words

#: Maximum sentences read per article, because later sentences are background and a huge page must not cost more.
READ = 16
#: Maximum readings in memory; each takes some kilobytes.
_CACHED = 2_000
#: The thing that a number counts is sought in this many characters on each side, within the clause.
BESIDE = 48
#: Maximum length of a dateline. It is removed first, because "Jan. 22" would be split into two sentences.
OPENING = 240
#: A first word like "CORRECTED-Acme sues Borel" or "Correction: …", and a last word like "… (corrected)".
_FIRST_WORD = LazyPattern(r"\W{0,4}([^\W\d_]+)(?:\s?[:|–—-]|[\])]|\W{0,4}$)")
_LAST_WORD = LazyPattern(r"[(\[]([^\W\d_]+)[)\]]\W{0,4}$")
_CORRECTS = LazyPattern(
    r"\b(?:earlier|previous|original) (?:version|report|article|story|headline|item)s?\b"
    r"(?: of this\b|.{0,80}\b(?:incorrect|wrong|mistaken|misstat|misspell|misidentif|erro))"
    r"|\bregrets? the (?:error|mistake)|\bwe (?:wrongly|incorrectly|mistakenly) (?:said|reported|stated|wrote|gave)\b",
    re.IGNORECASE,
)
_CLAUSE = LazyPattern(r"[,;:.]\s|\s[–—-]\s")


#: Fates of people. The fate nearest to a number determines the thing that the number counts.
FATES = frozenset({"=die", "=hurt", "=missing", "=arrest", "=rescue", "=evacuate", "=charge"})

#: Purposes of sums of money.
SUMS = frozenset({"=fine", "=pay", "=settle", "=ransom", "=sell", "=buy", "=stolen"})


class Figure(msgspec.Struct, frozen=True):
    """A number and the thing that it counts."""

    number: numbers.Number
    #: The thing that the number counts: a fate or purpose ("=die", "=fine"), else the number's unit, else the stem of
    #: the following noun; empty if uncertain.
    what: str
    #: The following noun as written: "companies".
    noun: str
    #: Whether the number is a part of, or an addition to, a whole ("more", "another", "of the").
    is_part: bool


class Statement(msgspec.Struct, frozen=True):
    """A headline (order 0) or a sentence."""

    text: str
    #: The normalised text, with number words as digits. The positions of numbers and days refer to this text.
    plain: str
    order: int
    #: Content words without numbers, in order: the meaning of each word if the lexicon has one, else its stem.
    words: tuple[str, ...]
    names: frozenset[str]
    figures: tuple[Figure, ...]
    days: tuple[dates.Day, ...]
    #: All words, including function words, without case and accents.
    folded: frozenset[str]
    #: Kinds of the turns of events that the statement reports.
    turns: tuple[str, ...]
    day: date
    language: str

    @property
    def content(self) -> frozenset[str]:
        """Return the content words as a set."""
        return frozenset(self.words)

    def has(self, table: str) -> bool:
        """Return whether the statement contains a word of this table of the lexicon."""
        words_of_table = lexicon.of(self.language).tables.get(table)
        return words_of_table is not None and any(map(words_of_table.get, self.folded))


class Reading(msgspec.Struct, frozen=True):
    """An article in the form that is compared with a story."""

    article: ArticleId
    outlet: str
    link: str
    at: datetime
    statements: tuple[Statement, ...]
    #: Whether the article corrects a report: "Correction: …", "An earlier version of this article said …".
    is_correction: bool = False

    def fact(self, kind: str, label: str, before: str | None, after: str, sentence: str, mark: str = "") -> Fact:
        """Return a fact that the article states in ``sentence``."""
        return Fact(
            kind=kind,
            label=label,
            before=before,
            after=after,
            sentence=sentence,
            mark=mark,
            article=self.article,
            outlet=self.outlet,
            link=self.link,
            stated_at=self.at,
        )


@lru_cache(maxsize=_CACHED)
def read(article: Article) -> Reading:
    """Return the reading of an article, with at most ``READ`` sentences."""
    language = lexicon.base(article.language)
    day = article.when.date()
    title = " ".join(article.title[: sentences.LONGEST].split())
    statements = [statement(title, 0, language, day, read_as=bare_headline(article))] if title else []
    # Truncate before splitting, so that a document of megabytes costs no more than an article.
    text = article.text[: READ * sentences.LONGEST]
    text = text[sentences.dateline_length(text[:OPENING]) :]
    for span in sentences.without_footer(sentences.split(text, article.language))[: 2 * READ]:
        own = span.text[sentences.dateline_length(span.text) :]
        if len(own) <= sentences.LONGEST and not sentences.is_boilerplate(own):
            statements.append(statement(" ".join(own.split()), len(statements) + (not title), language, day))
        if len(statements) > READ:
            break
    return Reading(
        article.id,
        article.outlet,
        article.link,
        article.when,
        tuple(statements),
        is_correction=_is_labelled("correction", article.title, language) or _CORRECTS.search(text) is not None,
    )


def bare_headline(article: Article) -> str:
    """Return the part of the headline that is read: without the outlet and labels such as "LIVE"."""
    title = " ".join(article.title[: sentences.LONGEST].split())
    return headlines.bare_title(headlines.without_outlet(title, outlet=article.outlet, link=article.link))


def _is_labelled(table: str, text: str, language: str) -> bool:
    """Return whether the first or last word is a label of the table: "CORRECTED: …", "Acme sues Borel (correction)"."""
    labels = _FIRST_WORD.match(text), _LAST_WORD.search(text)
    return any(label is not None and lexicon.of(language).has(table, words.fold_word(label[1])) for label in labels)


def statement(shown: str, order: int, language: str, day: date, *, read_as: str | None = None) -> Statement:
    """Return the statement of a sentence. ``read_as`` is the part of the sentence to read, or None for all of it."""
    in_words = lexicon.joined(language, tokens.normalise(shown if read_as is None else read_as))
    plain = numbers.in_digits(in_words, language)
    days = dates.days(plain, day, language)
    spans = [(mention.start, mention.end) for mention in days]
    counts = [number for number in numbers.numbers(plain, language) if not any(a <= number.start < b for a, b in spans)]
    # Days and numbers are compared as values, not as words.
    bare = _without(plain, spans + [(number.start, number.end) for number in counts])
    found_words = list(words.words_of(bare))
    return Statement(
        text=shown,
        plain=plain,
        order=order,
        words=tuple(_content(found_words, language)),
        names=names.names(found_words, language),
        figures=tuple(_figure(number, bare, language) for number in counts),
        days=days,
        folded=frozenset(words.fold_word(token.text) for token in found_words),
        turns=turns_in(in_words, language),
        day=day,
        language=language,
    )


def _without(plain: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return the text with blanks in place of the spans, so that other positions do not change."""
    for start, end in spans:
        plain = plain[:start] + " " * (end - start) + plain[end:]
    return plain


def _figure(number: numbers.Number, bare: str, language: str) -> Figure:
    following = list(words.words_of(_CLAUSE.split(bare[number.end : number.end + BESIDE], maxsplit=1)[0]))
    preceding = list(words.words_of(_CLAUSE.split(bare[max(0, number.start - BESIDE) : number.start])[-1]))
    table = lexicon.of(language)
    noun = next((token for token in following[:3] if not lexicon.is_small(language, words.fold_word(token.text))), None)
    fates = [
        meaning
        for token in (*following[:5], *preceding[:-9:-1])
        for meaning in lexicon.meanings(language, words.fold_word(token.text))
        if meaning in (SUMS if number.unit else FATES)
    ]
    # "12 of the 30" is a part, "data of 30 customers" is not.
    beside = following[:2] + [token for token in preceding[-1:] if token.text != "of"]
    is_part = any(table.has("part", words.fold_word(token.text)) for token in beside)
    # An age or a time does not count people.
    is_time = noun is not None and any(table.has(kind, words.fold_word(noun.text)) for kind in ("age", "time"))
    what = "" if is_time else next(iter(fates), number.unit or (noun.stem if noun else ""))
    return Figure(number, what, _called(noun, following, language) if noun else "", is_part)


def _called(noun: words.StemmedWord, following_words: Sequence[words.StemmedWord], language: str) -> str:
    """Return the noun, with its compound if there is one: "emergency calls" in "11,400 emergency calls failed"."""
    following = next((word.text for word in following_words[following_words.index(noun) + 1 :]), "")
    is_verb = lexicon.meanings(language, words.fold_word(noun.text)) and not noun.text.endswith("ed")
    is_pair = noun.text.islower() and not noun.text.endswith("s") and following.islower() and following.endswith("s")
    return (
        f"{noun.text} {following}"
        if is_pair and not is_verb and not lexicon.is_small(language, following)
        else noun.text
    )


def _content(tokens: Sequence[words.StemmedWord], language: str) -> list[str]:
    content: list[str] = []
    for token in tokens:
        folded = words.fold_word(token.text)
        if not lexicon.is_small(language, folded) and not folded[0].isdigit():
            content.extend(lexicon.meanings(language, folded) or (token.stem,))
    return content
