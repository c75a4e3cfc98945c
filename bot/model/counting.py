"""Counts with their nouns."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Return the count, with commas, and the noun in singular or plural.

    >>> counted(1, "error"), counted(2_000, "story"), counted(0, "match"), counted(3, "day")
    ('1 error', '2,000 stories', '0 matches', '3 days')
    """
    return f"{count:,} {in_number(count, noun)}"


def in_number(count: int, noun: str) -> str:
    """Return the noun in singular or plural.

    >>> in_number(1, "story"), in_number(2, "story")
    ('story', 'stories')
    """
    if count == 1:
        return noun
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}{'es' if noun.endswith(('ch', 's', 'sh', 'x')) else 's'}"
