"""Documents are parsed off the loop, and their entries are made ready for the store.

They are parsed in reader processes (``fetch.readers``), or in threads of this process. Knows no store and no network;
the pipeline does not know which of the two it is given.

    body → sources.parse_document → Reading → articles.look_up → cleaned items, and what to ask the store of them
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import model

if TYPE_CHECKING:
    from bot.reading.processes import Processes
    from bot.reading.threads import Threads

__all__ = ["of"]


def of(policy: model.FetchPolicy) -> Threads | Processes:
    """The reader processes that ``policy`` asks for, or threads of this process. Nothing is started yet."""
    # Imported here, since a reader process imports this package too and needs neither.
    if policy.readers:
        from bot.reading.processes import Processes

        return Processes(policy.readers, max_bytes=policy.max_bytes)
    from bot.reading.threads import Threads

    return Threads()
