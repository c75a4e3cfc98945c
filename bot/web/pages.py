"""The pages. A page is a function that reads in one transaction and returns the values of its template."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby, pairwise
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

import bot
from bot import config
from bot.alerts import feedback
from bot.durations import format_rough
from bot.feeds import links
from bot.model import visible
from bot.model.actions import Silence, SilenceKind
from bot.model.briefs import shorten_brief
from bot.model.feeds import FeedHealth, FeedState
from bot.model.messages import SendState
from bot.model.rules import Rule
from bot.model.settings import TokenScope
from bot.model.stories import Article, Story, StoryId
from bot.pipeline import briefs
from bot.queries import pasted, registry, surges, trials
from bot.queries.actions import MERGE, SPLIT, RulingDocument
from bot.queries.articles import ArticlesParameters, find_articles
from bot.queries.audit import AuditParameters, show_audit
from bot.queries.brief import BriefParameters, show_brief
from bot.queries.feedback import read_feedback
from bot.queries.feeds import find_problems, problem_states
from bot.queries.quarantine import count_pieces
from bot.queries.registry import (
    Archive,
    Mistake,
    Query,
    QueryRunner,
    RefusalKind,
    Refused,
    find_rule,
    read_parameters,
    render,
)
from bot.queries.silences import read_silences
from bot.queries.status import count_held
from bot.queries.stories import StoryRow, read_stories, read_story
from bot.storage import keys
from bot.web import access, api, formatting, health

#: Maximum entries on a page of feeds, stories or rules. Links lead to the next and previous pages.
FEEDS, STORIES, RULES = 100, 50, 50
#: Maximum rows of other tables, which have no further pages.
ROWS = 200
#: Maximum stories of the last day on the overview.
TODAY = 8
#: Number of days in the chart of matches.
CHART_DAYS = 30
#: Maximum problems on the page of the configuration.
PROBLEMS = 100
#: Maximum entries in the timeline of one story.
MOST_MOMENTS = 300
#: Maximum articles from which a feed's delays are computed.
MOST_ARTICLES = 200
#: Maximum articles listed for one feed.
SHOWN_ARTICLES = 10
#: Maximum stories listed for one rule.
MOST_STORIES = 10
#: Fields of the search form.
_FIELDS = ("q", "outlet", "rule", "from", "to")
#: Field of the search form -> parameter with another name.
_PARAMETERS = {"from": "since", "to": "until"}
#: Default number of days that the page of stories covers.
STORY_DAYS = 7
MOST_DAYS = 90
#: Number of days for which the page of briefs has a link.
BRIEF_DAYS = 7

#: Maximum problems of feeds on the overview.
SHOWN_PROBLEMS = 10
#: A feed is late if it is overdue by at least this time. Shorter delays are normal, because an answer may be slow.
LATE = timedelta(seconds=30)

#: Maximum stories of each rule that are searched for related stories.
_LOOKED_AT = 40
#: Maximum related stories shown.
_RELATED = 8
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)

#: The values of a template, by name.
Values = dict[str, object]


class Pages:
    """Answers the requests for pages."""

    def __init__(self, queries: QueryRunner, probe: health.Probe, feed_token: str | None = None) -> None:
        self._probe = probe
        self._watched = queries.watched
        self._queries = queries
        self._feed_token = feed_token
        self._templates = formatting.templates(lambda: self._watched.settings.bot.timezone)

    def routes(self) -> list[Route]:
        """Return the route of each page."""
        return [
            Route("/", self._overview),
            Route("/feeds", self._page("feeds.html", feeds_page)),
            Route("/stories", self._page("stories.html", stories_page)),
            Route("/brief", self._page("brief.html", brief_page)),
            Route("/story/{id}", self._page("story.html", story_page)),
            Route("/story/{id}/split", partial(self._rule_on, SPLIT), methods=["POST"]),
            Route("/story/{id}/merge", partial(self._rule_on, MERGE), methods=["POST"]),
            Route("/rules", self._page("rules.html", rules_page)),
            Route("/rule", self._rule),
            Route("/feed", self._page("feed.html", feed_page)),
            Route("/outbox", self._page("outbox.html", outbox_page)),
            Route("/audit", self._page("audit.html", audit_page)),
            Route("/quarantine", self._page("quarantine.html", quarantine_page)),
            Route("/configuration", self._configuration),
            Route("/try", self._playground),
            Route("/search", self._search),
        ]

    async def _render(self, name: str, request: Request, values: Values, *, status: int = 200) -> Response:
        """Render a template on a rendering thread, because excerpts of many articles take time."""
        settings = self._watched.settings
        values |= {
            "path": request.url.path,
            "now": self._watched.clock.now(),
            "version": bot.__version__,
            "settings": settings,
            "feed_token": self._feed_token,
            "names": partial(links.feed_name, feeds=settings.feeds_by_address),
        }
        template = self._templates.get_template(name)
        return HTMLResponse(await render(lambda: template.render(values)), status)

    def _page(
        self, template: str, read_values: Callable[[Archive, Request], Values | Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                values = await self._queries.read(lambda archive: read_values(archive, request))
            except Refused as refused:
                return await self._show_missing(request, refused)
            return values if isinstance(values, Response) else await self._render(template, request, values)

        return answer

    async def _overview(self, request: Request) -> Response:
        values = await self._queries.read(overview_page)
        return await self._render("overview.html", request, {"ready": await self._probe.ask(), **values})

    async def _rule(self, request: Request) -> Response:
        """Show one rule with its matches by day and its last stories and, on request, its near misses."""
        try:
            compiled = find_rule(request.query_params.get("name", ""), self._watched.settings)
        except Refused as refused:
            return await self._show_missing(request, refused)
        values = await self._queries.read(lambda archive: rule_page(archive, compiled.rule))
        trial = None
        # A link on another site may not start a trial, because a trial takes some seconds.
        if "near" in request.query_params and not access.is_foreign(request.headers):
            trial = await self._queries.take_turn(lambda archive: trials.try_loaded(archive, compiled), trials.BUSY)
        return await self._render("rule.html", request, {"trial": trial, **values})

    async def _rule_on(self, query: Query[Any, RulingDocument], request: Request) -> Response:
        """Split or merge a story, as the form on its page asks, and show what the bot does."""
        body = await access.read_body(request.receive, access.MOST_BODY_BYTES)
        caller = access.caller_of(request.scope)
        # Browsers send at least one of these headers with a form, and a form of another site reveals itself by it.
        is_own = "sec-fetch-site" in request.headers or "origin" in request.headers
        if body is None or not is_own or access.is_foreign(request.headers) or caller.may is not TokenScope.ACT:
            text = "Splitting and merging need a token of web.tokens with `may: act`, and the form of the story's page."
            return await self._render("message.html", request, {"title": "Not allowed", "text": text}, status=403)
        form = parse_qs(body.decode("utf-8", "replace"), max_num_fields=200)
        chosen = {"other": form.get("other", [""])[0]} if query is MERGE else {"articles": form.get("articles", [])}
        values = {"id": request.path_params["id"], **chosen}
        try:
            ruling = await self._queries.run(query, read_parameters(query.parameters, values), by=caller.name)
        except Refused as refused:
            return await self._render("message.html", request, {"title": "Not done", "text": str(refused)}, status=422)
        text = f"{ruling.effect[0].upper()}{ruling.effect[1:]}. The bot does this within seconds."
        return await self._render("message.html", request, {"title": "Decided", "text": text})

    async def _configuration(self, request: Request) -> Response:
        """Show the configuration files and their problems, even if the database is unavailable."""
        settings = self._watched.settings
        # Show errors before warnings.
        problems = sorted(settings.problems, key=lambda problem: problem.severity != "error")
        values: Values = {
            "loaded_at": self._watched.loaded_at,
            "problems": [(problem, config.render_problems([problem])) for problem in problems[:PROBLEMS]],
            "errors": sum(problem.severity == "error" for problem in problems),
            "left_out": max(0, len(problems) - PROBLEMS),
            "files": list(settings.files.items())[:ROWS],
        }
        return await self._render("configuration.html", request, values)

    async def _playground(self, request: Request) -> Response:
        """Show the form for a rule, and the result of trying a submitted rule."""
        written = request.query_params.get("rule", "")
        days = min(trials.MOST_DAYS, _positive_number(request, "days", trials.DAYS))
        # A link on another site may fill in the form, but only the reader may start the trial.
        is_from_elsewhere = bool(written.strip()) and access.is_foreign(request.headers)
        trial = None
        if written.strip() and not is_from_elsewhere:
            trial = await self._queries.take_turn(
                lambda archive: trials.try_pasted(archive, written, days), trials.BUSY
            )
        values: Values = {
            "written": written or pasted.example_rule(self._watched.settings),
            "days": days,
            "trial": trial,
            "is_from_elsewhere": is_from_elsewhere,
            "playground": trials,
        }
        return await self._render("try.html", request, values)

    async def _search(self, request: Request) -> Response:
        """Show the search form and, if it is filled in, a page of results."""
        form = {name: request.query_params.get(name, "").strip() for name in _FIELDS}
        values: Values = {"form": form, "page": None, "next_page": "", "problem": "", "remark": ""}
        status = 200
        # A link on another site may fill in the form, but only the reader may start the search.
        if any(form.values()) and access.is_foreign(request.headers):
            values["remark"] = "A link on another site filled in this search. Check it, then press “Search”."
        elif any(form.values()):
            filters = {_PARAMETERS.get(name, name): value for name, value in form.items() if value and name != "q"}
            if "after" in request.query_params:
                filters["after"] = request.query_params["after"]
            try:
                parameters = read_parameters(ArticlesParameters, filters)
                page = await self._queries.read(
                    lambda archive: find_articles(archive, parameters, form["q"]), is_long=True
                )
                values["page"] = page
                if page.after is not None:
                    values["next_page"] = f"?{request.url.include_query_params(after=page.after).query}"
            except Refused as error:
                if error.kind is RefusalKind.TOO_LONG:
                    values["remark"] = f"{error}."
                else:
                    values["problem"] = str(error)
                    status = 404 if error.kind is RefusalKind.NOT_FOUND else 200
        return await self._render("search.html", request, values, status=status)

    async def _show_missing(self, request: Request, refused: Refused) -> Response:
        title = f"No such {refused.mistakes[0].where}"
        return await self._render("message.html", request, {"title": title, "text": f"{refused}."}, status=404)

    async def not_found(self, request: Request, error: Exception) -> Response:
        """Show a page with status 404. Below /api, answer a problem document."""
        if request.url.path.startswith("/api"):
            return access.problem_response(404, api.NOTHING)
        values: Values = {"title": "No such page", "text": "There is nothing here."}
        return await self._render("message.html", request, values, status=404)

    async def store_failed(self, request: Request, error: Exception) -> Response:
        """Show the database's error with status 503."""
        values: Values = {"title": "The database does not answer", "text": str(error)}
        return await self._render("message.html", request, values, status=503)


