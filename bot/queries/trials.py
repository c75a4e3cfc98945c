"""The query that tries a pasted rule. Nothing is saved."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated

import msgspec
import pydantic
from msgspec.structs import replace

from bot import config, rules, storage
from bot.durations import format_duration
from bot.model.feeds import Feed
from bot.model.rules import ArticleForm, Match
from bot.model.settings import Problem
from bot.model.stories import Article
from bot.queries import backtest, pasted
from bot.queries.registry import Archive, Document, Parameters, ProblemDocument, Query, Time, Whole
from bot.queries.surges import SurgeDocument

#: Default number of days that a trial looks back.
DAYS = 7
MOST_DAYS = 30
#: Maximum articles in a trial. At 50 µs per article, each rule takes about a second on one core.
MOST_ARTICLES = 20_000
MOST_TIME = timedelta(seconds=5)
#: Maximum steps for the examples of all pasted rules. 500,000 steps take a second on one core.
MOST_STEPS_OF_EXAMPLES = 500_000
#: Maximum steps for one article.
MOST_STEPS_OF_AN_ARTICLE = 2_000_000
#: Maximum length of a pasted rule. The form sends the rule in the address, whose length is limited.
MOST_CHARACTERS = 8_000
#: Maximum articles shown for each rule.
SHOWN = 25


class PlaygroundResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of trying rules, or the reason why they were not tried."""

    problems: tuple[Problem, ...] = ()
    #: The problems as text, with carets below each mistake.
    problem_text: str = ""
    #: Why there is no result, or why it covers fewer days than requested.
    remark: str = ""
    tried: tuple[rules.CompiledRule, ...] = ()
    #: The report on ``tried``, or None if nothing was tried.
    report: backtest.BacktestReport | None = None
    #: Rule -> its last matched articles, newest first, each with its matches.
    matched: Mapping[str, Sequence[tuple[Article, tuple[Match, ...]]]] = msgspec.field(default_factory=dict)

    @property
    def is_refused(self) -> bool:
        """Whether any of the rules has an error."""
        return any(problem.severity == "error" for problem in self.problems)


#: The answer while too many trials wait.
BUSY = PlaygroundResult(remark="Others are trying rules now; try again in a few seconds.")


class _TooLongError(Exception):
    pass


def try_pasted(archive: Archive, written: str, days: int) -> PlaygroundResult:
    """Try pasted rules over the last ``days`` days. CPU-bound: do not call it on the event loop."""
    settings = archive.settings
    if len(written) > MOST_CHARACTERS:
        return PlaygroundResult(
            remark=f"A pasted rule may have at most {MOST_CHARACTERS:,} characters; this one has {len(written):,}."
        )
    try:
        compiled, problems = pasted.parse_pasted(written, settings, rules.Steps(MOST_STEPS_OF_EXAMPLES))
    except pasted.TooManyRulesError as error:
        return PlaygroundResult(remark=f"{str(error).capitalize()}.")
    parsed = PlaygroundResult(problems=problems, problem_text=config.render_problems(problems))
    if not compiled:
        return replace(parsed, remark="" if problems else "The text contains no rule.")
    return _try_over_archive(archive, parsed, compiled, days)


def try_loaded(archive: Archive, compiled: rules.CompiledRule) -> PlaygroundResult:
    """Try a loaded rule over ``DAYS`` days. CPU-bound: do not call it on the event loop."""
    return _try_over_archive(archive, PlaygroundResult(), (compiled,), DAYS)


def _try_over_archive(
    archive: Archive, parsed: PlaygroundResult, compiled: tuple[rules.CompiledRule, ...], days: int
) -> PlaygroundResult:
    tx, now = archive.tx, archive.now
    since, remark = _since(tx, days, now)
    ends_at = time.monotonic() + MOST_TIME.total_seconds()

    def look_at_the_clock() -> None:
        if time.monotonic() > ends_at:
            raise _TooLongError

    plan = backtest.BacktestPlan(
        tried=compiled,
        settings=archive.watched.settings,
        since=since,
        until=now,
        most_steps=MOST_STEPS_OF_AN_ARTICLE,
    )
    try:
        report = run_on_archive(tx, plan, on_article=look_at_the_clock)
        matched = {
            rule.rule: _read_matches(tx, entry, rule.hits, plan.settings.feeds_by_address, now)
            for entry, rule in zip(compiled, report.rules, strict=True)
        }
    except rules.TooManySteps:
        advice = "use fewer wordings under NEAR, or smaller regular expressions"
        remark = f"One article needs more than {MOST_STEPS_OF_AN_ARTICLE:,} steps: {advice}."
        return replace(parsed, remark=remark)
    except _TooLongError:
        remark = f"The trial took longer than {format_duration(MOST_TIME)}: choose fewer days."
        return replace(parsed, remark=remark)
    return replace(parsed, remark=remark, tried=compiled, report=report, matched=matched)


