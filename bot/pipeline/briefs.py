"""Briefs: what moved in a period, for the readers of one channel or of all.

    load ─▶ Material ─▶ list_stories, list_surges ─▶ Brief ─▶ messages

``find_due`` alone decides when a channel's brief is posted: at the first time of its schedule after the last brief.
The time of a brief is stored with its message in one transaction, so a restart posts no brief twice, and a brief that
was missed is posted late, once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import groupby
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from bot import storage
from bot.alerts import next_brief_time, routing
from bot.config import audits
from bot.config.settings import Settings
from bot.durations import format_count, format_duration, format_time
from bot.model.alerts import Alert, AlertAction, AlertState, Decision, Reason
from bot.model.audit import name_outlets
from bot.model.briefs import Brief, BriefEntry, BriefSection, SectionKind, shorten_brief
from bot.model.messages import Listing, Outgoing
from bot.model.rules import Rule, Severity, highest_severity
from bot.model.stories import Fact, Story, StoryId, send_id
from bot.model.surges import Surge
from bot.pipeline.volume import explain_unmeasured
from bot.storage import keys
from bot.stories import summaries, volume
from bot.text.forms import find_form

#: Maximum lines of the message: a screen.
MOST_LINES = 28
#: Fewer lines to try, for services with short messages.
_FEWER_LINES = (MOST_LINES, 23, 18, 14, 10)
#: Maximum headlines of other events in the entry of a thread.
_MOST_REPORTS = 5
#: Maximum entries of one section of a brief.
_MOST_OF_SECTION = 300
#: Holds that say nothing to a reader: the story is in the brief, or posted within minutes.
_UNREPORTED_HOLDS = frozenset({Reason.BRIEF, Reason.GATHER})


class Period(msgspec.Struct, frozen=True, kw_only=True):
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


class News(msgspec.Struct):
    """The period's decisions about one story, newest first."""

    facts: list[Fact] = msgspec.field(default_factory=list)
    #: The last decision that kept the story from the readers, if no later one posted it.
    holding: Decision | None = None
    #: Whether the news waited for the brief.
    is_unseen: bool = False

    @property
    def newest(self) -> Fact | None:
        """The newest changed value, or else the newest other fact, or else the newest correction of an article."""
        facts = sorted(self.facts, key=lambda fact: (fact.is_edit, not fact.is_change))
        newest = next(iter(facts), None)
        return _shorten_edit(newest) if newest is not None and newest.is_edit else newest


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """The data from which the sections of a brief are made."""

    period: Period
    zone: tzinfo
    rules: Mapping[str, Rule]
    stories: Mapping[StoryId, Story]
    #: Story -> the alert with which the period's readers got it, or with which it waits for them.
    new: Mapping[StoryId, Alert]
    #: Story -> the decisions about it. Each story of the period has an entry.
    news: Mapping[StoryId, News]
    #: Oldest first.
    surges: Sequence[Surge]

    def rules_of(self, story: Story) -> dict[str, Rule]:
        """Return the loaded rules of a story, in order of first match."""
        return {name: self.rules[name] for name in story.rules if name in self.rules}

    def severity_of(self, story: Story) -> Severity:
        """Return the highest severity among the story's rules."""
        return highest_severity(self.rules_of(story).values())

    def section_of(self, story: Story) -> SectionKind | None:
        """Return the section for the story, or None if the brief does not list it."""
        news = self.news[story.id]
        if story.id in self.new:
            return SectionKind.NEW
        if news.newest is not None:
            return SectionKind.CHANGED
        return SectionKind.HELD if news.holding is not None else None


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
    material = load(tx, settings, period, now=now, waiting=waiting)
    elsewhere, share = list_elsewhere(tx, settings, period)
    listed = {
        **list_stories(material),
        SectionKind.SURGES: [*list_surges(material), *_list_unmeasured(tx, settings, period, now)],
        SectionKind.ELSEWHERE: elsewhere,
    }
    return Brief(
        channel=period.channel,
        since=period.since,
        until=period.until,
        sections=tuple(
            BriefSection(
                kind=kind,
                entries=tuple(entries[:_MOST_OF_SECTION]),
                more=max(0, len(entries) - _MOST_OF_SECTION),
                share=share if kind is SectionKind.ELSEWHERE else "",
            )
            for kind in SectionKind
            if (entries := listed.get(kind))
        ),
    )


