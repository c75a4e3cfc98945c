"""How much work one evaluation may take, where whoever wrote the rule is not the one who waits for it."""

from __future__ import annotations

from bot import ports

#: Of one example. A rule of 10,000 terms takes 200,000 on a headline; some millions are a second.
MOST_OF_AN_EXAMPLE = 2_000_000


class TooManySteps(ports.WirewatchError):
    """An evaluation was given up."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most:,} steps")
        self.most = most


class Steps:
    """Counts down; shared by all evaluations that are to be bounded together."""

    __slots__ = ("_left", "_most")

    def __init__(self, most: int = MOST_OF_AN_EXAMPLE) -> None:
        self._most = self._left = most

    @property
    def taken(self) -> int:
        """How many steps were taken."""
        return self._most - self._left

    def take(self, count: int) -> None:
        """Raises TooManySteps when there are none left."""
        self._left -= count
        if self._left < 0:
            raise TooManySteps(self._most)
