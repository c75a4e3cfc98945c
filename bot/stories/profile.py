"""Build an article's profile for grouping: weighted words, names, deeds, figures, days and a sketch of its text.

A profile depends on one article only; evidence.py compares profiles.
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import filterfalse

from bot.model.rules import Match
from bot.model.stories import Article, ArticleId
from bot.stories import copies
from bot.text import dates, lexicon, sentences, titles, tokens, words
from bot.text.names import background_table, place_words

#: Length of the lead: the beginning of the text, where news says who, what and where. Tests with 800 and 3000 gave no
#: better results.
LEAD_CHARS = 1500
#: The head is the title and the first sentence, which has SENTENCE_WORDS to HEAD_WORDS words. The head describes the
#: event itself; background and other events come later in the text.
HEAD_WORDS, SENTENCE_WORDS = 35, 8
#: The text is searched for days in its first DAYS_CHARS characters, and for a dateline in its first DATELINE_CHARS.
DAYS_CHARS, DATELINE_CHARS = 700, 200
#: The title and this many characters of the text are used to detect the language and to compare meanings.
BEGINNING_CHARS = 300
#: The weight that a word of the title has in addition to its weight in the lead.
TITLE_WEIGHT = 3.0
#: A word that is in at least this share of all articles says nothing about an event.
STOP_RATE = 0.15
#: Minimum likelihood, 0 to 1, for a word to count as a name.
NAME = 0.5
#: The likelihood that a capitalised word is a name if the background lacks it and its position gives no clue. Only for
#: English: in other languages, the background lacks nearly every word ("Suben a tres los muertos").
UNKNOWN_NAME = 0.8
#: A dateline such as "ISLAMABAD, June 9 (Agency) - …". The agency has no part in the event.
_DATELINE = re.compile(r"\A([^\n()]{0,60})\([^()\n]{2,40}\)\s*[-–—]+\s*")
#: The end of a headline such as "…, Gazette reports". The outlet has no part in the event.
_ATTRIBUTION = re.compile(
    r"(?<=\w)[,:–—-]\s+(?:according to\s+[^,:;]{2,40}"
    r"|(?:[A-Z][\w.&'’-]*\s+){0,4}[A-Z][\w.&'’-]*\s+(?:reports?|reported|reporting|writes))\W*\Z"
)
#: Function words that identify German, in which capitals do not mark names, because every noun has one.
_GERMAN = frozenset("der die das und ist nicht ein eine mit von für im den dem auf wegen nach".split())
#: The language in which the background counted capitals. It is also assumed for a text in an unknown language.
_COUNTED = "en"
#: The languages whose months and weekdays are not names. Of those with at most SHORT letters, only English months
#: count, because others are also common words: "set" is September in Portuguese.
LANGUAGES, SHORT = ("nl", "pt", "it", "es", "fr", "de", "en"), 3
#: Words that mark an event as another of its kind.
_ANOTHER = frozenset(
    "again another also second third fourth fifth separately separate similar rival"
    " weer opnieuw tweede ook erneut wieder zweite zweiter zweites auch otro otra nuevo nueva también segundo segunda"
    " encore autre deuxième nouveau nouvelle aussi outro outra novo nova também yeni ikinci".split()
)
#: "CORRECTED-…", "Correction: …", "Clarification" at the beginning of a title or text.
_CORRECTION = re.compile(
    r"\A\W*(?:correct(?:ion|ed)|clarif(?:ication|ied)|erratum|korrektur|berichtigung|correcti[oe]n?|rectificati(?:f|on)"
    r"|correcci[oó]n|rectificaci[oó]n|fe de erratas|corre[cç][aã]o|correzione)\b(?:\s*\(?\w+\)?)?\s*(?:[:–—-]|\Z)\s*",
    re.IGNORECASE,
)
#: Scale words: 20 mln, £20m and 20 million are one figure.
_SCALES = {
    word: scale
    for scale, written in (
        (1e3, "k thousand tausend mille mil bin duizend हजार"),
        (1e5, "lakh लाख"),
        (1e6, "m mn mln mio million millionen millone millón milhõe milhão milioni miljoen milyon ملین مليون миллион"),
        (1e7, "crore करोड़"),
        (1e9, "b bn billion mrd milliard milliarde milliarden miljard milyar mld ارب مليار миллиард"),
    )
    for word in written.split()
}
#: A number with separators of thousands: 14,000 and 14.000 are one figure.
_THOUSANDS = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*$")
#: Numbers that do not describe an event: years, and numbers up to SMALL (days of a month, hours, small counts), which
#: are in every text.
YEARS, SMALL = range(1980, 2040), 31


class Meaning:
    """A text that an encoder compares, and its vector, which is computed when first needed."""

    def __init__(self, text: str, language: str) -> None:
        self.text = text
        self.language = language
        self.vector: array[float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An article in the form that grouping compares; words are stems."""

    id: ArticleId
    when: datetime
    seen: datetime
    outlet: str
    link: str
    #: The rules that matched, each with its matched words.
    rules: Mapping[str, frozenset[str]]
    #: The rules that matched, each with the number of its matching lines.
    lines: Mapping[str, int]
    #: Word -> weight without rarity: 1 + log(count in the lead), and TITLE_WEIGHT in addition if the title has the
    #: word.
    weights: Mapping[str, float]
    title: frozenset[str]
    #: Words of the title and the first sentence.
    head: frozenset[str]
    #: Words of the head that may describe what happened: not names, figures, days or small words.
    deeds: frozenset[str]
    #: The first two words of the title, which are the same in all articles of an outlet's series.
    opening: tuple[str, ...]
    #: Name -> its spelling in the article.
    names: Mapping[str, str]
    #: The names that this text puts in a dateline or after "in".
    places: frozenset[str]
    #: Figures that may describe an event.
    figures: frozenset[str]
    #: Calendar days in the title and the first sentences.
    days: frozenset[date]
    #: Language of the article; empty if unknown.
    language: str
    #: Number of words in title and lead.
    length: int
    sketch: copies.Sketch
    #: Whether the title or the text begins with a correction mark.
    is_correction: bool
    #: 2 if the title contains a word like "another" or "again", 1 if only the first sentence does, else 0.
    another: int
    #: None if no encoder is configured.
    meaning: Meaning | None = None


