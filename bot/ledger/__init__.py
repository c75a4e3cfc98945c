"""The ledger: a fact as a line of text, the seal over a day of lines, and what the chain of seals proves."""

from bot.ledger.chain import FIRST, BrokenSeal, Gone, Proof, digest, let_go, seal, verify
from bot.ledger.rows import decided, fetched, matched, outcome, parse_row, started, stopped, text_of, unwatched

__all__ = [
    "FIRST",
    "BrokenSeal",
    "Gone",
    "Proof",
    "decided",
    "digest",
    "fetched",
    "let_go",
    "matched",
    "outcome",
    "parse_row",
    "seal",
    "started",
    "stopped",
    "text_of",
    "unwatched",
    "verify",
]
