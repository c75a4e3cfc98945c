"""What became of a query on its way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """What became of one part."""

    #: The part of the given query.
    part: str
    what: str


class Notes:
    """Collected in order, each once."""

    def __init__(self) -> None:
        self._lost: dict[Note, None] = {}
        self._rewritten: dict[Note, None] = {}

    def lose(self, part: str, what: str) -> None:
        """``part`` means less here, or was left out."""
        self._lost[Note(part, what)] = None

    def rewrite(self, part: str, what: str) -> None:
        """``part`` is written otherwise here and means the same."""
        self._rewritten[Note(part, what)] = None

    @property
    def lost(self) -> tuple[Note, ...]:
        """What was lost, in order."""
        return tuple(self._lost)

    @property
    def rewritten(self) -> tuple[Note, ...]:
        """What was rewritten, in order."""
        return tuple(self._rewritten)
