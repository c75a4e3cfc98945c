"""Compare articles by their words: tf-idf vectors and their cosine.

A word counts by its rarity in the news at large, by the shipped table of words, or among the stories of the rule,
whichever is lower.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sized
from functools import cache, lru_cache
from types import MappingProxyType

from bot.text.names import background_table

#: The size of the news at large. A word that the shipped table lacks is as rare as if one of twice as many articles had
#: it.
DOCUMENTS = 1000
#: Words in more than this share of all articles say nothing about an event.
STOP_RATE = 0.15
#: Minimum length of a word without its ending.
ROOT_LETTERS = 4
#: Words of reporting and of publishing, in which two articles about different events often agree.
_EMPTY = frozenset(
    "say said says new amid first who's it's news video live watch update updates latest newsfeed after before over"
    " under into out up down about than then when while where who which what how why could would can may might will"
    " breaking exclusive analysis explainer opinion photo photos read more listen"
    " podcast livestream replay episode".split()
)
#: The rarity at large weighs as much as this many stories of a rule.
PRIOR = 60.0
#: The share of a rule's stories that are expected to have a word on which the rule matched.
MATCHED = 0.5
#: Word -> how much it counts in an article before its rarity.
Weights = Mapping[str, float]


@lru_cache(maxsize=1 << 16)
def _rarity_and_rate(word: str) -> tuple[float, float]:
    """Return the word's inverse document frequency in the news at large, and the share of articles that it implies."""
    rate = (DOCUMENTS * background_table().rates.get(word, 0.0) + 0.5) / (DOCUMENTS + 1)
    return -math.log(rate), rate


@lru_cache(maxsize=1 << 16)
def root(stem: str) -> str:
    """Return a stem without the ending of a verb, so that "orders", "ordered" and "ordering" are one word."""
    for ending in ("ing", "ed", "es"):
        if stem.endswith(ending) and len(stem) - len(ending) >= ROOT_LETTERS:
            return stem.removesuffix(ending)
    return stem


@cache
def empty_words() -> frozenset[str]:
    """Return the words that do not count."""
    return _EMPTY | {word for word, rate in background_table().rates.items() if rate >= STOP_RATE}


def weights_of(words: Iterable[str]) -> Weights:
    """Return how much each word of an article counts before its rarity: 1 + log(count)."""
    return {word: 1 + math.log(count) for word, count in Counter(words).items()}


class Rarities(dict[str, float]):
    """Word -> rarity for one article: in the news at large or under a rule, whichever is lower.

    Words that most stories of the rule have say nothing about the event, however rare they are in the news. The rarity
    at large counts as much as PRIOR stories of the rule. ``holders`` maps words to the rule's open stories with them.
    """

    def __init__(
        self,
        *,
        stories: int = 0,
        holders: Mapping[str, Sized] = MappingProxyType({}),
        terms: Container[str] = (),
    ) -> None:
        super().__init__()
        self._stories, self._holders, self._terms = stories, holders, terms

    def __missing__(self, word: str) -> float:
        lower, rate = _rarity_and_rate(word)
        held = len(self._holders[word]) if word in self._holders else 0
        if word in self._terms:
            lower = max(0.0, min(lower, self._under_rule(held, MATCHED)))
        elif held > self._stories * rate:
            # The word is more frequent under the rule than in the news.
            lower = max(0.0, self._under_rule(held, rate))
        self[word] = lower
        return lower

    def _under_rule(self, held: int, rate: float) -> float:
        return math.log((self._stories + PRIOR) / (held + PRIOR * rate))


def cosines(article: Weights, others: Iterable[Weights], rarities: Mapping[str, float]) -> list[float]:
    """Return the likeness of an article and each of the others: the cosine of their tf-idf vectors, 0 to 1."""
    own_square = _square(article, rarities)
    similarities = []
    for other in others:
        shared = sum([article[word] * other[word] * rarities[word] ** 2 for word in article.keys() & other.keys()])
        similarities.append(shared / math.sqrt(own_square * _square(other, rarities)) if shared > 0 else 0.0)
    return similarities


def _square(weights: Weights, rarities: Mapping[str, float]) -> float:
    return sum([(weight * rarities[word]) ** 2 for word, weight in weights.items()])
