"""A row of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


class FactKind(StrEnum):
    """The event that a row of the ledger records."""

    #: A poll found new articles, or its outcome changed; every poll between two rows of a feed found nothing new.
    FETCHED = "fetched"
    MATCHED = "matched"
    DECIDED = "decided"
    SENT = "sent"
    EDITED = "edited"
    #: Kept until its channel is back.
    PARKED = "parked"
    #: Given up, with the reason.
    DROPPED = "dropped"
    #: A process began to watch.
    STARTED = "started"
    #: It ended: in order, or unexpectedly, as the next process noticed.
    STOPPED = "stopped"
    #: For some minutes no process looked for due feeds.
    UNWATCHED = "unwatched"


LedgerValue: TypeAlias = str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One event, as it was when it happened."""

    at: datetime
    kind: FactKind
    #: Name and value, in a fixed order for each kind (docs/ledger.md).
    fields: tuple[tuple[str, LedgerValue], ...]
