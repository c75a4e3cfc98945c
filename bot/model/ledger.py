"""A row of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


class FactKind(StrEnum):
    """What a row of the ledger records."""

    #: A feed brought something new, or its outcome changed; between two rows of a feed each poll was as the first one
    #: says and brought nothing.
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
    #: It ended: in order, or without a word, as the next one found.
    STOPPED = "stopped"
    #: For some minutes nobody looked for due feeds, whoever ran.
    UNWATCHED = "unwatched"


LedgerValue: TypeAlias = str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One fact, as it was when it happened."""

    at: datetime
    kind: FactKind
    #: Name and value, in a fixed order for each kind (docs/ledger.md).
    fields: tuple[tuple[str, LedgerValue], ...]
