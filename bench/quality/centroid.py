"""Cluster articles online, by the cosine to TF-IDF centroids and one threshold: the baseline for grouping.

Unlike a product, it knows the document frequencies of the whole set in advance. A cluster closes three days after its
last article.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from bench.quality.storysets import Labelled

THRESHOLDS = (0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.16, 0.2, 0.24, 0.28, 0.32, 0.36, 0.4)
WINDOW = timedelta(days=3)
#: The words that carry no content, as every such list has them.
STOP = frozenset(
    "a about after all also an and any are as at be been before but by can could did do for from had has have he her"
    " his how if in into is it its may more most no not of on one or other our out over she so some than that the"
    " their them then there these they this to up was we were what when which who will with would you your".split()
)


def vectors(rows: Sequence[Labelled]) -> list[dict[str, float]]:
    """Unit vectors of title and text."""
    counts = [
        Counter(
            word
            for word in re.findall(r"\w\w+", f"{row.article.title} {row.article.text}".casefold())
            if word not in STOP
        )
        for row in rows
    ]
    holders = Counter(word for count in counts for word in count)
    found = []
    for count in counts:
        raw = {
            word: (1 + math.log(n)) * (math.log((1 + len(rows)) / (1 + holders[word])) + 1) for word, n in count.items()
        }
        norm = math.sqrt(sum(value * value for value in raw.values())) or 1.0
        found.append({word: value / norm for word, value in raw.items()})
    return found


def threads(rows: Sequence[Labelled], threshold: float) -> list[str]:
    """The thread of each article."""
    by_word: defaultdict[str, dict[int, float]] = defaultdict(dict)
    squares: list[float] = []
    last: list[datetime] = []
    chosen: list[str] = []
    for row, vector in zip(rows, vectors(rows), strict=True):
        products: defaultdict[int, float] = defaultdict(float)
        for word, value in vector.items():
            for thread, total in by_word[word].items():
                products[thread] += value * total
        near = [
            (product / math.sqrt(squares[thread]), -thread)
            for thread, product in products.items()
            if row.article.when - last[thread] <= WINDOW
        ]
        best, at = max(near, default=(0.0, 0))
        home = -at if best >= threshold else len(squares)
        if home == len(squares):
            squares.append(0.0)
            last.append(row.article.when)
        last[home] = row.article.when
        for word, value in vector.items():
            total = by_word[word].get(home, 0.0)
            squares[home] += (total + value) ** 2 - total**2
            by_word[word][home] = total + value
        chosen.append(str(home))
    return chosen
