"""The clause of a decision in a sentence: where it begins, and its own words to the end, as a reply shows them."""

from __future__ import annotations

import re

_CLAUSE_END = re.compile(
    r",(?=\s|$)|(?<![A-Z])(?<!Mr)(?<!Mrs)(?<!Ms)(?<!Dr)(?<!Jan)(?<!Feb)(?<!Aug)(?<!Sep)(?<!Sept)"
    r"(?<!Oct)(?<!Nov)(?<!Dec)\.(?=\s|$)|[;!?()\"]|:(?!\d)|\s[-–—]\s|\b(?:said|says|after|because|while|which|who|where|although|according)\b"
)
#: Not behind «Rep.», «Mr.» and initials.
_CLAUSE_START = re.compile(
    r"(?:[;:!?\"]|(?<![A-Z])(?<!Mr)(?<!Ms)(?<!Mrs)(?<!Dr)(?<!St)(?<!Rep)(?<!Reps)(?<!Sen)(?<!Sens)(?<!Gov)(?<!Gen)"
    r"(?<!Lt)(?<!Col)(?<!Sgt)(?<!Jr)\.)\s|,\s(?=but|and|who|which)"
)
#: Words shown of a decision.
_MOST_WORDS = 14
#: Words at which a clause cannot be cut.
_NO_END = frozenset("a an and at by for from in its of on or over that the their to with would".split())
_AUXILIARY = re.compile(r"^(?:(?:has|have|had|was|were|been|is|are|being)\s+)+", re.IGNORECASE)
#: «turned himself in» may end so.
_REFLEXIVE = frozenset({"himself", "herself", "themselves", "self"})


def starts_at(plain: str, at: int) -> int:
    """Where the clause begins that ``at`` stands in."""
    starts = [found.end() for found in _CLAUSE_START.finditer(plain, 0, at)]
    return starts[-1] if starts else 0


def shown(plain: str, start: int) -> str:
    """From the verb to the end of its clause, at most fourteen words.

    >>> shown("The court has been asked, and was overruled on Monday, said Ross.", 30)
    'overruled on Monday'
    """
    rest = plain[start:]
    end = next((found.start() for found in _CLAUSE_END.finditer(rest) if found.start() > 3), len(rest))
    words = rest[:end].split()
    if len(words) > _MOST_WORDS:
        words = words[:_MOST_WORDS]
        while len(words) > 2 and words[-2].lower() in _NO_END:
            words.pop()
    while len(words) > 1 and words[-1].lower() in _NO_END and words[-2].lower() not in _REFLEXIVE:
        words.pop()
    clause = _AUXILIARY.sub("", " ".join(words)).strip(" -–—")
    if " " in clause:
        return clause
    # «closes» says nothing without who does.
    whole = plain[starts_at(plain, start) : start + end].split()
    return " ".join(whole).strip(" -–—") if len(whole) <= _MOST_WORDS else clause
