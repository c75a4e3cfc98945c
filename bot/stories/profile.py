"""What grouping keeps of an article: weighted words, names, figures and a sketch of its text.

Knows nothing of other articles; what two of them share is weighed in evidence.py.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import filterfalse

from bot import model
from bot.stories import copies, figures
from bot.stories.told import Told, beginning
from bot.text import dates, lexicon, sentences, titles, tokens, words
from bot.text.names import background_table

#: The lead: what the text says first. News puts who, what and where there (800 and 3000 measured no better).
LEAD_CHARS = 1500
#: The head: the title and the first sentence (so many words of it), where the event itself is; background and other
#: events come later.
HEAD_WORDS, SENTENCE_WORDS = 35, 8
#: What is read for the days that it names: its first sentences.
DAYS_CHARS = 700
#: What a title word weighs beside its count in the lead.
TITLE_WEIGHT = 3.0
#: Words that every sixth item holds say nothing of an event.
STOP_RATE = 0.15
#: How surely a word is a name to count as one.
NAME = 0.5
#: A capitalised word never seen before, where the case of its place says nothing. The habit is that of English news:
#: in another language nearly every word that opens a sentence is unknown ("Suben a tres los muertos").
UNKNOWN_NAME = 0.8
#: ISLAMABAD, June 9 (Agency) - …: the agency is no name of the event.
_DATELINE = re.compile(r"\A([^\n()]{0,60})\([^()\n]{2,40}\)\s*[-–—]+\s*")
#: In German every noun wears a capital.
_GERMAN = frozenset("der die das und ist nicht ein eine mit von für im den dem auf wegen nach".split())
#: The language whose habit was counted; a text that does not tell its language is read as it too.
_COUNTED = "en"
#: In which a name of a month or day is told; one of so few letters is another word in another language.
LANGUAGES, SHORT = ("nl", "pt", "it", "es", "fr", "de", "en"), 3
#: Say that this is not the event before it: one more of its kind.
_ANOTHER = frozenset(
    "again another also second third fourth fifth separately separate similar rival"
    " weer opnieuw tweede ook erneut wieder zweite zweiter zweites auch otro otra nuevo nueva también segundo segunda"
    " encore autre deuxième nouveau nouvelle aussi outro outra novo nova também yeni ikinci".split()
)
#: Say in a title that something went on: a correction, a toll that rises, an appeal.
_FOLLOWS = re.compile(
    r"\b(correct(?:ion|ed|s)|update\w*|clarif\w+|refile\w*|appeal\w*|toll|rise[sn]?|rose|raise[sd]?|widen\w*|grow[sn]?"
    r"|extend\w*|delay\w*|postpon\w+|still|settle\w*|plead\w*|verdict|withdr\w+|reopen\w*|restor\w+|resum\w+|revis\w+"
    r"|now|explain\w*|timeline|after|later|days? on|weeks? on|lower\w*|cut|trim\w*|ends?|challeng\w+|lift\w*"
    r"|overturn\w*|revers\w+|back|not|what|how|why|deadline|until|named|arrested|jailed|sentenced|asks?|adds?|offers?"
    r"|talks|must|berufung|nach|korrektur|après|recours|rectific\w+|fe de \w+|tras|sube\w*|aplaza\w*|dopo|na|após"
    r"|corre[cç]\w+|adia\w*)\b",
    re.IGNORECASE,
)


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
    #: Word -> weight before any rarity: dampened count, title words more.
    weights: Mapping[str, float]
    #: Words of the title, and of the title and the first sentence.
    title: frozenset[str]
    head: frozenset[str]
    #: Share of the rule's lines that the title alone meets.
    title_matches: float
    #: The title says that something went on.
    follows: int
    #: Name -> as written.
    names: Mapping[str, str]
    #: Figures that may be of an event.
    figures: frozenset[str]
    #: Days of the calendar that title and first sentences name.
    days: frozenset[date]
    #: What the title says happened, whatever the word or the language: "=die".
    meanings: frozenset[str]
    #: "": the text does not tell its language, and none was declared.
    language: str
    #: Words of title and lead.
    length: int
    sketch: copies.Sketch
    #: A headline without a text.
    is_bare: bool
    #: A live blog, which tells one event after another.
    is_live_blog: bool
    #: Title and lead's beginning say "another", "again": 2 for the title, 1 for the lead.
    another: int
    #: What is compared across languages; None: no encoder is configured.
    told: Told | None = None


def of(article: model.Article, matches: Iterable[model.Match] = ()) -> Profile:
    """Read an article once."""
    matches = tuple(matches)
    bare = titles.without_outlet(article.title, outlet=article.outlet, link=article.link)
    title = _words(titles.bare_title(bare))
    text = _DATELINE.sub(r"\1. ", article.text[:LEAD_CHARS], count=1)
    lead = _words(sentences.own_words(text, article.language))
    title_stems, stems = [token.stem for token in title], [token.stem for token in lead]
    counts = Counter(filterfalse(_stops().__contains__, stems))
    weights = {word: 1.0 + math.log(count) for word, count in counts.items()}
    of_title = frozenset(filterfalse(_stops().__contains__, title_stems))
    for word in of_title:
        weights[word] = weights.get(word, 0.0) + TITLE_WEIGHT
    told_in = lexicon.language_of(beginning(article), article.language)
    first, language = _first_sentence(lead), told_in or _COUNTED
    found = {word: written for word, written in _names(language, title, lead).items() if word in weights}
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
        weights=weights,
        title=of_title,
        head=of_title | {token.stem for token in first if token.stem in weights},
        title_matches=_title_matches(matches),
        follows=len(_FOLLOWS.findall(article.title)),
        names=found,
        figures=frozenset(word for word in weights if word[0].isdigit() and figures.tells(word)),
        days=_days(article, language),
        meanings=frozenset(
            meaning for token in title for meaning in lexicon.meanings(language, words.fold(token.text))
        ),
        language=told_in,
        length=len(title) + len(lead),
        is_bare=not lead,
        is_live_blog=titles.is_live_blog(article),
        another=2 if _says_another(title) else int(_says_another(first)),
        sketch=copies.sketch(title_stems, stems, found),
    )


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


def _title_matches(matches: Iterable[model.Match]) -> float:
    shares = []
    for match in matches:
        labels = {place.label for place in match.evidence}
        shares.append(len({place.label for place in match.evidence if place.field == "title"}) / max(1, len(labels)))
    return max(shares, default=0.5)


def _says_another(tokens: Iterable[words.Word]) -> bool:
    return any(token.text.casefold() in _ANOTHER for token in tokens)


def _words(text: str) -> list[words.Word]:
    return list(figures.joined(list(words.words_of(text))))


def _names(language: str, *texts: Sequence[words.Word]) -> dict[str, str]:
    """Words that are names by their capitals: where the place tells, by that; else by the habit of the news."""
    every = [token for tokens in texts for token in tokens]
    if sum(map(_GERMAN.__contains__, [token.text for token in every])) * 12 > len(every):
        return {}
    # A capital tells a name in the midst of a sentence, unless nearly every word wears one.
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
