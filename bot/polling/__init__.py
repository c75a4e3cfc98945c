"""When a feed is asked, with what, and what an answer does to what is remembered of it.

Pure: the time and the jitter are arguments. Knows no network, no store and no kind of feed.

    FeedState → request → (fetch, sources) → after_answer | after_reading | after_failure → FeedState, with its due_at
                                                                                             └→ health → the operator
"""

from bot.polling.health import HealthEvent, health, remarks, with_told
from bot.polling.hosts import asked_host, host_limit, host_of
from bot.polling.outcome import (
    NAMED_EVERY,
    after_answer,
    after_failure,
    after_none,
    after_reading,
    body_hash,
    is_naming_due,
    is_unchanged,
    request,
)
from bot.polling.quota import counted, fitting
from bot.polling.timing import pushed

__all__ = [
    "NAMED_EVERY",
    "HealthEvent",
    "after_answer",
    "after_failure",
    "after_none",
    "after_reading",
    "asked_host",
    "body_hash",
    "counted",
    "fitting",
    "health",
    "host_limit",
    "host_of",
    "is_naming_due",
    "is_unchanged",
    "pushed",
    "remarks",
    "request",
    "with_told",
]
