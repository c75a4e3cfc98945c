"""Briefs: what moved in a period, for the readers of one channel or of all.

    alerts posted, and decisions with facts ─▶ new stories, news in known ones ─┐
    surges · stories held or silenced · feeds with problems ─────────────────────┴▶ a brief ─▶ a message

``find_due`` alone decides when a channel's brief is posted: at the first time of its schedule after the last brief.
The time of a brief is stored with its message in one transaction, so a restart posts no brief twice, and a brief that
was missed is posted late, once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import groupby
from urllib.parse import urlencode

from bot import storage
from bot.alerts import next_brief_time
from bot.config.settings import Settings
from bot.feeds import health, links
from bot.model.alerts import Alert, AlertAction, AlertState, Decision, Reason
from bot.model.briefs import Brief, BriefEntry, BriefSection, SectionKind, shorten_brief
from bot.model.durations import format_count, format_duration
from bot.model.feeds import Feed
from bot.model.messages import Message, MessageKind, Outgoing
from bot.model.rules import Rule, Severity, highest_severity
from bot.model.stories import Edit, Fact, Story, StoryId, send_id
from bot.storage import keys
from bot.stories import summaries, volume
from bot.text.forms import find_form

#: Maximum lines of the message: a screen.
MOST_LINES = 28
#: Fewer lines to try, for services with short messages.
_FEWER_LINES = (MOST_LINES, 23, 18, 14, 10)
#: Maximum entries of each message that continues a brief, which has one line for most entries.
_CONTINUED = (40, 20, 10, 5, 1)
#: Maximum entries of one section of a brief.
_MOST_OF_SECTION = 300
#: Maximum stories that are listed as possible parts of one event.
_MOST_PARTS = 2
_NO_WORKING_FEED = frozenset({"broken", "gone", "empty", "silent", "expected"})
#: Holds that say nothing to a reader: the story is in the brief, or posted within minutes.
_UNREPORTED_HOLDS = frozenset({Reason.BRIEF, Reason.GATHER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The channel and the time of a brief. ``since`` belongs to the period, ``until`` does not."""

    #: None means all channels.
    channel: str | None
    since: datetime
    until: datetime


# -- when


def find_due(tx: storage.Transaction, settings: Settings, *, now: datetime) -> list[str]:
    """Return the channels whose brief is due, and those whose first brief begins now."""
    return [channel for channel in settings.bot.channels if last_time(tx, settings, channel, now=now) is not None]


def last_time(tx: storage.Transaction, settings: Settings, channel: str, *, now: datetime) -> datetime | None:
    """Return the time from which the channel's brief reports, or None if no brief is due.

    A channel that has just got the key ``brief`` reports from now on, so its first brief is not due yet.
    """
    schedule = settings.policy(channel).brief
    if schedule is None:
        return None
    last = keys.brief_posted(channel).get(tx)
    # A time in the future means that the clock was set back.
    if last is None or last > now:
        return now
    return last if next_brief_time(schedule, last) <= now else None


# -- what


@dataclass(slots=True)
class _News:
    """The period's decisions about one story, newest first."""

    facts: list[Fact] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: The last decision that kept the story from the readers, if no later one posted it.
    holding: Decision | None = None
    #: Whether the news waited for the brief.
    is_unseen: bool = False


def read_brief(
    tx: storage.Transaction,
    settings: Settings,
    period: Period,
    *,
    now: datetime,
    waiting: Collection[StoryId] | None = None,
) -> Brief:
    """Return the brief of a period, with all entries of its sections.

    ``waiting`` are the stories that the brief will show first. If it is None, these are all that wait for a brief.
    """
    reader = _Reader(tx, settings, period, now=now)
    reader.read(waiting)
    sections = (
        (SectionKind.NEW, reader.new()),
        (SectionKind.CHANGED, reader.changed()),
        (SectionKind.SURGES, reader.surges()),
        (SectionKind.HELD, reader.held()),
        (SectionKind.FEEDS, reader.feeds()),
    )
    return Brief(
        channel=period.channel,
        since=period.since,
        until=period.until,
        sections=tuple(
            BriefSection(
                kind=kind, entries=tuple(entries[:_MOST_OF_SECTION]), more=max(0, len(entries) - _MOST_OF_SECTION)
            )
            for kind, entries in sections
            if entries
        ),
    )


