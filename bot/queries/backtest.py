"""Try rules on the stored archive: report the matches, near misses and posts that they would have produced.

archive ──▶ one index of all versions ──▶ hits ──▶ replay: stories, alerts, messages
            (tried, other, looser)    ──▶ compared with the other version
                                      ──▶ near misses

A trial uses the rules, grouping and alerts of the live bot with a database in memory. It sends nothing and reads no
clock.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec
from msgspec.structs import replace

from bot import rules, storage
from bot.config.settings import Settings
from bot.model.alerts import AlertState
from bot.model.archive import Arrival
from bot.model.feeds import Feed, FeedState
from bot.model.messages import MessageKind, Outgoing, Reply
from bot.model.rules import ArticleForm, Evidence, Match
from bot.model.stories import Article, ArticleId, SendId
from bot.model.surges import Surge
from bot.pipeline.dispatch import Dispatcher
from bot.pipeline.join import StoryUpdater
from bot.pipeline.turn import StoryCache, Turn
from bot.pipeline.volume import VolumeMonitor, count_members
from bot.storage.columns import EPOCH
from bot.stories import volume
from bot.text.forms import find_form


class MatchedArticle(msgspec.Struct, frozen=True, kw_only=True):
    """An article that the report lists."""

    article: ArticleId
    title: str
    outlet: str
    link: str
    first_seen: datetime
    #: The words that the rule matched, or why it does not match.
    why: str
    #: The form of an article that is not a report.
    form: ArticleForm | None = None


class NearMiss(msgspec.Struct, frozen=True, kw_only=True):
    """Articles that would match a rule if it had one condition less."""

    #: The condition, for example “no demand”.
    what: str
    count: int
    #: The newest of the articles, newest first.
    examples: tuple[MatchedArticle, ...]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison with another version of the rule."""

    #: Name of the other version: “the loaded version”, or the path of its file.
    with_what: str
    #: Articles that only this version matches.
    starts: tuple[MatchedArticle, ...]
    #: Articles that only the other version matches.
    stops: tuple[MatchedArticle, ...]
    #: Number of articles that both versions match.
    both: int


class RuleReport(msgspec.Struct, frozen=True, kw_only=True):
    """The report of one rule."""

    rule: str
    #: Matched articles, oldest first.
    hits: tuple[MatchedArticle, ...]
    #: Number of hits by day, including days without hits.
    by_day: Mapping[date, int]
    near: tuple[NearMiss, ...]
    #: None if the rule is not compared with another version.
    comparison: Comparison | None


class BacktestPost(msgspec.Struct, frozen=True, kw_only=True):
    """One message that would have been sent."""

    at: datetime
    channel: str
    kind: MessageKind
    reason: str
    #: Headlines of the message's stories, or of the events of a thread that a reply reports. A listing has
    #: several.
    headlines: tuple[str, ...]
    #: Names of the rules that the message shows.
    rules: tuple[str, ...]


class BacktestReport(msgspec.Struct, frozen=True, kw_only=True):
    """The report of all tried rules."""

    articles: int
    since: datetime
    until: datetime
    rules: tuple[RuleReport, ...]
    stories: int
    #: The messages that would have been sent, oldest first.
    messages: tuple[BacktestPost, ...]
    #: Number of stories still held at the end, for example until a brief or the end of quiet hours.
    held: int
    #: Number of articles that at least one tried rule matches.
    matched: int = 0
    #: Number of matched articles that were replayed to produce the messages.
    replayed: int = 0
    #: The surges that would have been reported, oldest first.
    surges: tuple[Surge, ...] = ()
    #: Whether a tried rule reports surges.
    has_volume: bool = False
    #: The end of the replay, or None if the whole period was replayed.
    simulated_until: datetime | None = None


#: Maximum number of examples of one kind of near miss.
MAX_EXAMPLES = 5
#: Maximum number of parts in the description of a match or miss.
MAX_PIECES = 4


