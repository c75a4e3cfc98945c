"""A feed's subscription at its hub (WebSub, https://www.w3.org/TR/websub/)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What was asked of a hub, and what it said."""

    #: The feed's address in feeds.yaml.
    feed: str
    hub: str
    #: What the hub is asked for: the feed's own name of itself.
    topic: str
    #: The end of the callback's address, which nobody else can guess.
    token: str
    #: Signs what the hub sends.
    secret: str
    #: When the hub is asked next.
    next_at: datetime
    #: It was asked, and has not come back yet to see whether that was us.
    asked_at: datetime | None = None
    #: The hub sends until then; None: it has never said so.
    until: datetime | None = None
    #: In a row.
    failures: int = 0
    #: What went wrong last, for people; None: nothing.
    error: str | None = None
    #: News came that the feed has not been polled for yet.
    pushed_at: datetime | None = None