class _Reader:
    """Reads what a period's sections need once, and makes the entries."""

    def __init__(self, tx: storage.Transaction, settings: Settings, period: Period, *, now: datetime) -> None:
        self._tx, self._settings, self._period, self._now = tx, settings, period, now
        self._zone: tzinfo = brief_zone(settings, period.channel)
        #: Story -> the alert with which the period's readers got it, or with which it waits for them.
        self._new: dict[StoryId, Alert] = {}
        self._news: defaultdict[StoryId, _News] = defaultdict(_News)
        self._stories: dict[StoryId, Story] = {}

    def read(self, waiting: Collection[StoryId] | None) -> None:
        """Read the period's alerts, decisions and stories."""
        period = self._period
        posted = self._tx.stories.posted_between(period.since, period.until, period.channel)
        held = [
            alert
            for alert in self._tx.stories.held()
            if alert.reason is Reason.BRIEF and period.channel in (None, alert.channel)
        ]
        decisions = self._tx.stories.decisions_between(period.since, period.until, period.channel)
        self._load([*(alert.story for alert in (*posted, *held)), *(decision.story for decision in decisions)])
        for alert in posted:
            # A story posted at the exact time of a brief is in the next one, unless this brief posted it.
            is_early = (
                alert.posted_at == period.since if alert.reason is Reason.BRIEF else alert.posted_at == period.until
            )
            if (story := self._stories.get(alert.story)) and not is_early:
                self._new.setdefault(story.id, alert)
        for alert in held:
            story = self._stories.get(alert.story)
            is_wanted = (
                alert.story in waiting if waiting is not None else story is not None and self._is_of_period(story)
            )
            if is_wanted and story is not None:
                self._new.setdefault(story.id, alert)
        for decision in decisions:
            if story := self._stories.get(decision.story):
                _add_decision(self._news[story.id], decision)

    def _is_of_period(self, story: Story) -> bool:
        return self._period.since <= story.first_seen < self._period.until or self._period.until >= self._now

    def _load(self, ids: Iterable[StoryId]) -> None:
        """Load stories. The id of a merged story stands for the story that it was merged into."""
        loaded = dict(self._tx.stories.get(list(dict.fromkeys(ids))))
        homes = self._tx.stories.get([story.merged_into for story in loaded.values() if story.merged_into])
        for story_id, story in loaded.items():
            home = homes.get(story.merged_into) if story.merged_into else story
            if home is not None and home.members:
                self._stories[story_id] = home

    def _rules(self, story: Story) -> Mapping[str, Rule]:
        loaded = self._settings.rule_set.rules
        return {name: loaded[name] for name in story.rules if name in loaded}

    def _severity(self, story: Story) -> Severity:
        return highest_severity(self._rules(story).values())

    def _entry(
        self, story: Story, *, alert: Alert | None = None, opening: str = "", notes: Sequence[str] = ()
    ) -> BriefEntry:
        """Return the entry of a story, with its headline and what a reader weighs it by."""
        title = summaries.message_headline(story, self._rules(story), article=alert.headline if alert else None)
        other_outlets = len(story.owners) - 1
        news = self._news[story.id]
        rules = self._rules(story) or dict.fromkeys(story.rules)
        details = [
            f"{title.outlet} and {other_outlets:,} more" if other_outlets > 0 else title.outlet,
            next(iter(rules), "") + (f" +{len(rules) - 1}" if len(rules) > 1 else ""),
            f"{len(news.facts)} facts" if len(news.facts) > 1 else "",
            *notes,
        ]
        return BriefEntry(
            story=story.id,
            severity=self._severity(story),
            opening=opening,
            headline=title.text,
            link=title.link,
            article=title.article,
            rule=next(iter(rules), ""),
            details=tuple(filter(None, details)),
            fact=next(iter(news.facts), None),
        )

    def new(self) -> list[BriefEntry]:
        """Return the stories that the readers first got in the period, weightiest first.

        Stories of the same weight are sorted by rule, and each rule's stories newest first.
        """

        def weight(story: Story) -> tuple[int, int, int, bool]:
            first = story.members[0].article
            is_report = find_form(first) is None
            news = len(self._news[story.id].facts)
            return self._severity(story).rank, len(story.owners), news, is_report

        stories = sorted(
            (self._stories[s] for s in self._new if s in self._stories), key=lambda story: story.last_seen, reverse=True
        )
        stories.sort(key=lambda story: next(iter(self._rules(story)), ""))
        weights = {story.id: weight(story) for story in stories}
        stories.sort(key=lambda story: weights[story.id], reverse=True)
        tiers = {value: tier for tier, value in enumerate(sorted(set(weights.values()), reverse=True))}
        parts = self._possible_parts(stories)
        entries = []
        for story in stories:
            if story.id not in parts:
                continue
            alert, kept = self._new[story.id], self._news[story.id].holding
            entry = self._entry(story, alert=alert, notes=["silenced"] if kept and kept.silence else [])
            possible_parts = tuple(self._entry(part, alert=self._new[part.id]) for part in parts[story.id])
            is_unseen = any(map(self._is_unseen, (story, *parts[story.id])))
            if (is_unseen or self._period.channel is None) and entry.fact is None and not possible_parts:
                entry = self._with_quote(entry, story)
            entries.append(replace(entry, is_unseen=is_unseen, tier=tiers[weights[story.id]], parts=possible_parts))
        return entries

    def _is_unseen(self, story: Story) -> bool:
        """Return whether a new story has no other message in the channel."""
        alert = self._new[story.id]
        return alert.state is AlertState.HELD or alert.reason is Reason.BRIEF

    def _possible_parts(self, stories: Sequence[Story]) -> dict[StoryId, list[Story]]:
        """Return the stories that get an entry, each with those that may be part of the same event."""
        neighbours: defaultdict[StoryId, list[StoryId]] = defaultdict(list)
        for story in stories:
            if story.nearest:
                neighbours[story.id].append(story.nearest)
                neighbours[story.nearest].append(story.id)
        parts: dict[StoryId, list[Story]] = {}
        # Story -> the story whose entry lists it.
        homes: dict[StoryId, StoryId] = {}
        for story in stories:
            home = next((homes[other] for other in neighbours[story.id] if other in homes), story.id)
            if home == story.id or len(parts[home]) == _MOST_PARTS:
                home, parts[story.id] = story.id, []
            else:
                parts[home].append(story)
            homes[story.id] = home
        return parts

    def _with_quote(self, entry: BriefEntry, story: Story) -> BriefEntry:
        brief = summaries.make_brief(story, self._rules(story), headline=entry.article)
        if not brief.summary:
            return entry
        sentence = brief.summary[0]
        outlet = sentence.outlet if sentence.outlet != brief.title.outlet else ""
        return replace(entry, quote=sentence.text, quote_outlet=outlet)

    def changed(self) -> list[BriefEntry]:
        """Return the stories that the readers already had and that have news, changed values first."""

        def weight(story: Story) -> tuple[bool, int, int, int, datetime]:
            facts = self._news[story.id].facts
            is_change = any(fact.is_claim for fact in facts)
            return is_change, self._severity(story).rank, len(facts), len(story.owners), story.last_seen

        earlier_stories = [story for story in self._stories.values() if story.id not in self._new]
        with_news = [
            story for story in earlier_stories if (news := self._news[story.id]).facts or news.edits or news.notes
        ]
        entries = []
        for story in sorted(with_news, key=weight, reverse=True):
            news = self._news[story.id]
            edits = [f"{edit.outlet} changed its {edit.field}" for edit in news.edits[:1]]
            entry = self._entry(story, notes=[*news.notes[:1], *edits])
            entries.append(replace(entry, is_unseen=news.is_unseen))
        return entries

    def surges(self) -> list[BriefEntry]:
        """Return the surges of the period, newest first."""
        period, entries = self._period, []
        for surge in self._tx.volume.surges_since(period.since - timedelta(days=7)):
            is_of_period = surge.opened_at < period.until and (surge.closed_at or period.until) >= period.since
            if not is_of_period or period.channel not in (None, *surge.channels):
                continue
            self._load(cause.story for cause in surge.causes.largest[:1])
            story = next((self._stories.get(cause.story) for cause in surge.causes.largest[:1]), None)
            opening = f"{surge.rule}: {volume.describe_volume(surge.peak, format_duration(surge.window))}"
            title = summaries.message_headline(story, self._rules(story)) if story else None
            entry = BriefEntry(
                story=story.id if story else None,
                opening=opening,
                headline=title.text if title else "",
                link=title.link if title else "",
                details=tuple(filter(None, [volume.describe_causes(surge.causes, self._zone)])),
            )
            entries.append(entry)
        return entries[::-1]

    def held(self) -> list[BriefEntry]:
        """Return the stories that were kept from the readers, with the reason, widest coverage first."""
        kept: dict[StoryId, tuple[Story, Decision]] = {}
        for story in self._stories.values():
            news = self._news[story.id]
            if news.holding is not None and story.id not in self._new and not news.facts:
                kept[story.id] = story, news.holding
        by_weight = sorted(
            kept.values(), key=lambda pair: (self._severity(pair[0]).rank, len(pair[0].owners)), reverse=True
        )
        return [self._entry(story, notes=[_describe_hold(decision)]) for story, decision in by_weight]

    def feeds(self) -> list[BriefEntry]:
        """Return one entry with the feeds that do not work now. Earlier states of feeds are not kept."""
        if self._period.until < self._now:
            return []
        names = [
            f"{links.feed_name(state, self._settings.feeds_by_address)} ({problem.kind})"
            for state in self._tx.feeds.all()
            for problem in health.find_problems(
                state, self._settings.feeds_by_address.get(state.url) or Feed(url=state.url), self._now
            )[:1]
            if problem.kind in _NO_WORKING_FEED
        ]
        if not names:
            return []
        more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
        return [BriefEntry(opening=f"{format_count(len(names), 'feed')}: {', '.join(names[:3])}{more}")]


