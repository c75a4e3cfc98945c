"""Build a message as lines of styled runs, without markup. Each channel with a rich format renders the lines.

The order suits the screen of a phone: severity and rule; headline and outlet; summary; the latest news; the other
headlines with their outlets; the evidence, last and small. Texts are clean and links are safe; the channel only
escapes its own markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import TypeVar
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from bot.channels.kit import phrases
from bot.durations import format_time
from bot.model.alerts import Reason
from bot.model.briefs import LINE_LENGTH, BriefEntry, BriefSection
from bot.model.channels import Delivery
from bot.model.messages import (
    CoverageLine,
    Listing,
    Mention,
    Message,
    Notice,
    Pointer,
    Post,
    Reply,
    StoryView,
    Why,
    content_of,
)
from bot.model.rules import Severity
from bot.model.stories import Fact, StoryId
from bot.text import alignment


class Style(StrEnum):
    """How a line is displayed."""

    HEAD = "head"
    LINE = "line"
    QUOTE = "quote"
    #: Consecutive items form one list.
    ITEM = "item"
    SMALL = "small"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Text in one style, with an optional link."""

    text: str
    #: A safe address; empty if the text is not a link.
    link: str = ""
    is_bold: bool = False
    is_italic: bool = False
    is_struck: bool = False
    #: The time that ``text`` states, for services that show it in each reader's zone.
    at: datetime | None = None
    #: The service's id of somebody to notify. It comes from the configuration, never from an article.
    mention: str = ""


class OutlineLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a message."""

    style: Style
    runs: tuple[Run, ...]
    #: In a listing, the story to which this line and others belong. Otherwise None.
    story: StoryId | None = None
    #: The lines that replace this line if styles are not available. If empty, this line is shown.
    unstyled: tuple[OutlineLine, ...] = ()

    @property
    def text(self) -> str:
        """The line without its styles."""
        return "".join(run.text for run in self.runs)


#: Number of unchanged words that are shown on either side of a change.
_CONTEXT_WORDS = 6
#: Maximum words of each text that are compared and shown, after the common beginning.
_WORDS_COMPARED = 300


def diff_words(old_text: str, new_text: str, *, limit: int) -> list[Run]:
    """Return the changed words with the words around them. Removed words are struck through, added words are bold.

    ``limit`` is the approximate number of characters in total.

    >>> runs = diff_words("by 30 November at noon", "by 30 December at noon", limit=200)
    >>> [(run.text, run.is_struck, run.is_bold) for run in runs]
    [('by 30', False, False), ('November', True, False), ('December', False, True), ('at noon', False, False)]
    """
    old, new = phrases.clean(old_text).split(), phrases.clean(new_text).split()
    # Skip the common beginning and end, because corrections are small.
    start = _common_prefix_length(old, new)
    end = _common_prefix_length(old[start:][::-1], new[start:][::-1])
    middles = (words[start : len(words) - end][:_WORDS_COMPARED] for words in (old, new))
    runs = [
        *_kept_words(old[:start], is_first=True, is_last=False),
        *_diff_middle(*middles),
        *_kept_words(old[len(old) - end :], is_first=False, is_last=True),
    ]
    room, shown = limit, list[Run]()
    for run in runs:
        words = phrases.cut(run.text, room)
        if not words:
            break
        shown.append(replace(run, text=words))
        room -= phrases.size(words) + 1
    return shown


def _common_prefix_length(old: list[str], new: list[str]) -> int:
    """Return the number of words that both lists have in common at the start."""
    differences = (place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    return next(differences, min(len(old), len(new)))


def _diff_middle(old: list[str], new: list[str]) -> Iterator[Run]:
    for part in alignment.align(old, new):
        removed, added = old[part.start : part.end], new[part.other_start : part.other_end]
        if part.kind == "equal":
            yield from _kept_words(removed, is_first=False, is_last=False)
            continue
        if removed:
            yield Run(text=" ".join(removed), is_struck=True)
        if added:
            yield Run(text=" ".join(added), is_bold=True)


def _kept_words(words: list[str], *, is_first: bool, is_last: bool) -> Iterator[Run]:
    if not words:
        return
    beginning = [] if is_first else words[:_CONTEXT_WORDS]
    end = [] if is_last else words[-_CONTEXT_WORDS:]
    parts = words if len(words) <= len(beginning) + len(end) else [*beginning, "…", *end]
    yield Run(text=" ".join(parts))


T = TypeVar("T")

SEVERITY = {Severity.HIGH: "🔴", Severity.NORMAL: "🔵", Severity.LOW: "⚪"}
_BETWEEN = " · "


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """The limits on a message's parts, and the time zone of its times.

    ``headline``, ``sentence`` and ``link`` are lengths in UTF-16 units; the other limits are numbers of parts.
    """

    headline: int
    sentence: int
    sentences: int
    rules: int
    items: int
    #: Stories of a listing that are shown with details; the others are one line each.
    details: int
    #: Stories of a listing that are shown at all.
    stories: int
    #: Headlines of the coverage that are shown. The message gives only the number of the others.
    headlines: int
    link: int
    zone: tzinfo = UTC


#: The limits to try, from the most generous to the tightest.
ROOMS = (
    Room(headline=250, sentence=700, sentences=4, rules=4, items=12, details=12, stories=100, headlines=6, link=2_000),
    Room(headline=250, sentence=400, sentences=3, rules=3, items=10, details=8, stories=100, headlines=6, link=600),
    Room(headline=150, sentence=240, sentences=2, rules=2, items=8, details=4, stories=100, headlines=6, link=240),
    Room(headline=120, sentence=120, sentences=1, rules=1, items=5, details=0, stories=100, headlines=4, link=120),
    Room(headline=60, sentence=60, sentences=1, rules=1, items=2, details=0, stories=100, headlines=2, link=120),
    Room(headline=120, sentence=60, sentences=1, rules=1, items=2, details=0, stories=5, headlines=2, link=0),
)
#: The limits with which a listing is measured: it shows the whole headline and the link of each story.
_ALL_STORIES = ROOMS[3]
#: Maximum lengths of a headline and of a link in a listing. Only details give way, because a reader who sees
#: neither the headline nor the link has missed the story.
_WHOLE_HEADLINE, _WHOLE_LINK = 250, 2_000


def render_to_fit(
    delivery: Delivery, render: Callable[[Sequence[OutlineLine]], T], fits: Callable[[T], bool], *, zone: tzinfo
) -> T:
    """Render the longest outline whose result ``fits``, or the shortest outline if none fits."""
    for room in ROOMS:
        lines = build_lines(delivery.message, room, names_story=delivery.reply_to is None, zone=zone)
        rendered = render(lines)
        if fits(rendered):
            break
    return rendered


def shows_all_stories(
    listing: Listing, render: Callable[[Sequence[OutlineLine]], T], fits: Callable[[T], bool]
) -> bool:
    """Return whether a listing fits with the whole headline and the link of every story."""
    return fits(render(build_lines(listing, _ALL_STORIES)))


def build_lines(
    message: Message, room: Room = ROOMS[0], *, names_story: bool = False, zone: tzinfo = UTC
) -> tuple[OutlineLine, ...]:
    """Build the lines of a message, with times in ``zone``.

    If ``names_story`` is true, a reply names its story, because it is outside of the story's thread.
    """
    lines = _lines(message, replace(room, zone=zone), names_story=names_story)
    return tuple(line for line in lines if line.text.strip())


def _lines(message: Message, room: Room, *, names_story: bool) -> Iterator[OutlineLine]:
    match content_of(message):
        case Post() as post:
            yield from _post(post, room)
        case Listing() as listing:
            yield from _listing(listing, room)
        case Pointer() as pointer:
            yield from _pointer(pointer, room)
        case Reply() as reply:
            yield from _reply(reply, room, names_story=names_story)
        case Notice() as notice:
            yield from _notice(notice, room)


def _line(style: Style, *runs: Run) -> OutlineLine:
    return OutlineLine(style=style, runs=tuple(run for run in runs if run.text))


def _time(at: datetime, room: Room) -> Run:
    return Run(text=format_time(at, room.zone), at=at)


def _linked(label: str, url: str, room: Room, *, is_bold: bool = False) -> Run:
    """Return a link, or the label alone if the address is unsafe or too long."""
    address = phrases.safe_link(url)
    if address is None or len(address) > room.link:
        return Run(text=label or "unnamed", is_bold=is_bold)
    return Run(text=phrases.link_label(label, address), link=address, is_bold=is_bold)


def _headline(view: StoryView, room: Room) -> Run:
    return _linked(phrases.headline(view, room.headline), view.title.link, room, is_bold=True)


def _post(post: Post, room: Room) -> Iterator[OutlineLine]:
    story = post.story
    yield _line(Style.LINE, *_severity_and_rule(story), *_official(story, room), *_mentions(post.mentions))
    yield _line(Style.HEAD, _headline(story, room))
    if story.byline is not None:
        yield _line(Style.LINE, *_byline(story, story.byline, room))
    yield from quote_lines(story, room)
    if post.latest is not None:
        yield _line(Style.LINE, *_latest(post.latest, room))
    if story.coverage:
        yield _line(Style.LINE, Run(text=phrases.count_outlets(story), is_bold=True))
        yield from _coverage(story, post.public_url, room)
    if story.other_reports:
        yield _line(Style.LINE, Run(text="Other reports", is_bold=True))
        yield from _headlines(story.other_reports, story.other_report_count, story, post.public_url, room)
    yield from _why_lines(story.why, room, is_named=True)
    if post.related is not None:
        related = post.related
        label = phrases.cut(phrases.clean(related.title.text), room.headline)
        headline = _linked(label, related.link or related.title.link, room)
        heading = Run(text="Related: ", is_italic=True)
        yield _line(Style.LINE, heading, headline, Run(text=_BETWEEN), _time(related.at, room))


def _mentions(mentions: Sequence[Mention]) -> Iterator[Run]:
    for place, mention in enumerate(mentions):
        yield Run(text=", " if place else f"{_BETWEEN}for ")
        yield Run(text=phrases.short_name(mention.name), mention=mention.id)


def _byline(view: StoryView, line: CoverageLine, room: Room) -> Iterator[Run]:
    """Yield runs such as “The Wire and 2 more with this headline · 2 Dec 09:02 UTC · 1 copy”."""
    yield from (Run(text=f"{phrases.format_carriers(line)}{_BETWEEN}"), _time(line.at, room))
    yield from _marks(line)
    # If the coverage is listed, its heading gives the number of copies and the echoes.
    if view.copy_count and not view.coverage:
        yield Run(text=f"{_BETWEEN}{phrases.count_copies(view)}")
    if view.echoes and not view.coverage:
        yield Run(text=f"{_BETWEEN}{phrases.format_echoes(view)}")


def _marks(line: CoverageLine) -> Iterator[Run]:
    for mark in ("official" if line.is_official else "", line.form):
        if mark:
            yield from (Run(text=_BETWEEN), Run(text=mark, is_italic=True))


def _official(view: StoryView, room: Room) -> Iterator[Run]:
    """Yield runs such as “ · official since 2 Dec 14:02 UTC”."""
    if view.official_since is not None:
        yield from (Run(text=f"{_BETWEEN}official since "), _time(view.official_since, room))
    elif view.lacks_official:
        yield from (Run(text=_BETWEEN), Run(text="no official source yet", is_italic=True))


def _coverage(view: StoryView, public_url: str, room: Room) -> Iterator[OutlineLine]:
    yield from _headlines(view.coverage, max(view.coverage_count, len(view.coverage)), view, public_url, room)


def _headlines(
    lines: Sequence[CoverageLine], count: int, view: StoryView, public_url: str, room: Room
) -> Iterator[OutlineLine]:
    shown = lines[: room.headlines]
    for line in shown:
        yield coverage_line(line, room)
    if (omitted := count - len(shown)) > 0:
        page = f"{public_url.rstrip('/')}/story/{quote(view.id)}" if public_url else ""
        yield _line(Style.ITEM, _linked(f"and {omitted:,} more", page, room))


def coverage_line(line: CoverageLine, room: Room) -> OutlineLine:
    """Return a headline with its outlet and time."""
    return _line(Style.ITEM, *_coverage_runs(line, room))


def _coverage_runs(line: CoverageLine, room: Room) -> Iterator[Run]:
    """Yield runs such as “Why BlackBerry is going — Karachi Herald · 2 Dec 09:40 UTC · probably the same event”."""
    yield _linked(phrases.cut(phrases.clean(line.title), room.headline) or "(no headline)", line.link, room)
    yield from (Run(text=f" — {phrases.format_carriers(line)}{_BETWEEN}"), _time(line.at, room))
    yield from _marks(line)
    if line.is_probable:
        yield from (Run(text=_BETWEEN), Run(text="probably the same event", is_italic=True))


def _severity_and_rule(view: StoryView) -> Iterator[Run]:
    """Yield runs such as “🔴 High · Backdoor demands”, or “🔵 Backdoor demands”, because most stories are normal."""
    if view.why:
        severity = max((why.severity for why in view.why), key=lambda severity: severity.rank)
        word = "" if severity is Severity.NORMAL else f" {str(severity).capitalize()}"
        yield Run(text=f"{SEVERITY[severity]}{word}", is_bold=True)
        yield Run(text=f"{_BETWEEN if word else ' '}{_rule(view)}")


def _rule(view: StoryView) -> str:
    """Return the rule of the highest severity, with a count of the other rules."""
    worst = max(view.why, key=lambda why: why.severity.rank)
    more = f" +{len(view.why) - 1}" if len(view.why) > 1 else ""
    return phrases.cut(phrases.clean(worst.rule), 150) + more


def quote_lines(view: StoryView, room: Room) -> Iterator[OutlineLine]:
    """Yield a quote for each article of the summary, with its outlet at the end unless the byline has just named it.

    Matched words are bold.
    """
    runs: list[Run] = []
    sentences = view.summary
    shown = sentences[: room.sentences]
    byline_source = (view.byline.outlet, view.byline.link) if view.byline else None
    for place, sentence in enumerate(shown):
        following = shown[place + 1] if place + 1 < len(shown) else None
        if runs and not runs[-1].text.endswith(" "):
            runs.append(Run(text=" "))
        spans = phrases.clean_spans(sentence.spans, room.sentence)
        runs += [Run(text=span.text, is_bold=span.is_marked) for span in spans]
        if following is None and len(sentences) > len(shown):
            runs.append(Run(text=" …"))
        source = (sentence.outlet, sentence.link)
        if following is None or (following.outlet, following.link) != source:
            if source != byline_source:
                runs.append(Run(text="— " if runs[-1:] and runs[-1].text.endswith(" ") else " — "))
                runs.append(_linked(phrases.short_name(sentence.outlet), sentence.link, room))
            yield _line(Style.QUOTE, *runs)
            runs = []


def _latest(fact: Fact, room: Room) -> list[Run]:
    when = [Run(text=" ("), _time(fact.stated_at, room), Run(text=")")] if fact.stated_at else []
    source = _linked(phrases.short_name(fact.outlet), fact.link, room)
    content = _fact_in_short(fact, room.sentence)
    return [Run(text="Latest", is_bold=True), *when, Run(text=": "), *content, Run(text=" — "), source]


def _mark(fact: Fact) -> list[Run]:
    return [Run(text=f"{phrases.short_name(fact.mark)}: ", is_bold=True)] if fact.mark else []


def _fact_in_short(fact: Fact, limit: int) -> list[Run]:
    """Return the mark of a fact and its value, or its sentence of at most ``limit`` units."""
    # Without a label, quote the sentence, because "132 → 128" alone is useless.
    is_quoted = fact.is_sentence or not fact.label
    quote = Run(text=phrases.cut(phrases.clean(fact.quote), limit))
    return [*_mark(fact), *([quote] if is_quoted else _fact_runs(fact))]


def _why_lines(whys: Sequence[Why], room: Room, *, is_named: bool = False) -> Iterator[OutlineLine]:
    for why in whys[: room.rules]:
        evidence = phrases.format_evidence(why, 2 * room.sentence)
        # A single rule is already named at the top.
        severity = "" if why.severity is Severity.NORMAL else f"{str(why.severity).capitalize()}{_BETWEEN}"
        name = severity + phrases.cut(phrases.clean(why.rule), 150)
        rule = "" if is_named and len(whys) == 1 else phrases.cut(name, 200)
        yield _line(Style.SMALL, Run(text=": ".join(part for part in ("Why", rule, evidence) if part)))
    if len(whys) > room.rules:
        names = ", ".join(phrases.short_name(why.rule) for why in whys[room.rules :][: room.items])
        yield _line(Style.SMALL, Run(text=phrases.cut(f"and {len(whys) - room.rules:,} more: {names}", 300)))


def _reply(reply: Reply, room: Room, *, names_story: bool) -> Iterator[OutlineLine]:
    story = reply.story
    opening = [Run(text=phrases.cut(phrases.reply_heading(reply), 200), is_bold=True)]
    is_about_event = reply.reason is Reason.OTHER_EVENT
    names_story = names_story or reply.names_story
    if names_story and not is_about_event:
        opening += [Run(text=_BETWEEN), _headline(story, room)]
    yield _line(Style.LINE, *opening)
    yield from _facts(reply, room)
    if names_story and is_about_event:
        yield _line(Style.LINE, Run(text="First report: ", is_italic=True), _headline(story, room))
    edits = [fact for fact in reply.facts if fact.is_edit]
    for edit in edits[: room.items]:
        article = _linked(phrases.short_name(edit.outlet), edit.link, room)
        yield _line(Style.LINE, article, Run(text=f" changed the {edit.label}:"))
        yield _edit(edit, room)
    yield from _more(len(edits), room)
    if phrases.lists_outlets(reply):
        yield _line(Style.LINE, Run(text=f"{phrases.count_outlets(story)}:"))
        if story.byline is not None:
            yield coverage_line(story.byline, room)
        yield from _coverage(story, reply.public_url, room)
    if reply.reason is Reason.SECOND_RULE:
        yield from _why_lines(story.why, room)


def _facts(reply: Reply, room: Room) -> Iterator[OutlineLine]:
    """Yield the events, the values of the facts, then each distinct sentence with its outlet."""
    events = [fact for fact in reply.facts if fact.is_event]
    for fact in events:
        yield from _event(fact, room)
    facts = [fact for fact in reply.facts if not (fact.is_event or fact.is_edit)]
    shown = facts[: room.items]
    yield from (_line(Style.ITEM, *_fact_runs(fact)) for fact in shown if not fact.is_sentence)
    for fact in phrases.quoted_facts(shown):
        sentence = Run(text=phrases.cut(phrases.clean(fact.sentence), room.sentence))
        source = _linked(phrases.short_name(fact.outlet), fact.link, room)
        yield _line(Style.QUOTE, *_mark(fact), sentence, Run(text=" — "), source)
    yield from _more(len(facts), room)


def _event(fact: Fact, room: Room) -> Iterator[OutlineLine]:
    """Yield the headline of the first report of an event, its outlet and time, and its first sentence."""
    headline = phrases.cut(phrases.clean(fact.after), room.headline) or "(no headline)"
    yield _line(Style.HEAD, _linked(headline, fact.link, room, is_bold=True))
    when = [Run(text=_BETWEEN), _time(fact.stated_at, room)] if fact.stated_at else []
    yield _line(Style.LINE, Run(text=phrases.short_name(fact.outlet) or "unnamed"), *when)
    yield _line(Style.QUOTE, Run(text=phrases.cut(phrases.clean(fact.sentence), room.sentence)))


def _fact_runs(fact: Fact) -> list[Run]:
    runs = [Run(text=f"{phrases.short_name(fact.label)}: ")] if fact.label else []
    if fact.before:
        runs += [Run(text=phrases.cut(phrases.clean(fact.before), 150), is_struck=True), Run(text=" → ")]
    return [*runs, Run(text=phrases.cut(phrases.clean(fact.after), 300) or "…", is_bold=True)]


def _edit(edit: Fact, room: Room) -> OutlineLine:
    """Return a line with the changed words in context. Without styles, two lines show the old and the new wording."""
    runs = diff_words(edit.before or "", edit.after, limit=2 * room.sentence)
    if not runs:
        return _line(Style.QUOTE, Run(text="only spaces or punctuation changed"))
    spaced = [part for run in runs for part in (Run(text=" "), run)][1:]
    old = " ".join(run.text for run in runs if not run.is_bold)
    new = " ".join(run.text for run in runs if not run.is_struck)
    unstyled = tuple(
        _line(Style.QUOTE, Run(text=f"{label}: {text or '(nothing)'}")) for label, text in (("was", old), ("now", new))
    )
    return replace(_line(Style.QUOTE, *spaced), unstyled=unstyled)


def _pointer(pointer: Pointer, room: Room) -> Iterator[OutlineLine]:
    if pointer.title is not None:
        own = phrases.cut(phrases.clean(pointer.title.text), room.headline) or "(no headline)"
        yield _line(Style.HEAD, _linked(own, pointer.title.link, room, is_bold=True))
    lead = Run(text=phrases.cut(pointer.lead, 300), is_italic=True)
    yield _line(Style.LINE, lead, Run(text=" "), _headline(pointer.story, room))


def _listing(listing: Listing, room: Room) -> Iterator[OutlineLine]:
    yield _line(Style.HEAD, Run(text=phrases.cut(listing.lead, room.headline), is_bold=True))
    for text in listing.lines:
        yield _line(Style.LINE, Run(text=phrases.cut(phrases.clean(text), room.sentence)))
    stories_left = room.stories
    for section in listing.sections:
        yield from _section(section, replace(room, stories=stories_left))
        stories_left = max(0, stories_left - len(section.entries))
    if listing.page and any(section.more for section in listing.sections):
        yield _line(Style.LINE, _linked("The whole brief", listing.page, replace(room, link=_WHOLE_LINK)))
    # The menu of a story acts on the story's alert, which the stories of a surge need not have.
    has_menus = listing.reason is not Reason.SURGE
    room = _whole(room)
    count = len(listing.stories)
    detailed = room.details if count <= room.details else room.details // 3
    for view in listing.stories[:detailed]:
        yield from (replace(line, story=view.id if has_menus else None) for line in _short(view, room))
        yield from _other_reports(view, listing.public_url, room)
    for view in listing.stories[detailed : room.stories]:
        outlet = f"{_BETWEEN}{phrases.short_name(view.title.outlet)}" if view.title.outlet else ""
        runs = [*_severity_mark(view), _headline(view, room), Run(text=outlet)]
        if view.latest is not None and view.latest.before and view.latest.label:
            runs += [Run(text=_BETWEEN), *_fact_runs(view.latest)]
            runs += [Run(text=f" ({phrases.short_name(view.latest.outlet)})")]
        yield _line(Style.ITEM, *runs)
        yield from _other_reports(view, listing.public_url, room)
    if count > room.stories:
        page = f"{listing.public_url.rstrip('/')}/stories" if listing.public_url else ""
        yield _line(Style.ITEM, _linked(f"and {count - room.stories:,} more", page, replace(room, link=_WHOLE_LINK)))
    if listing.left_out:
        yield _line(Style.LINE, *_left_out(listing, room))


#: Number of other events of a thread that a listing shows, as many as a first look lists of a rule's stories.
_LISTED_EVENTS = 5


def _other_reports(view: StoryView, public_url: str, room: Room) -> Iterator[OutlineLine]:
    """Yield the headlines of the other events of a thread in a listing."""
    room = replace(room, headlines=_LISTED_EVENTS)
    yield from _headlines(view.other_reports, view.other_report_count, view, public_url, room)


#: Maximum length of an entry of a brief: two lines. A text after the headline has at least ``_SHORTEST_TEXT``.
_TWO_LINES, _SHORTEST_TEXT = 2 * LINE_LENGTH, 40


def _section(section: BriefSection, room: Room) -> Iterator[OutlineLine]:
    if not room.stories:
        return
    count = len(section.entries)
    part = Run(text=f" ({count:,} of {count + section.more:,})") if section.more else Run(text="")
    yield _line(Style.LINE, Run(text=section.heading, is_bold=True), part)
    for entry in section.entries[: room.stories]:
        yield _line(Style.ITEM, *_entry(entry, room))


def _whole(room: Room) -> Room:
    """Return the limits of a headline and its link in a list. A headline is shortened before a link is dropped."""
    if not room.link:
        return room
    is_short = room.headline < _ALL_STORIES.headline
    return replace(room, headline=room.headline if is_short else _WHOLE_HEADLINE, link=_WHOLE_LINK)


def _entry(entry: BriefEntry, room: Room) -> Iterator[Run]:
    """Yield runs such as “🔴 BlackBerry leaves — Dawn and 3 more · deadline: 30 Nov → 30 Dec”."""
    if entry.severity is not None:
        yield Run(text=f"{SEVERITY[entry.severity]} ")
    # A reader who sees neither the headline nor the link has missed the story.
    whole = _whole(room)
    headline = phrases.cut(phrases.clean(entry.headline), whole.headline)
    yield _linked(headline or "(no headline)", entry.link, whole, is_bold=True)
    room_left = max(_SHORTEST_TEXT, _TWO_LINES - len(headline))
    details = phrases.cut(" · ".join(map(phrases.clean, entry.details)), room_left)
    if details and room.link:
        yield Run(text=f" — {details}")
    for number, part in enumerate(entry.parts):
        is_first = not number or bool(part.story) != bool(entry.parts[number - 1].story)
        yield Run(text=(f"{_BETWEEN}perhaps also: " if part.story else f"{_BETWEEN}also: ") if is_first else ", ")
        title = phrases.cut(phrases.clean(part.headline), whole.headline if len(entry.parts) == 1 else LINE_LENGTH)
        yield _linked(title or "(no headline)", part.link, whole)
        yield from _part_news(part, room)
    if not room.details:
        return
    limit = min(max(_SHORTEST_TEXT, room_left - len(details)), room.sentence)
    if entry.fact is not None:
        yield from (Run(text=_BETWEEN), *_brief_fact(entry.fact, limit))
    elif entry.quote:
        text = phrases.cut(phrases.clean(entry.quote), limit)
        source = f" ({phrases.short_name(entry.quote_outlet)})" if entry.quote_outlet else ""
        yield Run(text=f"{_BETWEEN}{text}{source}")


def _part_news(part: BriefEntry, room: Room) -> Iterator[Run]:
    if part.details and room.link:
        yield Run(text=f" — {phrases.cut(' · '.join(map(phrases.clean, part.details)), LINE_LENGTH)}")
    if part.fact is not None and room.details:
        yield from (Run(text=" — "), *_brief_fact(part.fact, LINE_LENGTH))


def _brief_fact(fact: Fact, limit: int) -> list[Run]:
    return [*_fact_in_short(fact, limit), Run(text=f" ({phrases.short_name(fact.outlet)})")]


def _left_out(listing: Listing, room: Room) -> Iterator[Run]:
    """Yield runs such as “Not listed: 7 of Backdoor demands, 1 of PTA orders · all stories”."""
    shown = [f"{count:,} of {phrases.short_name(rule)}" for rule, count in listing.left_out[: room.items]]
    other_count = sum(count for _, count in listing.left_out[room.items :])
    yield Run(text=f"Not listed: {', '.join([*shown, *([f'{other_count:,} of other rules'] if other_count else [])])}")
    if listing.public_url:
        page = f"{listing.public_url.rstrip('/')}/stories"
        yield from (Run(text=_BETWEEN), _linked("all stories", page, replace(room, link=_WHOLE_LINK)))


def _severity_mark(view: StoryView) -> Iterator[Run]:
    severity = max((why.severity for why in view.why), key=lambda severity: severity.rank, default=None)
    if severity:
        yield Run(text=f"{SEVERITY[severity]} ")


def _short(view: StoryView, room: Room) -> Iterator[OutlineLine]:
    yield _line(Style.LINE, *_severity_mark(view), _headline(view, room))
    if view.latest is not None:
        yield _line(Style.LINE, *_latest(view.latest, room))
    rule = f"{_rule(view)}{_BETWEEN}" if view.why else ""
    if view.byline is not None:
        yield _line(Style.LINE, Run(text=rule), *_byline(view, view.byline, room))
    for sentence in view.summary[:1]:
        text = [Run(text=phrases.cut(phrases.clean(sentence.text), room.sentence))]
        if sentence.outlet != view.title.outlet:
            text += [Run(text=" — "), _linked(phrases.short_name(sentence.outlet), sentence.link, room)]
        yield _line(Style.QUOTE, *text)
    for line in view.coverage[:1]:
        newest = Run(text=f"{phrases.count_outlets(view)}, newest: ")
        yield _line(Style.LINE, newest, *_coverage_runs(line, room))


def _notice(notice: Notice, room: Room) -> Iterator[OutlineLine]:
    yield _line(Style.LINE, Run(text=phrases.cut(notice.lead, 4 * room.sentence) or "Notice", is_bold=True))
    texts = [phrases.cut(phrases.clean(line), room.sentence) for line in notice.lines[: room.items]]
    yield from (_line(Style.ITEM, Run(text=text)) for text in texts if text)
    yield from _more(len(notice.lines), room)


def _more(count: int, room: Room) -> Iterator[OutlineLine]:
    if count > room.items:
        yield _line(Style.ITEM, Run(text=f"and {count - room.items:,} more"))
