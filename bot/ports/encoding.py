"""Vectors of meaning: what places texts of many languages near each other when they say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

#: Of length 1; the cosine of two is near 0 where the texts have nothing to do with each other.
Vector: TypeAlias = Sequence[float]


class Encoder(Protocol):
    """A model that reads several languages."""

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """One vector a text, in order. Raises EncoderFailed."""
        ...
