"""Rules tried on the stored archive: what they would have matched, nearly matched, and posted.

archive ──▶ one index of all versions ──▶ hits ──▶ replay: stories, alerts, messages
            (tried, other, looser)    ──▶ compared with the other version
                                      ──▶ near misses

Uses the rules, grouping and alerts of the live path, over a database in memory. Sends nothing and reads no clock.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo

from bot import model, rules, storage
from bot.pipeline.join import StoryUpdater
from bot.pipeline.snapshot import Snapshot
from bot.pipeline.turn import StoryCache, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedArticle:
    """One listed article."""

    article: model.ArticleId
    title: str
    outlet: str
    link: str
    first_seen: datetime
    #: The words that the rule matched, or why it does not match.
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """Articles that only one condition keeps from matching."""

    #: The condition: “no demand”.
    what: str
    count: int
    #: The last few, newest first.
    examples: tuple[MatchedArticle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A comparison with another version of the rule."""

    #: “the loaded version”, or the path of the other file.
    with_what: str
    starts: tuple[MatchedArticle, ...]
    stops: tuple[MatchedArticle, ...]
    both: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReport:
    """The report of one rule."""

    rule: str
    #: Oldest first.
    hits: tuple[MatchedArticle, ...]
    #: Hits by day, including days without hits.
    by_day: Mapping[date, int]
    near: tuple[NearMiss, ...]
    #: None if no other version is compared.
    comparison: Comparison | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestPost:
    """One message that would have been sent."""

    at: datetime
    channel: str
    kind: model.MessageKind
    reason: str
    #: Several for a gathered message.
    headlines: tuple[str, ...]
    #: The rules that it names.
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestReport:
    """The report of all tried rules."""

    articles: int
    since: datetime
    until: datetime
    rules: tuple[RuleReport, ...]
    stories: int
    #: In order of time.
    messages: tuple[BacktestPost, ...]
    #: Stories still held at the end: for outlets, a digest, the end of quiet hours.
    held: int
    #: Articles that some tried rule matches, and the number of them that were replayed for the messages.
    matched: int = 0
    replayed: int = 0
    #: The end of the replay; None: the whole period was replayed.
    told_until: datetime | None = None


#: Maximum near misses shown of each kind.
MAX_EXAMPLES = 5
#: Maximum parts of a reason.
MAX_PIECES = 4


@dataclass(slots=True)
class _NearMisses:
    what: str
    count: int = 0
    last: deque[tuple[model.Article, model.Feed]] = field(default_factory=lambda: deque(maxlen=MAX_EXAMPLES))


class Tally:
    """The tally of one rule; a version's number is its index in ``versions``."""

    def __init__(
        self,
        compiled: rules.CompiledRule,
        *,
        other: rules.CompiledRule | None = None,
        matched_before: frozenset[model.ArticleId] | None = None,
    ) -> None:
        self._compiled = compiled
        self._is_compared = other is not None or matched_before is not None
        self._before = matched_before or frozenset()
        looser = rules.loosen_rule(compiled)
        compared = (_awake(other),) if other else ()
        #: The rule, its other version if there is one, and looser versions.
        self.versions: tuple[rules.CompiledRule, ...] = (compiled, *compared, *(version.compiled for version in looser))
        self._other = 1 if other else None
        self._near = {number: _NearMisses(version.what) for number, version in enumerate(looser, 1 + len(compared))}
        self._hits: list[MatchedArticle] = []
        self._starts: list[MatchedArticle] = []
        self._stops: list[MatchedArticle] = []
        self._both = 0

    def take(
        self, article: model.Article, feed: model.Feed, numbers: frozenset[int], match: model.Match | None
    ) -> None:
        """Count an article that some version matches, or that matched before; ``match``: of the rule itself."""
        was_matched = article.id in self._before or (self._other is not None and self._other in numbers)
        if match is not None:
            hit = _named(article, describe_match(match))
            self._hits.append(hit)
            if was_matched:
                self._both += 1
            else:
                self._starts.append(hit)
            return
        if was_matched:
            self._stops.append(self._missed(article, feed))
        nearest = min((number for number in numbers if number in self._near), default=None)
        if nearest is not None:
            self._near[nearest].count += 1
            self._near[nearest].last.append((article, feed))

    def _missed(self, article: model.Article, feed: model.Feed) -> MatchedArticle:
        return _named(article, describe_miss(rules.explain_rule(self._compiled, article, feed)))

    def report(self, with_what: str, since: datetime, until: datetime, zone: tzinfo) -> RuleReport:
        """Return the report from ``since`` to ``until``, by days of ``zone``; ``with_what`` names the other version."""
        near_misses = [
            NearMiss(
                what=near_miss.what,
                count=near_miss.count,
                examples=tuple(self._missed(article, feed) for article, feed in reversed(near_miss.last)),
            )
            for near_miss in self._near.values()
            if near_miss.count
        ]
        comparison = Comparison(
            with_what=with_what, starts=tuple(self._starts), stops=tuple(self._stops), both=self._both
        )
        return RuleReport(
            rule=self._compiled.rule.name,
            hits=tuple(self._hits),
            by_day=_by_day(self._hits, since, until, zone),
            near=tuple(near_misses),
            comparison=comparison if self._is_compared else None,
        )


