"""A number with its noun."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """The count, with commas, and the noun in the number that it asks for.

    >>> counted(1, "error"), counted(2_000, "story"), counted(0, "match"), counted(3, "day")
    ('1 error', '2,000 stories', '0 matches', '3 days')
    """
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{count:,} {noun[:-1]}ies"
    return f"{count:,} {noun}{'es' if noun.endswith(('ch', 's', 'sh', 'x')) else 's'}"