def _missing(kind: str, text: str) -> Refused:
    return Refused(RefusalKind.NOT_FOUND, text, Mistake(where=kind, message=text))


def _chart(counts: Mapping[date, int], now: datetime, days: int = registry.FEED_DAYS) -> list[int]:
    """Return the counts of the last ``days`` days, oldest first."""
    return [counts.get(now.date() - timedelta(days=back), 0) for back in reversed(range(days))]


def overview_page(archive: Archive) -> Values:
    """Read the values of the overview: counts, the stories of the last day, and what needs attention."""
    tx, now = archive.tx, archive.now
    states, outbox_counts = tx.feeds.all(), tx.outbox.counts()
    problems = [(state, problem) for state in states for problem in find_problems(state, archive.settings, now)]
    problem_feeds = len({state.url for state, _ in problems})

    def count_messages(*states: SendState) -> int:
        return sum(count for (_, state), count in outbox_counts.items() if state in states)

    return {
        "feed_count": len(states),
        "problem_feeds": problem_feeds,
        "has_mostly_problems": problem_feeds > 0 and 2 * problem_feeds >= len(states),
        "problems": problems[:SHOWN_PROBLEMS],
        "problem_count": len(problems),
        "late_feeds": sum(bool(describe_lateness(state, since=archive.started_at, now=now)) for state in states),
        "articles": tx.articles.count(),
        "articles_today": tx.articles.count(since=now - _DAY),
        "story_count": tx.stories.count(since=now - _WEEK),
        "entries": read_stories(tx, since=now - _DAY, most=TODAY),
        # Number of matched articles without a decision.
        "undecided": tx.decision_queue.count(),
        "held": count_held(tx),
        "waiting": count_messages(SendState.PENDING, SendState.SENDING, SendState.UNKNOWN),
        "parked": count_messages(SendState.PARKED),
        "quarantined": count_pieces(tx),
        "tick": keys.TICK.get(tx),
        "silences": read_silences(tx, now=now),
        "errors": [problem for problem in archive.settings.problems if problem.severity == "error"],
        "matches": _chart(registry.total_count(archive.day_counts.rules), now, CHART_DAYS),
    }