def _add_decision(news: _News, decision: Decision) -> None:
    """Add what a decision says about its story. Decisions come oldest first."""
    new_facts = [fact for fact in decision.facts if not fact.is_joined and fact not in news.facts]
    news.facts[:0] = new_facts
    news.edits[:0] = decision.edits
    match decision.action:
        case AlertAction.POST:
            news.holding = None
        case AlertAction.REPLY if decision.reason is Reason.CORROBORATION:
            news.notes.insert(0, f"corroborated by {decision.detail}")
        case AlertAction.REPLY if decision.reason is Reason.SECOND_RULE:
            news.notes.insert(0, f"also matches {', '.join(decision.rules)}")
        case AlertAction.SILENT if decision.reason is Reason.BRIEF:
            news.is_unseen = True
        case AlertAction.HOLD | AlertAction.SILENT if decision.reason not in _UNREPORTED_HOLDS:
            news.holding = decision


def _describe_hold(decision: Decision) -> str:
    if decision.reason is Reason.SILENCED:
        return decision.detail
    verb = "held" if decision.action is AlertAction.HOLD else "not posted"
    return f"{verb}: {decision.detail or decision.reason}"


def _name_day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


# -- as a message


def brief_zone(settings: Settings, channel: str | None) -> tzinfo:
    """Return the time zone of a channel's brief."""
    schedule = settings.policy(channel).brief if channel else None
    return (schedule.zone if schedule else None) or settings.bot.timezone