def describe_match(match: model.Match) -> str:
    """Describe a match: “regulator "PTA", demand "backdoor"”."""
    first: dict[str, model.Evidence] = {}
    for evidence in match.evidence:
        first.setdefault(evidence.label, evidence)
    parts = [_on(label, evidence) for label, evidence in first.items()]
    return ", ".join(parts[:MAX_PIECES]) or "nothing in it is excluded"


def _on(label: str, evidence: model.Evidence) -> str:
    """Return a line's label and matched words; only the words for a query or a line that is labelled by its term."""
    words = " ".join(evidence.text.split())
    return f'"{words}"' if label in (words, evidence.term) or len(label) > rules.MAX_LABEL else f'{label} "{words}"'


def describe_miss(explained: rules.Explanation) -> str:
    """Describe a miss: “2 of 3: no demand; PTA found as "pta"; product "BES"”."""
    notes = [note for line in explained.lines for note in line.notes]
    matched = [
        _on(line.label, line.evidence[0])
        for line in explained.lines
        if line.evidence and line.is_found and line.kind != "none"
    ]
    return "; ".join(dict.fromkeys([*explained.notes, *notes, *matched][:MAX_PIECES]))


def _named(article: model.Article, why: str) -> MatchedArticle:
    return MatchedArticle(
        article=article.id,
        title=article.title,
        outlet=article.outlet,
        link=article.link,
        first_seen=article.first_seen,
        why=why,
    )


def _by_day(hits: Sequence[MatchedArticle], since: datetime, until: datetime, zone: tzinfo) -> dict[date, int]:
    counts = Counter(hit.first_seen.astimezone(zone).date() for hit in hits)
    first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return {day: counts[day] for day in days}


class Replay:
    """Replays matched articles; those with the same ``first_seen`` form a batch."""

    def __init__(self, memory: storage.Transaction, snapshot: Snapshot) -> None:
        self._memory = memory
        self._snapshot = snapshot
        self._updater = StoryUpdater(snapshot.window)
        self._cache = StoryCache()
        self._batch: list[model.Arrival] = []
        self._rows: dict[model.SendId, model.Outgoing] = {}

    def take(self, article: model.Article, matches: tuple[model.Match, ...], *, is_baseline: bool) -> None:
        """Add a matched article; articles come in the order of their ``first_seen``."""
        if self._batch and self._batch[0].article.first_seen != article.first_seen:
            self._decide()
        self._batch.append(model.Arrival(article=article, matches=matches, is_baseline=is_baseline))

    def finish(self, until: datetime) -> None:
        """Decide the last batch, and release what is held until ``until``."""
        self._decide()
        self._release(until)

    def _decide(self) -> None:
        if not self._batch:
            return
        now = self._batch[0].article.first_seen
        self._release(now)
        self._memory.articles.add([arrival.article for arrival in self._batch])
        turn = Turn(self._memory, self._snapshot, now, self._cache)
        self._updater.update(turn, self._batch, ())
        self._write(turn)
        self._batch = []
        self._release(now)

    def _release(self, until: datetime) -> None:
        """Release each hold at its time, as the ticks of the live bot do."""
        previous: datetime | None = None
        while due := self._memory.stories.held_until(until):
            now = due[0].held_until
            if now is None or now == previous:
                # Held again until the same time: nothing changes until another article comes.
                return
            turn = Turn(self._memory, self._snapshot, now, self._cache)
            self._updater.release(turn)
            self._write(turn)
            previous = now

    def _write(self, turn: Turn) -> None:
        for row in turn.rows:
            self._rows.setdefault(row.id, row)
        turn.write(self._memory)

    @property
    def stories(self) -> int:
        """The number of stories, without merged ones."""
        return sum(story.merged_into is None for story in self._cache.stories.values())

    @property
    def held(self) -> int:
        """The number of stories still held at the end."""
        by_story = [by_channel.values() for by_channel in self._cache.alerts.values()]
        return sum(any(alert.state is model.AlertState.HELD for alert in alerts) for alerts in by_story)

    def messages(self) -> list[BacktestPost]:
        """Return the messages that would have been posted, in order of time."""
        return [_post(row) for row in sorted(self._rows.values(), key=lambda row: row.due_at)]


