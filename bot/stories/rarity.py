"""Measure the rarity of words: inverse document frequency, in the news at large and under a rule.

Rarity at large comes from the shipped background and the open stories together. Rarity under a rule comes from the
rule's open stories, with the background as a prior. Words that all matches of a rule share (its matched words, and
words common to its stories) are not evidence, however rare they are in the news. A story counts once, however many
articles it has.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sized
from collections.abc import Set as AbstractSet

from bot.text import names

#: The shipped table weighs as much as this many open stories. Tests with 800 and 6000 gave no better results.
BACKGROUND_DOCUMENTS = 2000
#: The background weighs as much as this many stories of a rule.
PRIOR = 6.0
#: Prior rate of a word on which the rule matched. It is not higher, because some rules list the names to watch, and
#: such a name does tell events apart.
MATCHED = 0.5
#: Added to the rate of every word, so that a word that is not in the background has a rate above 0.
UNKNOWN = 0.5 / BACKGROUND_DOCUMENTS


class _Commonness(dict[str, float]):
    """A cache of word -> logarithm of its document frequency, valid until the stories with the word change."""

    def __init__(self, holders: Mapping[str, Sized]) -> None:
        super().__init__()
        self._holders = holders
        self._rates = names.background_table().rates

    def __missing__(self, word: str) -> float:
        held = len(self._holders.get(word, ()))
        self[word] = logarithm = math.log(self._rates.get(word, 0.0) * BACKGROUND_DOCUMENTS + held + 0.5)
        return logarithm


class _OfRule(dict[str, float]):
    """A cache of word -> logarithm of its number of stories under one rule, including the prior."""

    def __init__(self) -> None:
        super().__init__()
        self.base = math.log(PRIOR)
        self.stories = 0
        self._held: Counter[str] = Counter()
        #: The minimum number of the rule's lines that matched an article.
        self.lines = 0
        #: Words that the rule matched on, which are common under it by definition.
        self.matched: set[str] = set()
        self._rates = names.background_table().rates

    def __missing__(self, word: str) -> float:
        prior = MATCHED if word in self.matched else self._rates.get(word, 0.0) + UNKNOWN
        self[word] = logarithm = math.log(self._held[word] + PRIOR * prior)
        return logarithm

    def count(self, stories: int, words: Iterable[str], by: int) -> None:
        """Add ``stories`` to the number of stories, and ``by`` to the number of stories with each word."""
        self.stories += stories
        self.base = math.log(self.stories + PRIOR)
        for word in words:
            self._held[word] += by
            self.pop(word, None)
            if not self._held[word]:
                del self._held[word]

    def match(self, words: Iterable[str], lines: int) -> None:
        """Record that the rule matched an article on ``words``, with this number of its lines."""
        self.lines = min(self.lines or lines, lines)
        for word in words:
            if word not in self.matched:
                self.matched.add(word)
                self.pop(word, None)


class Under(dict[str, float]):
    """A cache of word -> the lower of its rarities under a rule and at large."""

    def __init__(self, at_large: Rarity, stories: int = 0, rule: str = "") -> None:
        super().__init__()
        self.rule, self.stories = rule, stories
        self._base, self._commonness = at_large.base, at_large.commonness
        self._own = own = at_large.rules[rule] if rule else None
        #: Whether the rule always matches with several lines, so that it collects few events.
        self.is_narrow = own is not None and own.lines > 1
        #: Words that the rule matched on in any article.
        self.terms: AbstractSet[str] = frozenset() if own is None else own.matched

    def __missing__(self, word: str) -> float:
        return self.of([word])[0]

    def of(self, words: Collection[str]) -> list[float]:
        """Return the rarities of the words, in their order."""
        base, common, own = self._base, self._commonness, self._own
        if own is None:
            rarities = [base - common[word] for word in words]
        else:
            less = own.base
            rarities = [
                large if (large := base - common[word]) < (under := less - own[word]) else under for word in words
            ]
        self.update(zip(words, rarities, strict=True))
        return rarities

    def square(self, weights: Mapping[str, float]) -> float:
        """Return the sum of (weight x rarity) squared."""
        rarities = self.of(weights.keys())
        return sum([(share := weight * rare) * share for weight, rare in zip(weights.values(), rarities, strict=True)])


class Rarity:
    """The rarities at large (``base`` - ``commonness[word]``) and under each rule."""

    def __init__(self, holders: Mapping[str, Sized]) -> None:
        self.commonness = _Commonness(holders)
        self.base = 0.0
        self.rules: defaultdict[str, _OfRule] = defaultdict(_OfRule)
        #: Cached rarities by rule, until a story changes.
        self._under: dict[str, Under] = {}
        self.count(0)

    def under(self, rules: Iterable[str]) -> Under:
        """Return the rarities under the rule with the fewest stories, or at large if none of the rules has a story.

        They are valid until a story changes.
        """
        stories, rule = min([(self.rules[rule].stories, rule) for rule in rules if rule in self.rules], default=(0, ""))
        if rule not in self._under:
            self._under[rule] = Under(self, stories, rule)
        return self._under[rule]

    @property
    def at_large(self) -> Under:
        """Return the rarities in the news at large, valid until a story changes."""
        return self.under(())

    def forget(self) -> None:
        """Drop cached rarities; call this before a story changes."""
        self._under.clear()

    def count(self, stories: int) -> None:
        """Set the number of open stories."""
        self.base = math.log(BACKGROUND_DOCUMENTS + stories + 1)

    def changed(self, word: str) -> None:
        """Drop the cached rarity of a word whose stories changed."""
        self.commonness.pop(word, None)