def load(
    tx: storage.Transaction,
    settings: Settings,
    period: Period,
    *,
    now: datetime,
    waiting: Collection[StoryId] | None = None,
) -> Material:
    """Read the alerts, decisions, stories and surges of a period. For ``waiting``, see ``read_brief``."""
    posted = tx.stories.posted_between(period.since, period.until, period.channel)
    waiting_alerts = (alert for alert in tx.stories.held() if alert.reason is Reason.BRIEF)
    held = [alert for alert in waiting_alerts if period.channel in (None, alert.channel)]
    decisions = tx.stories.decisions_between(period.since, period.until, period.channel)
    surges = [surge for surge in tx.volume.surges_since(period.since - timedelta(days=7)) if _is_of(period, surge)]
    causes = (cause.story for surge in surges for cause in surge.causes.largest[:1])
    stories = _load_stories(
        tx, [*(alert.story for alert in (*posted, *held)), *(decision.story for decision in decisions), *causes]
    )
    new: dict[StoryId, Alert] = {}
    for alert in posted:
        # A story posted at the exact time of a brief is in the next one, unless this brief posted it.
        edge = period.since if alert.reason is Reason.BRIEF else period.until
        if (story := stories.get(alert.story)) and alert.posted_at != edge:
            new.setdefault(story.id, alert)
    for alert in held:
        if story := stories.get(alert.story):
            is_of_period = period.since <= story.first_seen < period.until or period.until >= now
            if alert.story in waiting if waiting is not None else is_of_period:
                new.setdefault(story.id, alert)
    news = {story.id: News() for story in stories.values()}
    for decision in decisions:
        if story := stories.get(decision.story):
            _add_decision(news[story.id], decision)
    return Material(
        period=period,
        zone=brief_zone(settings, period.channel),
        rules=settings.rule_set.rules,
        stories=stories,
        new=new,
        news=news,
        surges=surges,
    )


def _load_stories(tx: storage.Transaction, ids: Iterable[StoryId]) -> dict[StoryId, Story]:
    """Load stories by id. For a merged story, load the story that it was merged into."""
    loaded = tx.stories.get(list(dict.fromkeys(ids)))
    homes = tx.stories.get([story.merged_into for story in loaded.values() if story.merged_into])
    current = {id_: homes.get(story.merged_into) if story.merged_into else story for id_, story in loaded.items()}
    stories = {id_: story for id_, story in current.items() if story is not None and story.members}
    return stories | {story.id: story for story in stories.values()}


def _is_of(period: Period, surge: Surge) -> bool:
    is_of_time = surge.opened_at < period.until and (surge.closed_at or period.until) >= period.since
    return is_of_time and period.channel in (None, *surge.channels)


def _add_decision(news: News, decision: Decision) -> None:
    """Add what a decision says about its story. Decisions come oldest first."""
    new_facts = [fact for fact in decision.facts if not fact.is_joined and fact not in news.facts]
    news.facts[:0] = new_facts
    match decision.action:
        case AlertAction.SILENT if decision.reason is Reason.BRIEF:
            news.is_unseen = True
        case AlertAction.POST:
            news.holding = None
        case AlertAction.HOLD | AlertAction.SILENT:
            news.holding = None if decision.reason in _UNREPORTED_HOLDS else decision


# -- the sections


def list_stories(material: Material) -> dict[SectionKind, list[BriefEntry]]:
    """Return the entries of stories by section, weightiest first.

    Stories that may be about one event have one entry, in the first of their sections, with the outlets of all.
    """
    listed = {story.id: story for story in material.stories.values() if material.section_of(story)}
    # Sorting is stable: new stories before changed ones before held ones, each by weight.
    stories = sorted(listed.values(), key=lambda story: _weight(material, [story]), reverse=True)
    stories.sort(key=lambda story: list(SectionKind).index(material.section_of(story) or SectionKind.NEW))
    sections = defaultdict[SectionKind, list[BriefEntry]](list)
    events = sorted(_group_by_event(stories), key=lambda event: _weight(material, event), reverse=True)
    for story, *other_stories in events:
        if kind := material.section_of(story):
            sections[kind].append(_group_entry(material, story, other_stories))
    return sections


def _weight(material: Material, event: Sequence[Story]) -> tuple[int, int, int, bool, datetime]:
    story = event[0]
    severity = max(material.severity_of(story).rank for story in event)
    owners = {owner for story in event for owner in story.owners}
    is_report = find_form(story.members[0].article) is None
    return severity, len(owners), len(material.news[story.id].facts), is_report, story.last_seen


def _group_entry(material: Material, story: Story, other_stories: Sequence[Story]) -> BriefEntry:
    """Return one entry for a story and all stories that may be about the same event.

    A story that the readers have not seen, and that has no news, comes with the first sentence of its summary.
    """
    entry = _story_entry(material, story)
    reports = _list_other_reports(material, story, entry) if story.id in material.new else ()
    entry = replace(entry, parts=(*reports, *(_story_entry(material, other, is_part=True) for other in other_stories)))
    is_known = not entry.is_unseen and material.period.channel is not None
    if is_known or entry.fact is not None or entry.parts:
        return entry
    view = summaries.make_view(story, material.rules_of(story), headline=entry.article)
    for sentence in view.summary[:1]:
        outlet = sentence.outlet if sentence.outlet != view.title.outlet else ""
        entry = replace(entry, quote=sentence.text, quote_outlet=outlet)
    return entry