def feeds_page(archive: Archive, request: Request) -> Values:
    """Read a page of all feeds, or of the feeds with one health."""
    now, counts = archive.now, archive.day_counts.feeds
    words = ["problems", *(health.value for health in FeedHealth)]
    requested = request.query_params.get("show", "")
    shown_health = requested if requested in words else ""
    if shown_health == "problems":
        problem_feeds = problem_states(archive)
        paging = _Paging.of(request, total=len(problem_feeds), size=FEEDS)
        states: Sequence[FeedState] = problem_feeds[paging.skip : paging.skip + FEEDS]
    else:
        healths = [FeedHealth(shown_health)] if shown_health else list(FeedHealth)
        feed_counts = archive.tx.feeds.counts()
        paging = _Paging.of(request, total=sum(feed_counts.get(health, 0) for health in healths), size=FEEDS)
        states = archive.tx.feeds.page(health=healths, skip=paging.skip, most=FEEDS)
    return {
        "states": states,
        "paging": paging,
        "shown_health": shown_health,
        "words": words,
        "problems": lambda state: find_problems(state, archive.settings, now),
        "late": partial(describe_lateness, since=archive.started_at, now=now),
        "sparkline": lambda url: _chart(counts.get(url, {}), now),
    }


def stories_page(archive: Archive, request: Request) -> Values:
    """Read a page of the stories of the last days, of all rules or of one rule."""
    days = min(MOST_DAYS, _positive_number(request, "days", STORY_DAYS))
    rule = request.query_params.get("rule") or None
    since = archive.now - timedelta(days=days)
    paging = _Paging.of(request, total=archive.tx.stories.count(since=since, rule=rule), size=STORIES)
    entries = read_stories(archive.tx, since=since, rule=rule, skip=paging.skip, most=STORIES)
    if not entries:
        archive.refuse_unknown(rule)
    related = _read_related(archive, entries)
    return {"entries": entries, "related": related, "paging": paging, "days": days, "rule": rule}


