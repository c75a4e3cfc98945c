"""The pages: each reads once and hands plain values to its template."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Mapping, Sequence
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
from bot.queries import building, parameters, rulings, trials, watched
from bot.queries.errors import Refused, Why, unknown_rule
from bot.queries.questions import Answers
from bot.queries.watched import Watched, render
from bot.rules.search import SearchPage
from bot.web import access, formatting, health, page_data

#: Of one page; the rest is a link away.
FEEDS, STORIES, RULES, ROWS = 100, 50, 50, 200
#: Stories of the last day on the first page.
TODAY = 8
#: Of the chart of matches.
CHART_DAYS = 30
#: Problems in full, with their carets.
PROBLEMS = 100
#: Of one story; the rest is in the database, and in `wirewatch stories`.
MOST_MEMBERS, MOST_MOMENTS = 200, 300
#: Of one feed: its delays are counted over so many; and listed.
MOST_ARTICLES, SHOWN_ARTICLES = 200, 10
#: Of one rule.
MOST_STORIES = 10
#: Fields of the search form, and those that the question calls otherwise.
_FIELDS, _PARAMETERS = ("q", "outlet", "rule", "from", "to"), {"from": "since", "to": "until"}
#: Stories shown at first, in days.
STORY_DAYS = 7
MOST_DAYS = 90


class Pages:
    """Answers the requests for pages."""

    def __init__(
        self,
        watched: Watched,
        answers: Answers,
        counts: watched.DayCounts,
        trying: trials.Playground,
        feed_token: str | None = None,
    ) -> None:
        self._watched = watched
        self._answers = answers
        self._feed_token = feed_token
        self._templates = formatting.templates()
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

    def sparkline(self, counts: watched.ByDay, name: str, days: int = watched.DAYS) -> Sparkline:
        """The last days of one feed or rule."""
        return by_day(counts.get(name, {}), today=self._watched.clock.now().date(), days=days)

    async def overview(self, request: Request) -> Response:
        """The first page."""
        now = self._watched.clock.now()
        counts = (await self._counts.read()).rules
        found = await self._watched.store.read(lambda tx: page_data.overview(tx, now))
        day = now - timedelta(days=1)
        told, _ = await self._watched.store.read(
            lambda tx: page_data.stories(tx, since=day, rule=None, skip=0, most=TODAY)
        )
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
            matches=by_day(watched.total_count(counts), today=now.date(), days=CHART_DAYS),
            names=self.names(),
        )

    async def feeds(self, request: Request) -> Response:
        """The feeds, all or of one health, a page of them."""
        now = self._watched.clock.now()
        counts = (await self._counts.read()).feeds
        asked = request.query_params.get("show", "")
        wanted = asked if asked in page_data.HEALTH_WORDS else ""
        skip = (_whole(request, "page", 1) - 1) * FEEDS
        states, total = await self._watched.store.read(
            lambda tx: page_data.feeds(tx, word=wanted, skip=skip, most=FEEDS)
        )
        return await self.render(
            "feeds.html",
            request,
            states=states,
            paging=_Paging.of(request, total=total, size=FEEDS),
            wanted=wanted,
            words=page_data.HEALTH_WORDS,
            health_of=page_data.health_of,
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
            lambda tx: page_data.stories(tx, since=since, rule=rule, skip=(asked - 1) * STORIES, most=STORIES)
        )
        if not total:
            # Of a rule that is loaded no more, stories may be left.
            try:
                self._answers.refuse_unknown(rule)
            except Refused as error:
                return await self._none(request, "rule", f"{error}.")
        paging = _Paging.of(request, total=total, size=STORIES)
        return await self.render("stories.html", request, told=told, paging=paging, days=days, rule=rule)

    async def rules(self, request: Request) -> Response:
        """The rules with their matches by day, a page of them."""
        counts = (await self._counts.read()).rules
        settings = self._watched.settings
        page = _Paging.of(request, total=len(settings.rules), size=RULES)
        shown = settings.rules[page.skip : page.skip + RULES]
        now = self._watched.clock.now()
        said = await self._watched.store.read(lambda tx: rule_opinions(tx, now))
        return await self.render(
            "rules.html",
            request,
            shown=shown,
            paging=page,
            read_back={compiled.rule.name: rules.describe_rule(compiled.rule) for compiled in shown},
            last=page_data.last_days(counts, [compiled.rule.name for compiled in shown]),
            sparkline=partial(self.sparkline, counts),
            last_match_days=watched.LAST_MATCH.days,
            said=said,
            judged_days=feedback.JUDGED_WITHIN.days,
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
            problems=[(problem, config.render_problems([problem])) for problem in problems[:PROBLEMS]],
            errors=sum(problem.severity == "error" for problem in problems),
            left_out=max(0, len(problems) - PROBLEMS),
            files=list(self._watched.settings.files.items())[:ROWS],
        )

    async def playground(self, request: Request) -> Response:
        """The form for a rule, and what the rule would have found."""
        written = request.query_params.get("rule", "")
        days = min(trials.MOST_DAYS, _whole(request, "days", trials.DAYS))
        # A link on another site may fill the form; to run it is for whoever reads it.
        is_asked = bool(written.strip()) and not access.is_foreign(request.headers)
        trial = await self._playground.try_out(written, days) if is_asked else None
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
        """All that is known of one story; of a merged one, the way to the one that it became."""
        asked = model.StoryId(request.path_params["id"])
        found = await self._watched.store.read(lambda tx: page_data.story(tx, asked))
        if found is None:
            older = "There is no story of this address; older ones are deleted after the time of keep in bot.yaml."
            return await self._none(request, "story", older)
        if found.row.story.id != asked:
            return RedirectResponse(f"/story/{found.row.story.id}", 308)
        return await self.render(
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
            refusal = unknown_rule(name, [each.rule.name for each in self._watched.settings.rules])
            return await self._none(request, "rule", f"{refusal}.")
        now = self._watched.clock.now()
        counts = (await self._counts.read()).rules
        said = await self._watched.store.read(lambda tx: rule_opinions(tx, now))
        told, total = await self._watched.store.read(
            lambda tx: page_data.stories(tx, since=now - watched.LAST_MATCH, rule=name, skip=0, most=MOST_STORIES)
        )
        source = await asyncio.to_thread(config.find_rule_source, self._watched.settings, name)
        # Over the archive: some seconds, so only when it is asked for by somebody who looks at this page.
        wants_near = "near" in request.query_params and not access.is_foreign(request.headers)
        return await self.render(
            "rule.html",
            request,
            rule=compiled.rule,
            source=source,
            trial=await self._playground.try_loaded(compiled) if wants_near else None,
            playground=trials,
            read_back=rules.describe_rule(compiled.rule),
            line=self.sparkline(counts, name, watched.LAST_MATCH.days),
            last=page_data.last_days(counts, [name]).get(name),
            said=said,
            told=told,
            total=total,
            last_match_days=watched.LAST_MATCH.days,
            judged_days=feedback.JUDGED_WITHIN.days,
        )

    async def feed(self, request: Request) -> Response:
        """One feed: its health, its rhythm, when it is polled."""
        asked = request.query_params.get("url", "")
        # A secret in an address is not in the links of the page.
        known = self._watched.settings.feeds_by_address
        url = asked if asked in known else next((url for url in known if visible.masked(url) == asked), asked)
        now = self._watched.clock.now()
        since = now - timedelta(days=watched.DAYS)
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
        return await self.render(
            "feed.html",
            request,
            hub=websub.describe_subscription(hub, public_url=public_url, now=now) if hub is not None else None,
            state=state,
            called=self.names()(state),
            health=page_data.health_of(state),
            late=late(state, now=now),
            line=self.sparkline((await self._counts.read()).feeds, url),
            rhythm=formatting.span(statistics.median_low(gaps)) if gaps else "",
            interval=formatting.span(state.interval) if state.interval else "",
            delays=_delays(last, state.baseline_at),
            last=last[:SHOWN_ARTICLES],
        )

    async def search(self, request: Request) -> Response:
        """The form; with words in it, a page of what they find."""
        form = {name: request.query_params.get(name, "").strip() for name in _FIELDS}
        page: SearchPage | None = None
        problem = remark = after = ""
        status = 200
        # A link on another site may fill the form; to run it is for whoever reads it.
        if any(form.values()) and access.is_foreign(request.headers):
            remark = "A link on another site filled in this search. Check it, then press “Search”."
        elif any(form.values()):
            given = {_PARAMETERS.get(name, name): value for name, value in form.items() if value and name != "q"}
            if "after" in request.query_params:
                given["after"] = request.query_params["after"]
            try:
                question = parameters.read(parameters.ArticlesQuestion, given)
                page = found = await self._answers.find(question, form["q"], shown=_as_it_is)
                if found.after is not None:
                    after = f"?{request.url.include_query_params(after=found.after).query}"
            except Refused as error:
                if error.why is Why.TOO_LONG:
                    remark = f"{error}."
                else:
                    problem = str(error)
                    status = 404 if error.why is Why.NOT_FOUND else 200
        return await self.render(
            "search.html", request, status=status, form=form, page=page, after=after, problem=problem, remark=remark
        )

    async def _none(self, request: Request, kind: str, text: str) -> Response:
        return await self.render("message.html", request, status=404, title=f"No such {kind}", text=text)

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
        return lambda state: outlets.feed_name(state, feeds)


def _as_it_is(page: SearchPage) -> SearchPage:
    return page


def late(state: model.FeedState, *, now: datetime) -> str:
    """How far past its due time a feed is; empty: not worth a word."""
    lateness = formatting.lateness(state, now)
    return formatting.span(lateness) if lateness >= page_data.LATE else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened; exactly one of the three is there."""

    at: datetime
    member: model.Member | None = None
    decision: model.Decision | None = None
    message: model.Outgoing | None = None


