"""How common a word is in news at large, before the bot has read any: the shipped table of document frequencies.

Statistics only; made by scripts/background-frequencies. It knows no article and no story.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Background:
    """Document frequencies of words, and how often each wears a capital inside a sentence."""

    #: Word -> share of news items that hold it.
    rates: dict[str, float]
    #: Word -> 0 (never a name) to 1 (always written as one).
    capitals: dict[str, float]


@cache
def table() -> Background:
    """The shipped table, read once."""
    packed = resources.files("bot.language").joinpath("background.tsv.gz").read_bytes()
    first, *rows = gzip.decompress(packed).decode().splitlines()
    documents = int(first)
    rates: dict[str, float] = {}
    capitals: dict[str, float] = {}
    for row in rows:
        word, count, share = row.split("\t")
        rates[word] = int(count) / documents
        capitals[word] = int(share) / 9
    return Background(rates, capitals)
