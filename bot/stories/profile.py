"""What grouping keeps of an article: weighted words, names, numbers, links and a sketch of its text.

Knows nothing of other articles; all judging is in resemblance.py.
"""

from __future__ import annotations

import heapq
import math
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import model
from bot.stories import background, words

#: The lead: what the text says first. News puts who, what and where there.
LEAD_CHARS = 1500
#: A word of the title weighs as this many in the lead.
TITLE_WEIGHT = 2.0
#: Words in a shingle and shingles in a sketch (Broder 1997, bottom-k).
SHINGLE_WORDS = 5
SKETCH_SIZE = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One article as grouping sees it."""

    id: model.ArticleId
    when: datetime
    link: str
    links: frozenset[str]
    #: Word -> count, dampened; title words weigh more. Before any idf.
    weights: dict[str, float]
    title: frozenset[str]
    #: Word -> how surely it is (part of) a name here, 0 to 1.
    names: dict[str, float]
    numbers: frozenset[str]
    sketch: frozenset[int]
    #: Words of the text.
    length: int
    folded_title: str


def of(article: model.Article) -> Profile:
    """Read an article once."""
    title = list(words.tokens(article.title))
    lead = list(words.tokens(article.text[:LEAD_CHARS]))
    in_title = Counter(token.stem for token in title)
    counts = Counter(token.stem for token in lead)
    weights = {word: 1 + math.log(count) for word, count in counts.items()}
    for word in in_title:
        weights[word] = weights.get(word, 0.0) + TITLE_WEIGHT
    return Profile(
        id=article.id,
        when=article.when,
        link=article.link,
        links=frozenset(article.links),
        weights=weights,
        title=frozenset(in_title),
        names=_names(title, lead),
        numbers=frozenset(word for word in weights if word[0].isdigit()),
        sketch=_sketch([token.stem for token in lead]),
        length=len(lead),
        folded_title=" ".join(token.stem for token in title),
    )


def _names(*texts: Sequence[words.Token]) -> dict[str, float]:
    """Words that are names by their capitals: here where they can tell, else by habit."""
    habit = background.table().capitals
    capital: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    maybe: set[str] = set()
    for tokens in texts:
        shouting = words.is_headline_case(tokens)
        for token in tokens:
            if token.stem[0].isdigit():
                continue
            if shouting or token.opens:
                if token.is_capital:
                    maybe.add(token.stem)
            else:
                seen[token.stem] += 1
                capital[token.stem] += token.is_capital
    names: dict[str, float] = {}
    for word, count in seen.items():
        if capital[word]:
            names[word] = (capital[word] + habit.get(word, 1.0)) / (count + 1)
    for word in maybe - seen.keys():
        names[word] = habit.get(word, 0.8)
    return {word: sure for word, sure in names.items() if sure >= 0.5}


def _sketch(stems: Sequence[str]) -> frozenset[int]:
    """The smallest hashes of the text's shingles: two texts share as large a part of them as of all shingles."""
    shingles = {" ".join(stems[at : at + SHINGLE_WORDS]) for at in range(len(stems) - SHINGLE_WORDS + 1)}
    return frozenset(heapq.nsmallest(SKETCH_SIZE, {zlib.crc32(shingle.encode()) for shingle in shingles}))