def brief_rows(settings: Settings, brief: Brief) -> list[Outgoing]:
    """Return the channel's messages: a screen of its brief, within the service's limits.

    The message links to the page with the whole brief. Without a public page, further messages list in short what no
    other message of the channel shows.
    """
    assert brief.channel is not None
    fits = settings.policy(brief.channel).shows_all_stories
    for most in _FEWER_LINES:
        shown = shorten_brief(brief, most)
        message = brief_message(settings, shown)
        if fits(message):
            break
    messages = [message]
    rest = [] if settings.bot.public_url else _unseen_rest(brief, shown)
    while rest:
        for most in _CONTINUED:
            sections = tuple(
                BriefSection(kind=kind, entries=tuple(entry for _, entry in group))
                for kind, group in groupby(rest[:most], key=lambda pair: pair[0])
            )
            continued = replace(message, lead="Brief, continued", sections=sections, page="")
            if fits(continued):
                break
        messages.append(continued)
        rest = rest[most:]
    ids = [send_id("brief", brief.channel, brief.since.isoformat(), str(n) if n else "") for n in range(len(messages))]
    now = brief.until
    return [
        Outgoing(id=id_, channel=brief.channel, thread=id_, message=message, created_at=now, due_at=now)
        for id_, message in zip(ids, messages, strict=True)
    ]