def profile_of(article: Article, matches: Iterable[Match] = ()) -> Profile:
    """Return the profile of an article."""
    matches = tuple(matches)
    headline = _ATTRIBUTION.sub("", titles.without_outlet(article.title, outlet=article.outlet, link=article.link))
    headline = _CORRECTION.sub("", headline) or headline
    title = _words(titles.bare_title(headline))
    text = _DATELINE.sub(r"\1. ", article.text[:LEAD_CHARS], count=1)
    dateline = {
        token.stem for token in words.words_of(article.text[: sentences.dateline_length(article.text[:DATELINE_CHARS])])
    }
    lead = _words(sentences.own_words(text, article.language))
    title_stems, stems = [token.stem for token in title], [token.stem for token in lead]
    counts = Counter(filterfalse(_stops().__contains__, stems))
    weights = {word: 1.0 + math.log(count) for word, count in counts.items()}
    of_title = frozenset(filterfalse(_stops().__contains__, title_stems))
    for word in of_title:
        weights[word] = weights.get(word, 0.0) + TITLE_WEIGHT
    known_language = lexicon.language_of(beginning(article), article.language)
    first, language = _first_sentence(lead), known_language or _COUNTED
    names = {word: written for word, written in _names(language, title, lead).items() if word in weights}
    head = of_title | {token.stem for token in first if token.stem in weights}
    plain = tokens.normalise(f"{article.title}. {article.text[:DAYS_CHARS]}")
    figures = frozenset(
        word for word in weights if word[0].isdigit() and (number := float(word)) > SMALL and number not in YEARS
    )
    return Profile(
        id=article.id,
        when=article.when,
        seen=article.first_seen,
        outlet=article.outlet,
        link=article.link,
        rules={
            match.rule: frozenset(
                token.stem
                for text in {place.text for place in match.evidence}
                for token in words.words_of(text)
                if token.stem in weights
            )
            for match in matches
        },
        lines={match.rule: len({place.label for place in match.evidence}) for match in matches},
        weights=weights,
        title=of_title,
        head=head,
        deeds=frozenset(word for word in head if word not in names and _may_be_deed(word, language)),
        opening=tuple(title_stems[:2]),
        names=names,
        places=(place_words(f"{headline}. {article.text[:LEAD_CHARS]}", language) | dateline) & names.keys(),
        figures=figures,
        days=frozenset(day.begins() for day in dates.days(plain, article.when.date(), language) if day.day),
        language=known_language,
        length=len(title) + len(lead),
        sketch=copies.sketch(title_stems, stems, names, figures),
        is_correction=_CORRECTION.match(article.title) is not None or _CORRECTION.match(article.text) is not None,
        another=2 if _says_another(title) else int(_says_another(first)),
    )


