"""WebSub: make the request to a hub, handle its answers, and check that the hub sent a push (``Signature``).

Pure, except for random tokens. A push makes a feed due at once; the poll that follows is like any other.

    subscribe_form → the hub verifies (after_verification) → signed pushes (Signature) → renewal before the lease ends
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from bot.model.feeds import Subscription

#: The requested lease; the hub decides.
LEASE = timedelta(days=10)
_SHORTEST, _LONGEST = timedelta(minutes=5), timedelta(days=30)
#: A hub that has accepted the request must verify it within this time.
PATIENCE = timedelta(hours=1)
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=30), timedelta(days=1)
#: A push may cause a download and seconds of work, so pushes are limited; this allows an item every half minute.
MOST_PUSHES_AN_HOUR = 120
_MOST_ERROR = 300
#: Methods of X-Hub-Signature; old hubs use SHA-1.
_METHODS = ("sha1", "sha256", "sha384", "sha512")


def new_subscription(
    feed: str, hub: str, topic: str, *, now: datetime, changed_at: datetime | None = None
) -> Subscription:
    """Return a new subscription, which is to be requested at once.

    ``changed_at`` is when the feed last named another hub or topic. It prevents a feed that names another hub in each
    document from causing more than one request per hour.
    """
    return Subscription(
        feed=feed,
        hub=hub,
        topic=topic,
        token=secrets.token_urlsafe(32),
        secret=secrets.token_hex(32),
        next_at=now if changed_at is None or now - changed_at >= PATIENCE else now + PATIENCE,
    )


def subscribe_form(subscription: Subscription, public_url: str) -> str:
    """Return the form to post to the hub."""
    return urlencode(
        {
            "hub.mode": "subscribe",
            "hub.topic": subscription.topic,
            "hub.callback": f"{public_url.rstrip('/')}/websub/{subscription.token}",
            "hub.lease_seconds": int(LEASE.total_seconds()),
            "hub.secret": subscription.secret,
        }
    )


def after_request(subscription: Subscription, error: str | None, *, now: datetime) -> Subscription:
    """Return the subscription after its request. ``error`` is the hub's reason for refusing it, or None."""
    if error is None:
        return replace(subscription, asked_at=now, next_at=now + PATIENCE, error=None)
    return _failed(subscription, error, now=now)


def after_verification(
    subscription: Subscription, *, topic: str, lease_seconds: str, now: datetime
) -> Subscription | None:
    """Return the subscription after the hub's verification request, or None if the topic is not ours."""
    if topic != subscription.topic:
        return None
    # A hub must send hub.lease_seconds (section 5.3), but some old hubs do not.
    lease = timedelta(seconds=int(lease_seconds)) if lease_seconds.isdecimal() and len(lease_seconds) < 10 else LEASE
    lease = min(max(lease, _SHORTEST), _LONGEST)
    renewed = now + lease * 4 / 5
    return replace(subscription, asked_at=None, until=now + lease, next_at=renewed, failures=0, error=None)


def after_denial(subscription: Subscription, reason: str, *, now: datetime) -> Subscription:
    """Return the subscription after the hub refused or ended it."""
    return replace(_failed(subscription, f"the hub refuses: {reason}"[:_MOST_ERROR], now=now), until=None)


def after_flood(subscription: Subscription, *, now: datetime) -> Subscription:
    """Return the subscription after too many pushes in an hour: dropped, and due for a request a day later."""
    text = f"the hub pushed more than {MOST_PUSHES_AN_HOUR} times in an hour, so the subscription was dropped for a day"
    return replace(_failed(subscription, text, now=now), until=None, next_at=now + _LONGEST_WAIT)


def has_expired(subscription: Subscription, *, now: datetime) -> bool:
    """Return whether the hub accepted a request and has not verified it in time."""
    return subscription.asked_at is not None and now - subscription.asked_at >= PATIENCE


def after_silence(subscription: Subscription, *, now: datetime) -> Subscription:
    """Return the subscription after the hub did not verify it, because it cannot reach our callback or does not try."""
    text = "the hub accepted the request but never verified it; web.public_url may not be reachable from outside"
    return _failed(replace(subscription, asked_at=None), text, now=now)


def describe_subscription(subscription: Subscription, *, public_url: str | None, now: datetime) -> str:
    """Return one line for people: the time until which the hub pushes, or the reason why it does not push."""
    if not public_url:
        return "names a hub; without web.public_url it is only polled"
    why = f": {subscription.error}" if subscription.error else ""
    if subscription.until is not None and subscription.until > now:
        return f"its hub pushes until {subscription.until:%Y-%m-%d %H:%M} UTC{why and f'; not renewed yet{why}'}"
    if subscription.asked_at is not None:
        return "only polled: its hub has not confirmed the subscription yet"
    if why:
        return f"only polled{why}; next request to the hub {subscription.next_at:%Y-%m-%d %H:%M} UTC"
    return (
        "only polled: the subscription has ended"
        if subscription.until
        else "only polled: the request to its hub is due"
    )


class Signature:
    """Checks X-Hub-Signature against a body, piece by piece, so that the body need not be kept."""

    def __init__(self, subscription: Subscription, written: str) -> None:
        method, _, digest = written.partition("=")
        self._digest = digest.strip().lower().encode("utf-8", "replace")
        self._hmac = hmac.new(subscription.secret.encode(), digestmod=method) if method in _METHODS else None

    def update(self, piece: bytes) -> None:
        """Add the next bytes of the body."""
        if self._hmac:
            self._hmac.update(piece)

    def is_good(self) -> bool:
        """Return whether the sender of the body has the subscription's secret."""
        return self._hmac is not None and hmac.compare_digest(self._hmac.hexdigest().encode(), self._digest)


def _failed(subscription: Subscription, error: str, *, now: datetime) -> Subscription:
    wait = min(_FIRST_WAIT * 2 ** min(subscription.failures, 10), _LONGEST_WAIT)
    return replace(
        subscription,
        asked_at=None,
        failures=subscription.failures + 1,
        error=error[:_MOST_ERROR],
        next_at=now + wait,
    )
