"""What grouping keeps of an article: weighted words, names, what happened, figures, days and a sketch of its text.

Knows nothing of other articles; two articles are compared in evidence.py.
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

from bot import model
from bot.stories import copies
from bot.text import dates, lexicon, sentences, titles, tokens, words
from bot.text.names import background_table

#: The lead: what the text says first. News puts who, what and where there (800 and 3000 measured no better).
LEAD_CHARS = 1500
#: The head: the title and the first sentence (so many words of it), where the event itself is; background and other
#: events come later.
HEAD_WORDS, SENTENCE_WORDS = 35, 8
#: The first sentences, which are read for the days that they name.
DAYS_CHARS = 700
#: The title with this much of the text tells the language, and is what an encoder compares.
BEGINNING_CHARS = 300
#: The weight of a title word beside its count in the lead.
TITLE_WEIGHT = 3.0
#: Words that every sixth item holds say nothing of an event.
STOP_RATE = 0.15
#: A word with at least this likelihood of being a name counts as one.
NAME = 0.5
#: The same likelihood of an unknown capitalised word whose place tells nothing. The habit is that of English news: in
#: another language nearly every word that opens a sentence is unknown ("Suben a tres los muertos").
UNKNOWN_NAME = 0.8
#: ISLAMABAD, June 9 (Agency) - …: the agency is no name of the event.
_DATELINE = re.compile(r"\A([^\n()]{0,60})\([^()\n]{2,40}\)\s*[-–—]+\s*")
#: "…, Gazette reports" behind a headline: who reports an event is no part of it.
_ATTRIBUTION = re.compile(
    r"(?<=\w)[,:–—-]\s+(?:according to\s+[^,:;]{2,40}"
    r"|(?:[A-Z][\w.&'’-]*\s+){0,4}[A-Z][\w.&'’-]*\s+(?:reports?|reported|reporting|writes))\W*\Z"
)
#: In German every noun has a capital.
_GERMAN = frozenset("der die das und ist nicht ein eine mit von für im den dem auf wegen nach".split())
#: The habit of capitals was counted in this language; a text of unknown language is read as it too.
_COUNTED = "en"
#: The languages whose names of months and days are known; a name of so few letters is another word elsewhere.
LANGUAGES, SHORT = ("nl", "pt", "it", "es", "fr", "de", "en"), 3
#: They say that an event is one more of its kind.
_ANOTHER = frozenset(
    "again another also second third fourth fifth separately separate similar rival"
    " weer opnieuw tweede ook erneut wieder zweite zweiter zweites auch otro otra nuevo nueva también segundo segunda"
    " encore autre deuxième nouveau nouvelle aussi outro outra novo nova também yeni ikinci".split()
)
#: A title that heads an explanation, a comment or a feature about an event.
_COMMENT = re.compile(
    r"^\W*(?:who|what|how|why|where|when|can|could|should|will|is|are|inside|meet|opinion|comment|analysis|editorial"
    r"|column|letters?|explainer|timeline|profile|quiz|podcast|video|watch|photos?|in pictures)\b|\?\s*$"
    r"|\bexplain(?:s|ed|er)\b|\bwhat we know\b|\btimeline\b",
    re.IGNORECASE,
)
_COMMENT_TEXT = re.compile(r"\A\W*(?:opinion|comment|analysis|editorial)\b\W", re.IGNORECASE)
#: "CORRECTED-…", "Correction: …", "Clarification" at the beginning of a title or text.
_CORRECTION = re.compile(
    r"\A\W*(?:correct(?:ion|ed)|clarif(?:ication|ied)|erratum|korrektur|berichtigung|correcti[oe]n?|rectificati(?:f|on)"
    r"|correcci[oó]n|rectificaci[oó]n|fe de erratas|corre[cç][aã]o|correzione)\b(?:\s*\(?\w+\)?)?\s*(?:[:–—-]|\Z)\s*",
    re.IGNORECASE,
)
#: Numbers in one form: 20 mln, £20m and 20 million are one figure, 14,000 and 14.000 too.
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
_THOUSANDS = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*$")
#: Years say nothing of an event; days of a month, hours and small counts are in every text.
YEARS, SMALL = range(1980, 2040), 31


class Meaning:
    """The text that an encoder compares; its vector is set when first needed."""

    def __init__(self, text: str, language: str) -> None:
        self.text = text
        self.language = language
        self.vector: array[float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One article as grouping sees it; words are stems."""

    id: model.ArticleId
    when: datetime
    seen: datetime
    outlet: str
    link: str
    #: The rules that matched, each with the words that it matched on.
    rules: Mapping[str, frozenset[str]]
    #: The rules that matched, each with the number of its lines that did.
    lines: Mapping[str, int]
    #: Word -> weight before any rarity: dampened count, title words more.
    weights: Mapping[str, float]
    #: Words of the title, and of the title and the first sentence.
    title: frozenset[str]
    head: frozenset[str]
    #: Words of the head that may say what happened: not names, figures, days or small words.
    deeds: frozenset[str]
    #: The first two words of the title: the items of an outlet's series begin alike.
    opening: tuple[str, ...]
    #: Name -> as written.
    names: Mapping[str, str]
    #: Figures that may be of an event.
    figures: frozenset[str]
    #: Days of the calendar that title and first sentences name.
    days: frozenset[date]
    #: What the title says happened, whatever the word or the language: "=die".
    meanings: frozenset[str]
    #: Empty if unknown.
    language: str
    #: Words of title and lead.
    length: int
    sketch: copies.Sketch
    #: The title heads an explanation or a comment.
    is_comment: bool
    #: Title or text begin as a correction of an earlier report does.
    is_correction: bool
    #: Title and lead's beginning say "another", "again": 2 for the title, 1 for the lead.
    another: int
    #: None: no encoder is configured.
    meaning: Meaning | None = None


