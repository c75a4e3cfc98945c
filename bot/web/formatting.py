"""The page templates, the timeline of a story, and the formatting of times, links and marked words.

jinja2 escapes all external text. Only http and https addresses become links.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta, tzinfo
from urllib.parse import urlsplit

import jinja2
import msgspec

from bot import rules
from bot.alerts import routing
from bot.durations import format_count, format_rough
from bot.feeds import health
from bot.model import visible
from bot.model.alerts import Decision, Reason
from bot.model.messages import Message, Outgoing, Post, Span, content_of
from bot.model.rules import Match
from bot.model.stories import Member, Story
from bot.patterns import LazyPattern
from bot.queries.stories import DONE, StoryRow, describe_outcomes
from bot.stories import summaries
from bot.stories.facts import turns
from bot.stories.summaries import make_excerpts, marked_title

#: Maximum outlets that a card names.
_OUTLETS = 3
#: Maximum stories of a message that the outbox names.
_STORIES = 3
#: Matches a line of a problem's text that quotes a line of the file, or that has the carets below the quotation.
_SOURCE_LINE = LazyPattern(r"\s*+\d*+\s*+\|")


def templates(zone: Callable[[], tzinfo]) -> jinja2.Environment:
    """Return the templates with their filters and functions. An unknown name in a template raises an error.

    ``zone`` returns the time zone in which the pages show times.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bot.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"ago": ago, "web_link": web_link, "plain": plain, "number": "{:,}".format}
    environment.filters["moment"] = lambda when: moment(when, zone())
    environment.filters["day"] = lambda when: day(when, zone())
    environment.filters |= {"counted": format_count, "headline": summaries.story_headline}
    environment.tests["source_line"] = lambda line: _SOURCE_LINE.match(line) is not None
    environment.globals |= {
        "marked_title": marked_title,
        "excerpts": make_excerpts,
        "coverage": summaries.list_coverage,
        "lead": lead,
        "message_texts": message_texts,
        "describe_rule": rules.describe_rule,
        "where_to": routing.describe_routes,
        "remarks": health.poll_remarks,
        "matched_words": matched_words,
        "timeline": build_timeline,
        "done": DONE,
        "outcomes": describe_outcomes,
        "outlet_names": outlet_names,
        "story_mark": story_mark,
        "chart_days": chart_days,
        "by_day": lambda counts, times: by_day(counts, times, zone()),
    }
    return environment


def ago(when: datetime | None, now: datetime) -> str:
    """Describe a time relative to ``now``: “5 min ago”, “in 2 h”, “never”."""
    if when is None:
        return "never"
    if when > now:
        return f"in {format_rough(when - now)}"
    return f"{format_rough(now - when)} ago" if now - when >= timedelta(minutes=1) else "just now"


def moment(when: datetime | None, zone: tzinfo) -> str:
    """Format a time in a time zone, to the minute.

    >>> from datetime import UTC, timezone
    >>> moment(datetime(2015, 12, 2, 23, 5, tzinfo=UTC), timezone(timedelta(hours=5)))
    '3 Dec 2015, 04:05'
    """
    if when is None:
        return "never"
    local = when.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def web_link(address: str | None) -> str | None:
    """Return the address if it is a safe web address; return None for any other, which pages show as text.

    >>> web_link("https://bank.example@evil.example/")
    """
    try:
        parts = urlsplit((address or "").strip())
        # Refuse a user part, because it can hide the real host.
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return None
    return address if is_web else None


def plain(text: str | None) -> str:
    """Remove control characters, and characters that reorder or hide text. Keep line breaks."""
    return visible.lines(text or "")


class StyledText(msgspec.Struct, frozen=True):
    """A part of a sentence."""

    text: str
    is_marked: bool
    #: Whether a later fact has replaced this value.
    is_outdated: bool


def strike(spans: Sequence[Span], outdated_values: Collection[str]) -> list[StyledText]:
    """Return the parts of a sentence, and whether each is an outdated value, to strike out."""
    text = "".join(span.text for span in spans)
    marks = [span.is_marked for span in spans for _ in span.text]
    struck = [False] * len(text)
    for value in outdated_values:
        for match in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", text):
            struck[match.start() : match.end()] = [True] * len(match[0])
    runs = itertools.groupby(zip(text, marks, struck, strict=True), key=lambda entry: entry[1:])
    return [StyledText("".join(entry[0] for entry in part), is_marked, is_old) for (is_marked, is_old), part in runs]


def lead(entry: StoryRow) -> list[list[StyledText]]:
    """Return the first sentence of the story's newest summary; without one, return an excerpt of its first article."""
    views = (view for row in reversed(entry.messages) for view in row.message.stories)
    summary = next((view.summary for view in views if view.id == entry.story.id and view.summary), None)
    if summary is not None:
        return [strike(summary[0].spans, entry.outdated_values)]
    excerpts = [make_excerpts(first.article, first.matches, most=1) for first in entry.story.members[:1]]
    return [strike(spans, entry.outdated_values) for spans in itertools.chain(*excerpts)]