def _read_related(archive: Archive, entries: Sequence[StoryRow]) -> Mapping[StoryId, Story]:
    """Read the stories that the listed stories are related to."""
    return archive.tx.stories.get([entry.story.related for entry in entries if entry.story.related])


def brief_page(archive: Archive, request: Request) -> Values:
    """Read the brief of a day or another period, for all channels or one. Without parameters, show today's."""
    written = dict(request.query_params) or {"since": "today"}
    parameters = read_parameters(BriefParameters, written)
    today = archive.now.astimezone(archive.settings.bot.timezone).date()
    days = [today - timedelta(days=back) for back in range(BRIEF_DAYS)]
    brief = show_brief(archive, parameters)
    first_screen = shorten_brief(brief, briefs.MOST_LINES)
    return {
        "brief": brief,
        "sections": [
            (section, first.entries, [entry for entry in section.entries if entry not in first.entries])
            for section, first in zip(brief.sections, first_screen.sections, strict=True)
        ],
        "channel": parameters.channel or "",
        "channels": ["", *archive.settings.bot.channels],
        "shown_day": today.isoformat() if parameters.since == "today" else parameters.since,
        "days": [(day.isoformat(), f"{day:%a} {day.day} {day:%b}") for day in days],
        "period": urlencode({name: value for name, value in written.items() if name != "channel"}),
    }


