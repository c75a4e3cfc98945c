"""What was worked out once for a text, remembered within bounds; knows nothing of what is worked out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


class Memo(dict[str, Value]):
    """Asked with ``[text]``: what was not asked for while ``size`` others were is forgotten.

    A dict, since a look-up in C is what it is for; a failure is raised and not remembered.
    """

    __slots__ = ("_longest", "_old", "_size", "_work_out")

    def __init__(self, work_out: Callable[[str], Value], *, size: int, longest: int) -> None:
        """Remembers at most twice ``size`` texts, none of more than ``longest`` characters."""
        super().__init__()
        self._work_out = work_out
        self._size = size
        self._longest = longest
        self._old: dict[str, Value] = {}

    def forget(self) -> None:
        """Remember nothing any more."""
        self.clear()
        self._old.clear()

    def __missing__(self, text: str) -> Value:
        found = self._old.get(text)
        if found is None:
            found = self._work_out(text)
        if len(text) <= self._longest:
            if len(self) >= self._size:
                self._old = dict(self)
                self.clear()
            self[text] = found
        return found
