"""The few words that are in most of some texts and in none, or hardly any, of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

#: Words of one proposal: more would not be read.
MOST_WORDS = 5
#: One text has hundreds of words of its own; a word says something from two on.
LEAST_TEXTS = 2
#: Texts of the other kind that may have a word: none of few.
STRAY = 0.05


def words(
    wanted: Sequence[frozenset[str]],
    unwanted: Sequence[frozenset[str]],
    *,
    headlines: Collection[str] = (),
    times: int = 1,
    most_words: int = MOST_WORDS,
) -> tuple[str, ...]:
    """Each for the texts that those before it left; a text is left until ``times`` of them stand in it.

    Of words that do as much, one of the ``headlines`` comes first: it says what a text is about.
    """
    other = Counter(word for text in unwanted for word in text)
    known = Counter(word for text in wanted for word in text)
    most = STRAY * len(unwanted)
    left = [(text, times) for text in wanted]
    chosen: list[str] = []
    while left and len(chosen) < most_words:
        counts = Counter(
            word
            for text, _ in left
            for word in text
            if known[word] >= LEAST_TEXTS and other[word] <= most and word not in chosen
        )
        best = min(counts, key=lambda word: (-counts[word], other[word], word not in headlines, word), default=None)
        if best is None:
            break
        chosen.append(best)
        left = [(text, need - (best in text)) for text, need in left]
        left = [(text, need) for text, need in left if need]
    return tuple(chosen)
