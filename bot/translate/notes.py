"""Notes about what happened to the parts of a query."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """What happened to one part."""

    #: The part of the original query.
    part: str
    what: str


class Notes:
    """Collects distinct notes in order."""

    def __init__(self) -> None:
        self._lost: dict[Note, None] = {}
        self._rewritten: dict[Note, None] = {}

    def lose(self, part: str, what: str) -> None:
        """Note that ``part`` means less here, or was dropped."""
        self._lost[Note(part, what)] = None

    def rewrite(self, part: str, what: str) -> None:
        """Note that ``part`` is written differently here and means the same."""
        self._rewritten[Note(part, what)] = None

    @property
    def lost(self) -> tuple[Note, ...]:
        """Return the notes of lost parts, in order."""
        return tuple(self._lost)

    @property
    def rewritten(self) -> tuple[Note, ...]:
        """Return the notes of rewritten parts, in order."""
        return tuple(self._rewritten)
