"""Does an article tell a story? A weighed sum of named evidence, from words, names, numbers, links and time.

Pure: it sees one article, one story and how rare words are. The weights were fitted by logistic regression on half of
the stories of eight labelled sets, measured on the other half, rounded, and moved by hand until look-alikes of our own
stay apart (docs/decisions/0014-grouping.md, bench/fit.py, bench/stories.py, tests/stories/test_look_alikes.py).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from typing import NamedTuple, Protocol

from bot.stories.rarity import Rarity


class Evidence(NamedTuple):
    """What speaks for one event (or, with a negative weight, against)."""

    #: Cosine of all words, by rarity; title words weigh more.
    words: float
    #: Logarithm of the story's articles: many together resemble anything more.
    size: float
    #: Cosine of the names alone.
    names: float
    #: Rarity of the rarest shared words, added up.
    rare: float
    #: Logarithm of the rarity of shared numbers.
    numbers: float
    #: Logarithm of the days since the nearer end of the story.
    days: float
    #: The days times the rarity of the rarest shared name, which takes back what they cost: a follow-up weeks later
    #: names the same person or place.
    follow_up: float
    #: The days where both name one day of the calendar: a later report says again when it happened.
    same_day: float
    #: Logarithm of the article's words: long texts share words by chance.
    length: float
    #: The article is a bare headline, which has fewer words to share.
    bare: float
    #: Both lead with names, and share nearly none.
    strangers: float
    #: The same of a bare headline, where one name each is enough: those of two towns differ in little else.
    bare_strangers: float
    #: Both lead with names that the other lacks, 0 to 1.
    other_names: float
    #: Both lead with numbers that the other lacks.
    other_numbers: float
    #: One links to the other. Not in the labelled sets, so set by hand: a link alone joins nothing.
    linked: float


WEIGHTS = Evidence(
    words=9.6,
    size=-0.47,
    names=0.3,
    rare=0.09,
    numbers=0.09,
    days=-3.0,
    follow_up=0.3,
    same_day=1.0,
    length=-0.22,
    bare=1.8,
    strangers=-1.1,
    bare_strangers=-3.0,
    other_names=-2.0,
    other_numbers=-0.4,
    linked=1.5,
)
BIAS = -3.4

#: Shared words whose rarity is added up as evidence.
RAREST = 5
#: Time beyond this says no more.
LONG = timedelta(days=14)
#: Articles beyond this add nothing to a story's breadth.
MANY = 8
#: A cosine of names below this is one common name (a weekday, a country); fewer names than these lead no article.
NEARLY_NONE = 0.1
SOME_NAMES = 2
#: Keeps one rare name in a head from being all of its names.
HEAD_PRIOR = 6.0


class Told(Protocol):
    """What is compared of an article, or of a whole story."""

    @property
    def length(self) -> float: ...
    @property
    def weights(self) -> Mapping[str, float]: ...
    @property
    def size(self) -> int:
        """Articles."""

    @property
    def is_bare(self) -> bool:
        """A headline without a text."""

    @property
    def names(self) -> Mapping[str, str]:
        """Each as written."""

    @property
    def head_names(self) -> AbstractSet[str]: ...
    @property
    def head_numbers(self) -> AbstractSet[str]: ...
    @property
    def days(self) -> AbstractSet[date]: ...


def score(evidence: Evidence) -> float:
    """Above 0: the same event."""
    return BIAS + sum(weight * value for weight, value in zip(WEIGHTS, evidence, strict=True))


def compare(read: Told, story: Told, rare: Rarity, *, since: timedelta, linked: bool) -> Evidence:
    """The evidence that an article (or a whole story) is of a story."""
    overlap = _overlap(read, story, rare)
    days = math.log1p(min(since, LONG) / timedelta(days=1))
    return Evidence(
        words=overlap.words,
        size=math.log(min(story.size, MANY)),
        names=overlap.names,
        rare=sum(heapq.nlargest(RAREST, overlap.rarities)),
        numbers=math.log1p(overlap.numbers),
        days=days,
        follow_up=days * overlap.rarest_name,
        same_day=0.0 if read.days.isdisjoint(story.days) else days,
        length=math.log(read.length or 1),
        bare=read.is_bare,
        strangers=_are_strangers(overlap, read, story, names=SOME_NAMES),
        bare_strangers=read.is_bare and _are_strangers(overlap, read, story, names=1),
        other_names=_other_names(read, story, rare),
        other_numbers=_other_numbers(read, story),
        linked=linked,
    )


class _Overlap(NamedTuple):
    """What an article and a story share: cosines, and the rarities of the shared words."""

    words: float
    names: float
    rarities: list[float]
    #: Of the rarest shared name.
    rarest_name: float
    #: Of the shared numbers, added up.
    numbers: float


def _overlap(read: Told, story: Told, rare: Rarity) -> _Overlap:
    """The inner loop of grouping: a word's rarity is read in place."""
    base, commonness = rare.base, rare.commonness
    weights, names, our_name = story.weights, story.names, read.names
    ours = theirs = both = our_names = their_names = both_names = numbers = rarest_name = 0.0
    rarities = []
    for word, weight in read.weights.items():
        rarity = base - commonness[word]
        value = weight * rarity
        ours += value * value
        is_name = word in our_name
        if is_name:
            our_names += value * value
        if word in weights:
            product = value * weights[word] * rarity
            both += product
            rarities.append(rarity)
            if is_name and word in names:
                both_names += product
                rarest_name = max(rarest_name, rarity)
            if word[0].isdigit():
                numbers += rarity
    for word, weight in weights.items():
        value = weight * (base - commonness[word])
        theirs += value * value
        if word in names:
            their_names += value * value
    return _Overlap(
        words=_quotient(both, ours * theirs),
        names=_quotient(both_names, our_names * their_names),
        rarities=rarities,
        rarest_name=rarest_name,
        numbers=numbers,
    )


def _quotient(product: float, squares: float) -> float:
    return product / math.sqrt(squares) if squares > 0 else 0.0


def _other_names(read: Told, story: Told, rare: Rarity) -> float:
    """Each side leads with names that the other lacks: another person, another place. 0 when either side has none."""
    ours = _lacking(read.head_names, story.weights, rare)
    return math.sqrt(ours * _lacking(story.head_names, read.weights, rare)) if ours else 0.0


def _are_strangers(overlap: _Overlap, read: Told, story: Told, *, names: int) -> bool:
    """Each leads with so many names, and they share nearly none."""
    return overlap.names < NEARLY_NONE and min(len(read.head_names), len(story.head_names)) >= names


def _lacking(names: Iterable[str], words: Mapping[str, float], rare: Rarity) -> float:
    """The part of the names, by rarity, that is not among the words."""
    total = lacking = 0.0
    for name in names:
        worth = rare.of(name)
        total += worth
        if name not in words:
            lacking += worth
    return lacking / (total + HEAD_PRIOR)


def _other_numbers(read: Told, story: Told) -> bool:
    """Both lead with numbers, and neither has one of the other's."""
    ours, theirs = read.head_numbers, story.head_numbers
    if not ours or not theirs:
        return False
    return ours.isdisjoint(story.weights) and theirs.isdisjoint(read.weights)
