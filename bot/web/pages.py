"""The pages. Each page reads in one transaction and passes plain values to its template."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby, pairwise

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

import bot
from bot import config, model, rules, storage
from bot.alerts import feedback
from bot.feeds import outlets, websub
from bot.model import visible
from bot.queries import stories, trials, watched
from bot.queries.articles import ArticlesParameters, find_articles
from bot.queries.feedback import RuleFeedbackDocument, read_feedback
from bot.queries.registry import Answers, Archive, Refused, Why, find_rule, read_parameters
from bot.queries.silences import ListedSilence, read_silences
from bot.queries.watched import render
from bot.rules.search import SearchPage
from bot.storage import keys
from bot.web import access, formatting, health

#: Maximum entries on a page. Links lead to the next and previous pages.
FEEDS, STORIES, RULES, ROWS = 100, 50, 50, 200
#: Maximum number of stories of the last day on the first page.
TODAY = 8
#: Number of days in the chart of matches.
CHART_DAYS = 30
#: Maximum problems on the page of the configuration.
PROBLEMS = 100
#: Maximum articles and timeline entries of one story; `wirewatch stories` shows all.
MOST_MEMBERS, MOST_MOMENTS = 200, 300
#: Maximum articles from which a feed's delays are computed, and maximum articles listed for a feed.
MOST_ARTICLES, SHOWN_ARTICLES = 200, 10
#: Maximum stories listed for one rule.
MOST_STORIES = 10
#: Fields of the search form, and field -> parameter if their names differ.
_FIELDS, _PARAMETERS = ("q", "outlet", "rule", "from", "to"), {"from": "since", "to": "until"}
#: Default number of days of stories.
STORY_DAYS = 7
MOST_DAYS = 90

#: Maximum broken feeds named on the overview.
SHOWN_BROKEN = 10
#: Minimum delay that counts as late. Shorter delays are normal, because an answer may be slow.
LATE = timedelta(seconds=30)
#: Stories that are held for longer than this are not counted. They wait for the end of a silence or a cooldown, because
#: a digest is posted every day.
_HELD_FOR = timedelta(days=2)

#: The health of feeds that need attention.
BROKEN = (model.FeedHealth.FAILING, model.FeedHealth.GONE)
#: Maximum stories of each rule that are searched for related stories, and maximum related stories shown.
_LOOKED_AT, _RELATED = 40, 8
_WEEK = timedelta(days=7)


class Pages:
    """Answers the requests for pages."""

    def __init__(
        self,
        answers: Answers,
        probe: health.Probe,
        feed_token: str | None = None,
    ) -> None:
        self._probe = probe
        self._watched = answers.watched
        self._answers = answers
        self._feed_token = feed_token
        self._templates = formatting.templates()

    async def render(self, name: str, request: Request, *, status: int = 200, **values: object) -> Response:
        """Render a template on a rendering thread, because excerpts of many articles take time."""
        values |= {
            "path": request.url.path,
            "now": self._watched.clock.now(),
            "version": bot.__version__,
            "settings": self._watched.settings,
            "feed_token": self._feed_token,
            "names": self._name_feed,
        }
        template = self._templates.get_template(name)
        return HTMLResponse(await render(lambda: template.render(values)), status)

    def chart(self, counts: Mapping[date, int], days: int = watched.DAYS) -> list[int]:
        """Return the counts of the last ``days`` days, oldest first."""
        today = self._watched.clock.now().date()
        return [counts.get(today - timedelta(days=back), 0) for back in reversed(range(days))]

    async def overview(self, request: Request) -> Response:
        """Show the first page."""
        now = self._watched.clock.now()
        day = now - timedelta(days=1)
        counts, overview, entries = await self._answers.read(
            lambda archive: (
                archive.day_counts.rules,
                read_overview(archive.tx, now),
                read_stories(archive.tx, since=day, most=TODAY),
            )
        )
        ready = await self._probe.ask()
        problems = [problem for problem in self._watched.settings.problems if problem.severity == "error"]
        states = model.SendState
        return await self.render(
            "overview.html",
            request,
            ready=ready,
            overview=overview,
            entries=entries,
            errors=problems,
            waiting=overview.count(states.PENDING, states.SENDING, states.UNKNOWN),
            parked=overview.count(states.PARKED),
            matches=self.chart(watched.total_count(counts), CHART_DAYS),
        )

    async def feeds(self, request: Request) -> Response:
        """Show a page of all feeds, or of the feeds with one health."""
        now = self._watched.clock.now()
        requested = request.query_params.get("show", "")
        shown_health = requested if requested in [health.value for health in model.FeedHealth] else ""
        healths = [model.FeedHealth(shown_health)] if shown_health else list(model.FeedHealth)

        def read(archive: Archive) -> tuple[watched.ByDay, Sequence[model.FeedState], _Paging]:
            counts = archive.tx.feeds.counts()
            paging = _Paging.of(request, total=sum(counts.get(health, 0) for health in healths), size=FEEDS)
            states = archive.tx.feeds.page(health=healths, skip=paging.skip, most=FEEDS)
            return archive.day_counts.feeds, states, paging

        counts, states, paging = await self._answers.read(read)
        return await self.render(
            "feeds.html",
            request,
            states=states,
            paging=paging,
            shown_health=shown_health,
            words=[health.value for health in model.FeedHealth],
            late=partial(describe_lateness, now=now),
            sparkline=lambda name: self.chart(counts.get(name, {})),
        )

    async def stories(self, request: Request) -> Response:
        """Show a page of the stories of the last days, of all rules or of one rule."""
        days = min(MOST_DAYS, _positive_number(request, "days", STORY_DAYS))
        rule = request.query_params.get("rule") or None
        since = self._watched.clock.now() - timedelta(days=days)

        def read(archive: Archive) -> tuple[list[stories.StoryRow], _Paging]:
            paging = _Paging.of(request, total=archive.tx.stories.count(since=since, rule=rule), size=STORIES)
            return read_stories(archive.tx, since=since, rule=rule, skip=paging.skip, most=STORIES), paging

        entries, paging = await self._answers.read(read)
        if not entries and rule is not None:
            # Look for the rule only if it has no stories, because a rule that was removed may still have stories.
            try:
                find_rule(rule, self._watched.settings)
            except Refused as error:
                return await self._show_missing(request, "rule", f"{error}.")
        return await self.render("stories.html", request, entries=entries, paging=paging, days=days, rule=rule)

    async def rules(self, request: Request) -> Response:
        """Show a page of the rules with their matches by day."""
        settings = self._watched.settings
        page = _Paging.of(request, total=len(settings.rules), size=RULES)
        shown = settings.rules[page.skip : page.skip + RULES]
        counts, opinions = await self._answers.read(lambda archive: (archive.day_counts.rules, rule_opinions(archive)))
        return await self.render(
            "rules.html",
            request,
            shown=shown,
            paging=page,
            read_back={compiled.rule.name: rules.describe_rule(compiled.rule) for compiled in shown},
            last={name: max(days) for name, days in counts.items() if days},
            sparkline=lambda name: self.chart(counts.get(name, {})),
            last_match_days=watched.LAST_MATCH.days,
            opinions=opinions,
            judged_days=feedback.JUDGED_WITHIN.days,
        )

    async def outbox(self, request: Request) -> Response:
        """Show the messages that are not sent yet."""
        counts, unsent = await self._answers.read(
            lambda archive: (archive.tx.outbox.counts(), archive.tx.outbox.unsent())
        )
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
        """Show the configuration files and their problems."""
        # Show errors first; otherwise, keep the order.
        problems = sorted(self._watched.settings.problems, key=lambda problem: problem.severity != "error")
        return await self.render(
            "configuration.html",
            request,
            loaded_at=self._watched.loaded_at,
            problems=[(problem, config.render_problems([problem])) for problem in problems[:PROBLEMS]],
            errors=sum(problem.severity == "error" for problem in problems),
            left_out=max(0, len(problems) - PROBLEMS),
            files=list(self._watched.settings.files.items())[:ROWS],
        )

    async def playground(self, request: Request) -> Response:
        """Show the form for a rule, and the result of trying a submitted rule."""
        written = request.query_params.get("rule", "")
        days = min(trials.MOST_DAYS, _positive_number(request, "days", trials.DAYS))
        # A link on another site may fill in the form, but only the reader may run it.
        is_asked = bool(written.strip()) and not access.is_foreign(request.headers)
        trial = None
        if is_asked:
            trial = await self._answers.take_turn(
                lambda archive: trials.try_pasted(archive, written, days), trials.BUSY
            )
        example = trials.example_rule(self._watched.settings)
        return await self.render(
            "try.html",
            request,
            written=written or example,
            days=days,
            trial=trial,
            is_from_elsewhere=bool(written.strip()) and not is_asked,
            playground=trials,
        )

    async def story(self, request: Request) -> Response:
        """Show one story; redirect from a merged story to the story that it became."""
        story_id = model.StoryId(request.path_params["id"])
        details = await self._answers.read(lambda archive: read_story_details(archive.tx, story_id))
        if details is None:
            older = "No story has this address. Old stories are deleted after the time that keep in bot.yaml sets."
            return await self._show_missing(request, "story", older)
        if details.row.story.id != story_id:
            return RedirectResponse(f"/story/{details.row.story.id}", 308)
        return await self.render(
            "story.html",
            request,
            entry=details.row,
            details=details,
            moments=timeline(details.row)[:MOST_MOMENTS],
            most_members=MOST_MEMBERS,
        )

    async def rule(self, request: Request) -> Response:
        """Show one rule with its matches by day and its last stories."""
        name = request.query_params.get("name", "")
        try:
            compiled = find_rule(name, self._watched.settings)
        except Refused as error:
            return await self._show_missing(request, "rule", f"{error}.")
        since = self._watched.clock.now() - watched.LAST_MATCH
        counts, opinions, entries, total, source = await self._answers.read(
            lambda archive: (
                archive.day_counts.rules,
                rule_opinions(archive),
                read_stories(archive.tx, since=since, rule=name, most=MOST_STORIES),
                archive.tx.stories.count(since=since, rule=name),
                config.find_rule_source(archive.settings, name),
            )
        )
        trial = None
        # Only a reader of this page may start a trial, because it takes some seconds.
        if "near" in request.query_params and not access.is_foreign(request.headers):
            trial = await self._answers.take_turn(lambda archive: trials.try_loaded(archive, compiled), trials.BUSY)
        return await self.render(
            "rule.html",
            request,
            rule=compiled.rule,
            source=source,
            trial=trial,
            playground=trials,
            read_back=rules.describe_rule(compiled.rule),
            line=self.chart(counts.get(name, {}), watched.LAST_MATCH.days),
            last=max(counts.get(name, {}), default=None),
            opinions=opinions,
            entries=entries,
            total=total,
            last_match_days=watched.LAST_MATCH.days,
            judged_days=feedback.JUDGED_WITHIN.days,
        )

    async def feed(self, request: Request) -> Response:
        """Show one feed: its health, its rhythm and when it is polled."""
        address = request.query_params.get("url", "")
        # The address in the request may be masked, because links on the pages mask secrets.
        configured = self._watched.settings.feeds_by_address
        url = (
            address
            if address in configured
            else next((url for url in configured if visible.masked(url) == address), address)
        )
        now = self._watched.clock.now()
        since = now - timedelta(days=watched.DAYS)
        counts, state, last, hub = await self._answers.read(
            lambda archive: (
                archive.day_counts.feeds,
                archive.tx.feeds.get(url),
                archive.tx.articles.last_of_feed(url, since=since, most=MOST_ARTICLES),
                archive.tx.subscriptions.of_feed(url),
            )
        )
        public_url = self._watched.settings.bot.public_url
        if state is None:
            return await self._show_missing(request, "feed", "feeds.yaml has no feed with this address.")
        gaps = [later - earlier for earlier, later in pairwise(state.rhythm) if later > earlier]
        return await self.render(
            "feed.html",
            request,
            hub=websub.describe_subscription(hub, public_url=public_url, now=now) if hub is not None else None,
            state=state,
            late=describe_lateness(state, now=now),
            line=self.chart(counts.get(url, {})),
            rhythm=model.format_rough(statistics.median_low(gaps)) if gaps else "",
            interval=model.format_rough(state.interval) if state.interval else "",
            delays=_delays(last, state.baseline_at),
            last=last[:SHOWN_ARTICLES],
        )

    async def search(self, request: Request) -> Response:
        """Show the search form and, if it is filled in, a page of results."""
        form = {name: request.query_params.get(name, "").strip() for name in _FIELDS}
        page: SearchPage | None = None
        problem = remark = next_page = ""
        status = 200
        # A link on another site may fill in the form, but only the reader may run it.
        if any(form.values()) and access.is_foreign(request.headers):
            remark = "A link on another site filled in this search. Check it, then press “Search”."
        elif any(form.values()):
            values = {_PARAMETERS.get(name, name): value for name, value in form.items() if value and name != "q"}
            if "after" in request.query_params:
                values["after"] = request.query_params["after"]
            try:
                parameters = read_parameters(ArticlesParameters, values)
                page = await self._answers.read(
                    lambda archive: find_articles(archive, parameters, form["q"]), is_long=True
                )
                if page.after is not None:
                    next_page = f"?{request.url.include_query_params(after=page.after).query}"
            except Refused as error:
                if error.why is Why.TOO_LONG:
                    remark = f"{error}."
                else:
                    problem = str(error)
                    status = 404 if error.why is Why.NOT_FOUND else 200
        return await self.render(
            "search.html",
            request,
            status=status,
            form=form,
            page=page,
            next_page=next_page,
            problem=problem,
            remark=remark,
        )

    async def _show_missing(self, request: Request, kind: str, text: str) -> Response:
        return await self.render("message.html", request, status=404, title=f"No such {kind}", text=text)

    async def not_found(self, request: Request, error: Exception) -> Response:
        """Show a page with status 404."""
        return await self.render(
            "message.html", request, status=404, title="No such page", text="There is nothing here."
        )

    async def store_failed(self, request: Request, error: Exception) -> Response:
        """Show the database's error with status 503."""
        return await self.render(
            "message.html", request, status=503, title="The database does not answer", text=str(error)
        )

    def _name_feed(self, state: model.FeedState) -> str:
        return outlets.feed_name(state, self._watched.settings.feeds_by_address)


