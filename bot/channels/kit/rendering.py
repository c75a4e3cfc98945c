"""Render a message as plain text or as HTML, and its runs as Markdown.

Plain text is for channels without markup, and for a message whose richer form the service refused.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from itertools import groupby

from bot.channels.kit import outline, phrases
from bot.channels.kit.outline import OutlineLine, Run, Style
from bot.durations import format_count
from bot.model.alerts import Reason
from bot.model.messages import Listing, Message, Notice, Pointer, Post, Reply, content_of
from bot.model.rules import Severity
from bot.model.stories import Fact


def plain_title(message: Message, limit: int = 250) -> str:
    """Return the title of a message in one line, for a notification, a subject or a preview."""
    match content_of(message):
        case Listing(lead=lead) | Notice(lead=lead):
            return phrases.cut(lead or "Wirewatch", limit)
        case Reply() as reply:
            is_event = bool(reply.facts) and reply.facts[0].is_event
            headline = phrases.clean(reply.facts[0].after) if is_event else phrases.headline(reply.story, limit)
            return phrases.cut(f"{phrases.cut(phrases.reply_heading(reply), limit)}: {headline}", limit)
        case Post(story=story) | Pointer(story=story):
            return phrases.headline(story, limit)


_PREVIEW_LENGTH = 300


def plain_preview(message: Message) -> str:
    """Return severity, title, outlets and rule in one line, for a notification on a phone."""
    match content_of(message):
        case Reply(facts=facts):
            # The title names an event.
            news = "; ".join(_format_fact(fact) for fact in facts[:2] if not fact.is_event)
            return phrases.cut(f"{plain_title(message)} — {news}" if news else plain_title(message), _PREVIEW_LENGTH)
        case Listing() | Notice():
            return phrases.cut(plain_title(message), _PREVIEW_LENGTH)
        case Post(story=story) | Pointer(story=story):
            alarm = f"{outline.SEVERITY[message.severity]} " if message.severity is Severity.HIGH else ""
            parts = [alarm + plain_title(message, 200)]
            if story.byline is not None:
                other_outlets = story.owner_count - 1
                first = phrases.short_name(story.byline.outlet)
                parts.append(first + (f" and {format_count(other_outlets, 'other')}" if other_outlets > 0 else ""))
            parts += [phrases.cut(phrases.clean(why.rule), 80) for why in story.why[:1]]
            return phrases.cut(" — ".join(parts), _PREVIEW_LENGTH)


def _format_fact(fact: Fact) -> str:
    """Return a fact as in “deadline: 30 November → 30 December”."""
    label = f"{phrases.short_name(fact.label)}: " if fact.label else ""
    old_value = f"{phrases.cut(phrases.clean(fact.before), 40)} → " if fact.before else ""
    return phrases.cut(f"{label}{old_value}{phrases.clean(fact.after)}", 120)


def plain_message(message: Message, *, names_story: bool = True, zone: tzinfo = UTC, limit: int | None = None) -> str:
    """Return the message, in the order of its outline. If it is longer than ``limit`` units, leave out details."""
    return _plain_to_fit(message, list, names_story=names_story, zone=zone, limit=limit)


def plain_body(message: Message, *, zone: tzinfo = UTC, limit: int | None = None) -> str:
    """Return the message without its title, for services with a separate field for the title.

    If it is longer than ``limit`` units, leave out details.
    """

    def without_title(lines: Sequence[OutlineLine]) -> list[OutlineLine]:
        # The title of a notice, a reply or a listing is its first line.
        if isinstance(content_of(message), Notice | Reply | Listing):
            return list(lines[1:])
        # The title of a story is its headline, whose link stays.
        return [_only_link(line) if line.style is Style.HEAD else line for line in lines]

    # The title of a reply about another event does not name the story.
    names_story = message.reason is Reason.OTHER_EVENT
    return _plain_to_fit(message, without_title, names_story=names_story, zone=zone, limit=limit)


def _only_link(line: OutlineLine) -> OutlineLine:
    links = [run.link for run in line.runs if run.link]
    return OutlineLine(style=Style.LINE, runs=tuple(Run(text=link) for link in links[:1]))


def _plain_to_fit(
    message: Message,
    choose: Callable[[Sequence[OutlineLine]], Sequence[OutlineLine]],
    *,
    names_story: bool,
    zone: tzinfo,
    limit: int | None,
) -> str:
    # The tightest limits omit links, so a longer text is cut by the caller.
    for room in outline.ROOMS[:-1]:
        lines = outline.build_lines(message, room, names_story=names_story, zone=zone)
        text = _join_lines([line for line in choose(lines) if line.runs])
        if limit is None or phrases.size(text) <= limit:
            break
    return text


def cut_lines(text: str, limit: int) -> str:
    """Return as many whole lines as fit into ``limit`` units, because a cut address is useless."""
    if limit <= 0 or phrases.size(text) <= limit:
        return text
    kept: list[str] = []
    room = limit - 2
    for line in text.split("\n"):
        if phrases.size(line) + 1 > room:
            break
        kept.append(line)
        room -= phrases.size(line) + 1
    return "\n".join([*kept, "…"]) if kept else phrases.cut(text, limit)


def with_addresses(lines: Sequence[OutlineLine]) -> Iterator[tuple[OutlineLine, tuple[str, ...]]]:
    """Yield each line with the addresses to show after it.

    Each address appears once, preferably after a line that names its outlet.
    """
    ranks = {Style.ITEM: 0, Style.LINE: 1}
    places: dict[str, tuple[int, int]] = {}
    for place, line in enumerate(lines):
        for run in line.runs:
            rank = (ranks.get(line.style, 2), place)
            places[run.link] = min(places.get(run.link, rank), rank)
    for place, line in enumerate(lines):
        yield line, tuple(link for link, (_, at) in places.items() if link and at == place)


def unstyled(lines: Sequence[OutlineLine]) -> tuple[OutlineLine, ...]:
    """Return the lines to show if styles are not available. Separate lines replace struck-through words."""
    return tuple(plain for line in lines for plain in line.unstyled or (line,))


def _join_lines(lines: Sequence[OutlineLine]) -> str:
    text, previous = "", None
    for line, addresses in with_addresses(unstyled(lines)):
        if previous is not None:
            text += "\n\n" if _has_blank_line_before(line, previous) else "\n"
        mark, separator = ("- ", " ") if line.style is Style.ITEM else ("", "\n")
        text += separator.join((mark + line.text, *addresses))
        previous = line
    return text


def _has_blank_line_before(line: OutlineLine, previous: OutlineLine) -> bool:
    """Return whether a blank line separates two lines. It separates parts, but not a heading from its content."""
    if line.story != previous.story:
        return True
    is_part_end = previous.style in (Style.QUOTE, Style.ITEM) or line.style is Style.SMALL
    return previous.style is not line.style and is_part_end


_TAGS = {Style.HEAD: "h3", Style.LINE: "p", Style.QUOTE: "blockquote", Style.SMALL: "p"}


def render_html(
    lines: Sequence[OutlineLine],
    *,
    styles: Mapping[Style, str] | None = None,
) -> str:
    """Return escaped HTML with a handful of tags, without scripts, pictures or forms.

    ``styles`` is inline CSS for the elements, because mail programs drop style sheets.

    >>> link = Run(text="c", link="https://x.example/?a&b")
    >>> render_html([OutlineLine(style=Style.LINE, runs=(Run(text="a<b ", is_bold=True), link))])
    '<p><strong>a&lt;b </strong><a href="https://x.example/?a&amp;b">c</a></p>'
    """
    css = styles or {}

    def element(tag: str, style: Style, inner: str) -> str:
        return f'<{tag} style="{css[style]}">{inner}</{tag}>' if css.get(style) else f"<{tag}>{inner}</{tag}>"

    def runs(line: OutlineLine) -> str:
        return "".join(_render_run(run) for run in line.runs)

    elements: list[str] = []
    for style, group in groupby(lines, key=lambda line: line.style):
        if style is Style.ITEM:
            elements.append(element("ul", style, "".join(f"<li>{runs(line)}</li>" for line in group)))
        elif style is Style.SMALL:
            elements.append(element(_TAGS[style], style, "<br>".join(runs(line) for line in group)))
        else:
            elements += [element(_TAGS[style], style, runs(line)) for line in group]
    return "\n".join(elements)


def render_markdown(run: Run, escape: Callable[[str], str], link_target: Callable[[str], str]) -> str:
    """Render a run in Markdown. Spaces stay outside of the asterisks, because Markdown ignores "** bold **"."""
    words = run.text.strip()
    if not words:
        return run.text
    leading, trailing = run.text.split(words, 1)
    text = escape(words)
    for is_on, mark in ((run.is_italic, "*"), (run.is_struck, "~~"), (run.is_bold, "**")):
        text = f"{mark}{text}{mark}" if is_on else text
    return f"{leading}[{text}]({link_target(run.link)}){trailing}" if run.link else f"{leading}{text}{trailing}"


def _render_run(run: Run) -> str:
    element = html.escape(run.text)
    for tag, is_on in (("em", run.is_italic), ("del", run.is_struck), ("strong", run.is_bold)):
        element = f"<{tag}>{element}</{tag}>" if is_on else element
    return f'<a href="{html.escape(run.link)}">{element}</a>' if run.link else element
