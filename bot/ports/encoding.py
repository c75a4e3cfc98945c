"""Encoders: vectors that are close for texts with the same meaning, in any language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

#: Of length 1; the cosine of two is close to 0 for unrelated texts.
Vector: TypeAlias = Sequence[float]


class Encoder(Protocol):
    """A model that encodes texts of several languages."""

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return one vector for each text, in order. Raises EncoderFailed."""
        ...