def beginning(article: Article) -> str:
    """Return the title and the first BEGINNING_CHARS characters of the text."""
    return ". ".join(filter(None, (article.title, article.text[:BEGINNING_CHARS])))


@cache
def _stops() -> frozenset[str]:
    return frozenset(word for word, rate in background_table().rates.items() if rate >= STOP_RATE)


def _first_sentence(lead: Sequence[words.Word]) -> Sequence[words.Word]:
    for at, token in enumerate(lead[:HEAD_WORDS]):
        if token.opens and at >= SENTENCE_WORDS:
            return lead[:at]
    return lead[:HEAD_WORDS]


def _says_another(tokens: Iterable[words.Word]) -> bool:
    return any(token.text.casefold() in _ANOTHER for token in tokens)


def _may_be_deed(word: str, language: str) -> bool:
    if word[0].isdigit() or "'" in word or word in _calendar():
        return False
    is_currency = lexicon.of(language).has("money", word) and not lexicon.meanings(language, word)
    return not (is_currency or lexicon.is_small(language, word))


def _words(text: str) -> list[words.Word]:
    return list(_with_scales(list(words.words_of(text))))


def _with_scales(written: Sequence[words.Word]) -> Iterator[words.Word]:
    """Yield the words; a number and its scale word become one word, whose stem is the value."""
    skip = False
    for at, token in enumerate(written):
        if skip:
            skip = False
        elif not token.stem[0].isdigit():
            yield token
        else:
            scale = _SCALES.get(written[at + 1].stem.rstrip("."), 1.0) if at + 1 < len(written) else 1.0
            skip = scale > 1
            yield token._replace(stem=f"{_value(token.text) * scale:.12g}")


def _value(text: str) -> float:
    """Return the value of a number written like 14,000, 14.000, 3.5 or 3,5."""
    if _THOUSANDS.match(text):
        return float(re.sub("[.,]", "", text))
    whole, _, part = text.replace(",", ".").rpartition(".")
    try:
        return float(f"{whole.replace('.', '')}.{part}" if whole else part)
    except ValueError:  # float() rejects digits such as ①.
        return 0.0


def _names(language: str, *texts: Sequence[words.Word]) -> dict[str, str]:
    """Return name -> spelling, judged by capitals inside sentences or else by the word's usual case; none in German."""
    every = [token for tokens in texts for token in tokens]
    if sum(map(_GERMAN.__contains__, [token.text for token in every])) * 12 > len(every):
        return {}
    # A capital inside a sentence marks a name, unless nearly every word has one.
    cased = [token for tokens in texts if not words.is_headline_case(tokens) for token in tokens if not token.opens]
    counts = Counter([token.stem for token in cased])
    capitalised = Counter([token.stem for token in cased if token.is_capital])
    habit = background_table().capitals
    written: dict[str, str] = {}
    for token in every:
        if token.is_capital and token.stem not in written and not token.stem[0].isdigit():
            written[token.stem] = words.without_possessive(token.text)
    names: dict[str, str] = {}
    unknown = UNKNOWN_NAME if language == _COUNTED else 0.0
    for word, text in written.items():
        if word in counts:
            likelihood = (capitalised[word] + habit.get(word, 1.0)) / (counts[word] + 1) if capitalised[word] else 0.0
        elif word in habit:
            likelihood = habit[word]
        else:
            likelihood = unknown
        if likelihood >= NAME and word not in _calendar():
            names[word] = text
    return names


@cache
def _calendar() -> frozenset[str]:
    """Return weekdays and months, which have a capital in some languages but are not names."""
    names = [name for language in LANGUAGES for table in (dates.months, dates.weekdays) for name in table(language)]
    return frozenset(words.stem(name) for name in names if len(name) > SHORT or name in dates.months("en"))