def timeline(row: building.StoryRow) -> list[Moment]:
    """The oldest first; of one time a report before what was decided on it, and that before what was sent."""
    told = [Moment(at=member.article.first_seen, member=member) for member in row.story.members]
    told += [Moment(at=decision.at, decision=decision) for decision in row.decisions]
    told += [
        Moment(at=message.receipt.sent_at if message.receipt else message.created_at, message=message)
        for message in row.messages
    ]
    return sorted(told, key=lambda moment: moment.at)


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
    return Delays(count=len(found), half=formatting.span(statistics.median_low(found)), most=formatting.span(tenth))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOpinions:
    """What readers said of the rules."""

    #: Of rules with a judged story.
    precision: Mapping[str, feedback.Precision]
    #: Rule -> its silences in force.
    silences: Mapping[str, Sequence[model.Silence]]
    #: Rule -> what people decided about its stories.
    rulings: Mapping[str, Sequence[rulings.RulingText]]


def rule_opinions(tx: storage.Transaction, now: datetime) -> RuleOpinions:
    """Read the judgements and rulings of the last ``precision.JUDGED`` and the silences in force."""
    silences: dict[str, list[model.Silence]] = {}
    for silence in tx.silences.active(now):
        if silence.kind is model.SilenceKind.RULE:
            silences.setdefault(silence.name, []).append(silence)
    return RuleOpinions(
        precision=feedback.precision_by_rule(tx.judgements.since(now - feedback.JUDGED_WITHIN)),
        silences=silences,
        rulings=rulings.ruling_texts_by_rule(tx, now - feedback.JUDGED_WITHIN),
    )


HEIGHT = 24
STEP = 6
#: So that one article among hundreds is still seen.
_LEAST = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar, in units of the SVG."""

    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparkline:
    """The bars of some days."""

    bars: tuple[Bar, ...]
    width: int
    #: For those who cannot see it.
    text: str
    total: int


def by_day(counts: Mapping[date, int], *, today: date, days: int) -> Sparkline:
    """The last ``days`` days, today last."""
    return drawn([counts.get(today - timedelta(days=back), 0) for back in reversed(range(days))])


def drawn(numbers: Sequence[int]) -> Sparkline:
    """``numbers``: one for each day, oldest first."""
    most = max([1, *numbers])
    bars = []
    for index, number in enumerate(numbers):
        height = max(_LEAST, round(HEIGHT * number / most, 1)) if number else 0.0
        bars.append(Bar(x=index * STEP, y=HEIGHT - height, height=height))
    said = ", ".join(map(str, numbers))
    return Sparkline(
        bars=tuple(bars),
        width=len(numbers) * STEP,
        text=f"{sum(numbers)} in {len(numbers)} days, oldest first: {said}",
        total=sum(numbers),
    )
