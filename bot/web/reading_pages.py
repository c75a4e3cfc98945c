"""Pages of one thing each: a story, a rule, a feed."""

from __future__ import annotations

import statistics
from itertools import pairwise

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot import model, rules
from bot.answers import day_counts
from bot.answers.watched import Watched
from bot.web import facts, judged, looks, pages
from bot.web.timeline import timeline

#: Of one story; the rest is in the database, and in `wirewatch stories`.
MOST_MEMBERS, MOST_MOMENTS = 200, 300
#: Of one rule.
MOST_STORIES = 10


class ReadingPages:
    """Answers the requests for them."""

    def __init__(self, watched: Watched, counts: day_counts.DayCounts, all_pages: pages.Pages) -> None:
        self._counts = counts
        self._watched = watched
        self._pages = all_pages

    async def story(self, request: Request) -> Response:
        """All that is known of one story; of a merged one, the way to the one that it became."""
        asked = model.StoryId(request.path_params["id"])
        found = await self._watched.store.read(lambda tx: facts.story(tx, asked))
        if found is None:
            older = "There is no story of this address; older ones are deleted after the time of keep in bot.yaml."
            return self._none(request, "story", older)
        if found.row.story.id != asked:
            return RedirectResponse(f"/story/{found.row.story.id}", 308)
        return self._pages.render(
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
            return self._none(request, "rule", "No loaded rule has this name.")
        now = self._watched.clock.now()
        counts = (await self._counts.read()).rules
        said = await self._watched.store.read(lambda tx: judged.rule_opinions(tx, now))
        told, total = await self._watched.store.read(
            lambda tx: facts.stories(tx, since=now - day_counts.LAST_MATCH, rule=name, skip=0, most=MOST_STORIES)
        )
        return self._pages.render(
            "rule.html",
            request,
            rule=compiled.rule,
            read_back=rules.describe(compiled.rule),
            line=self._pages.sparkline(counts, name, day_counts.LAST_MATCH.days),
            last=facts.last_days(counts, [name]).get(name),
            said=said,
            told=told,
            total=total,
            last_match_days=day_counts.LAST_MATCH.days,
            judged_days=judged.JUDGED.days,
        )

    async def feed(self, request: Request) -> Response:
        """One feed: its health, its rhythm, when it is polled."""
        url = request.query_params.get("url", "")
        state = await self._watched.store.read(lambda tx: tx.feeds.get(url))
        if state is None:
            return self._none(request, "feed", "feeds.yaml has no feed of this address.")
        now = self._watched.clock.now()
        gaps = [later - earlier for earlier, later in pairwise(state.rhythm) if later > earlier]
        return self._pages.render(
            "feed.html",
            request,
            state=state,
            called=self._pages.names()(state),
            health=facts.health_of(state),
            late=pages.late(state, now=now),
            line=self._pages.sparkline((await self._counts.read()).feeds, url),
            rhythm=looks.span(statistics.median_low(gaps)) if gaps else "",
            interval=looks.span(state.interval) if state.interval else "",
        )

    def _none(self, request: Request, kind: str, text: str) -> Response:
        return self._pages.render("message.html", request, status=404, title=f"No such {kind}", text=text)
