"""Pages of one thing each: a story, a rule, a feed."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot import config, model, rules
from bot.alerts import precision
from bot.answers import day_counts, playground
from bot.answers.watched import Watched
from bot.polling import websub
from bot.web import facts, guard, judged, looks, pages
from bot.web.timeline import timeline

#: Of one story; the rest is in the database, and in `wirewatch stories`.
MOST_MEMBERS, MOST_MOMENTS = 200, 300
#: Of one feed: its delays are counted over so many; and listed.
MOST_ARTICLES, SHOWN_ARTICLES = 200, 10
#: Of one rule.
MOST_STORIES = 10


class ReadingPages:
    """Answers the requests for them."""

    def __init__(
        self, watched: Watched, counts: day_counts.DayCounts, all_pages: pages.Pages, trying: playground.Playground
    ) -> None:
        self._playground = trying
        self._counts = counts
        self._watched = watched
        self._pages = all_pages

    async def story(self, request: Request) -> Response:
        """All that is known of one story; of a merged one, the way to the one that it became."""
        asked = model.StoryId(request.path_params["id"])
        found = await self._watched.store.read(lambda tx: facts.story(tx, asked))
        if found is None:
            older = "There is no story of this address; older ones are deleted after the time of keep in bot.yaml."
            return await self._none(request, "story", older)
        if found.row.story.id != asked:
            return RedirectResponse(f"/story/{found.row.story.id}", 308)
        return await self._pages.render(
            "story.html",
            request,
            entry=found.row,
            found=found,
            moments=timeline(found.row)[:MOST_MOMENTS],
            most_members=MOST_MEMBERS,
        )

    async def rule(self, request: Request) -> Response:
        """One rule with its hits by day and its last stories."""
        name = request.query_params.get("name", "")
        compiled = next((each for each in self._watched.settings.rules if each.rule.name == name), None)
        if compiled is None:
            return await self._none(request, "rule", "No loaded rule has this name.")
        now = self._watched.clock.now()
        counts = (await self._counts.read()).rules
        said = await self._watched.store.read(lambda tx: judged.rule_opinions(tx, now))
        told, total = await self._watched.store.read(
            lambda tx: facts.stories(tx, since=now - day_counts.LAST_MATCH, rule=name, skip=0, most=MOST_STORIES)
        )
        source = await asyncio.to_thread(config.rule_source, self._watched.settings, name)
        # Over the archive: some seconds, so only when it is asked for by somebody who looks at this page.
        wants_near = "near" in request.query_params and not guard.is_foreign(request.headers)
        return await self._pages.render(
            "rule.html",
            request,
            rule=compiled.rule,
            source=source,
            trial=await self._playground.try_loaded(compiled) if wants_near else None,
            playground=playground,
            read_back=rules.describe(compiled.rule),
            line=self._pages.sparkline(counts, name, day_counts.LAST_MATCH.days),
            last=facts.last_days(counts, [name]).get(name),
            said=said,
            told=told,
            total=total,
            last_match_days=day_counts.LAST_MATCH.days,
            judged_days=precision.JUDGED.days,
        )

    async def feed(self, request: Request) -> Response:
        """One feed: its health, its rhythm, when it is polled."""
        url = request.query_params.get("url", "")
        now = self._watched.clock.now()
        since = now - timedelta(days=day_counts.DAYS)
        state, last, hub = await self._watched.store.read(
            lambda tx: (
                tx.feeds.get(url),
                tx.articles.last_of_feed(url, since=since, most=MOST_ARTICLES),
                tx.subscriptions.of_feed(url),
            )
        )
        public_url = self._watched.settings.bot.public_url
        if state is None:
            return await self._none(request, "feed", "feeds.yaml has no feed of this address.")
        gaps = [later - earlier for earlier, later in pairwise(state.rhythm) if later > earlier]
        return await self._pages.render(
            "feed.html",
            request,
            hub=websub.told(hub, public_url=public_url, now=now) if hub is not None else None,
            state=state,
            called=self._pages.names()(state),
            health=facts.health_of(state),
            late=pages.late(state, now=now),
            line=self._pages.sparkline((await self._counts.read()).feeds, url),
            rhythm=looks.span(statistics.median_low(gaps)) if gaps else "",
            interval=looks.span(state.interval) if state.interval else "",
            delays=_delays(last, state.baseline_at),
            last=last[:SHOWN_ARTICLES],
        )

    async def _none(self, request: Request, kind: str, text: str) -> Response:
        return await self._pages.render("message.html", request, status=404, title=f"No such {kind}", text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How long after their dates articles were stored."""

    count: int
    #: As ``looks.span`` shows them: of half the articles at most, and of nine in ten.
    half: str
    most: str


def _delays(articles: Sequence[model.Article], baseline_at: datetime | None) -> Delays | None:
    """None: no article came with a date since the feed's first answer, whose articles say nothing of the delay."""
    found = sorted(
        max(each.first_seen - each.published, timedelta())
        for each in articles
        if each.published and (baseline_at is None or each.first_seen > baseline_at)
    )
    if not found:
        return None
    tenth = found[min(len(found) - 1, len(found) * 9 // 10)]
    return Delays(count=len(found), half=looks.span(statistics.median_low(found)), most=looks.span(tenth))
