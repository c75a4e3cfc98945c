"""What grouping keeps of an article: weighted words, names, numbers, links and a sketch of its text.

Knows nothing of other articles; all judging is in resemblance.py.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot import model
from bot.language import background, mastheads, sentences, words
from bot.stories import copies, nameddays

#: The lead: what the text says first. News puts who, what and where there (800 and 3000 measured no better).
LEAD_CHARS = 1500
#: The head: the title and this many words of the lead, where the names of the event itself stand.
HEAD_WORDS = 35
#: What a title word weighs beside its count in the lead.
TITLE_WEIGHT = 3.0
#: Words that every sixth item holds say nothing of an event.
STOP_RATE = 0.15
#: How surely a word is a name to count as one.
NAME = 0.5
#: A capitalised word never seen before, where the case of its place says nothing.
UNKNOWN_NAME = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One article as grouping sees it; words are stems."""

    id: model.ArticleId
    when: datetime
    seen: datetime
    link: str
    links: tuple[str, ...]
    #: Word -> weight before any rarity: dampened count, title words more.
    weights: Mapping[str, float]
    #: Name -> as written.
    names: Mapping[str, str]
    #: Names and numbers of the head.
    head_names: frozenset[str]
    head_numbers: frozenset[str]
    #: Days of the calendar that title and lead name.
    days: frozenset[date]
    #: Words of title and lead.
    length: int
    sketch: copies.Sketch
    #: A headline without a text.
    is_bare: bool
    size: int = 1


def of(article: model.Article) -> Profile:
    """Read an article once."""
    title = list(words.tokens(mastheads.without(article.title, outlet=article.outlet, link=article.link)))
    lead = list(words.tokens(sentences.own_words(article.text[:LEAD_CHARS], article.language)))
    rates = background.table().rates
    counts = Counter(token.stem for token in lead if rates.get(token.stem, 0.0) < STOP_RATE)
    weights = {word: 1.0 + math.log(count) for word, count in counts.items()}
    for word in {token.stem for token in title}:
        if rates.get(word, 0.0) < STOP_RATE:
            weights[word] = weights.get(word, 0.0) + TITLE_WEIGHT
    names = {word: written for word, written in _names(title, lead).items() if word in weights}
    head = {token.stem for token in (*title, *lead[:HEAD_WORDS])}
    return Profile(
        id=article.id,
        when=article.when,
        seen=article.first_seen,
        link=article.link,
        links=article.links,
        weights=weights,
        names=names,
        head_names=frozenset(word for word in head if word in names),
        head_numbers=frozenset(word for word in head if is_number(word)),
        days=nameddays.named((*title, *lead), article.when.date()),
        length=len(title) + len(lead),
        is_bare=not lead,
        sketch=copies.sketch([token.stem for token in title], [token.stem for token in lead]),
    )


def is_number(word: str) -> bool:
    """The word is a number (30, 5000, 12th)."""
    return word[0].isdigit()


def _names(*texts: Sequence[words.Token]) -> dict[str, str]:
    """Words that are names by their capitals: where the place tells, by that; else by the habit of the news."""
    habit = background.table().capitals
    capital: Counter[str] = Counter()
    told: Counter[str] = Counter()
    written: dict[str, str] = {}
    for token, tells in _cased(texts):
        if token.is_capital:
            written.setdefault(token.stem, words.without_possessive(token.text))
        if tells:
            told[token.stem] += 1
            capital[token.stem] += token.is_capital
    names: dict[str, str] = {}
    for word, text in written.items():
        if word in told:
            sure = (capital[word] + habit.get(word, 1.0)) / (told[word] + 1) if capital[word] else 0.0
        else:
            sure = habit.get(word, UNKNOWN_NAME)
        if sure >= NAME:
            names[word] = text
    return names


def _cased(texts: Iterable[Sequence[words.Token]]) -> Iterable[tuple[words.Token, bool]]:
    """Each word, and whether a capital tells a name where it stands."""
    for tokens in texts:
        shouting = words.is_headline_case(tokens)
        for token in tokens:
            if not is_number(token.stem):
                yield token, not (shouting or token.opens)
