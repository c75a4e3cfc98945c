"""What is remembered of the hubs that tell of news."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from bot import model


class Subscriptions(Protocol):
    """At most one a feed."""

    def want(self, subscription: model.Subscription) -> None:
        """Keep it, where the feed has none at that hub of that topic; one at another is replaced."""

    def drop(self, feed: str) -> None:
        """The feed names no hub any more."""

    def keep(self, feeds: Collection[str]) -> None:
        """Drop those of all other feeds."""

    def claim_due(self, *, now: datetime, limit: int, lease: timedelta) -> Sequence[model.Subscription]:
        """Those whose hubs are to be asked, which nobody else is given until the lease is over."""

    def by_token(self, token: str) -> model.Subscription | None:
        """None: there is none, or none any more."""

    def of_feed(self, feed: str) -> model.Subscription | None:
        """None: the feed names no hub."""

    def save(self, subscription: model.Subscription, *, asked: model.Subscription | None = None) -> None:
        """As it is now, all but the pushes; does nothing where it was dropped or replaced.

        ``asked``: as it was when its hub was asked; nothing is written where the hub has come back since.
        """

    def push(self, feed: str, *, at: datetime | None) -> None:
        """News came; None: the feed is due for it."""

    def waiting(self, *, now: datetime) -> tuple[Sequence[str], int]:
        """Feeds for which news came and that are not due for it yet; and how many hubs are to be asked."""

    def all(self) -> Sequence[model.Subscription]:
        """By feed."""
