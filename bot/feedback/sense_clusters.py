"""Texts as sets of words → two groups that share few words, or none where there is one group only.

A naive Bayes of two classes, moved until it stays. It starts from the two names that the texts spell out, and where
they do not, from the two words that are frequent and avoid each other. Deterministic. Of meaning it knows no more than
that: two subjects of one sense that share no word may still look like two senses, so people judge.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

#: Fewer texts tell nothing; of a group at least this many.
MIN_TEXTS, MIN_GROUP = 8, 3
#: Words looked at as seeds: the most frequent.
SEEDS = 120
#: Words that decide: in at least two texts, the most frequent.
VOCABULARY = 1_000
ROUNDS = 15
#: Shown for each group, and words of one guard.
COMPANIONS, GUARD = 6, 5
#: A group's companions are in this share of its texts at least, and in the other's at most.
INSIDE, OUTSIDE = 0.6, 0.25
#: Groups whose words are more alike (cosine) tell one thing. On news: AR, rifle and state, 0.23; PM, EMS and SC, of one
#: use in several kinds of report, 0.28 to 0.63.
ALIKE = 0.25
#: A word in this share of each group says what both are about: two subjects of one thing.
SHARED = 0.6
#: A word of a guard may be in this share of the group that it does not mean.
STRAY = 0.05


_Groups: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Split:
    """Texts in two groups of different vocabulary."""

    texts: Sequence[frozenset[str]]
    #: Numbers of texts; a text without a telling word is in neither.
    groups: tuple[tuple[int, ...], tuple[int, ...]]
    companions: tuple[tuple[str, ...], tuple[str, ...]]
    #: Word -> how much it speaks for the second group.
    weights: dict[str, float]

    def turned(self) -> Split:
        """The same split with its groups exchanged."""
        return Split(
            self.texts,
            (self.groups[1], self.groups[0]),
            (self.companions[1], self.companions[0]),
            {word: -weight for word, weight in self.weights.items()},
        )

    def lean(self, words: Iterable[str]) -> float:
        """Above 0: towards the second group."""
        return sum(self.weights.get(word, 0.0) for word in sorted(words))

    def touched(self, group: int, words: Iterable[str]) -> int:
        """Texts of a group that have one of the words."""
        wanted = frozenset(words)
        return sum(not wanted.isdisjoint(self.texts[number]) for number in self.groups[group])

    def telling(self, group: int) -> tuple[str, ...]:
        """The few words that reach most of a group and hardly any of the other, each for what the others left."""
        left = {number: self.texts[number] for number in self.groups[group]}
        other = Counter(word for number in self.groups[1 - group] for word in self.texts[number])
        most = STRAY * len(self.groups[1 - group])
        chosen: list[str] = []
        while left and len(chosen) < GUARD:
            counts = Counter(word for words in left.values() for word in words if other[word] <= most)
            best = min(counts, key=lambda word: (-counts[word] + other[word], word), default=None)
            if best is None or counts[best] < 2:
                break
            chosen.append(best)
            left = {number: words for number, words in left.items() if best not in words}
        return tuple(chosen)


def split(texts: Sequence[frozenset[str]], *, names: Sequence[str | None] = ()) -> Split | None:
    """None: one group, or too few texts to tell. ``names``: what each text says that the term stands for."""
    if len(texts) < MIN_TEXTS:
        return None
    counts = Counter(word for words in texts for word in words)
    ranked = sorted((word for word in counts if counts[word] > 1), key=lambda word: (-counts[word], word))
    vocabulary = frozenset(ranked[:VOCABULARY])
    known = [words & vocabulary for words in texts]
    started = _by_name(names)
    are_named = started is not None
    if started is None:
        seeds = _seeds(texts, [word for word in ranked if counts[word] <= 0.9 * len(texts)][:SEEDS])
        started = seeds and _by_word(known, seeds)
    if started is None:
        return None
    groups = _settle(known, started, fixed=started if are_named else ((), ()))
    if min(map(len, groups)) < MIN_GROUP:
        return None
    weights = _weights(known, groups)
    companions = (_companions(known, groups, 0), _companions(known, groups, 1))
    found = Split(texts, groups, companions, weights)
    if are_named:
        return found
    return found if _are_two(found) and not _is_one_name(groups, names) else None


def usual(names: Iterable[str | None]) -> str | None:
    """The name that is given most often."""
    counts = Counter(name for name in names if name)
    return min(counts, key=lambda name: (-counts[name], name), default=None)


def _by_name(names: Sequence[str | None]) -> _Groups | None:
    """The texts of the two most frequent names; None: there are no two."""
    counts = Counter(name for name in names if name)
    ranked = sorted(counts, key=lambda name: (-counts[name], name))[:2]
    if len(ranked) < 2 or counts[ranked[1]] < MIN_GROUP:
        return None
    first, second = (tuple(number for number, name in enumerate(names) if name == one) for one in ranked)
    return first, second


def _is_one_name(groups: _Groups, names: Sequence[str | None]) -> bool:
    """Each group says of itself that it means the same."""
    said = [usual(names[number] for number in group) for group in groups] if names else [None]
    return said[0] is not None and said[0] == said[1]


def _seeds(texts: Sequence[frozenset[str]], words: Sequence[str]) -> tuple[str, str] | None:
    """Two frequent words that avoid each other."""
    places = {word: sum(1 << number for number, words in enumerate(texts) if word in words) for word in words}
    best: tuple[float, str, str] | None = None
    for first, second in itertools.combinations(words, 2):
        one, other = places[first].bit_count(), places[second].bit_count()
        both = (places[first] & places[second]).bit_count()
        worth = min(one, other) * (1 - both * len(texts) / (one * other))
        if best is None or worth > best[0]:
            best = (worth, first, second)
    return (best[1], best[2]) if best and best[0] > 1 else None


def _by_word(texts: Sequence[frozenset[str]], seeds: tuple[str, str]) -> _Groups:
    return (
        tuple(number for number, words in enumerate(texts) if seeds[0] in words and seeds[1] not in words),
        tuple(number for number, words in enumerate(texts) if seeds[1] in words and seeds[0] not in words),
    )


def _settle(texts: Sequence[frozenset[str]], groups: _Groups, *, fixed: _Groups) -> _Groups:
    """Each text where its words are at home; ``fixed`` are where they are."""
    held = {number: side for side, group in zip((-1.0, 1.0), fixed, strict=True) for number in group}
    for _ in range(ROUNDS):
        weights = _weights(texts, groups)
        scores = [
            held.get(number) or sum(weights[word] for word in sorted(words)) for number, words in enumerate(texts)
        ]
        moved: _Groups = (
            tuple(number for number, score in enumerate(scores) if score < 0),
            tuple(number for number, score in enumerate(scores) if score > 0),
        )
        if moved == groups or not all(moved):
            return moved
        groups = moved
    return groups


def _weights(texts: Sequence[frozenset[str]], groups: _Groups) -> dict[str, float]:
    """Log odds of the second group, smoothed."""
    first, second = (Counter(word for number in group for word in texts[number]) for group in groups)
    sizes = [len(group) + 1 for group in groups]
    words = sorted({word for words in texts for word in words})
    return {
        word: math.log((second[word] + 0.5) / sizes[1]) - math.log((first[word] + 0.5) / sizes[0]) for word in words
    }


def _companions(texts: Sequence[frozenset[str]], groups: _Groups, group: int) -> tuple[str, ...]:
    """The words that are most a group's own."""
    own = Counter(word for number in groups[group] for word in texts[number])
    other = Counter(word for number in groups[1 - group] for word in texts[number])
    sizes = len(groups[group]), len(groups[1 - group])
    lead = {word: own[word] / sizes[0] - other[word] / sizes[1] for word in own if own[word] > 1}
    return tuple(sorted((word for word in lead if lead[word] > 0), key=lambda word: (-lead[word], word))[:COMPANIONS])


def _alike(found: Split) -> float:
    """Cosine of the shares of each group's texts that have a word."""
    first, second = (
        {word: count / len(group) for word, count in Counter(w for n in group for w in found.texts[n]).items()}
        for group in found.groups
    )
    lengths = math.hypot(*first.values()) * math.hypot(*second.values())
    return math.fsum(first[word] * second[word] for word in first.keys() & second.keys()) / lengths


def _shares_subject(found: Split) -> bool:
    """Whether some word is in most texts of either group, so that the term means one thing in both."""
    first, second = (Counter(word for number in group for word in found.texts[number]) for group in found.groups)
    sizes = [SHARED * len(group) for group in found.groups]
    return any(first[word] >= sizes[0] and second[word] >= sizes[1] for word in first.keys() & second.keys())


def _are_two(found: Split) -> bool:
    if _alike(found) > ALIKE or _shares_subject(found):
        return False
    for group in (0, 1):
        words = found.companions[group]
        if found.touched(group, words) < INSIDE * len(found.groups[group]):
            return False
        strong = found.telling(group)
        if found.touched(1 - group, strong) > OUTSIDE * len(found.groups[1 - group]):
            return False
        if found.touched(group, strong) < INSIDE * len(found.groups[group]):
            return False
    return True
