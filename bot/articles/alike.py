"""Are two headlines versions of one, or about different things? And are they one headline in two outlets' dress?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from bot.articles.fingerprints import fold_title
from bot.language import mastheads

#: Dice's coefficient over pairs of letters, set by bench/quality/identity.py.
ALIKE = 0.4
#: What publishers put before a headline and take away again.
_PREFIX = re.compile(
    r"(?:live|update[ds]?|watch|video|listen|podcast|breaking(?: news)?|exclusive|opinion|analysis|just in|"
    r"correct(?:ed|ion)|developing)(?: \d{1,3})?(?: updates?)? ?[:|–—-]\s?",
    re.IGNORECASE,
)
_PREFIXES = 3
#: A headline that was cut is known by so many letters.
_CUT_LETTERS = 30
#: Longer headlines are compared up to here.
_LONGEST = 500


def titles_alike(one: str, other: str) -> bool:
    """Whether two headlines can be one article's before and after an edit; works for any script."""
    one, other = fold_title(one), fold_title(other)
    if one == other:
        return True
    return similarity(one, other) >= ALIKE


def titles_agree(one: str, other: str, *, outlet: str, links: Iterable[str]) -> bool:
    """Whether two outlets show one headline: word for word, except for what they put around it, and for a cut end.

    ``outlet`` and ``links``: what names the outlets.
    """
    if (folded := fold_title(one)) == fold_title(other):
        return bool(folded)
    links = tuple(links)
    bare, others = _bare(one, outlet, links), _bare(other, outlet, links)
    first, second = fold_title(bare), fold_title(others)
    if not first or not second:
        return False
    return first == second or _is_cut_of(bare, first, second) or _is_cut_of(others, second, first)


def _bare(title: str, outlet: str, links: tuple[str, ...]) -> str:
    """Without “LIVE:” at its start and an outlet's name at its end."""
    title = " ".join(title[:_LONGEST].split())
    for _ in range(_PREFIXES):
        found = _PREFIX.match(title)
        if found is None:
            break
        title = title[found.end() :]
    for link in links:
        title = mastheads.without(title, outlet=outlet, link=link)
    return title


def _is_cut_of(title: str, folded: str, whole: str) -> bool:
    return title.endswith(("…", "...")) and len(folded) >= _CUT_LETTERS and whole.startswith(folded)


def similarity(one: str, other: str) -> float:
    """0 (no two neighbouring letters shared) to 1, over folded titles."""
    pairs, others = _pairs(one), _pairs(other)
    total = pairs.total() + others.total()
    return 2 * (pairs & others).total() / total if total else 0.0


def _pairs(folded: str) -> Counter[str]:
    return Counter(word[at : at + 2] for word in folded.split() for at in range(max(1, len(word) - 1)))
