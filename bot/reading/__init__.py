"""Documents read off the loop, and their entries made ready for the store: in threads, or in processes of their own.

Knows no store and no network. Whoever polls does not know which of the two stands behind it.

    body → sources.read → Reading → articles.look_up → cleaned items, and what the store is to be asked of them
"""

from __future__ import annotations

from bot.reading.processes import Processes
from bot.reading.threads import Threads

__all__ = ["Processes", "Threads", "of"]


def of(processes: int) -> Threads | Processes:
    """In so many processes; 0: in threads of this one."""
    return Processes(processes) if processes else Threads()
