"""In which language a text is, by its script and its small words: feeds name none, or that of their template.

Coarse: it knows the languages of the lexicon, and keeps the declared language where the text does not tell.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache, lru_cache
from importlib import resources
from itertools import chain

from bot.language import lexicon
from bot.language.words import fold

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
    named = lexicon.base(declared) if declared else ""
    counts = Counter(chain.from_iterable(map(_small_in, _WORD.findall(text))))
    most = max(counts.values(), default=0)
    return min(each for each in counts if counts[each] == most) if most >= counts[named] + CLEARLY else named


@lru_cache(maxsize=1 << 14)
def _small_in(word: str) -> tuple[str, ...]:
    """The languages of which it is a small word."""
    return tuple(language for language in _known() if lexicon.is_small(language, fold(word)))


@cache
def _known() -> tuple[str, ...]:
    files = resources.files(lexicon).iterdir()
    return tuple(sorted(file.name.removesuffix(".txt") for file in files if file.name.endswith(".txt")))
