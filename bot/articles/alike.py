"""Are two headlines versions of one, or about different things?"""

from __future__ import annotations

from collections import Counter

from bot.articles.fingerprints import fold_title

#: Dice's coefficient over pairs of letters, set by bench/identity.py.
ALIKE = 0.4


def titles_alike(one: str, other: str) -> bool:
    """Whether two headlines can be one article's before and after an edit; works for any script."""
    one, other = fold_title(one), fold_title(other)
    if one == other:
        return True
    return similarity(one, other) >= ALIKE


def similarity(one: str, other: str) -> float:
    """0 (no two neighbouring letters shared) to 1, over folded titles."""
    pairs, others = _pairs(one), _pairs(other)
    total = pairs.total() + others.total()
    return 2 * (pairs & others).total() / total if total else 0.0


def _pairs(folded: str) -> Counter[str]:
    return Counter(word[at : at + 2] for word in folded.split() for at in range(max(1, len(word) - 1)))