def story_page(archive: Archive, request: Request) -> Values | Response:
    """Read one story with related stories; redirect from a merged story to the story that it became."""
    tx, story_id = archive.tx, StoryId(request.path_params["id"])
    stored = tx.stories.resolve(story_id)
    if stored is None:
        raise _missing(
            "story", "No story has this address. Old stories are deleted after the time that keep in bot.yaml sets"
        )
    if stored.id != story_id:
        return RedirectResponse(f"/story/{stored.id}", 308)
    since, until = stored.first_seen - _WEEK, (stored.last_seen + _WEEK, StoryId(""))
    candidates = {
        other.id: other
        for rule in stored.rules[:3]
        for other in tx.stories.newest(since=since, rule=rule, skip=0, most=_LOOKED_AT, after=until)
        if other.id != stored.id
    }
    if stored.related is not None and stored.related not in candidates:
        candidates |= tx.stories.get([stored.related])
    # Stories of which the bot was not sure whether they are about the same event as this story.
    perhaps_same = [other for other in candidates.values() if stored.related == other.id or other.related == stored.id]
    # Stories of the same rules, at most a week before or after this story.
    related = [other for other in candidates.values() if other not in perhaps_same and other.first_seen <= until[0]]
    related.sort(key=lambda other: abs(other.first_seen - stored.first_seen))
    entry = read_story(tx, stored)
    return {
        "entry": entry,
        "moments": formatting.build_timeline(entry)[:MOST_MOMENTS],
        "may_act": access.caller_of(request.scope).may is TokenScope.ACT,
        "perhaps_same": perhaps_same,
        "related": related[:_RELATED],
    }


def rules_page(archive: Archive, request: Request) -> Values:
    """Read a page of the rules with their matches by day."""
    loaded, now, counts = archive.settings.rules, archive.now, archive.day_counts.rules
    paging = _Paging.of(request, total=len(loaded), size=RULES)
    shown = loaded[paging.skip : paging.skip + RULES]
    return {
        "shown": shown,
        "paging": paging,
        "last": {name: max(days) for name, days in counts.items() if days},
        "sparkline": lambda name: _chart(counts.get(name, {}), now),
        **_opinions(archive),
    }


def rule_page(archive: Archive, loaded: Rule) -> Values:
    """Read one rule with its matches by day and its last stories."""
    name, counts = loaded.name, archive.day_counts.rules.get(loaded.name, {})
    since = archive.now - registry.LAST_MATCH
    entries = read_stories(archive.tx, since=since, rule=name, most=MOST_STORIES)
    volume = None
    if loaded.surge_limits is not None:
        volume = surges.show_volume(archive, surges.VolumeParameters(name=name))
    return {
        "rule": loaded,
        "volume": volume,
        "bars": surges.draw_bars(volume, now=archive.now) if volume else [],
        "source": config.find_rule_text(archive.settings, name),
        "playground": trials,
        "line": _chart(counts, archive.now, registry.LAST_MATCH.days),
        "last": max(counts, default=None),
        "entries": entries,
        "related": _read_related(archive, entries),
        "total": archive.tx.stories.count(since=since, rule=name),
        **_opinions(archive),
    }


def _opinions(archive: Archive) -> Values:
    """Read the feedback on each rule, the active silences of each rule, and the periods that the page names."""
    silences: dict[str, list[Silence]] = {}
    for silence in archive.tx.silences.active(archive.now):
        if silence.kind is SilenceKind.RULE:
            silences.setdefault(silence.name, []).append(silence)
    rows = read_feedback(archive, archive.now - feedback.JUDGED_WITHIN)
    return {
        "opinions": {"feedback": {row.rule: row for row in rows}, "silences": silences},
        "last_match_days": registry.LAST_MATCH.days,
        "now": archive.now,
    }


def outbox_page(archive: Archive, request: Request) -> Values:
    """Read the messages that are not sent yet."""
    outbox = archive.tx.outbox
    counts = outbox.counts()
    parked = outbox.unsent((SendState.PARKED,), limit=ROWS)
    waiting = outbox.unsent((SendState.PENDING, SendState.SENDING, SendState.UNKNOWN), limit=ROWS)
    ended = (SendState.SENT, SendState.LEFT_OUT, SendState.DROPPED)
    unsent = sum(count for (_, state), count in counts.items() if state not in ended)
    channels = groupby(sorted(counts.items()), key=lambda entry: entry[0][0])
    return {
        "channels": [(name, [(state.value, count) for (_, state), count in rows]) for name, rows in channels],
        "parked": parked,
        "waiting": waiting,
        "left_out": unsent - len(parked) - len(waiting),
    }


