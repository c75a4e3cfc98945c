"""Does an article tell a story? A verdict with its reason, from words, names, numbers, links, copies and time.

Pure: it sees one article, one story, and how rare words are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot import model
from bot.stories.profile import Profile

#: As many documents as the shipped table speaks for beside the open stories.
BACKGROUND_DOCUMENTS = 2000
SAME = 0.30
SURE = 0.55
COPY = 0.7
COPY_WORDS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How much an article is of a story."""

    score: float
    is_same: bool
    #: Enough to show that two stories are one.
    is_sure: bool
    reason: model.JoinReason
    detail: str
    copy_of: model.ArticleId | None


def rarity(rate: float, holders: int, stories: int) -> float:
    """Inverse document frequency over the background and the open stories together."""
    expected = rate * BACKGROUND_DOCUMENTS + holders
    return math.log((BACKGROUND_DOCUMENTS + stories + 1) / (expected + 0.5))


def judge(
    read: Profile, members: Sequence[Profile], weights: Mapping[str, float], rare: Callable[[str], float]
) -> Verdict:
    """Compare an article with a story."""
    cosine = _cosine(read.weights, weights, rare)
    copy = next((member for member in members if is_copy(read, member)), None)
    linked = any(read.link and (read.link == m.link or read.link in m.links or m.link in read.links) for m in members)
    shared = sorted(
        (word for word in read.weights if word in weights and word in read.names), key=lambda word: (-rare(word), word)
    )[:4]
    score = 2.0 if copy else 1.0 if linked else cosine
    reason = model.JoinReason.COPY if copy else model.JoinReason.SAME_LINK if linked else model.JoinReason.SIMILAR
    return Verdict(
        score=score,
        is_same=score >= SAME,
        is_sure=score >= SURE,
        reason=reason,
        detail=f"shares {', '.join(shared) or 'words'}; words {cosine:.2f}",
        copy_of=copy.id if copy else None,
    )


def is_copy(read: Profile, other: Profile) -> bool:
    """A near-duplicate text."""
    if min(read.length, other.length) < COPY_WORDS:
        return False
    return len(read.sketch & other.sketch) >= COPY * max(len(read.sketch), len(other.sketch))


def _cosine(first: Mapping[str, float], second: Mapping[str, float], rare: Callable[[str], float]) -> float:
    dot = norm = other = 0.0
    for word, weight in first.items():
        rarity_ = rare(word)
        value = weight * rarity_
        norm += value * value
        if word in second:
            dot += value * second[word] * rarity_
    for word, weight in second.items():
        value = weight * rare(word)
        other += value * value
    return dot / math.sqrt(norm * other) if norm and other else 0.0
