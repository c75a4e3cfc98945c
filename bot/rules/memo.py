"""A bounded cache of results by text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


class Memo(dict[str, Value]):
    """A cache: ``memo[text]`` computes a missing result. Results that are not used for a while are dropped.

    A Memo is a dict, so that a look-up runs in C. If ``compute`` raises an error, nothing is cached.
    """

    __slots__ = ("_compute", "_longest", "_old", "_size")

    def __init__(self, compute: Callable[[str], Value], *, size: int, longest: int) -> None:
        """Cache at most twice ``size`` texts, none longer than ``longest`` characters."""
        super().__init__()
        self._compute = compute
        self._size = size
        self._longest = longest
        self._old: dict[str, Value] = {}

    def forget(self) -> None:
        """Drop all cached results."""
        self.clear()
        self._old.clear()

    def __missing__(self, text: str) -> Value:
        result = self._old.get(text)
        if result is None:
            result = self._compute(text)
        if len(text) <= self._longest:
            if len(self) >= self._size:
                self._old = dict(self)
                self.clear()
            self[text] = result
        return result
