"""What words of a language do: small words, hedges, negations, scales, currencies, and the meanings of verbs of news.

One table a language (`en.txt` …), as data. A meaning (`die`, `delay`) is one over all languages, so that "fallecidos"
and "dead" are one word. Knows no sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

from bot.language.words import fold

#: Languages that a cache remembers: a stranger can name another one in each item.
MOST_LANGUAGES = 128
#: The fewest letters of `word*`.
_SHORTEST_PREFIX = 2
#: No beginning in the tables is longer; a word of strangers may be.
_LONGEST_PREFIX = 32


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Words and beginnings of words, each with what it stands for."""

    whole: dict[str, tuple[str, ...]] = field(default_factory=dict)
    beginnings: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @lru_cache(maxsize=1 << 16)  # noqa: B019 - tables are few, and kept as long as the process
    def get(self, folded: str) -> tuple[str, ...]:
        """Of a whole word, else of its longest beginning; empty: it is not in the table."""
        if found := self.whole.get(folded):
            return found
        for end in range(min(len(folded), _LONGEST_PREFIX), _SHORTEST_PREFIX - 1, -1):
            if found := self.beginnings.get(folded[:end]):
                return found
        return ()

    def add(self, entry: str, value: str) -> None:
        """Add an entry; ``word*`` stands for every word that begins so."""
        table, word = (self.beginnings, entry[:-1]) if entry.endswith("*") else (self.whole, entry)
        word = fold(word)
        table[word] = (*table.get(word, ()), value)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The tables of one language; a language without a file has empty ones."""

    tables: dict[str, Table]
    meanings_of: Table

    def has(self, table: str, folded: str) -> bool:
        """Whether the table has the folded word."""
        return table in self.tables and bool(self.tables[table].get(folded))

    def value(self, table: str, folded: str) -> str | None:
        """What is behind the `=` of an entry."""
        found = self.tables[table].get(folded) if table in self.tables else ()
        return found[0] if found else None


def base(language: str | None) -> str:
    """`de` of `de-AT`; an article without a language is read as English."""
    return (language or "en").replace("_", "-").split("-")[0].lower()


@lru_cache(maxsize=MOST_LANGUAGES)
def of(language: str) -> Lexicon:
    """The tables of a language by its two letters."""
    tables: dict[str, Table] = {}
    meanings = Table()
    path = resources.files(__package__).joinpath(f"{language}.txt")
    lines = path.read_text("utf-8").splitlines() if language.isalpha() and path.is_file() else []
    for line in lines:
        if line.startswith("#") or not line:
            continue
        name, _, entries = line.partition(":")
        for entry in entries.split():
            word, _, value = entry.partition("=")
            if name.startswith("="):
                meanings.add(word, name)
            else:
                tables.setdefault(name, Table()).add(word, value or word)
    return Lexicon(tables, meanings)


def joined(language: str, text: str) -> str:
    """Verbs of two words as the one word that means them: "calls off" is "cancel"."""
    table = of(language).tables.get("phrase")
    # Most sentences have none; to look for all first words in each would cost ten times as much.
    if table is None or not _seconds(language).search(text):
        return text
    return _phrases(language).sub(lambda found: table.whole[fold(f"{found[1]}+{found[2]}")][0], text)


@lru_cache(maxsize=MOST_LANGUAGES)
def _seconds(language: str) -> re.Pattern[str]:
    words = sorted({each.split("+")[1] for each in of(language).tables["phrase"].whole})
    return re.compile(rf"\s(?:{'|'.join(words)})\b", re.IGNORECASE)


@lru_cache(maxsize=MOST_LANGUAGES)
def _phrases(language: str) -> re.Pattern[str]:
    pairs = (each.split("+") for each in of(language).tables["phrase"].whole)
    seconds = "|".join(sorted({each.split("+")[1] for each in of(language).tables["phrase"].whole}))
    firsts = "|".join(rf"(?:{first}(?=\s+{second}\b))" for first, second in pairs)
    return re.compile(rf"\b({firsts})\s+({seconds})\b", re.IGNORECASE)


@lru_cache(maxsize=1 << 14)
def meanings(language: str, folded: str) -> tuple[str, ...]:
    """The meanings that a word may have: `=die` of "fallecidos"; empty: none that is known."""
    return of(language).meanings_of.get(folded)


@lru_cache(maxsize=1 << 14)
def is_small(language: str, folded: str) -> bool:
    """A word that says nothing by itself."""
    return of(language).has("small", folded) or folded.isdigit()