def describe_lateness(state: model.FeedState, *, now: datetime) -> str:
    """Describe how long a feed is overdue. Return "" if the delay is normal."""
    late = timedelta() if state.gone else now - state.due_at
    return model.format_rough(late) if late >= LATE else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One event of a story; exactly one of ``member``, ``decision`` and ``message`` is set."""

    at: datetime
    member: model.Member | None = None
    decision: model.Decision | None = None
    message: model.Outgoing | None = None


def timeline(row: stories.StoryRow) -> list[Moment]:
    """Return the events, oldest first. For equal times, the order is article, decision, message."""
    moments = [Moment(at=member.article.first_seen, member=member) for member in row.story.members]
    moments += [Moment(at=decision.at, decision=decision) for decision in row.decisions]
    moments += [
        Moment(at=message.receipt.sent_at if message.receipt else message.created_at, message=message)
        for message in row.messages
    ]
    return sorted(moments, key=lambda moment: moment.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """The delays between the publication of articles and their storage."""

    count: int
    #: The median delay, and the delay that nine in ten articles do not exceed, formatted by ``model.format_rough``.
    half: str
    most: str


def _delays(articles: Sequence[model.Article], baseline_at: datetime | None) -> Delays | None:
    """Return the delays of the dated articles since the feed's first answer, or None if there are none."""
    delays = sorted(
        max(article.first_seen - article.published, timedelta())
        for article in articles
        if article.published and (baseline_at is None or article.first_seen > baseline_at)
    )
    if not delays:
        return None
    tenth = delays[min(len(delays) - 1, len(delays) * 9 // 10)]
    return Delays(
        count=len(delays), half=model.format_rough(statistics.median_low(delays)), most=model.format_rough(tenth)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paging:
    page: int
    pages: int
    skip: int
    total: int
    #: Addresses of the previous and next page. They keep the other parameters of this page.
    previous_url: str | None
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
    """Return a parameter as a whole number of at least 1, or the default if it is not a number."""
    text = request.query_params.get(name, "")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else default


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOpinions:
    """People's feedback and silences, by rule."""

    feedback: Mapping[str, RuleFeedbackDocument]
    silences: Mapping[str, Sequence[model.Silence]]


def rule_opinions(archive: Archive) -> RuleOpinions:
    """Read the feedback within ``feedback.JUDGED_WITHIN``, and the active silences of rules."""
    silences: dict[str, list[model.Silence]] = {}
    for silence in archive.tx.silences.active(archive.now):
        if silence.kind is model.SilenceKind.RULE:
            silences.setdefault(silence.name, []).append(silence)
    rows = read_feedback(archive, archive.now - feedback.JUDGED_WITHIN)
    return RuleOpinions(feedback={row.rule: row for row in rows}, silences=silences)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The data of the first page."""

    feeds: Mapping[model.FeedHealth, int]
    #: Some of the feeds that need attention.
    broken: tuple[model.FeedState, ...]
    articles: int
    articles_today: int
    stories: int
    counts: Mapping[tuple[str, model.SendState], int]
    #: Number of feeds whose poll is late.
    late_feeds: int
    #: Number of matched articles without a decision, and number of alerts held for a digest, a cooldown or a morning.
    undecided: int
    held: int
    tick: datetime | None
    #: The active silences.
    silences: tuple[ListedSilence, ...]

    def count(self, *states: model.SendState) -> int:
        """Return the number of messages in any of the states."""
        return sum(number for (_, state), number in self.counts.items() if state in states)

    @property
    def broken_count(self) -> int:
        """The number of feeds that need attention."""
        return sum(self.feeds.get(health, 0) for health in BROKEN)

    @property
    def is_mostly_broken(self) -> bool:
        """Whether at least half of the feeds need attention."""
        return self.broken_count > 0 and 2 * self.broken_count >= sum(self.feeds.values())


def read_overview(tx: storage.Transaction, now: datetime) -> Overview:
    """Read the data of the first page, with the articles of one day and the stories of seven days."""
    return Overview(
        feeds=tx.feeds.counts(),
        broken=tuple(tx.feeds.page(health=BROKEN, skip=0, most=SHOWN_BROKEN)),
        articles=tx.articles.count(),
        articles_today=tx.articles.count(since=now - timedelta(days=1)),
        stories=tx.stories.count(since=now - timedelta(days=7)),
        counts=tx.outbox.counts(),
        late_feeds=tx.feeds.count_due(now=now - LATE),
        undecided=tx.decision_queue.count(),
        held=sum(alert.state is model.AlertState.HELD for alert in tx.stories.held_until(now + _HELD_FOR)),
        tick=keys.TICK.get(tx),
        silences=tuple(read_silences(tx, now=now)),
    )


def read_stories(
    tx: storage.Transaction, *, since: datetime, rule: str | None = None, skip: int = 0, most: int
) -> list[stories.StoryRow]:
    """Read at most ``most`` stories, most recently changed first."""
    newest = tx.stories.newest(since=since, rule=rule, skip=skip, most=most)
    return [stories.read_story(tx, story) for story in newest]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryDetails:
    """One story with related stories."""

    row: stories.StoryRow
    #: Stories that may be about the same event. The bot was not sure.
    perhaps_same: tuple[model.Story, ...]
    #: Stories of the same rules at about the same time.
    related: tuple[model.Story, ...]


def read_story_details(tx: storage.Transaction, story_id: model.StoryId) -> StoryDetails | None:
    """Read the story, or the story into which it was merged. Return None if the id is unknown."""
    stored = tx.stories.resolve(story_id)
    if stored is None:
        return None
    since, until = stored.first_seen - _WEEK, (stored.last_seen + _WEEK, model.StoryId(""))
    candidates = {
        other.id: other
        for rule in stored.rules[:3]
        for other in tx.stories.newest(since=since, rule=rule, skip=0, most=_LOOKED_AT, after=until)
        if other.id != stored.id
    }
    if stored.nearest is not None and stored.nearest not in candidates:
        candidates |= tx.stories.get([stored.nearest])
    perhaps_same = [other for other in candidates.values() if stored.nearest == other.id or other.nearest == stored.id]
    related = [other for other in candidates.values() if other not in perhaps_same and other.first_seen <= until[0]]
    related.sort(key=lambda other: abs(other.first_seen - stored.first_seen))
    return StoryDetails(
        row=stories.read_story(tx, stored), perhaps_same=tuple(perhaps_same), related=tuple(related[:_RELATED])
    )
