"""Limits of one document in a reader process."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

#: Processor time. The largest document that ``fetch.max_bytes`` allows by default takes a third of it.
PATIENCE: Final = timedelta(seconds=10)
#: Time by the clock: on a busy machine a process gets only a part of a processor.
PATIENCE_BY_THE_CLOCK: Final = 3 * PATIENCE
#: Time by the clock: the documents of feeds that took longer are parsed one at a time.
SLOW: Final = timedelta(seconds=2)
#: Time by the clock for a process to start: imports, on a busy or small machine.
START: Final = timedelta(seconds=60)


def memory_bytes(max_bytes: int) -> int:
    """Return how much more memory a process may use than at its start."""
    return 100_000_000 + 20 * max_bytes


def answer_bytes(question_bytes: int) -> int:
    """Return the length of the longest answer to a question.

    An answer contains an item's HTML and its clean text, with escapes. In an encoding such as windows-874 (Thai) a
    letter is one byte, and it becomes three bytes in each of them.
    """
    return 1_000_000 + 8 * question_bytes