class _NearMisses(msgspec.Struct):
    what: str
    count: int = 0
    last: deque[tuple[Article, Feed]] = msgspec.field(default_factory=lambda: deque(maxlen=MAX_EXAMPLES))


class Tally:
    """The counts and articles of one rule. A version of the rule is identified by its index in ``versions``."""

    def __init__(self, compiled: rules.CompiledRule, plan: BacktestPlan) -> None:
        name = compiled.rule.name
        other = plan.other_versions.get(name)
        self._compiled = compiled
        self._plan = plan
        looser = rules.loosen_rule(compiled)
        compared = (_awake(other),) if other else ()
        #: The rule, then its other version (if there is one), then looser versions.
        self.versions: tuple[rules.CompiledRule, ...] = (compiled, *compared, *(version.compiled for version in looser))
        self._other = 1 if other else None
        self._near = {number: _NearMisses(version.what) for number, version in enumerate(looser, 1 + len(compared))}
        self._hits: list[MatchedArticle] = []
        self._starts: list[MatchedArticle] = []
        self._stops: list[MatchedArticle] = []
        self._both = 0

    def take(self, article: Article, feed: Feed, numbers: frozenset[int], match: Match | None) -> None:
        """Count an article that any version matches.

        ``numbers`` are the indexes of the versions that match. ``match`` is the match of the rule itself, or None.
        """
        was_matched = self._other is not None and self._other in numbers
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

    def _missed(self, article: Article, feed: Feed) -> MatchedArticle:
        return _named(article, describe_miss(rules.explain_rule(self._compiled, article, feed)))

    def report(self) -> RuleReport:
        """Return the report of the rule. Days are days in the time zone of the bot."""
        near_misses = [
            NearMiss(
                what=near_miss.what,
                count=near_miss.count,
                examples=tuple(self._missed(article, feed) for article, feed in reversed(near_miss.last)),
            )
            for near_miss in self._near.values()
            if near_miss.count
        ]
        plan = self._plan
        comparison = Comparison(
            with_what=plan.with_what, starts=tuple(self._starts), stops=tuple(self._stops), both=self._both
        )
        return RuleReport(
            rule=self._compiled.rule.name,
            hits=tuple(self._hits),
            by_day=_by_day(self._hits, plan),
            near=tuple(near_misses),
            comparison=comparison if self._other is not None else None,
        )


def describe_match(match: Match) -> str:
    """Describe a match, for example “regulator "PTA", demand "backdoor"”."""
    first: dict[str, Evidence] = {}
    for evidence in match.evidence:
        first.setdefault(evidence.label, evidence)
    parts = [_on(label, evidence) for label, evidence in first.items()]
    return ", ".join(parts[:MAX_PIECES]) or "nothing in it is excluded"


def _on(label: str, evidence: Evidence) -> str:
    """Return a line's label and matched words. Omit the label if it repeats the term or is a whole query."""
    words = " ".join(evidence.text.split())
    return f'"{words}"' if label in (words, evidence.term) or len(label) > rules.MAX_LABEL else f'{label} "{words}"'


def describe_miss(explained: rules.Explanation) -> str:
    """Describe a miss, for example “2 of 3: no demand; PTA found as "pta"; product "BES"”."""
    notes = [note for line in explained.lines for note in line.notes]
    matched = [
        _on(line.label, line.evidence[0])
        for line in explained.lines
        if line.evidence and line.is_found and line.kind != "none"
    ]
    return "; ".join(dict.fromkeys([*explained.notes, *notes, *matched][:MAX_PIECES]))


def _named(article: Article, why: str) -> MatchedArticle:
    found_form = find_form(article)
    return MatchedArticle(
        article=article.id,
        title=article.title,
        outlet=article.outlet,
        link=article.link,
        first_seen=article.first_seen,
        why=why,
        form=found_form.form if found_form else None,
    )


