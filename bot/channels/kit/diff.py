"""What changed between two versions of a text, word by word, with a little around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bot.channels.kit import phrases
from bot.language import alignment

#: Unchanged words shown on either side of a change.
_AROUND = 6
#: Only so many words of a change are compared and shown.
_WORDS_COMPARED = 300


class Change(StrEnum):
    """Whether a run of words was kept, removed or added."""

    KEPT = "kept"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words with the same change."""

    text: str
    change: Change


def pieces(before: str, after: str, *, limit: int) -> list[Piece]:
    """Return the changed words with their surroundings, in order, of about ``limit`` characters in total.

    >>> [(p.text, str(p.change)) for p in pieces("by 30 November at noon", "by 30 December at noon", limit=200)]
    [('by 30', 'kept'), ('November', 'removed'), ('December', 'added'), ('at noon', 'kept')]
    """
    old, new = phrases.clean(before).split(), phrases.clean(after).split()
    # Corrections are small: skip the common beginning and end.
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    middles = (words[start : len(words) - end][:_WORDS_COMPARED] for words in (old, new))
    all_pieces = [
        *_kept(old[:start], is_first=True, is_last=False),
        *_walk(*middles),
        *_kept(old[len(old) - end :], is_first=False, is_last=True),
    ]
    room, shown = limit, list[Piece]()
    for piece in all_pieces:
        words = phrases.cut(piece.text, room)
        if not words:
            break
        shown.append(Piece(words, piece.change))
        room -= phrases.size(words) + 1
    return shown


def _common(old: list[str], new: list[str]) -> int:
    """Return how many words both begin with."""
    differences = (place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    return next(differences, min(len(old), len(new)))


def _walk(old: list[str], new: list[str]) -> Iterator[Piece]:
    for part in alignment.align(old, new):
        if part.kind == "equal":
            yield from _kept(old[part.start : part.end], is_first=False, is_last=False)
            continue
        if part.start < part.end:
            yield Piece(" ".join(old[part.start : part.end]), Change.REMOVED)
        if part.other_start < part.other_end:
            yield Piece(" ".join(new[part.other_start : part.other_end]), Change.ADDED)


def _kept(words: list[str], *, is_first: bool, is_last: bool) -> Iterator[Piece]:
    if not words:
        return
    beginning = [] if is_first else words[:_AROUND]
    end = [] if is_last else words[-_AROUND:]
    parts = words if len(words) <= len(beginning) + len(end) else [*beginning, "…", *end]
    yield Piece(" ".join(parts), Change.KEPT)