def _list_other_reports(material: Material, story: Story, entry: BriefEntry) -> Iterator[BriefEntry]:
    """Yield the newest headlines of the other events of a thread."""
    rules = material.rules_of(story)
    listed = summaries.list_coverage(story, headline=entry.article, most=_MOST_REPORTS, rules=rules)
    for line in listed.other_reports:
        yield BriefEntry(headline=line.title, link=line.link)


def _group_by_event(stories: Sequence[Story]) -> Iterable[list[Story]]:
    """Return the stories in groups that may be about one event, in the order of their first stories."""
    events = {story.id: story.id for story in stories}
    for story in stories:
        if story.related in events:
            own, other = events[story.id], events[story.related]
            events |= {id_: other for id_, event in events.items() if event == own}
    groups = defaultdict[StoryId, list[Story]](list)
    for story in stories:
        groups[events[story.id]].append(story)
    return groups.values()


def list_surges(material: Material) -> list[BriefEntry]:
    """Return the surges of the period, newest first, each with the headline of its largest story."""
    entries = []
    for surge in reversed(material.surges):
        story = next((material.stories.get(cause.story) for cause in surge.causes.largest[:1]), None)
        title = summaries.message_headline(story, material.rules_of(story)) if story else None
        details = [title.text if title else "", volume.describe_causes(surge, material.zone)]
        entry = BriefEntry(
            headline=f"{surge.rule}: {volume.describe_volume(surge.peak, format_duration(surge.window))}",
            link=title.link if title else "",
            rule=surge.rule,
            details=tuple(filter(None, details)),
        )
        entries.append(entry)
    return entries


def _list_unmeasured(
    tx: storage.Transaction, settings: Settings, period: Period, now: datetime
) -> Iterator[BriefEntry]:
    """Yield an entry for each reason why rules of the channel cannot report surges now, with their names."""
    if period.until < now:
        return
    names: dict[str, list[str]] = {}
    for entry in settings.rules:
        rule, routes = entry.rule, settings.bot.routes
        if period.channel in (None, *routing.possible_channels(routes, rule)):
            reason = explain_unmeasured(tx, rule, now=now, zone=settings.bot.timezone)
            if reason:
                names.setdefault(reason, []).append(rule.name)
    for reason, (first, *other_names) in names.items():
        more = f"; the same holds for {format_count(len(other_names), 'other rule')}" if other_names else ""
        yield BriefEntry(headline=f"{first} {reason}{more}", details=tuple(other_names), rule=first)


def list_elsewhere(tx: storage.Transaction, settings: Settings, period: Period) -> tuple[list[BriefEntry], str]:
    """Return the stories of the channel's audited rules that no feed carried, newest first, and their share."""
    rules = {
        entry.rule.name
        for entry in settings.rules
        if entry.rule.audit
        and (period.channel is None or period.channel in routing.possible_channels(settings.bot.routes, entry.rule))
    }
    if not rules:
        return [], ""
    total = len(tx.audits.events(since=period.since, until=period.until, rules=rules))
    zone, entries = brief_zone(settings, period.channel), []
    for reports in tx.audits.missed(since=period.since, until=period.until, rules=rules):
        first, rule = reports[0].article, reports[0].rule
        names = name_outlets(reports)
        more = f" and {format_count(len(names) - 1, 'other outlet')}" if len(names) > 1 else ""
        details = (f"{names[first.owner]}{more}, {format_time(first.when, zone)}", rule)
        entries.append(BriefEntry(headline=first.title, link=first.link, rule=rule, details=details))
    searches = settings.audit_searches
    failing = audits.find_failing(searches, tx.feeds.get_many([search.feed.url for search in searches]))
    remark = f"; no answer from {', '.join(sorted(failing))}" if failing else ""
    return entries, f"{len(entries)} of {format_count(total, 'story')}{remark}"


def _describe_hold(decision: Decision) -> str:
    if decision.reason is Reason.SILENCED:
        return decision.detail
    verb = "held" if decision.action is AlertAction.HOLD else "not posted"
    return f"{verb}: {decision.detail or decision.reason}"


