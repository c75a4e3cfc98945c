"""Compare headlines: are two of them versions of one, and do two outlets show the same one?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from bot.articles.fingerprints import fold_title
from bot.language import mastheads

#: Dice's coefficient over pairs of letters, set by bench/quality/identity.py.
ALIKE = 0.4
#: Publishers add and remove these before a headline.
_PREFIX = re.compile(
    r"(?:live|update[ds]?|watch|video|listen|podcast|breaking(?: news)?|exclusive|opinion|analysis|just in|"
    r"correct(?:ed|ion)|developing)(?: \d{1,3})?(?: updates?)? ?[:|–—-]\s?",
    re.IGNORECASE,
)
_PREFIXES = 3
#: Minimum letters of a cut headline to recognise the whole one.
_CUT_LETTERS = 30
#: Maximum length that is compared.
_LONGEST = 500


def titles_alike(title: str, other: str) -> bool:
    """Return whether two headlines can be one article's before and after an edit, in any script."""
    title, other = fold_title(title), fold_title(other)
    return title == other or similarity(title, other) >= ALIKE


def titles_agree(title: str, other: str, *, outlet: str, links: Iterable[str]) -> bool:
    """Return whether two outlets show the same headline, apart from marks, their names and a cut end.

    ``outlet`` and ``links`` name the outlets.
    """
    if (folded := fold_title(title)) == fold_title(other):
        return bool(folded)
    links = tuple(links)
    bare, other_bare = _bare(title, outlet, links), _bare(other, outlet, links)
    folded, other_folded = fold_title(bare), fold_title(other_bare)
    if not folded or not other_folded:
        return False
    return (
        folded == other_folded or _is_cut_of(bare, folded, other_folded) or _is_cut_of(other_bare, other_folded, folded)
    )


def _bare(title: str, outlet: str, links: tuple[str, ...]) -> str:
    """Return the title without “LIVE:” at its start and an outlet's name at its end."""
    title = " ".join(title[:_LONGEST].split())
    for _ in range(_PREFIXES):
        prefix = _PREFIX.match(title)
        if prefix is None:
            break
        title = title[prefix.end() :]
    for link in links:
        title = mastheads.without(title, outlet=outlet, link=link)
    return title


def _is_cut_of(title: str, folded: str, whole: str) -> bool:
    return title.endswith(("…", "...")) and len(folded) >= _CUT_LETTERS and whole.startswith(folded)


def similarity(folded: str, other: str) -> float:
    """Return the share of common letter pairs of two folded titles, from 0 to 1."""
    pairs, other_pairs = _pairs(folded), _pairs(other)
    total = pairs.total() + other_pairs.total()
    return 2 * (pairs & other_pairs).total() / total if total else 0.0


def _pairs(folded: str) -> Counter[str]:
    return Counter(word[at : at + 2] for word in folded.split() for at in range(max(1, len(word) - 1)))