def run_on_archive(
    tx: storage.Transaction, plan: backtest.BacktestPlan, *, on_article: backtest.OnArticle = lambda: None
) -> backtest.BacktestReport:
    """Run the plan on the stored articles, with the feeds' first polls at their real times. Raises TooManySteps."""
    baselines = {state.url: state.baseline_at for state in tx.feeds.all() if state.baseline_at}
    articles = tx.articles.archive(since=plan.since)
    return backtest.run_backtest(articles, replace(plan, baselines=baselines), on_article=on_article)


def _since(tx: storage.Transaction, days: int, now: datetime) -> tuple[datetime, str]:
    """Return the start of the trial, and a remark if it is later than requested because there are too many articles."""
    for span in (timedelta(days=days), *(timedelta(days=d) for d in (14, 7, 3, 1)), timedelta(hours=6)):
        if span <= timedelta(days=days) and tx.articles.count(since=now - span) <= MOST_ARTICLES:
            shorter = span < timedelta(days=days)
            remark = f"The archive is large, so the trial covers only the last {format_duration(span)}."
            return now - span, remark if shorter else ""
    return now - timedelta(hours=1), "The archive is large, so the trial covers only the last hour."


def _read_matches(
    tx: storage.Transaction,
    compiled: rules.CompiledRule,
    hits: Sequence[backtest.MatchedArticle],
    feeds: Mapping[str, Feed],
    now: datetime,
) -> list[tuple[Article, tuple[Match, ...]]]:
    """Read the last matched articles of a rule, newest first, each with its matches."""
    unpaused = replace(compiled, rule=dataclasses.replace(compiled.rule, paused=False, until=None))
    ruleset = rules.RuleSet([unpaused], most_steps=MOST_STEPS_OF_AN_ARTICLE)
    last_articles = [hit.article for hit in hits[: -SHOWN - 1 : -1]]
    stored = tx.articles.get(last_articles)
    articles = [stored[article] for article in last_articles if article in stored]
    return [
        (article, ruleset.match(article, feeds.get(article.feed) or Feed(url=article.feed), now=now))
        for article in articles
    ]


class TryParameters(Parameters):
    """The rules to try, and the number of days to look back."""

    rule: str = pydantic.Field(
        min_length=1,
        max_length=MOST_CHARACTERS,
        description="A rule in YAML, a list of rules, a whole rule file, or only a query.",
        examples=["name: Any backdoor\nquery: backdoor*\nnotify: alerts\n"],
    )
    days: Annotated[int, pydantic.Field(ge=1, le=MOST_DAYS), Whole] = DAYS


class HitDocument(Document):
    """An article of a backtest, and why the rule matched or did not match it. ``form`` is null for a report."""

    id: str = pydantic.Field(validation_alias="article")
    title: str
    outlet: str
    link: str
    first_seen: Time
    why: str
    form: ArticleForm | None


class NearDocument(Document):
    """The articles that fail only the condition ``what`` of the rule. ``examples`` are the latest."""

    what: str
    count: int
    examples: list[HitDocument]


class ComparisonDocument(Document):
    """A rule compared with another version of it."""

    with_: str = pydantic.Field(validation_alias="with_what", serialization_alias="with")
    both: int
    starts: list[HitDocument]
    stops: list[HitDocument]


class RuleTrial(Document):
    """The backtest result of one rule."""

    rule: str
    matches: list[HitDocument] = pydantic.Field(validation_alias="hits")
    by_day: dict[date, int]
    near: list[NearDocument]
    compared: ComparisonDocument | None = pydantic.Field(validation_alias="comparison")


class PostDocument(Document):
    """A message that the rules would have created."""

    at: Time
    channel: str
    kind: str
    reason: str
    headlines: list[str]
    rules: list[str]


class TrialDocument(Document):
    """The result of a backtest, as ``wirewatch try --json`` prints it."""

    articles: int
    since: Time
    until: Time
    rules: list[RuleTrial]
    stories: int
    held: int
    matched: int
    replayed: int
    simulated_until: Time | None
    messages: list[PostDocument]
    #: The surges that the rules would have reported.
    surges: list[SurgeDocument]


class PastedTrialDocument(Document):
    """A trial of pasted rules. If ``trial`` is null, ``remark`` or ``problems`` explains why."""

    problems: list[ProblemDocument]
    remark: str
    trial: TrialDocument | None = pydantic.Field(validation_alias="report")


def try_rule(archive: Archive, parameters: TryParameters) -> PlaygroundResult:
    """Try a rule on the stored articles. Shows its matches, messages and near misses; saves nothing."""
    return try_pasted(archive, parameters.rule, parameters.days)


TRY_RULE = Query("try_rule", try_rule, PastedTrialDocument, method="POST", path="/try", is_tool=True, busy=BUSY)
