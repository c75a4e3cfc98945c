"""Function words, hedges, negations, scales and verb meanings of each language; detection of a text's language."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache, lru_cache
from importlib import resources
from itertools import chain

import msgspec

from bot.patterns import LazyPattern
from bot.text.words import fold_word

#: Size of the caches by language. Limited, because a feed may name a different language in every item.
MOST_LANGUAGES = 128
#: Minimum letters of a prefix (`word*`) in the tables.
_SHORTEST_PREFIX = 2


class Table(msgspec.Struct, frozen=True, eq=False):
    """Words and prefixes of words, each with its values."""

    whole: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    #: The first letters of prefixes -> the prefixes with their values, longest first.
    prefixes: dict[str, dict[str, tuple[str, ...]]] = msgspec.field(default_factory=dict)

    def get(self, folded: str) -> tuple[str, ...]:
        """Return the values of a word, or of its longest prefix in the table; empty if there is none."""
        if values := self.whole.get(folded):
            return values
        for prefix, values in self.prefixes.get(folded[:_SHORTEST_PREFIX], {}).items():
            if folded.startswith(prefix):
                return values
        return ()

    def add(self, entry: str, value: str) -> None:
        """Add an entry; ``word*`` matches every word with this prefix."""
        word = fold_word(entry.removesuffix("*"))
        if not entry.endswith("*"):
            self.whole[word] = (*self.whole.get(word, ()), value)
            return
        prefixes = self.prefixes.get(word[:_SHORTEST_PREFIX], {})
        prefixes[word] = (*prefixes.get(word, ()), value)
        self.prefixes[word[:_SHORTEST_PREFIX]] = dict(sorted(prefixes.items(), key=lambda item: -len(item[0])))


class Lexicon(msgspec.Struct, frozen=True):
    """The tables of one language. They are empty if the language has no file."""

    tables: dict[str, Table]
    meanings_of: Table

    def has(self, table: str, folded: str) -> bool:
        """Return whether the table contains the folded word."""
        return table in self.tables and bool(self.tables[table].get(folded))

    def value(self, table: str, folded: str) -> str | None:
        """Return the value of an entry (the part after `=`), or None if there is no entry."""
        values = self.tables[table].get(folded) if table in self.tables else ()
        return values[0] if values else None


def base(language: str | None) -> str:
    """Return the language without its country (`de` for `de-AT`); `en` for None."""
    return (language or "en").replace("_", "-").split("-")[0].lower()


@lru_cache(maxsize=MOST_LANGUAGES)
def of(language: str) -> Lexicon:
    """Return the tables of a language by its two-letter code."""
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
    """Replace verbs of two words by one word ("calls off" by "cancel")."""
    table = of(language).tables.get("phrase")
    # Look for second words first, because most texts have none and a search for whole verbs takes ten times as long.
    if table is None or not _seconds(language).search(text):
        return text
    return _phrases(language).sub(lambda verb: table.whole[fold_word(f"{verb[1]}+{verb[2]}")][0], text)


@lru_cache(maxsize=MOST_LANGUAGES)
def _seconds(language: str) -> re.Pattern[str]:
    words = sorted({phrase.split("+")[1] for phrase in of(language).tables["phrase"].whole})
    return re.compile(rf"\s(?:{'|'.join(words)})\b", re.IGNORECASE)


@lru_cache(maxsize=MOST_LANGUAGES)
def _phrases(language: str) -> re.Pattern[str]:
    pairs = (phrase.split("+") for phrase in of(language).tables["phrase"].whole)
    seconds = "|".join(sorted({phrase.split("+")[1] for phrase in of(language).tables["phrase"].whole}))
    firsts = "|".join(rf"(?:{first}(?=\s+{second}\b))" for first, second in pairs)
    return re.compile(rf"\b({firsts})\s+({seconds})\b", re.IGNORECASE)


def meanings(language: str, folded: str) -> tuple[str, ...]:
    """Return the possible meanings of a word (`=die` for "fallecidos"); empty if unknown."""
    return of(language).meanings_of.get(folded)


def is_small(language: str, folded: str) -> bool:
    """Return whether the word is a function word or a number."""
    return of(language).has("small", folded) or folded.isdigit()


#: A language overrules the declared one if the text has at least this many more function words of it.
CLEARLY = 2
#: Letters of languages whose function words cannot be counted; most are written without spaces.
_SCRIPTS = (
    (LazyPattern("[\u3040-\u30ff]"), "ja"),
    (LazyPattern("[\uac00-\ud7af]"), "ko"),
    (LazyPattern("[\u4e00-\u9fff]"), "zh"),
    (LazyPattern("[\u0e00-\u0e7f]"), "th"),
    (LazyPattern("[\u0900-\u097f]"), "hi"),
)
_WORD = LazyPattern(r"[^\W\d_]+")


def language_of(text: str, declared: str | None) -> str:
    """Return the two-letter code of the text's language. If the language is unclear, return ``declared`` (or "")."""
    if not text.isascii():
        for letters, language in _SCRIPTS:
            if letters.search(text):
                return language
    named = base(declared) if declared else ""
    languages = map(_function_words().get, map(fold_word, _WORD.findall(text)))
    counts = Counter(chain.from_iterable(filter(None, languages)))
    most = max(counts.values(), default=0)
    return (
        min(language for language in counts if counts[language] == most) if most >= counts[named] + CLEARLY else named
    )


@cache
def _function_words() -> dict[str, list[str]]:
    """Return each function word with its languages."""
    files = [file.name for file in resources.files(__package__).iterdir()]
    languages_of: dict[str, list[str]] = {}
    for language in sorted(name.removesuffix(".txt") for name in files if name.endswith(".txt")):
        for word in of(language).tables["small"].whole:
            languages_of.setdefault(word, []).append(language)
    return languages_of