def profile_of(article: model.Article, matches: Iterable[model.Match] = ()) -> Profile:
    """Return the profile of an article."""
    matches = tuple(matches)
    headline = _ATTRIBUTION.sub("", titles.without_outlet(article.title, outlet=article.outlet, link=article.link))
    headline = _CORRECTION.sub("", headline) or headline
    title = _words(titles.bare_title(headline))
    text = _DATELINE.sub(r"\1. ", article.text[:LEAD_CHARS], count=1)
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
    figures = frozenset(word for word in weights if word[0].isdigit() and _is_figure(word))
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
        figures=figures,
        days=_days(article, language),
        meanings=frozenset(
            meaning for token in title for meaning in lexicon.meanings(language, words.fold(token.text))
        ),
        language=known_language,
        length=len(title) + len(lead),
        sketch=copies.sketch(title_stems, stems, names, figures),
        is_comment=_COMMENT.search(headline) is not None or _COMMENT_TEXT.match(article.text) is not None,
        is_correction=_CORRECTION.match(article.title) is not None or _CORRECTION.match(article.text) is not None,
        another=2 if _says_another(title) else int(_says_another(first)),
    )


def beginning(article: model.Article) -> str:
    """Return the title and what the text says first."""
    return ". ".join(filter(None, (article.title, article.text[:BEGINNING_CHARS])))


@cache
def _stops() -> frozenset[str]:
    return frozenset(word for word, rate in background_table().rates.items() if rate >= STOP_RATE)


def _first_sentence(lead: Sequence[words.Word]) -> Sequence[words.Word]:
    for at, token in enumerate(lead[:HEAD_WORDS]):
        if token.opens and at >= SENTENCE_WORDS:
            return lead[:at]
    return lead[:HEAD_WORDS]


def _days(article: model.Article, language: str) -> frozenset[date]:
    plain = tokens.normalise(f"{article.title}. {article.text[:DAYS_CHARS]}")
    return frozenset(day.begins() for day in dates.days(plain, article.when.date(), language) if day.day)


def _says_another(tokens: Iterable[words.Word]) -> bool:
    return any(token.text.casefold() in _ANOTHER for token in tokens)


def _may_be_deed(word: str, language: str) -> bool:
    return not (word[0].isdigit() or "'" in word or word in _calendar() or lexicon.is_small(language, word))


def _words(text: str) -> list[words.Word]:
    return list(_with_scales(list(words.words_of(text))))


def _with_scales(written: Sequence[words.Word]) -> Iterator[words.Word]:
    """Yield the words, each number with its scale as one word whose stem is its value."""
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
    """Return the number as written: 14,000, 14.000, 3.5 or 3,5."""
    if _THOUSANDS.match(text):
        return float(re.sub("[.,]", "", text))
    whole, _, part = text.replace(",", ".").rpartition(".")
    try:
        return float(f"{whole.replace('.', '')}.{part}" if whole else part)
    except ValueError:  # digits of other kinds: ①
        return 0.0


def _is_figure(stem: str) -> bool:
    number = float(stem)
    return number > SMALL and number not in YEARS


def _names(language: str, *texts: Sequence[words.Word]) -> dict[str, str]:
    """Return the words that are names, by their capitals inside sentences, or by how news writes them."""
    every = [token for tokens in texts for token in tokens]
    if sum(map(_GERMAN.__contains__, [token.text for token in every])) * 12 > len(every):
        return {}
    # A capital inside a sentence marks a name, unless nearly every word has one.
    cased = [token for tokens in texts if not words.is_headline_case(tokens) for token in tokens if not token.opens]
    told, capital = (
        Counter([token.stem for token in cased]),
        Counter([token.stem for token in cased if token.is_capital]),
    )
    habit = background_table().capitals
    written: dict[str, str] = {}
    for token in every:
        if token.is_capital and token.stem not in written and not token.stem[0].isdigit():
            written[token.stem] = words.without_possessive(token.text)
    names: dict[str, str] = {}
    unknown = UNKNOWN_NAME if language == _COUNTED else 0.0
    for word, text in written.items():
        if word in told:
            sure = (capital[word] + habit.get(word, 1.0)) / (told[word] + 1) if capital[word] else 0.0
        elif word in habit:
            sure = habit[word]
        else:
            sure = unknown
        if sure >= NAME and word not in _calendar():
            names[word] = text
    return names


@cache
def _calendar() -> frozenset[str]:
    """Weekdays and months wear a capital and name no event."""
    names = [name for language in LANGUAGES for table in (dates.months, dates.weekdays) for name in table(language)]
    # "set", September in Portuguese, is a word elsewhere.
    return frozenset(words.stem(name) for name in names if len(name) > SHORT or name in dates.months("en"))