def message_texts(message: Message) -> list[str]:
    """Return the headlines of a message's first stories, and its lead."""
    content = content_of(message)
    headlines = [view.title.text for view in content.stories[:_STORIES]]
    return headlines if isinstance(content, Post) or not content.lead else [*headlines, content.lead]


def outlet_names(story: Story) -> str:
    """Return the outlets of a story in order of arrival, for example “The Wire, Courier and 2 more”."""
    names = list(dict.fromkeys(member.article.outlet for member in story.members))
    more = f" and {len(names) - _OUTLETS:,} more" if len(names) > _OUTLETS else ""
    return ", ".join(names[:_OUTLETS]) + more


def story_mark(entry: StoryRow) -> str:
    """Return the mark of a story's headline, such as “Denial”. A story with facts shows the mark of its newest one."""
    if entry.facts:
        return ""
    language = entry.story.members[0].article.language if entry.story.members else None
    marks = [turns.LABELS[turn] for turn in turns.turns_in(entry.story.title, language or "en") if turn in turns.LABELS]
    return next(iter(marks), "")


def day(when: datetime, zone: tzinfo) -> str:
    """Return the day of a time in a time zone, for example “3 Dec”."""
    local = when.astimezone(zone)
    return f"{local.day} {local:%b}"


def chart_days(counts: Sequence[int], now: datetime) -> list[datetime]:
    """Return the time of each bar of a chart with a bar a day, today last."""
    return [now - timedelta(days=back) for back in reversed(range(len(counts)))]


def by_day(counts: Sequence[int], times: Sequence[datetime], zone: tzinfo) -> list[tuple[str, int]]:
    """Return the sum of the bars of each day."""
    sums: dict[str, int] = {}
    for count, time in zip(counts, times, strict=True):
        name = day(time, zone)
        sums[name] = sums.get(name, 0) + count
    return list(sums.items())


def matched_words(matches: Sequence[Match]) -> list[tuple[str, tuple[str, ...]]]:
    """Return each label of the rules, with the distinct words that matched the lines of this label."""
    words_by_label: dict[str, dict[str, None]] = {}
    for match in matches:
        for evidence in match.evidence:
            words_by_label.setdefault(evidence.label, {})[" ".join(evidence.text.split())] = None
    return [(line, tuple(words)) for line, words in words_by_label.items()]


class Step(msgspec.Struct):
    """A decision, made alike for one or more channels, and the messages that carried it out. Shown as one line."""

    decision: Decision | None
    channels: list[str] = msgspec.field(default_factory=list)
    messages: list[Outgoing] = msgspec.field(default_factory=list)


class Moment(msgspec.Struct):
    """One event of a story: an article, or a decision or message that no article caused."""

    at: datetime
    member: Member | None = None
    steps: list[Step] = msgspec.field(default_factory=list)


def build_timeline(row: StoryRow) -> list[Moment]:
    """Return the events of a story, oldest first."""
    by_article = {
        member.article.id: Moment(at=member.article.first_seen, member=member) for member in row.story.members
    }
    moments = list(by_article.values())
    steps: defaultdict[int, dict[tuple[object, ...], Step]] = defaultdict(dict)
    #: Channel and time -> the steps of that time, which the messages of that time carry out.
    carried_out: defaultdict[tuple[str, datetime], list[Step]] = defaultdict(list)
    timed: dict[datetime, Moment] = {}
    for decision in row.decisions:
        moment = by_article.get(decision.article) if decision.article is not None else None
        if moment is not None and decision.reason is Reason.FIRST_REPORT and moment.at == moments[0].at:
            # Of several articles that one poll found, any may lead to the post.
            moment = moments[0]
        if moment is None:
            moment = timed.get(decision.at)
        if moment is None:
            moment = timed[decision.at] = Moment(at=decision.at)
            moments.append(moment)
        alike = (decision.action, decision.reason, decision.detail, decision.facts)
        step = steps[id(moment)].get(alike)
        if step is None:
            step = steps[id(moment)][alike] = Step(decision)
            moment.steps.append(step)
        step.channels.append(decision.channel)
        carried_out[decision.channel, decision.at].append(step)
    for message in row.messages:
        done = carried_out[message.channel, message.created_at]
        if not done:
            done = [Step(None, [message.channel])]
            at = message.receipt.sent_at if message.receipt else message.created_at
            moments.append(Moment(at=at, steps=done))
        what = (message.message.kind.value, message.message.reason)
        step = next(
            (one for one in done if one.decision and (one.decision.action.value, one.decision.reason) == what), None
        )
        (step or done[-1]).messages.append(message)
    return sorted(moments, key=lambda moment: moment.at)
