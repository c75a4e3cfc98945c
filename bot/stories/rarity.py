"""How much a word tells: inverse document frequency over the shipped background and the open stories together.

On the first day the background alone speaks. As stories open, what they all share (the words of the rules that matched
them) weighs less, whatever the news at large says. A story counts once, however many articles it has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sized

from bot.language import background

#: As many documents as the shipped table speaks for, beside the open stories (800 and 6000 measured no better).
BACKGROUND_DOCUMENTS = 2000


class _Commonness(dict[str, float]):
    """Word -> logarithm of its document frequency, kept until its holders change."""

    def __init__(self, holders: Mapping[str, Sized]) -> None:
        super().__init__()
        self._holders = holders
        self._rates = background.table().rates

    def __missing__(self, word: str) -> float:
        held = len(self._holders.get(word, ()))
        self[word] = found = math.log(self._rates.get(word, 0.0) * BACKGROUND_DOCUMENTS + held + 0.5)
        return found


class Rarity:
    """Rarity of a word = ``base`` - ``commonness[word]``."""

    def __init__(self, holders: Mapping[str, Sized]) -> None:
        self.commonness = _Commonness(holders)
        self.base = 0.0
        self.count(0)

    def of(self, word: str) -> float:
        return self.base - self.commonness[word]

    def count(self, stories: int) -> None:
        """So many stories are open."""
        self.base = math.log(BACKGROUND_DOCUMENTS + stories + 1)

    def changed(self, word: str) -> None:
        """More or fewer stories hold the word."""
        self.commonness.pop(word, None)
