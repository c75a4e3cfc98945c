"""Stories as Atom feeds and JSON feeds for any reader."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from lxml import etree
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot import storage
from bot.config.opml import strip_unprintable
from bot.durations import is_recent
from bot.queries.registry import QueryRunner, render
from bot.queries.stories import StoryRow, read_stories, read_story
from bot.stories import summaries
from bot.web import access, formatting

_ATOM = "http://www.w3.org/2005/Atom"


def atom(document: Mapping[str, Any], *, feed_id: str, updated: str) -> bytes:
    """Render a JSON Feed document as Atom. ``updated`` is the time of the last change."""
    root = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})  # type: ignore[dict-item]  # None: the default
    _add(root, "id", feed_id)
    _add(root, "title", document["title"])
    _add(root, "updated", updated)
    _add(_add(root, "author"), "name", "Wirewatch")
    _add(root, "link", rel="self", type="application/atom+xml", href=document["feed_url"])
    _add(root, "link", rel="alternate", type="text/html", href=document["home_page_url"])
    for item in document["items"]:
        entry = _add(root, "entry")
        _add(entry, "id", item["id"])
        _add(entry, "title", item["title"])
        _add(entry, "published", item["date_published"])
        _add(entry, "updated", item["date_modified"])
        _add(entry, "link", rel="alternate", href=item["url"])
        for tag in item["tags"]:
            _add(entry, "category", term=tag)
        _add(entry, "content", item["content_html"], type="html")
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _add(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    clean = {key: strip_unprintable(value) for key, value in attributes.items()}
    added = etree.SubElement(parent, f"{{{_ATOM}}}{name}", clean)
    if text:
        added.text = strip_unprintable(text)
    return added


#: Maximum entries of a feed.
MOST_ENTRIES = 50
#: Number of newest stories that are searched for the stories of a channel or a tag.
LOOKED_AT = 300
BACK = timedelta(days=30)
#: An entry shows at most this many facts and as many corrections, the newest.
MOST_CHANGES = 20
#: Time for which a rendered feed is reused.
KEPT_FOR = timedelta(minutes=1)
#: Maximum rendered feeds in memory.
MOST_KEPT = 100
_TYPES = {"atom": "application/atom+xml; charset=utf-8", "json": "application/feed+json; charset=utf-8"}


class FeedsOut:
    """Answers requests for feeds. It renders one feed at a time, and each feed at most once a minute."""

    def __init__(self, queries: QueryRunner) -> None:
        self._queries, self._watched = queries, queries.watched
        self._template = formatting.templates(lambda: queries.watched.settings.bot.timezone).get_template(
            "feed_entry.html"
        )
        #: Address -> rendered feed and the time of its rendering, oldest first.
        self._rendered: dict[str, tuple[bytes, datetime]] = {}
        self._lock = asyncio.Lock()

    async def answer(self, request: Request) -> Response:
        """Answer a path such as ``/feeds/all.atom`` or ``/feeds/rule.json?name=…`` with the feed.

        Answer 404 if the rule, tag or channel does not exist.
        """
        kind, form = request.path_params["kind"], request.path_params["form"]
        name = request.query_params.get("name", "")
        if form not in _TYPES or not self._is_known(kind, name):
            return PlainTextResponse("No such feed.\n", 404)
        public_url = self._watched.settings.bot.public_url
        base = f"{public_url}/" if public_url else str(request.base_url)
        query = f"?name={quote(name)}" if kind != "all" else ""
        address = f"{base}feeds/{kind}.{form}{query}"
        async with self._lock:
            now = self._watched.clock.now()
            body, rendered_at = self._rendered.get(address, (b"", None))
            if not is_recent(rendered_at, KEPT_FOR, now):
                body = await self._render(kind, form, name, base=base, address=address, query=query)
                self._rendered.pop(address, None)
                self._rendered[address] = body, now
                if len(self._rendered) > MOST_KEPT:
                    del self._rendered[next(iter(self._rendered))]
        return access.tagged_response(request, body, _TYPES[form])

    async def _render(self, kind: str, form: str, name: str, *, base: str, address: str, query: str) -> bytes:
        rows = await self._queries.read(lambda archive: self._stories(archive.tx, kind, name, since=archive.now - BACK))
        loaded_at, public_url = self._watched.loaded_at, self._watched.settings.bot.public_url

        def make() -> bytes:
            changed = sorted(((_changed_at(row), row) for row in rows), key=lambda entry: entry[0], reverse=True)
            document = {
                "version": "https://jsonfeed.org/version/1.1",
                "title": formatting.plain(f"Wirewatch: {name}" if kind != "all" else "Wirewatch"),
                "home_page_url": f"{base}rule{query}" if kind == "rule" else f"{base}stories",
                "feed_url": address,
                "items": [self._item(row, base, changed_at) for changed_at, row in changed],
            }
            if form == "json":
                return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
            # Without a public address, the host depends on the request and must not be part of the id.
            feed_id = f"{base}feeds/{kind}{query}" if public_url else f"urn:wirewatch:feeds:{kind}{query}"
            return atom(document, feed_id=feed_id, updated=(changed[0][0] if changed else loaded_at).isoformat())

        return await render(make)

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

    def _stories(self, tx: storage.Transaction, kind: str, name: str, *, since: datetime) -> Sequence[StoryRow]:
        if kind in ("all", "rule"):
            return read_stories(tx, since=since, rule=name if kind == "rule" else None, most=MOST_ENTRIES)
        newest = tx.stories.newest(since=since, rule=None, skip=0, most=LOOKED_AT)
        if kind == "tag":
            tagged = {feed.url for feed in self._watched.settings.feeds if name in feed.tags}
            chosen = [story for story in newest if any(member.article.feed in tagged for member in story.members)]
        else:
            alerts = tx.stories.alerts([story.id for story in newest])
            posted = {alert.story for alert in alerts if alert.channel == name and alert.posted_at is not None}
            chosen = [story for story in newest if story.id in posted]
        return [read_story(tx, story) for story in chosen[:MOST_ENTRIES]]

    def _item(self, row: StoryRow, base: str, changed_at: datetime) -> dict[str, Any]:
        """Return a story as an item of a JSON Feed. Link to an article or, if no link is safe, to the story's page."""
        story = row.story
        page = f"{base}story/{quote(story.id)}"
        own = [member.article for member in story.members if member.article.id == story.headline]
        articles = [*own, *(member.article for member in story.members)]
        links = (formatting.web_link(article.link) for article in articles)
        return {
            "id": f"urn:wirewatch:story:{quote(story.id)}",
            "url": next((link for link in links if link), page),
            "title": formatting.plain(summaries.story_headline(story)) or "(without a title)",
            "content_html": self._template.render(
                entry=row, page=page, facts=(*row.facts[1:MOST_CHANGES], *row.edits[:MOST_CHANGES])
            ),
            "date_published": story.first_seen.isoformat(),
            "date_modified": changed_at.isoformat(),
            "tags": [formatting.plain(rule) for rule in story.rules],
        }


def _changed_at(row: StoryRow) -> datetime:
    """Return the time of the story's last article or fact."""
    changes = [decision.at for decision in row.decisions if decision.facts]
    return max([row.story.last_seen, *changes])