def _unseen_rest(brief: Brief, shown: Brief) -> list[tuple[SectionKind, BriefEntry]]:
    """Return the entries that are not shown and that no other message of the channel shows, without quotes."""
    return [
        (section.kind, replace(entry, quote=""))
        for section, shown_section in zip(brief.sections, shown.sections, strict=True)
        for entry in section.entries
        if entry not in shown_section.entries and (entry.is_unseen or section.kind is SectionKind.SURGES)
    ]


def brief_message(settings: Settings, brief: Brief, *, shows_end: bool = False) -> Message:
    """Return a brief as a message. A brief without entries is one line, so that nobody wonders what is missing.

    If ``shows_end`` is true, the heading also has the end of the period.
    """
    zone = brief_zone(settings, brief.channel)
    new, changed = brief.count(SectionKind.NEW), brief.count(SectionKind.CHANGED)
    counts = [format_count(new, "new story")] if new else []
    counts += (
        [f"news in {changed:,} {'earlier ' if new else ''}{'story' if changed == 1 else 'stories'}"] if changed else []
    )
    since, until = brief.since.astimezone(zone), brief.until.astimezone(zone)
    period = f"since {_name_day(since)} {since:%H:%M %Z}"
    if shows_end:
        period = f"from {_name_day(since)} {since:%H:%M} to {_name_day(until)} {until:%H:%M %Z}"
    lead = f"Brief {period}: {', '.join(counts) or 'no new stories, no news'}"
    return Message(
        kind=MessageKind.GATHERED,
        reason=Reason.BRIEF,
        lead=lead,
        sections=brief.sections,
        page=_find_whole_brief(settings.bot.public_url, brief),
    )


def _find_whole_brief(public_url: str, brief: Brief) -> str:
    """Return the address of the page with the whole brief or, if the web page is not public, the command."""
    times = {
        name: f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        for name, at in (("since", brief.since), ("until", brief.until))
    }
    values = {**({"channel": brief.channel} if brief.channel else {}), **times}
    if public_url:
        return f"{public_url.rstrip('/')}/brief?{urlencode(values)}"
    return " ".join(["wirewatch brief", *(f"--{name} {value}" for name, value in values.items())])