def _post(row: model.Outgoing) -> BacktestPost:
    message = row.message
    return BacktestPost(
        at=row.due_at,
        channel=row.channel,
        kind=message.kind,
        reason=message.reason.value if message.reason else "",
        headlines=tuple(brief.title.text for brief in message.briefs),
        rules=tuple(dict.fromkeys(why.rule for brief in message.briefs for why in brief.why)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestPlan:
    """The rules to try, and the settings of the bot."""

    tried: tuple[rules.CompiledRule, ...]
    #: Its rules are replaced by the tried ones, and nothing is escalated.
    snapshot: Snapshot
    #: Rule name -> another version to compare with.
    other_versions: Mapping[str, rules.CompiledRule] = field(default_factory=dict)
    #: The name of the other versions.
    with_what: str = "the loaded version"
    #: Rule name -> articles that matched the other version.
    matched_before: Mapping[str, frozenset[model.ArticleId]] = field(default_factory=dict)
    since: datetime
    until: datetime
    #: Address -> the time of the feed's first poll, whose articles are not news.
    baselines: Mapping[str, datetime] = field(default_factory=dict)
    #: Maximum matched articles to replay, at 10 to 20 ms each; None: all. A rule that matches more is too wide anyway.
    replayed: int | None = 2_000
    #: Maximum steps of the rules on one article, else ``run`` raises TooManySteps; None: no limit.
    most_steps: int | None = None


#: Called for each article.
OnArticle = Callable[[], None]


def run_backtest(
    articles: Iterable[model.Article], plan: BacktestPlan, *, on_article: OnArticle = lambda: None
) -> BacktestReport:
    """Try the rules of a plan on articles, oldest first. Blocking. Raises TooManySteps."""
    with storage.open_in_memory() as memory:
        trial = _Trial(plan, memory)
        for article in articles:
            trial.take(article)
            on_article()
        return trial.report()


class _Trial:
    def __init__(self, plan: BacktestPlan, memory: storage.Transaction) -> None:
        self._plan = plan
        tried = tuple(_awake(compiled) for compiled in plan.tried)
        self._by_rule = {
            compiled.rule.name: Tally(
                compiled,
                other=plan.other_versions.get(compiled.rule.name),
                matched_before=plan.matched_before.get(compiled.rule.name),
            )
            for compiled in tried
        }
        self._set = rules.RuleSet(tried, most_steps=plan.most_steps)
        self._all = rules.RuleSet(
            (
                replace(version, rule=replace(version.rule, name=f"{number}:{name}"))
                for name, tally in self._by_rule.items()
                for number, version in enumerate(tally.versions)
            ),
            most_steps=plan.most_steps,
        )
        self._replay = Replay(memory, replace(plan.snapshot, rules=self._set, escalate=None))
        self._articles = 0
        self._matched = 0
        self._replayed = 0
        #: When the replay reached its limit.
        self._full_at: datetime | None = None

    def take(self, article: model.Article) -> None:
        self._articles += 1
        feed = self._plan.snapshot.feeds.get(article.feed) or model.Feed(url=article.feed, name=article.outlet)
        numbers: dict[str, set[int]] = {name: set() for name in self._by_rule if self._has_matched(name, article)}
        for version in self._all.matching(article, feed, now=article.first_seen):
            number, _, name = version.partition(":")
            numbers.setdefault(name, set()).add(int(number))
        if not numbers:
            return
        is_hit = any(0 in versions for versions in numbers.values())
        matches = self._set.match(article, feed, now=article.first_seen) if is_hit else ()
        own = {match.rule: match for match in matches}
        for name, versions in numbers.items():
            self._by_rule[name].take(article, feed, frozenset(versions), own.get(name))
        if matches:
            self._replay_article(article, matches)

    def _has_matched(self, rule: str, article: model.Article) -> bool:
        return article.id in self._plan.matched_before.get(rule, ())

    def _replay_article(self, article: model.Article, matches: tuple[model.Match, ...]) -> None:
        self._matched += 1
        if self._full_at is None and self._replayed == self._plan.replayed:
            self._full_at = article.first_seen
        if self._full_at is None:
            self._replayed += 1
            began = self._plan.baselines.get(article.feed)
            self._replay.take(article, matches, is_baseline=began is not None and article.first_seen <= began)

    def report(self) -> BacktestReport:
        plan = self._plan
        self._replay.finish(self._full_at or plan.until)
        return BacktestReport(
            articles=self._articles,
            since=plan.since,
            until=plan.until,
            rules=tuple(
                tally.report(plan.with_what, plan.since, plan.until, plan.snapshot.zone)
                for tally in self._by_rule.values()
            ),
            stories=self._replay.stories,
            messages=tuple(self._replay.messages()),
            held=self._replay.held,
            matched=self._matched,
            replayed=self._replayed,
            told_until=self._full_at,
        )


def _awake(compiled: rules.CompiledRule) -> rules.CompiledRule:
    """Return the rule unpaused."""
    return replace(compiled, rule=replace(compiled.rule, paused=False))
