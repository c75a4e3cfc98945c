"""The kinds of decisions and the wordings that say them (turns.tsv), and where a sentence has them. English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
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

    def places(self, plain: str, *, is_headline: bool) -> Iterator[tuple[int, int]]:
        """Where its verbs begin and end; those of a headline in the present too."""
        for found in self.past.finditer(plain):
            yield found.span()
        if is_headline:
            for found in self.present.finditer(plain):
                yield found.span()
            yield from self._plural(plain)

    def _plural(self, plain: str) -> Iterator[tuple[int, int]]:
        """«Regulators ban», «Acme and Borel agree»: the present of several."""
        for found in _PLURAL.finditer(plain):
            verb, at = found["verb"], found.start("verb")
            single = _third_person(verb)
            read = self.present.match(plain[:at] + single + plain[found.end() :], at)
            end = read.end() - len(single) + len(verb) if read else 0
            if read and grammar.has_object(plain[end:]):
                yield at, end


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
