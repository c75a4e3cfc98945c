"""An encoder of tests: texts share the directions of the words that they share, or that mean the same."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence

SIZE = 64


class DictionaryEncoder:
    """Encodes words. ``meanings`` maps a word to another word of the same meaning."""

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self._meanings = meanings
        #: All texts, in order.
        self.texts: list[str] = []
        #: What the next call raises.
        self.error: Exception | None = None

    async def encode(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return the vector of each text."""
        if self.error is not None:
            raise self.error
        self.texts += texts
        return [self.vector(text) for text in texts]

    def vector(self, text: str) -> list[float]:
        """Return the sum of the directions of the text's words, with length 1."""
        words = {self._meanings.get(word, word) for word in re.findall(r"[^\W\d_]{4,}", text.casefold())}
        columns = zip(*(_direction(word) for word in sorted(words)), strict=True)
        vector = [sum(column) for column in columns] or [1.0, *[0.0] * (SIZE - 1)]
        length = math.hypot(*vector)
        return [number / length for number in vector]


def _direction(word: str) -> list[float]:
    draw = random.Random(word)
    return [draw.gauss(0, 1) for _ in range(SIZE)]
