"""Stories as feeds that any reader can subscribe to: all, or those of a rule, a tag of feeds, a channel."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot import ports, summaries
from bot.answers import telling
from bot.answers.watched import Watched, render
from bot.web import facts, feed_documents, looks
from bot.web.feed_documents import FeedDocument, FeedEntry

#: Of one feed. A channel's or a tag's are picked from the last ones of all.
MOST_ENTRIES, LOOKED_AT = 50, 300
BACK = timedelta(days=30)
#: New facts and corrections shown in one entry, the newest.
MOST_CHANGES = 20
#: How long a rendered feed is answered again, and how many are kept.
KEPT_FOR, MOST_KEPT = timedelta(minutes=1), 100
_TYPES = {"atom": "application/atom+xml; charset=utf-8", "json": "application/feed+json; charset=utf-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """One rendered feed."""

    at: datetime
    body: bytes
    etag: str


class FeedsOut:
    """Answers the requests for feeds; each feed is rendered at most once a minute, and one at a time."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._template = looks.templates().get_template("feed_entry.html")
        #: Address -> what was answered; the oldest is first.
        self._made: dict[str, _Made] = {}
        self._lock = asyncio.Lock()

    async def answer(self, request: Request) -> Response:
        """``/feeds/all.atom``, ``/feeds/rule.json?name=…``; 404 where there is no such rule, tag or channel."""
        kind, form = request.path_params["kind"], request.path_params["form"]
        name = request.query_params.get("name", "")
        if form not in _TYPES or not self._is_known(kind, name):
            return PlainTextResponse("There is no such feed.\n", 404)
        public_url = self._watched.settings.bot.public_url
        base = f"{public_url}/" if public_url else str(request.base_url)
        query = f"?name={quote(name)}" if kind != "all" else ""
        address = f"{base}feeds/{kind}.{form}{query}"
        async with self._lock:
            made = self._made.get(address)
            if made is None or not timedelta() <= self._watched.clock.now() - made.at < KEPT_FOR:
                made = await self._make(kind, form, name, base=base, address=address, query=query)
                self._made.pop(address, None)
                self._made[address] = made
                if len(self._made) > MOST_KEPT:
                    del self._made[next(iter(self._made))]
        headers = {"etag": made.etag, "cache-control": "private, no-cache"}
        if made.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(made.body, headers={**headers, "content-type": _TYPES[form]})

    async def _make(self, kind: str, form: str, name: str, *, base: str, address: str, query: str) -> _Made:
        now = self._watched.clock.now()
        rows = await self._watched.store.read(lambda tx: self._stories(tx, kind, name, since=now - BACK))
        loaded_at, public_url = self._watched.loaded_at, self._watched.settings.bot.public_url

        def document() -> bytes:
            entries = [self._entry(row, base) for row in rows]
            feed = FeedDocument(
                # Without a public address the host is the reader's word for this machine, and no part of an id.
                id=f"{base}feeds/{kind}{query}" if public_url else f"urn:wirewatch:feeds:{kind}{query}",
                title=looks.plain(f"Wirewatch: {name}" if kind != "all" else "Wirewatch"),
                address=address,
                home=f"{base}rule{query}" if kind == "rule" else f"{base}stories",
                updated=max((entry.updated for entry in entries), default=loaded_at),
                entries=sorted(entries, key=lambda entry: entry.updated, reverse=True),
            )
            return feed_documents.atom(feed) if form == "atom" else feed_documents.json_feed(feed)

        body = await render(document)
        return _Made(at=now, body=body, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"')

    def _is_known(self, kind: str, name: str) -> bool:
        settings = self._watched.settings
        match kind:
            case "all":
                return True
            case "rule":
                return any(compiled.rule.name == name for compiled in settings.rules)
            case "tag":
                return any(name in feed.tags for feed in settings.feeds)
            case "channel":
                return name in settings.bot.channels
            case _:
                return False

    def _stories(self, tx: ports.Transaction, kind: str, name: str, *, since: datetime) -> Sequence[telling.StoryRow]:
        if kind in ("all", "rule"):
            rule = name if kind == "rule" else None
            return facts.stories(tx, since=since, rule=rule, skip=0, most=MOST_ENTRIES)[0]
        newest = tx.stories.newest(since=since, rule=None, skip=0, most=LOOKED_AT)
        if kind == "tag":
            tagged = {feed.url for feed in self._watched.settings.feeds if name in feed.tags}
            chosen = [story for story in newest if any(member.article.feed in tagged for member in story.members)]
        else:
            alerts = tx.stories.alerts([story.id for story in newest])
            posted = {alert.story for alert in alerts if alert.channel == name and alert.posted_at is not None}
            chosen = [story for story in newest if story.id in posted]
        return [telling.told(tx, story) for story in chosen[:MOST_ENTRIES]]

    def _entry(self, row: telling.StoryRow, base: str) -> FeedEntry:
        story = row.story
        page = f"{base}story/{quote(story.id)}"
        own = [member.article for member in story.members if member.article.id == story.headline]
        articles = [*own, *(member.article for member in story.members)]
        links = (looks.web_link(article.link) for article in articles)
        changes = [decision.at for decision in row.decisions if decision.facts or decision.edits]
        # Every channel has its own decision about one fact or correction.
        facts = list(dict.fromkeys(fact for decision in row.decisions for fact in decision.facts))
        edits = list(dict.fromkeys(edit for decision in row.decisions for edit in decision.edits))
        return FeedEntry(
            id=f"urn:wirewatch:story:{quote(story.id)}",
            title=looks.plain(summaries.headline_of(story)) or "(without a title)",
            link=next((link for link in links if link), page),
            published=story.first_seen,
            updated=max([story.last_seen, *changes]),
            tags=tuple(looks.plain(rule) for rule in story.rules),
            content=self._template.render(
                entry=row, page=page, facts=facts[-MOST_CHANGES:], edits=edits[-MOST_CHANGES:]
            ),
        )
