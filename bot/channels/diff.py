"""What changed between two versions of a text, word by word, with a little around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from bot.channels import wording

#: Words kept on either side of a change.
_AROUND = 6
#: difflib takes quadratic time: longer texts are compared by their first words, which say what changed most often.
_WORDS_COMPARED = 1_500


class Change(StrEnum):
    KEPT = "kept"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    change: Change


def pieces(before: str, after: str, *, limit: int) -> list[Piece]:
    """Changed words with their surroundings, in order, together about ``limit`` characters.

    >>> [(p.text, str(p.change)) for p in pieces("by 30 November at noon", "by 30 December at noon", limit=200)]
    [('by 30', 'kept'), ('November', 'removed'), ('December', 'added'), ('at noon', 'kept')]
    """
    old = wording.clean(before).split()[:_WORDS_COMPARED]
    new = wording.clean(after).split()[:_WORDS_COMPARED]
    room, shown = limit, []
    for piece in _walk(old, new):
        words = wording.cut(piece.text, room)
        if not words:
            break
        shown.append(Piece(words, piece.change))
        room -= wording.size(words) + 1
    return shown


def _walk(old: list[str], new: list[str]) -> Iterator[Piece]:
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for place, (tag, start, end, new_start, new_end) in enumerate(codes):
        if tag == "equal":
            yield from _kept(old[start:end], is_first=place == 0, is_last=place == len(codes) - 1)
            continue
        if end > start:
            yield Piece(" ".join(old[start:end]), Change.REMOVED)
        if new_end > new_start:
            yield Piece(" ".join(new[new_start:new_end]), Change.ADDED)


def _kept(words: list[str], *, is_first: bool, is_last: bool) -> Iterator[Piece]:
    before = [] if is_first else words[:_AROUND]
    after = [] if is_last else words[-_AROUND:]
    if len(words) <= len(before) + len(after):
        yield Piece(" ".join(words), Change.KEPT)
        return
    parts = [*before, "…", *after]
    yield Piece(" ".join(parts), Change.KEPT)
