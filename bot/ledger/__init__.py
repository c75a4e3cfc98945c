"""The ledger: a fact as a line of text, the seal over a day of lines, and whether the seals still hold."""

from bot.ledger.rows import (
    FIRST,
    Broken,
    decided,
    fetched,
    matched,
    outcome,
    read,
    seal,
    started,
    stopped,
    text_of,
    unwatched,
    verify,
)

__all__ = [
    "FIRST",
    "Broken",
    "decided",
    "fetched",
    "matched",
    "outcome",
    "read",
    "seal",
    "started",
    "stopped",
    "text_of",
    "unwatched",
    "verify",
]
