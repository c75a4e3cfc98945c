"""Find names in a sentence, and how common each word is in the news."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from functools import cache
from importlib import resources

import msgspec

from bot.text import lexicon, words

#: A word that opens a sentence counts as a name if this share of its uses in the background table is capitalised.
_USUALLY = 0.7


def names(tokens: Sequence[words.StemmedWord], language: str) -> frozenset[str]:
    """Return the stems of words that are names or parts of names, including acronyms and codes (CVE-2026-1)."""
    is_title_case = words.is_headline_case(tokens)
    capitals = background_table().capitals
    stems: set[str] = set()
    for at, token in enumerate(tokens):
        if not token.is_capital or lexicon.is_small(language, words.fold_word(token.text)):
            continue
        is_acronym = len(token.text) > 1 and token.text.isupper() and not is_title_case
        if language == "de":
            neighbours = [tokens[place] for place in (at - 1, at + 1) if 0 <= place < len(tokens)]
            if is_acronym or any(token.is_capital and not token.opens for token in neighbours):
                stems.add(token.stem)
        elif is_acronym or not (token.opens or is_title_case) or capitals.get(token.stem, 1.0) >= _USUALLY:
            stems.add(token.stem)
    return frozenset(stems)


class Background(msgspec.Struct, frozen=True):
    """Document frequencies of words, and how often each is capitalised inside a sentence."""

    #: Word -> share of news items that contain it.
    rates: dict[str, float]
    #: Word -> share of its uses inside a sentence that are capitalised, from 0 to 1.
    capitals: dict[str, float]


@cache
def background_table() -> Background:
    """Load the background table of this package."""
    packed = resources.files("bot.text").joinpath("background.tsv.gz").read_bytes()
    first, *rows = gzip.decompress(packed).decode().splitlines()
    documents = int(first)
    rates: dict[str, float] = {}
    capitals: dict[str, float] = {}
    for row in rows:
        word, count, share = row.split("\t")
        rates[word] = int(count) / documents
        capitals[word] = int(share) / 9
    return Background(rates, capitals)