def audit_page(archive: Archive, request: Request) -> Values:
    """Read what outside indexes listed for audited rules, and what of it no feed carried."""
    rule = request.query_params.get("rule")
    parameters = read_parameters(AuditParameters, {"rule": rule} if rule else {})
    return {"audit": show_audit(archive, parameters), "rule": rule}


def quarantine_page(archive: Archive, request: Request) -> Values:
    """Read the work that was set aside after an unexpected error, newest first."""
    pieces = archive.tx.quarantine.all()
    return {"pieces": pieces[: -ROWS - 1 : -1], "total": len(pieces)}


def feed_page(archive: Archive, request: Request) -> Values:
    """Read one feed: its health, its rhythm and when it is polled."""
    tx, now = archive.tx, archive.now
    address, configured = request.query_params.get("url", ""), archive.settings.feeds_by_address
    # The address in the request may be masked, because links on the pages mask secrets.
    masked = (url for url in configured if visible.masked(url) == address)
    url = address if address in configured else next(masked, address)
    state = tx.feeds.get(url)
    if state is None:
        raise _missing("feed", "feeds.yaml has no feed with this address")
    last = tx.articles.last_of_feed(url, since=now - timedelta(days=registry.FEED_DAYS), most=MOST_ARTICLES)
    gaps = [later - earlier for earlier, later in pairwise(state.rhythm.arrivals) if later > earlier]
    return {
        "state": state,
        "problems": find_problems(state, archive.settings, now),
        "late": describe_lateness(state, since=archive.started_at, now=now),
        "line": _chart(archive.day_counts.feeds.get(url, {}), now),
        "rhythm": format_rough(statistics.median_low(gaps)) if gaps else "",
        "interval": format_rough(state.rhythm.interval) if state.rhythm.interval else "",
        "delays": _delays(last, state.baseline_at),
        "last": last[:SHOWN_ARTICLES],
    }


def describe_lateness(state: FeedState, *, since: datetime, now: datetime) -> str:
    """Describe how long a feed is overdue, counted from the start of the bot. Return "" if the delay is normal."""
    delay = timedelta() if state.gone else now - max(state.due_at, since)
    return format_rough(delay) if delay >= LATE else ""


def _delays(articles: Sequence[Article], baseline_at: datetime | None) -> Values | None:
    """Describe the delays of the dated articles since the feed's first answer. Return None if there is no such article.

    A delay is the time from an article's publication until it was stored. ``half`` is the median; nine in ten delays
    do not exceed ``most``.
    """
    delays = sorted(
        max(article.first_seen - article.published, timedelta())
        for article in articles
        if article.published and (baseline_at is None or article.first_seen > baseline_at)
    )
    if not delays:
        return None
    tenth = delays[min(len(delays) - 1, len(delays) * 9 // 10)]
    half = format_rough(statistics.median_low(delays))
    return {"count": len(delays), "half": half, "most": format_rough(tenth)}


class _Paging(msgspec.Struct, frozen=True, kw_only=True):
    page: int
    pages: int
    skip: int
    total: int
    #: Address of the previous page, with this page's other parameters; None on the first page.
    previous_url: str | None
    #: Address of the next page, with this page's other parameters; None on the last page.
    next_url: str | None

    @classmethod
    def of(cls, request: Request, *, total: int, size: int) -> _Paging:
        pages = max(1, -(-total // size))
        page = min(pages, _positive_number(request, "page", 1))

        def address(number: int) -> str:
            return f"?{request.url.include_query_params(page=number).query}"

        return cls(
            page=page,
            pages=pages,
            skip=(page - 1) * size,
            total=total,
            previous_url=address(page - 1) if page > 1 else None,
            next_url=address(page + 1) if page < pages else None,
        )


def _positive_number(request: Request, name: str, default: int) -> int:
    """Return a parameter as a whole number of at least 1. Return the default if the parameter is not a number."""
    text = request.query_params.get(name, "")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else default
