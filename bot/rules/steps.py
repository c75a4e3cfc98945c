"""Bound the work of one evaluation, where whoever wrote the rule does not wait for the result."""

from __future__ import annotations

from bot import ports

#: Maximum steps of one example. A rule of 10,000 terms takes 200,000 on a headline; some millions take a second.
MOST_OF_AN_EXAMPLE = 2_000_000


class TooManySteps(ports.WirewatchError):
    """An evaluation exceeded its steps."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most:,} steps")
        self.most = most


class Steps:
    """Counts down the steps that several evaluations share."""

    __slots__ = ("_left", "_most")

    def __init__(self, most: int = MOST_OF_AN_EXAMPLE) -> None:
        self._most = self._left = most

    @property
    def taken(self) -> int:
        """How many steps were taken."""
        return self._most - self._left

    def take(self, count: int) -> None:
        """Count some steps. Raises TooManySteps if too few are left."""
        self._left -= count
        if self._left < 0:
            raise TooManySteps(self._most)
