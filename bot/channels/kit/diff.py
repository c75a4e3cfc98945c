"""What changed between two versions of a text, word by word, with a little around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bot.channels.kit import phrases
from bot.language import alignment

#: Words kept on either side of a change.
_AROUND = 6
#: Of a longer change its first words are shown.
_WORDS_COMPARED = 300


class Change(StrEnum):
    """What became of a run of words."""

    KEPT = "kept"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words of one kind."""

    text: str
    change: Change


def pieces(before: str, after: str, *, limit: int) -> list[Piece]:
    """Changed words with their surroundings, in order, together about ``limit`` characters.

    >>> [(p.text, str(p.change)) for p in pieces("by 30 November at noon", "by 30 December at noon", limit=200)]
    [('by 30', 'kept'), ('November', 'removed'), ('December', 'added'), ('at noon', 'kept')]
    """
    old, new = phrases.clean(before).split(), phrases.clean(after).split()
    # Corrections are small: what both begin and end with needs no search.
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    before_it, after_it = old[:start], old[len(old) - end :]
    middles = (words[start : len(words) - end][:_WORDS_COMPARED] for words in (old, new))
    found = [
        *_kept(before_it, is_first=True, is_last=False),
        *_walk(*middles),
        *_kept(after_it, is_first=False, is_last=True),
    ]
    room, shown = limit, list[Piece]()
    for piece in found:
        words = phrases.cut(piece.text, room)
        if not words:
            break
        shown.append(Piece(words, piece.change))
        room -= phrases.size(words) + 1
    return shown


def _common(one: list[str], other: list[str]) -> int:
    """How many words both begin with."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _walk(old: list[str], new: list[str]) -> Iterator[Piece]:
    for each in alignment.align(old, new):
        if each.kind == "equal":
            yield from _kept(old[each.start : each.end], is_first=False, is_last=False)
            continue
        if each.start < each.end:
            yield Piece(" ".join(old[each.start : each.end]), Change.REMOVED)
        if each.other_start < each.other_end:
            yield Piece(" ".join(new[each.other_start : each.other_end]), Change.ADDED)


def _kept(words: list[str], *, is_first: bool, is_last: bool) -> Iterator[Piece]:
    if not words:
        return
    before = [] if is_first else words[:_AROUND]
    after = [] if is_last else words[-_AROUND:]
    parts = words if len(words) <= len(before) + len(after) else [*before, "…", *after]
    yield Piece(" ".join(parts), Change.KEPT)
