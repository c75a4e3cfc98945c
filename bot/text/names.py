"""Proper names in a sentence, and how common each word is in the news at large."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from bot.text import lexicon, words

#: From this share on a word that opens a sentence is a name: the shipped table tells how often it wears a capital.
_USUALLY = 0.7


def names(tokens: Sequence[words.Word], language: str) -> frozenset[str]:
    """Stems of the words that are names or parts of names; acronyms and codes (CVE-2026-1) too."""
    is_title_case = words.is_headline_case(tokens)
    capitals = background_table().capitals
    found: set[str] = set()
    for at, token in enumerate(tokens):
        if not token.is_capital or lexicon.is_small(language, words.fold(token.text)):
            continue
        is_acronym = len(token.text) > 1 and token.text.isupper() and not is_title_case
        if language == "de":
            beside = [tokens[near] for near in (at - 1, at + 1) if 0 <= near < len(tokens)]
            if is_acronym or any(near.is_capital and not near.opens for near in beside):
                found.add(token.stem)
        elif is_acronym or not (token.opens or is_title_case) or capitals.get(token.stem, 1.0) >= _USUALLY:
            found.add(token.stem)
    return frozenset(found)


def proper_names(text: str) -> tuple[str, ...]:
    """The names in a text as written, those of several words whole, each once.

    >>> proper_names("BlackBerry quits Pakistan after Barack Obama's visit")
    ('BlackBerry', 'Pakistan', 'Barack Obama')
    """
    tokens = list(words.words_of(text))
    known = names(tokens, "en")
    found: list[list[str]] = []
    is_inside = False
    for token in tokens:
        is_name = token.is_capital and token.stem in known
        if is_name and is_inside and not token.opens:
            found[-1].append(token.text)
        elif is_name:
            found.append([token.text])
        is_inside = is_name and words.without_possessive(token.text) == token.text
    return tuple(dict.fromkeys(words.without_possessive(" ".join(each)) for each in found))


@dataclass(frozen=True, slots=True)
class Background:
    """Document frequencies of words, and how often each wears a capital inside a sentence."""

    #: Word -> share of news items that hold it.
    rates: dict[str, float]
    #: Word -> 0 (never a name) to 1 (always written as one).
    capitals: dict[str, float]


@cache
def background_table() -> Background:
    """The shipped table, read once."""
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
