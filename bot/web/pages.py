"""The pages: each reads once, and hands plain values to its template."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

import bot
from bot import articles, config, model, rules
from bot.alerts import precision
from bot.answers import day_counts, pasted, playground
from bot.answers.watched import Watched, render
from bot.web import facts, guard, health, judged, looks, sparkline

#: Of one page; the rest is a link away.
FEEDS, STORIES, RULES, ROWS = 100, 50, 50, 200
#: Stories of the last day on the first page.
TODAY = 8
#: Of the chart of matches.
CHART_DAYS = 30
#: Problems in full, with their carets.
PROBLEMS = 100
#: Stories shown at first, in days.
STORY_DAYS = 7
MOST_DAYS = 90


class Pages:
    """Answers the requests for pages."""

    def __init__(
        self,
        watched: Watched,
        counts: day_counts.DayCounts,
        trying: playground.Playground,
        feed_token: str | None = None,
    ) -> None:
        self._watched = watched
        self._feed_token = feed_token
        self._templates = looks.templates()
        self._playground = trying
        self._counts = counts

    async def render(self, name: str, request: Request, *, status: int = 200, **values: object) -> Response:
        """Render a template with what every page shows, beside the event loop: excerpts of many articles take time."""
        values |= {
            "path": request.url.path,
            "now": self._watched.clock.now(),
            "version": bot.__version__,
            "settings": self._watched.settings,
            "feed_token": self._feed_token,
        }
        template = self._templates.get_template(name)
        return HTMLResponse(await render(lambda: template.render(values)), status)

    def sparkline(self, counts: day_counts.ByDay, name: str, days: int = day_counts.DAYS) -> sparkline.Sparkline:
        """The last days of one feed or rule."""
        return sparkline.by_day(counts.get(name, {}), today=self._watched.clock.now().date(), days=days)

    async def overview(self, request: Request) -> Response:
        """The first page."""
        now = self._watched.clock.now()
        counts = (await self._counts.read()).rules
        found = await self._watched.store.read(lambda tx: facts.overview(tx, now))
        day = now - timedelta(days=1)
        told, _ = await self._watched.store.read(lambda tx: facts.stories(tx, since=day, rule=None, skip=0, most=TODAY))
        ready = await health.readiness(self._watched.store, now)
        problems = [problem for problem in self._watched.settings.problems if problem.severity == "error"]
        states = model.SendState
        return await self.render(
            "overview.html",
            request,
            ready=ready,
            found=found,
            told=told,
            errors=problems,
            waiting=found.count(states.PENDING, states.SENDING, states.UNKNOWN),
            parked=found.count(states.PARKED),
            matches=sparkline.by_day(day_counts.total(counts), today=now.date(), days=CHART_DAYS),
            names=self.names(),
        )

    async def feeds(self, request: Request) -> Response:
        """The feeds, all or of one health, a page of them."""
        now = self._watched.clock.now()
        counts = (await self._counts.read()).feeds
        asked = request.query_params.get("show", "")
        wanted = asked if asked in facts.HEALTH_WORDS else ""
        skip = (_whole(request, "page", 1) - 1) * FEEDS
        states, total = await self._watched.store.read(lambda tx: facts.feeds(tx, word=wanted, skip=skip, most=FEEDS))
        return await self.render(
            "feeds.html",
            request,
            states=states,
            paging=_Paging.of(request, total=total, size=FEEDS),
            wanted=wanted,
            words=facts.HEALTH_WORDS,
            health_of=facts.health_of,
            late=partial(late, now=now),
            sparkline=partial(self.sparkline, counts),
            names=self.names(),
        )

    async def stories(self, request: Request) -> Response:
        """The stories of some days, all or of one rule, a page of them."""
        days = min(MOST_DAYS, _whole(request, "days", STORY_DAYS))
        rule = request.query_params.get("rule") or None
        since = self._watched.clock.now() - timedelta(days=days)
        asked = _whole(request, "page", 1)
        told, total = await self._watched.store.read(
            lambda tx: facts.stories(tx, since=since, rule=rule, skip=(asked - 1) * STORIES, most=STORIES)
        )
        paging = _Paging.of(request, total=total, size=STORIES)
        return await self.render("stories.html", request, told=told, paging=paging, days=days, rule=rule)

    async def rules(self, request: Request) -> Response:
        """The rules with their matches by day, a page of them."""
        counts = (await self._counts.read()).rules
        settings = self._watched.settings
        page = _Paging.of(request, total=len(settings.rules), size=RULES)
        shown = settings.rules[page.skip : page.skip + RULES]
        now = self._watched.clock.now()
        said = await self._watched.store.read(lambda tx: judged.rule_opinions(tx, now))
        return await self.render(
            "rules.html",
            request,
            shown=shown,
            paging=page,
            read_back={compiled.rule.name: rules.describe(compiled.rule) for compiled in shown},
            last=facts.last_days(counts, [compiled.rule.name for compiled in shown]),
            sparkline=partial(self.sparkline, counts),
            last_match_days=day_counts.LAST_MATCH.days,
            said=said,
            judged_days=precision.JUDGED.days,
        )

    async def outbox(self, request: Request) -> Response:
        """The messages that are not sent yet."""
        counts, unsent = await self._watched.store.read(lambda tx: (tx.outbox.counts(), tx.outbox.unsent()))
        channels = [
            (name, [(state.value, count) for (_, state), count in rows])
            for name, rows in groupby(sorted(counts.items()), key=lambda entry: entry[0][0])
        ]
        parked = [row for row in unsent if row.state is model.SendState.PARKED]
        waiting = [row for row in unsent if row.state is not model.SendState.PARKED]
        return await self.render(
            "outbox.html",
            request,
            channels=channels,
            parked=parked[:ROWS],
            waiting=waiting[:ROWS],
            left_out=max(0, len(parked) - ROWS) + max(0, len(waiting) - ROWS),
        )

    async def configuration(self, request: Request) -> Response:
        """The files and their problems."""
        # Errors first; each kind by its place.
        problems = sorted(self._watched.settings.problems, key=lambda problem: problem.severity != "error")
        return await self.render(
            "configuration.html",
            request,
            loaded_at=self._watched.loaded_at,
            problems=[(problem, config.render([problem])) for problem in problems[:PROBLEMS]],
            errors=sum(problem.severity == "error" for problem in problems),
            left_out=max(0, len(problems) - PROBLEMS),
            files=list(self._watched.settings.files.items())[:ROWS],
        )

    async def playground(self, request: Request) -> Response:
        """The form for a rule, and what the rule would have found."""
        written = request.query_params.get("rule", "")
        days = min(playground.MOST_DAYS, _whole(request, "days", playground.DAYS))
        # A link on another site may fill the form; to run it is for whoever reads it.
        is_asked = bool(written.strip()) and not guard.is_foreign(request.headers)
        trial = await self._playground.try_out(written, days) if is_asked else None
        example = pasted.example(self._watched.settings)
        return await self.render(
            "try.html",
            request,
            written=written or example,
            days=days,
            trial=trial,
            is_from_elsewhere=bool(written.strip()) and not is_asked,
            playground=playground,
        )

    async def not_found(self, request: Request, error: Exception) -> Response:
        """A page with status 404."""
        return await self.render(
            "message.html", request, status=404, title="No such page", text="There is nothing here."
        )

    async def store_failed(self, request: Request, error: Exception) -> Response:
        """A page with status 503 and the database's error."""
        return await self.render(
            "message.html", request, status=503, title="The database does not answer", text=str(error)
        )

    def names(self) -> Callable[[model.FeedState], str]:
        """Return the function that names a feed."""
        feeds = self._watched.settings.feeds_by_address
        return lambda state: articles.feed_name(state, feeds)


def late(state: model.FeedState, *, now: datetime) -> str:
    """How far past its due time a feed is; empty: not worth a word."""
    lateness = looks.lateness(state, now)
    return looks.span(lateness) if lateness >= facts.LATE else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paging:
    page: int
    pages: int
    skip: int
    total: int
    #: The page's own address with its other questions, to which ``page=N`` is added.
    before: str | None
    after: str | None

    @classmethod
    def of(cls, request: Request, *, total: int, size: int) -> _Paging:
        pages = max(1, -(-total // size))
        page = min(pages, _whole(request, "page", 1))

        def address(number: int) -> str:
            return f"?{request.url.include_query_params(page=number).query}"

        return cls(
            page=page,
            pages=pages,
            skip=(page - 1) * size,
            total=total,
            before=address(page - 1) if page > 1 else None,
            after=address(page + 1) if page < pages else None,
        )


def _whole(request: Request, name: str, default: int) -> int:
    """A whole number of at least 1 from the address; what is none is the default."""
    text = request.query_params.get(name, "")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else default
