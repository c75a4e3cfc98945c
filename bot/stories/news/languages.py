"""Cue words of decisions and deadlines in other languages than English (languages.tsv).

Their grammar is not read as closely as English is: a form that only states, and no word of doubt beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

#: Words before and after a form in which a word of doubt undoes it.
_NEAR_BEFORE, _NEAR_AFTER = 6, 3
#: Vowel signs of Arabic and Urdu, which most texts leave out.
_VOWEL_SIGNS = re.compile(r"[\u064b-\u0652\u0670]")


@dataclass(frozen=True, slots=True)
class Turn:
    """One kind of decision in one language: its label in English, the forms that state it, and its nouns."""

    label: str
    stated: re.Pattern[str]
    nouns: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Cues:
    """What tells decisions and deadlines in one language."""

    turns: tuple[Turn, ...]
    doubt_before: re.Pattern[str]
    doubt_after: re.Pattern[str] | None
    deadline: re.Pattern[str]
    moved: re.Pattern[str]

    def stated(self, plain: str) -> Iterator[tuple[str, int]]:
        """Label and place of each decision that a sentence states as made."""
        for turn in self.turns:
            for found in turn.stated.finditer(plain):
                if not self._is_doubtful(plain, found):
                    yield turn.label, found.start()
                    break

    def _is_doubtful(self, plain: str, found: re.Match[str]) -> bool:
        clause = re.split(r"[.;:!?(\"«»]|,\s", plain[: found.start()])[-1]
        before = " ".join(clause.split()[-_NEAR_BEFORE:])
        after = " ".join(plain[found.end() :].split()[:_NEAR_AFTER])
        # A German form holds its clause, with the «nicht» in it.
        if self.doubt_before.search(before) or (len(found.group()) > 40 and self.doubt_before.search(found.group())):
            return True
        return bool(self.doubt_after and (self.doubt_after.search(after) or self.doubt_after.search(found.group())))


def bare(plain: str) -> str:
    """Without vowel signs."""
    return _VOWEL_SIGNS.sub("", plain)


def of(language: str) -> Cues | None:
    """None: English, or a language without cues."""
    return _all().get(language)


@cache
def _all() -> dict[str, Cues]:
    lines = resources.files(__package__).joinpath("languages.tsv").read_text("utf-8").splitlines()
    rows: dict[str, dict[str, tuple[str, str]]] = {}
    for line in lines:
        if line and not line.startswith("#"):
            language, label, first, second = line.split("\t")
            rows.setdefault(language, {})[label] = first, second
    return {language: _cues(found) for language, found in rows.items()}


def _cues(rows: dict[str, tuple[str, str]]) -> Cues:
    before, after = rows.pop("unsure")
    deadline, moved = rows.pop("deadline")[0], rows.pop("moved")[0]
    return Cues(
        turns=tuple(
            Turn(label, _words(stated), _words(nouns) if nouns else None) for label, (stated, nouns) in rows.items()
        ),
        doubt_before=_words(before),
        doubt_after=_words(after) if after else None,
        deadline=_words(deadline),
        moved=_words(moved),
    )


def _words(wordings: str) -> re.Pattern[str]:
    # n' and d' end without a word boundary.
    return re.compile(rf"(?<![\w-])(?:{wordings})(?:\b|(?<='))", re.IGNORECASE)