def _story_entry(material: Material, story: Story, *, is_part: bool = False) -> BriefEntry:
    """Return the entry of a story, with its headline and what a reader weighs it by.

    A part of another entry has only its headline, its news and the reason of its hold.
    """
    alert, news = material.new.get(story.id), material.news[story.id]
    title = summaries.message_headline(story, material.rules_of(story), article=alert.headline if alert else None)
    rules = list(material.rules_of(story) or story.rules)
    other_outlets = len(story.owners) - 1
    changes = len(news.facts)
    weights = [
        f"{title.outlet} and {other_outlets:,} more" if other_outlets > 0 else title.outlet,
        (rules[0] if rules else "") + (f" +{len(rules) - 1}" if len(rules) > 1 else ""),
        f"{changes} changes" if changes > 1 else "",
    ]
    details = [*([] if is_part else weights), _describe_hold(news.holding) if news.holding else ""]
    fact = news.newest
    # The entry of a new thread lists its other events.
    lists_events = alert is not None and not is_part
    waits = alert is not None and (alert.state is AlertState.HELD or alert.reason is Reason.BRIEF)
    return BriefEntry(
        story=story.id,
        severity=material.severity_of(story),
        headline=title.text,
        link=title.link,
        article=title.article,
        rule=rules[0] if rules else "",
        details=tuple(filter(None, details)),
        fact=None if fact and fact.is_event and lists_events else fact,
        is_unseen=waits if alert is not None else news.is_unseen,
    )


def _shorten_edit(edit: Fact) -> Fact:
    """Return an edit with only the words that changed, and the word before and after them."""
    old, new = (edit.before or "").split(), edit.after.split()
    shorter = min(len(old), len(new))
    start = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    end = next((at for at in range(shorter - start) if old[-1 - at] != new[-1 - at]), shorter - start)
    old_words, new_words = (" ".join(words[max(0, start - 1) : len(words) - max(0, end - 1)]) for words in (old, new))
    return replace(edit, label=f"{edit.label} corrected", before=old_words, after=new_words)


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
    unseen = [] if settings.bot.public_url else _unseen_rest(brief, shown)
    while unseen:
        # The more entries, the longer the message, so the first count that does not fit can be searched by halves.
        counts = range(2, len(unseen) + 1)
        count = 1 + bisect_left(counts, True, key=lambda most: not fits(_continue(message, unseen[:most])))
        messages.append(_continue(message, unseen[:count]))
        unseen = unseen[count:]
    ids = [send_id("brief", brief.channel, brief.since.isoformat(), str(n) if n else "") for n in range(len(messages))]
    now = brief.until
    return [
        Outgoing(id=id_, channel=brief.channel, thread=id_, message=message, created_at=now, due_at=now)
        for id_, message in zip(ids, messages, strict=True)
    ]


def _continue(message: Listing, entries: Sequence[tuple[SectionKind, BriefEntry]]) -> Listing:
    sections = tuple(
        BriefSection(kind=kind, entries=tuple(entry for _, entry in group))
        for kind, group in groupby(entries, key=lambda pair: pair[0])
    )
    return replace(message, lead="Brief, continued", sections=sections, page="")


def _unseen_rest(brief: Brief, shown: Brief) -> list[tuple[SectionKind, BriefEntry]]:
    """Return the entries that are not shown and that no other message of the channel shows, without quotes."""
    return [
        (section.kind, replace(entry, quote=""))
        for section, shown_section in zip(brief.sections, shown.sections, strict=True)
        for entry in section.entries
        if entry not in shown_section.entries
        # An entry without a story is in no other message.
        if not entry.stories or any(story.is_unseen for story in entry.stories)
    ]


def brief_message(settings: Settings, brief: Brief, *, shows_end: bool = False) -> Listing:
    """Return a brief as a message. A brief without entries is one line, so that nobody wonders what is missing.

    If ``shows_end`` is true, the heading also has the end of the period.
    """
    zone = brief_zone(settings, brief.channel)
    new, changed = brief.count(SectionKind.NEW), brief.count(SectionKind.CHANGED)
    news = format_count(changed, "earlier story" if new else "story")
    counts = [*([format_count(new, "new story")] if new else []), *([f"news in {news}"] if changed else [])]
    since, until = brief.since.astimezone(zone), brief.until.astimezone(zone)
    period = f"since {_name_day(since)} {since:%H:%M %Z}"
    if shows_end:
        period = f"from {_name_day(since)} {since:%H:%M} to {_name_day(until)} {until:%H:%M %Z}"
    lead = f"Brief {period}: {', '.join(counts) or 'no new stories, no news'}"
    page = ""
    if settings.bot.public_url:
        times = [
            (name, f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}") for name, at in (("since", since), ("until", until))
        ]
        channel = [("channel", brief.channel)] if brief.channel else []
        page = f"{settings.bot.public_url.rstrip('/')}/brief?{urlencode([*channel, *times])}"
    return Listing(reason=Reason.BRIEF, lead=lead, sections=brief.sections, page=page)


def _name_day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"
