"""The function words, hedges, negations, scales and verb meanings of each language, and which language a text is in."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from itertools import chain

from bot.text.words import fold

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


#: A language with so many more small words in the text than the declared one has overrules it.
CLEARLY = 2
#: Letters of languages whose small words cannot be counted: most are written without spaces.
_SCRIPTS = (
    (re.compile("[\u3040-\u30ff]"), "ja"),
    (re.compile("[\uac00-\ud7af]"), "ko"),
    (re.compile("[\u4e00-\u9fff]"), "zh"),
    (re.compile("[\u0e00-\u0e7f]"), "th"),
    (re.compile("[\u0900-\u097f]"), "hi"),
)
_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str, declared: str | None) -> str:
    """The language's two letters; the declared one where the text does not tell, "" where none was declared."""
    # ASCII first, and counts without a loop of ours: asked of half of all articles, about one name each.
    if not text.isascii():
        for letters, language in _SCRIPTS:
            if letters.search(text):
                return language
    named = base(declared) if declared else ""
    counts = Counter(chain.from_iterable(map(_small_in, _WORD.findall(text))))
    most = max(counts.values(), default=0)
    return min(each for each in counts if counts[each] == most) if most >= counts[named] + CLEARLY else named


@lru_cache(maxsize=1 << 14)
def _small_in(word: str) -> tuple[str, ...]:
    """The languages of which it is a small word."""
    return tuple(language for language in _known() if is_small(language, fold(word)))


@cache
def _known() -> tuple[str, ...]:
    files = resources.files(__package__).iterdir()
    return tuple(sorted(file.name.removesuffix(".txt") for file in files if file.name.endswith(".txt")))
