"""A rich console that shows strangers' text as text: whatever is printed, only our own styles steer the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from bot.model import visible


class Screen(Console):
    """A rich console on which only our own styles control the terminal, not untrusted text."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        # All output passes here, also tables, panels and tracebacks.
        for piece in super().render(renderable, options):
            # rich itself makes pieces with control codes, to move the cursor of a progress bar.
            yield piece if piece.control else Segment(visible.lines(piece.text), piece.style)