def _by_day(hits: Sequence[MatchedArticle], plan: BacktestPlan) -> dict[date, int]:
    zone = plan.settings.bot.timezone
    counts = Counter(hit.first_seen.astimezone(zone).date() for hit in hits)
    first, last = plan.since.astimezone(zone).date(), plan.until.astimezone(zone).date()
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return {day: counts[day] for day in days}


class Replay:
    """Replays matched articles. Articles with the same ``first_seen`` form a batch."""

    def __init__(self, memory: storage.Transaction, settings: Settings) -> None:
        self._memory = memory
        self._settings = settings
        self._updater = StoryUpdater()
        self._cache = StoryCache()
        self._batch: list[Arrival] = []
        self._rows: dict[SendId, Outgoing] = {}
        self._volume = VolumeMonitor()
        self._measured_at = EPOCH
        #: Rules with ``volume``: name and version.
        self._counted = [(r.rule.name, r.rule.version) for r in settings.rules if r.rule.surge_limits is not None]
        self._running_at: datetime | None = None

    def take(self, article: Article, matches: tuple[Match, ...], *, is_baseline: bool) -> None:
        """Add a matched article. Articles must be added in the order of their ``first_seen``."""
        if self._batch and self._batch[0].article.first_seen != article.first_seen:
            self._decide()
        self._batch.append(Arrival(article=article, matches=matches, is_baseline=is_baseline))

    def note_running(self, at: datetime) -> None:
        """Mark the hours since the last call as measured, unless the gap shows that the bot was off."""
        hours = volume.hours_measured(self._running_at, at)
        if self._counted and hours:
            self._running_at = hours[0]
            self._memory.volume.add({(name, version, hour): 0 for name, version in self._counted for hour in hours})

    def finish(self, until: datetime) -> None:
        """Decide the last batch, and release alerts that are held until ``until`` or earlier."""
        self._decide()
        self._release(until)
        self._follow_surges(until)

    def _decide(self) -> None:
        if not self._batch:
            return
        now = self._batch[0].article.first_seen
        self._release(now)
        self._memory.articles.add([arrival.article for arrival in self._batch])
        for arrival in self._batch if self._counted else ():
            self._memory.articles.add_matches(arrival.article.id, arrival.matches)
        self._follow_surges(now)
        turn = Turn(self._memory, self._settings, now, self._cache)
        self._updater.update(turn, self._batch)
        count_members(turn)
        self._write(turn)
        self._measure(now, {match.rule for arrival in self._batch for match in arrival.matches})
        self._batch = []
        self._release(now)

    def _measure(self, now: datetime, rules: Collection[str] = ()) -> None:
        """Measure these rules, and those with an open surge."""
        if self._counted:
            turn = Turn(self._memory, self._settings, now, self._cache)
            self._volume.measure(turn, rules)
            self._write(turn)
            self._measured_at = now

    def _follow_surges(self, until: datetime) -> None:
        """Measure in each hour while a surge is open."""
        while self._memory.volume.open_surges() and self._measured_at + volume.HOUR < until:
            self._measure(self._measured_at + volume.HOUR)

    def _release(self, until: datetime) -> None:
        """Release each held alert at the end of its hold, like the live bot."""
        previous: datetime | None = None
        while due := self._memory.stories.held_until(until):
            now = due[0].held_until
            if now is None or now == previous:
                # The alert is again held until ``now``, so nothing changes before another article arrives.
                return
            turn = Turn(self._memory, self._settings, now, self._cache)
            Dispatcher(turn).release(turn.due_alerts())
            self._write(turn)
            previous = now

    def _write(self, turn: Turn) -> None:
        for row in turn.rows:
            self._rows.setdefault(row.id, row)
        turn.changes.write(self._memory)

    @property
    def surges(self) -> Sequence[Surge]:
        """The surges, oldest first."""
        return self._memory.volume.surges_since(EPOCH)

    @property
    def stories(self) -> int:
        """The number of stories, not counting merged stories."""
        return sum(story.merged_into is None for story in self._cache.stories.values())

    @property
    def held(self) -> int:
        """The number of stories still held at the end."""
        by_story = [by_channel.values() for by_channel in self._cache.alerts.values()]
        return sum(any(alert.state is AlertState.HELD for alert in alerts) for alerts in by_story)

    def messages(self) -> list[BacktestPost]:
        """Return the messages that would have been posted, oldest first."""
        return [_post(row) for row in sorted(self._rows.values(), key=lambda row: row.due_at)]


