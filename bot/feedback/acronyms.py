"""What a text says that its acronym stands for: “Parent Teacher Association (PTA)”, “PTA (Parent Teacher Association)”.

By initials alone, as far as a bracket shows it; after Schwartz and Hearst, "A simple algorithm for identifying
abbreviation definitions in biomedical text" (2003), which takes letters inside words too.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.rules.article_text import ArticleText, FieldText
from bot.rules.expression import Words

#: Words of a name that have no letter in its acronym.
_SMALL = frozenset("a an and the of for in on to at de la le du des del der die und für et e y do da di".split())
#: Words looked at beside the bracket.
MAX_WORDS = 12


def spelled_out(leaf: Words, view: ArticleText) -> str | None:
    """The first name in the article of which the term is the acronym, folded; None: it is never spelled out."""
    term = leaf.pattern.elements[0].text.casefold()
    if not term.isalpha() or len(term) < 2:
        return None
    for field in view.fields(leaf.field):
        for place in field.find(leaf.pattern):
            if name := _before(term, field, place.first) or _behind(term, field, place.last):
                return name
    return None


def _before(term: str, field: FieldText, at: int) -> str | None:
    """``Name (TERM)``."""
    if not field.gaps[at].endswith("("):
        return None
    start = at - 1
    while start > 0 and at - start < MAX_WORDS and field.gaps[start] == " ":
        start -= 1
    used = _initials(term[::-1], field.plain[max(start, 0) : at][::-1])
    return _name(field, at - used, at) if used else None


def _behind(term: str, field: FieldText, at: int) -> str | None:
    """``TERM (Name)``."""
    if not field.gaps[at + 1].endswith("("):
        return None
    end = at + 2
    while end < len(field.plain) and end - at <= MAX_WORDS and field.gaps[end] == " ":
        end += 1
    used = _initials(term, field.plain[at + 1 : end])
    return _name(field, at + 1, at + 1 + used) if used else None


def _initials(letters: str, words: Sequence[str]) -> int:
    """How many words it takes for their initials to be the letters; 0: they are not.

    Small words count for nothing, or if that does not come out, for what they are: “Department of Energy (DOE)”.
    """
    for is_counted in (False, True):
        left = letters
        for used, word in enumerate(words, 1):
            if word[0] == left[0] and (is_counted or word not in _SMALL):
                left = left[1:]
                if not left:
                    return used
            elif word not in _SMALL:
                break
    return 0


def _name(field: FieldText, start: int, end: int) -> str:
    """Singular and plural are one, and so are its spellings with and without small words."""
    return " ".join(word.removesuffix("s") for word in field.plain[start:end] if word not in _SMALL)
