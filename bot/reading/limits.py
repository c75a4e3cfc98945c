"""What one document may use of a reader process."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

#: Of the processor. The largest document that ``fetch.max_bytes`` lets through by default takes a third of it.
PATIENCE: Final = timedelta(seconds=10)
#: By the clock: on a busy machine a process gets only a part of a processor.
PATIENCE_BY_THE_CLOCK: Final = 3 * PATIENCE
#: By the clock: a feed whose document took longer waits for its next ones to be read until no other such is.
SLOW: Final = timedelta(seconds=2)
#: For one to start: imports, on a busy or small machine.
START: Final = timedelta(seconds=60)


def memory_bytes(max_bytes: int) -> int:
    """More than a process has at its start."""
    return 100_000_000 + 20 * max_bytes


def answer_bytes(question_bytes: int) -> int:
    """Return the length of the longest answer to a question.

    It holds an item's HTML, its clean text and what is escaped in them. In an encoding such as windows-874 (Thai) a
    byte is a letter, and a letter is three bytes in each.
    """
    return 1_000_000 + 8 * question_bytes
