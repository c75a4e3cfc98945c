"""The kinds of decisions and the wordings that say them (turns.tsv), and where a sentence has them. English."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from bot.stories.news import grammar

#: Who decides or acts together: «regulators», «police», «Democrats», «Acme and Borel».
_PLURAL = re.compile(
    r"\b(?:\w+(?:ers|ors|ists|ians|crats|licans)|police|cops|feds|authorities|officials|courts|judges|states|governments"
    r"|countries|companies|firms|banks|MPs|lords|\w+ (?:and|&) \w+)\s+(?P<verb>[a-z]+)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One kind of decision: its label and the wordings that say it."""

    label: str
    past: re.Pattern[str]
    #: Of headlines: «PTA lifts …».
    present: re.Pattern[str]
    nouns: re.Pattern[str]


@lru_cache(maxsize=1 << 11)
def places(plain: str, *, is_headline: bool) -> tuple[tuple[Turn, int, int], ...]:
    """Where verbs of each turn begin and end; those of a headline in the present too.

    Remembered: each article that joins a story is held against all that the story says.
    """
    return tuple(_places(plain, _plurals(plain) if is_headline else None))


def _places(plain: str, plurals: Sequence[tuple[str, int, int]] | None) -> Iterator[tuple[Turn, int, int]]:
    for turn in all_turns():
        for found in turn.past.finditer(plain):
            yield turn, *found.span()
        if plurals is None:
            continue
        for found in turn.present.finditer(plain):
            yield turn, *found.span()
        for single, at, longer in plurals:
            read = turn.present.match(single, at)
            if read and grammar.has_object(plain[read.end() - longer :]):
                yield turn, at, read.end() - longer


def _plurals(plain: str) -> list[tuple[str, int, int]]:
    """«Regulators ban …» as «Regulators bans …», where the verb stands, and by how much it grew."""
    found = []
    for plural in _PLURAL.finditer(plain):
        single = _third_person(plural["verb"])
        at, end = plural.span("verb")
        found.append((plain[:at] + single + plain[end:], at, len(single) - (end - at)))
    return found


@cache
def all_turns() -> tuple[Turn, ...]:
    lines = resources.files(__package__).joinpath("turns.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return tuple(
        Turn(label, *(re.compile(rf"(?<![\w-])(?:{wordings})\b", re.IGNORECASE) for wordings in forms))
        for label, *forms in rows
    )


def _third_person(verb: str) -> str:
    """approve → approves, pass → passes, deny → denies."""
    if re.search(r"(?:[sxz]|[cs]h|o)$", verb, re.IGNORECASE):
        return f"{verb}es"
    if re.search(r"[^aeiou]y$", verb, re.IGNORECASE):
        return f"{verb[:-1]}ies"
    return f"{verb}s"
