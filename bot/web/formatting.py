"""The page templates, and the formatting of times, links and marked words.

jinja2 escapes all external text. Only http and https addresses become links.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import jinja2

from bot import rules
from bot.alerts import routing
from bot.feeds import health
from bot.model import visible
from bot.model.durations import format_count, format_rough
from bot.model.messages import Span
from bot.model.rules import Match
from bot.queries.stories import StoryRow
from bot.stories import summaries
from bot.stories.summaries import make_excerpts, marked_title

#: Matches a line of a problem's text that quotes a line of the file, or that has the carets below the quotation.
_SOURCE_LINE = re.compile(r"\s*+\d*+\s*+\|")


def templates() -> jinja2.Environment:
    """Return the templates with their filters and functions. An unknown name in a template raises an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bot.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"ago": ago, "moment": moment, "web_link": web_link, "plain": plain, "number": "{:,}".format}
    environment.filters |= {"counted": format_count, "headline": summaries.story_headline}
    environment.tests["source_line"] = lambda line: _SOURCE_LINE.match(line) is not None
    environment.globals |= {
        "marked_title": marked_title,
        "excerpts": make_excerpts,
        "coverage": summaries.list_coverage,
        "lead": lead,
        "describe_rule": rules.describe_rule,
        "where_to": routing.describe_routes,
        "remarks": health.poll_remarks,
        "matched_words": matched_words,
    }
    return environment


def ago(when: datetime | None, now: datetime) -> str:
    """Describe a time relative to ``now``: “5 min ago”, “in 2 h”, “never”."""
    if when is None:
        return "never"
    if when > now:
        return f"in {format_rough(when - now)}"
    return f"{format_rough(now - when)} ago" if now - when >= timedelta(minutes=1) else "just now"


def moment(when: datetime | None) -> str:
    """Format a time in UTC, to the minute."""
    return f"{when:%Y-%m-%d %H:%M} UTC" if when else "never"


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


def lead(entry: StoryRow) -> list[tuple[Span, ...]]:
    """Return the first sentence of the story's newest summary; without one, return an excerpt of its first article."""
    briefs = (brief for row in reversed(entry.messages) for brief in row.message.briefs)
    summary = next((brief.summary for brief in briefs if brief.story == entry.story.id and brief.summary), None)
    if summary is not None:
        return [summary[0].spans]
    first = entry.story.members[:1]
    return make_excerpts(first[0].article, first[0].matches, most=1) if first else []


def matched_words(matches: Sequence[Match]) -> list[tuple[str, tuple[str, ...]]]:
    """Return each label of the rules, with the distinct words that matched the lines of this label."""
    words_by_label: dict[str, dict[str, None]] = {}
    for match in matches:
        for evidence in match.evidence:
            words_by_label.setdefault(evidence.label, {})[" ".join(evidence.text.split())] = None
    return [(line, tuple(words)) for line, words in words_by_label.items()]
