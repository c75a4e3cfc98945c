"""What the words state that differ between two wordings: numbers and days, decisions and outcomes, names.

Knows no headline and no sentence; which differences count where is judged in headlines.py and edits.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.articles.meanings import outcome, turn
from bot.articles.rewording import changed, replaced, words_of

#: Days and months, also as they are shortened, by their first letters.
_DAYS = {
    name: name[:3]
    for name in """
    monday tuesday wednesday thursday friday saturday sunday mon tue tues thu thurs fri
    january february march april may june july august september october november december
    jan feb apr jun jul aug sep sept oct nov dec
    """.split()
}
#: Before a name, with it or without.
_TITLES = frozenset("mr mrs ms dr sir prime president minister prof professor general director".split())
#: Small words of which one more or less changes no headline.
_SMALL = frozenset(
    """
    a an the of to in on at by for from with as and or but that this is are was were be been being has have had will
    would it its his her their he she they who which after before over into out up amid about says said say new just
    how why what when where
    """.split()
)
#: «likely» and «unlikely», «legal» and «illegal».
_OPPOSITE = ("un", "in", "im", "il", "ir", "dis", "non")
#: Words in which one party gives way to another; more is a sentence turned round.
_LONGEST_NAME = 4
_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|\n+")
#: A longer text is compared up to here: past it, a change is not what was alerted on.
_SENTENCES = 200


def telling(words: list[str]) -> list[str]:
    """Without the small ones."""
    return [word for word in words if word.casefold() not in _SMALL]


def meant(words: list[str]) -> set[str]:
    """The negations, decisions and outcomes that the words state by themselves."""
    return {found for word in words if (found := outcome(word)) is not None and not found.isdigit()}


def figures(words: list[str], meaning: Callable[[str], str | None]) -> set[str]:
    """Numbers and days; «5G» and «39A» are names."""
    small = {found for word in words if (found := meaning(word)) is not None and found.isdigit()}
    days = {_DAYS[word.casefold()] for word in words if word.casefold() in _DAYS and word != "may"}
    return small | days | {word.casefold() for word in words if re.fullmatch(r"\d[\d.]*(?:m|bn)?", word, re.IGNORECASE)}


def is_turned(removed: list[str], added: list[str]) -> bool:
    """A negation, a decision or a hedge went, and nothing of its meaning came."""
    come = meant(added)
    return any((found := turn(word)) and not found.isdigit() and outcome(word) not in come for word in removed)


def are_opposites(removed: list[str], added: list[str]) -> bool:
    """«likely» for «unlikely», or the other way round."""
    one, other = ({word.casefold() for word in words if len(word) > 3} for words in (removed, added))
    return any(
        f"{prefix}{word}" in these
        for these, those in ((one, other), (other, one))
        for word in those
        for prefix in _OPPOSITE
    )


def asks(title: str) -> bool:
    """A question states nothing."""
    return re.search(r"\?(?:\W*$|['\"’”]*\s)", title) is not None


def has_other_name(one: list[str], other: list[str]) -> bool:
    """One name in the place of another. A name that only comes or goes makes a sentence fuller or shorter."""
    gone, come = (set(filter(_is_name, words)) for words in changed(one, other))
    return any(
        gone & set(before) and come & set(after)
        for before, after in replaced(one, other)
        if max(len(before), len(after)) <= _LONGEST_NAME
    )


def plain_first(words: list[str], names: frozenset[str]) -> list[str]:
    """A sentence's first capital makes no name, unless the word has it elsewhere too or is all capitals."""
    if not words or words[0] in names or (len(words[0]) > 1 and words[0].isupper()):
        return words
    return [words[0].lower(), *words[1:]]


def names_in(string: str) -> frozenset[str]:
    """Words that have a capital inside a sentence."""
    return frozenset(word for part in sentences(string) for word in words_of(part)[1:] if word[0].isupper())


def sentences(string: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(string, maxsplit=_SENTENCES)[:_SENTENCES] if part.strip()]


def _is_name(word: str) -> bool:
    folded = word.casefold()
    if not word[0].isupper() or folded in _TITLES or folded in _SMALL or folded in _DAYS:
        return False
    return not (outcome(word) or "").isdigit()