def _post(row: Outgoing) -> BacktestPost:
    message = row.message
    facts = message.facts if isinstance(message, Reply) else ()
    events = tuple(fact.after for fact in facts if fact.is_event)
    return BacktestPost(
        at=row.due_at,
        channel=row.channel,
        kind=message.kind,
        reason=message.reason.value if message.reason else "",
        headlines=events or tuple(view.title.text for view in message.stories),
        rules=tuple(dict.fromkeys(why.rule for view in message.stories for why in view.why)),
    )


class BacktestPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The rules to try, and the settings of the bot."""

    tried: tuple[rules.CompiledRule, ...]
    #: The settings of the bot. The trial replaces its rules with the tried ones.
    settings: Settings
    #: Rule name -> another version for comparison.
    other_versions: Mapping[str, rules.CompiledRule] = msgspec.field(default_factory=dict)
    #: Name of the other versions in the report.
    with_what: str = "the loaded version"
    since: datetime
    until: datetime
    #: Feed address -> time of the feed's first poll. The articles of that poll are not news.
    baselines: Mapping[str, datetime] = msgspec.field(default_factory=dict)
    #: Maximum number of matched articles to replay, at 10 to 20 ms each, or None to replay all. A rule that matches
    #: more is too wide anyway.
    replayed: int | None = 2_000
    #: Maximum steps of the rules on one article, or None for no limit. If exceeded, a trial raises TooManySteps.
    most_steps: int | None = None


#: Function that is called after each article.
OnArticle = Callable[[], None]


def run_backtest(
    articles: Iterable[Article], plan: BacktestPlan, *, on_article: OnArticle = lambda: None
) -> BacktestReport:
    """Try the rules of a plan on articles, oldest first. This blocks. Raises TooManySteps."""
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
        self._by_rule = {compiled.rule.name: Tally(compiled, plan) for compiled in tried}
        self._set = rules.RuleSet(tried, most_steps=plan.most_steps)
        self._all = rules.RuleSet(
            (
                replace(version, rule=dataclasses.replace(version.rule, name=f"{number}:{name}"))
                for name, tally in self._by_rule.items()
                for number, version in enumerate(tally.versions)
            ),
            most_steps=plan.most_steps,
        )
        self._replay = Replay(memory, dataclasses.replace(plan.settings, rules=tried))
        states = [FeedState(url=url, due_at=at, baseline_at=at) for url, at in plan.baselines.items()]
        memory.feeds.save(states)
        self._articles = 0
        self._matched = 0
        self._replayed = 0
        #: Time of the article at which the replay reached its limit, or None if it did not.
        self._full_at: datetime | None = None

    def take(self, article: Article) -> None:
        self._articles += 1
        self._replay.note_running(article.first_seen)
        feed = self._plan.settings.feeds_by_address.get(article.feed) or Feed(url=article.feed, name=article.outlet)
        numbers: dict[str, set[int]] = {}
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
        if not matches:
            return
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
            rules=tuple(tally.report() for tally in self._by_rule.values()),
            stories=self._replay.stories,
            messages=tuple(self._replay.messages()),
            held=self._replay.held,
            matched=self._matched,
            replayed=self._replayed,
            surges=tuple(self._replay.surges),
            has_volume=any(compiled.rule.surge_limits is not None for compiled in plan.tried),
            simulated_until=self._full_at,
        )


def _awake(compiled: rules.CompiledRule) -> rules.CompiledRule:
    """Return the rule unpaused."""
    return replace(compiled, rule=dataclasses.replace(compiled.rule, paused=False))
