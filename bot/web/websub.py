"""Answer hubs, which verify subscriptions and push news (WebSub sections 5.3 and 7).

Hubs need no web.token. Instead, the address that a hub requests ends with a secret of that hub, and pushes are signed.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot import storage
from bot.alerts import notices
from bot.feeds import websub
from bot.model import visible
from bot.model.errors import StoreError
from bot.model.feeds import Subscription
from bot.queries.registry import Answers, Watched
from bot.web import access

log = structlog.get_logger("wirewatch")

#: Maximum size of a push. A push contains the whole feed, so this is the default of ``fetch.max_bytes``.
MOST_BYTES = 10_000_000
_MOST_CHALLENGE = 1_000
_HOUR = timedelta(hours=1)
#: Matches 32 random bytes, encoded by ``secrets.token_urlsafe``.
_TOKEN = re.compile(r"[\w-]{43}", re.ASCII)
_UNKNOWN = "There is no such subscription.\n"


class PushCount:
    """Counts the pushes of each feed per hour. Only correctly signed pushes are counted."""

    def __init__(self) -> None:
        #: Feed -> start of its current hour, and number of pushes since then.
        self._hours: dict[str, tuple[datetime, int]] = {}

    def is_flood(self, feed: str, now: datetime) -> bool:
        """Count a push of the feed. Return whether the feed has had too many pushes in its current hour."""
        self._hours = {other: hour for other, hour in self._hours.items() if now - hour[0] < _HOUR}
        begun, count = self._hours.get(feed, (now, 0))
        self._hours[feed] = begun, count + 1
        return count >= websub.MOST_PUSHES_AN_HOUR


async def answer(answers: Answers, pushes: PushCount, request: Request) -> Response:
    """Answer a hub's GET (a verification) with its challenge, and a hub's POST (a push) with only a status."""
    watched, token = answers.watched, request.path_params["token"]
    if not watched.settings.bot.public_url or not _TOKEN.fullmatch(token):
        return PlainTextResponse(_UNKNOWN, 404)
    try:
        subscription = await answers.read(lambda archive: archive.tx.subscriptions.by_token(token))
        if request.method == "POST":
            return await _news(watched, pushes, request, subscription)
        return await _verification(watched, request, subscription)
    except StoreError:
        return PlainTextResponse("Temporarily unavailable; try again later.\n", 503, {"retry-after": "60"})


async def _verification(watched: Watched, request: Request, subscription: Subscription | None) -> Response:
    query, now = request.query_params, watched.clock.now()
    if subscription is None:
        return PlainTextResponse(_UNKNOWN, 404)
    if query.get("hub.mode") == "denied" and query.get("hub.topic") == subscription.topic:
        denied = websub.after_denial(subscription, query.get("hub.reason", "no reason given"), now=now)
        await watched.store.write(lambda tx: tx.subscriptions.save(denied))
        log.warning(
            "hub subscription failed; the feed is only polled", feed=denied.feed, hub=denied.hub, error=denied.error
        )
        return PlainTextResponse("")
    challenge = query.get("hub.challenge", "")
    verified = websub.after_verification(
        subscription, topic=query.get("hub.topic", ""), lease_seconds=query.get("hub.lease_seconds", ""), now=now
    )
    if query.get("hub.mode") != "subscribe" or verified is None or not 0 < len(challenge) <= _MOST_CHALLENGE:
        # This also refuses a request to unsubscribe, which Wirewatch never makes.
        return PlainTextResponse(_UNKNOWN, 404)
    await watched.store.write(lambda tx: tx.subscriptions.save(verified))
    log.info("hub subscription confirmed", feed=verified.feed, hub=verified.hub, until=verified.until)
    return PlainTextResponse(challenge)


async def _news(watched: Watched, pushes: PushCount, request: Request, subscription: Subscription | None) -> Response:
    if subscription is None or subscription.until is None:
        await access.read_body(request.receive, access.MOST_BODY_BYTES)
        # 410 (gone) tells the hub to stop sending (section 7).
        return PlainTextResponse(_UNKNOWN, 410)
    signature, size = websub.Signature(subscription, request.headers.get("x-hub-signature", "")), 0
    async for piece in request.stream():
        signature.update(piece)
        size += len(piece)
        if size > MOST_BYTES + access.MOST_BODY_BYTES:
            break
    if size > MOST_BYTES:
        return PlainTextResponse("The body is too long.\n", 413)
    if not signature.is_good():
        log.warning("push refused because its signature is missing or wrong", feed=subscription.feed)
        return PlainTextResponse("The signature does not match the subscription.\n", 403)
    now = watched.clock.now()
    if pushes.is_flood(subscription.feed, now):
        await _drop(watched, subscription, now)
        return PlainTextResponse(_UNKNOWN, 410)
    await watched.store.write(lambda tx: tx.subscriptions.push(subscription.feed, at=now))
    log.info("push received", feed=subscription.feed)
    return PlainTextResponse("", 202)


async def _drop(watched: Watched, subscription: Subscription, now: datetime) -> None:
    dropped = websub.after_flood(subscription, now=now)
    operator = watched.settings.bot.operator
    notice = notices.feed_health([f"{visible.masked(dropped.feed)} is only polled: {dropped.error}"], [], now=now)

    def work(tx: storage.Transaction) -> None:
        tx.subscriptions.save(dropped)
        if operator is not None:
            tx.outbox.add([notices.notice_row(notice, channel=operator, now=now)])

    await watched.store.write(work)
    log.warning(
        "hub subscription failed; the feed is only polled", feed=dropped.feed, hub=dropped.hub, error=dropped.error
    )
