"""Read an article as grouping compares it: its words, names and marks, and a sketch of its text.

A profile depends on one article only; grouping.py compares profiles.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import islice

import msgspec

from bot.model.archive import Arrival
from bot.model.encoders import Vector
from bot.model.stories import Article, ArticleId
from bot.patterns import LazyPattern
from bot.stories import copies, likeness
from bot.text import dates, forms, headlines, lexicon, sentences, words
from bot.text.names import background_table

#: Length of the lead: the beginning of the text, which is searched for names and figures, and for copies.
LEAD_CHARS = 1500
#: The words of the title count TITLE_COUNT times, and of the text only the first BODY_WORDS words that are not empty:
#: the beginning describes the event; background and other events come later.
TITLE_COUNT, BODY_WORDS = 3, 60
#: The title and this many characters of the text are used to detect the language, and encoded.
BEGINNING_CHARS = 260
#: Minimum likelihood, 0 to 1, for a word to count as a name.
NAME = 0.5
#: The likelihood that a capitalised word is a name if the background lacks it and its position gives no clue. Only for
#: English: in other languages, the background lacks nearly every word ("Suben a tres los muertos").
UNKNOWN_NAME = 0.8
#: A dateline such as "ISLAMABAD, June 9 (Agency) - …". The agency has no part in the event.
_DATELINE = LazyPattern(r"\A([^\n()]{0,60})\([^()\n]{2,40}\)\s*[-–—]+\s*")
#: The end of a headline such as "…, Gazette reports". The outlet has no part in the event.
_ATTRIBUTION = LazyPattern(
    r"(?<=\w)[,:–—-]\s+(?:according to\s+[^,:;]{2,40}"
    r"|(?:[A-Z][\w.&'’-]*\s+){0,4}[A-Z][\w.&'’-]*\s+(?:reports?|reported|reporting|writes))\W*\Z"
)
#: The name of a programme, in front of a headline or behind it. It returns every day.
_FORMS = "podcast|live ?stream|replay|episode|programme|newscast"
_PROGRAMME = LazyPattern(
    rf"\A(?:[^:|–—]{{0,40}}\b(?:{_FORMS})\b[^:|–—]{{0,20}}[:|–—]\s*){{1,2}}"
    rf"|\s+[|–—]\s[^:|–—]{{0,40}}\b(?:{_FORMS})\b[^:|–—]{{0,20}}\Z",
    re.IGNORECASE,
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
#: A date in full, and a mark such as "[HD]": they name an issue of a programme, not an event.
_ISSUE = LazyPattern(
    rf"\b{_MONTH}\.? \d{{1,2}},? (?:19|20)\d\d\b"
    rf"|\b\d{{1,2}} {_MONTH},? (?:19|20)\d\d\b|\[[A-Z0-9]{{1,4}}\]",
    re.IGNORECASE,
)
#: Function words that identify German, in which capitals do not mark names, because every noun has one.
_GERMAN = frozenset("der die das und ist nicht ein eine mit von für im den dem auf wegen nach".split())
#: The language in which the background counted capitals. It is also assumed for a text in an unknown language.
_COUNTED = "en"
#: The languages whose months and weekdays are not names. Of those with at most SHORT letters, only English months
#: count, because others are also common words: "set" is September in Portuguese.
LANGUAGES, SHORT = ("nl", "pt", "it", "es", "fr", "de", "en"), 3
#: "CORRECTED-…", "Correction: …", "Clarification" at the beginning of a title or text.
_CORRECTION = LazyPattern(
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
_THOUSANDS = LazyPattern(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*$")
#: Numbers that do not describe an event: years, and numbers up to SMALL (days of a month, hours, small counts), which
#: are in every text.
YEARS, SMALL = range(1980, 2040), 31


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """An article in the form that grouping compares; words are stems."""

    id: ArticleId
    when: datetime
    seen: datetime
    owner: str
    link: str
    #: Addresses that the text links to.
    links: tuple[str, ...]
    #: The rules that matched; one empty name for an article without a rule.
    rules: frozenset[str]
    #: The words on which the rules matched.
    terms: frozenset[str]
    #: Word -> how much it counts before its rarity.
    weights: likeness.Weights
    title: frozenset[str]
    #: Name -> its spelling in the article.
    names: Mapping[str, str]
    #: Word of the title -> its spelling, for people. Weekdays, months and words of up to three letters are omitted.
    spellings: Mapping[str, str]
    #: Language of the article; empty if unknown.
    language: str
    sketch: copies.Sketch
    #: Whether the title or the text begins with a correction mark.
    is_correction: bool
    #: Whether the title contains a word like "denies", so that the article is about an earlier report.
    is_denial: bool
    #: Whether the marks of the outlet show that it reports several events.
    is_marked_roundup: bool
    #: Whether the title names a period or a list.
    names_period: bool
    #: Whether it is comment, a guide or a question, which has the words of an event and reports none.
    is_background: bool
    #: The vector of its meaning, of length 1, or None if no encoder has made one.
    meaning: Vector | None = None


def profile_of(arrival: Arrival) -> Profile:
    """Return the profile of an article."""
    article = arrival.article
    headline = _ATTRIBUTION.sub("", headlines.without_outlet(article.title, outlet=article.outlet, link=article.link))
    headline = _PROGRAMME.sub("", _CORRECTION.sub("", _ISSUE.sub("", headline))) or headline
    title = _words(headlines.bare_title(headline))
    text = _ISSUE.sub("", _DATELINE.sub(r"\1. ", article.text[:LEAD_CHARS], count=1))
    lead = _words(sentences.own_words(text, article.language))
    title_stems, stems = [token.stem for token in title], [token.stem for token in lead]
    empty = likeness.empty_words()
    known_language = lexicon.language_of(beginning(article), article.language)
    title_words = list(_content_words(title, known_language))
    names = {word: name for word, name in _names(known_language or _COUNTED, title, lead).items() if word not in empty}
    figures = frozenset(
        word
        for word in (*title_stems, *stems)
        if word[0].isdigit() and (number := float(word)) > SMALL and number not in YEARS
    )
    return Profile(
        id=article.id,
        when=article.when,
        seen=article.first_seen,
        owner=article.owner or article.outlet,
        link=article.link,
        links=article.links,
        rules=frozenset(match.rule for match in arrival.matches) or frozenset({""}),
        terms=frozenset(
            likeness.root(token.stem)
            for text in {place.text for match in arrival.matches for place in match.evidence}
            for token in words.words_of(text)
        ),
        weights=likeness.weights_of(
            [*title_words * TITLE_COUNT, *islice(_content_words(lead, known_language), BODY_WORDS)]
        ),
        title=frozenset(title_words),
        names={likeness.root(word): written for word, written in names.items()},
        spellings={
            likeness.root(token.stem): token.text
            for token in title
            if len(token.text) > SHORT and token.text.isalpha() and token.stem not in _calendar()
        },
        language=known_language,
        sketch=copies.sketch(title_stems, stems, names, figures),
        is_correction=_CORRECTION.match(article.title) is not None or _CORRECTION.match(article.text) is not None,
        is_denial=any(
            "=deny" in lexicon.meanings(known_language or _COUNTED, words.fold_word(token.text)) for token in title
        ),
        is_marked_roundup=forms.is_roundup(article),
        names_period=forms.names_period(article.title),
        is_background=forms.is_background(article),
        meaning=arrival.meaning,
    )


def beginning(article: Article) -> str:
    """Return the title and the first BEGINNING_CHARS characters of the text."""
    return ". ".join(filter(None, (article.title, article.text[:BEGINNING_CHARS])))


def _content_words(tokens: Iterable[words.StemmedWord], language: str) -> Iterator[str]:
    """Yield the roots of the words that are neither empty nor function words of the language."""
    empty, tables = likeness.empty_words(), lexicon.of(language)
    for token in tokens:
        if token.stem not in empty and not tables.has("small", words.fold_word(token.text)):
            yield likeness.root(token.stem)


def _words(text: str) -> list[words.StemmedWord]:
    return list(_with_scales(list(words.words_of(text))))


def _with_scales(written: Sequence[words.StemmedWord]) -> Iterator[words.StemmedWord]:
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


def _names(language: str, *texts: Sequence[words.StemmedWord]) -> dict[str, str]:
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
