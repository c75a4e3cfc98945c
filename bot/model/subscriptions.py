"""A feed's subscription at its hub (WebSub, https://www.w3.org/TR/websub/)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The state of one subscription."""

    #: The feed's address in feeds.yaml.
    feed: str
    hub: str
    #: The feed's address for the hub, as the feed names it.
    topic: str
    #: The secret end of the callback's address.
    token: str
    #: Signs what the hub sends.
    secret: str
    #: When to send the next request to the hub.
    next_at: datetime
    #: When the request that the hub has not yet verified was sent.
    asked_at: datetime | None = None
    #: The end of the lease; None: the hub has not confirmed one.
    until: datetime | None = None
    #: Consecutive failures.
    failures: int = 0
    #: The last error, for people; None: no error.
    error: str | None = None
    #: When the hub last pushed news that was not polled yet.
    pushed_at: datetime | None = None
