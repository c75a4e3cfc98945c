"""A rich console that shows strangers' text as text: whatever is printed, only our own styles steer the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from bot.model import visible


class Screen(Console):
    """Cleans where rich turns what is printed into pieces: tables, panels and tracebacks pass here too."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for piece in super().render(renderable, options):
            # A piece with control codes is rich's own: it moves the cursor of a progress bar.
            yield piece if piece.control else Segment(visible.lines(piece.text), piece.style)
