"""A message as plain text, for channels without their own markup and for a channel that refused a richer form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo

from bot import model
from bot.channels.kit import outline, phrases
from bot.channels.kit.styled import Line, Style

#: Kinds of message whose first line is the title.
_TITLED = frozenset({model.MessageKind.NOTICE, model.MessageKind.REPLY})


def title(message: model.Message, limit: int = 250) -> str:
    """Return one line for a notification, a subject or a preview."""
    if message.is_gathered:
        return phrases.cut(message.lead or "Wirewatch", limit)
    match message.kind:
        case model.MessageKind.NOTICE:
            return phrases.cut(message.lead or "Wirewatch", limit)
        case model.MessageKind.REPLY:
            head = phrases.cut(phrases.head_of_reply(message), limit)
            return (
                phrases.cut(f"{head}: {phrases.headline(message.briefs[0], limit)}", limit) if message.briefs else head
            )
        case _:
            return phrases.headline(message.briefs[0], limit) if message.briefs else "Wirewatch"


def preview(message: model.Message, limit: int = 300) -> str:
    """Return severity, title, outlets and rule in one line, for a notification on a phone."""
    is_story = message.kind in (model.MessageKind.POST, model.MessageKind.EDIT) and not message.is_gathered
    if not is_story or not message.briefs:
        news = "; ".join(phrases.fact(fact, 120) for fact in message.facts[:2])
        return phrases.cut(f"{title(message)} — {news}" if news else title(message), limit)
    brief = message.briefs[0]
    alarm = f"{outline.SEVERITY[message.severity]} " if message.severity is model.Severity.HIGH else ""
    parts = [alarm + ("Not claimed: " if message.escalation else "") + title(message, 200)]
    if brief.byline is not None:
        other_outlets = brief.owner_count - 1
        first = phrases.name(brief.byline.outlet)
        parts.append(first + (f" and {model.counted(other_outlets, 'other')}" if other_outlets > 0 else ""))
    parts += [phrases.cut(phrases.clean(why.rule), 80) for why in brief.why[:1]]
    return phrases.cut(" — ".join(parts), limit)


def whole(message: model.Message, *, names_story: bool = True, zone: tzinfo = UTC) -> str:
    """Return the whole message, in the order of its outline."""
    return _text(outline.lines(message, names_story=names_story, zone=zone))


def body(message: model.Message, *, zone: tzinfo = UTC) -> str:
    """Return the message without its title, for services with a separate field for the title."""
    lines = outline.lines(message, zone=zone)
    # The title is the first line of a notice, a reply and a gathered message, and the headline of a story.
    kept = lines[1:] if message.kind in _TITLED or message.is_gathered else lines
    return _text([line for line in kept if line.style is not Style.HEAD])


def lines_to(text: str, limit: int) -> str:
    """Return as many whole lines as fit, since a cut address is useless."""
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


def with_addresses(lines: Sequence[Line]) -> Iterator[tuple[Line, tuple[str, ...]]]:
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


def unstyled(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines to show without styles: separate lines replace struck-through words."""
    return tuple(plain for line in lines for plain in line.unstyled or (line,))


def _text(lines: Sequence[Line]) -> str:
    text, previous = "", None
    for line, addresses in with_addresses(unstyled(lines)):
        if previous is not None:
            text += "\n\n" if _is_apart(line, previous) else "\n"
        mark, separator = ("- ", " ") if line.style is Style.ITEM else ("", "\n")
        text += separator.join((mark + line.text, *addresses))
        previous = line
    return text


def _is_apart(line: Line, previous: Line) -> bool:
    """Return whether a blank line separates two lines: between parts, not between a heading and its content."""
    if line.story != previous.story:
        return True
    is_part_end = previous.style in (Style.QUOTE, Style.ITEM) or line.style is Style.SMALL
    return previous.style is not line.style and is_part_end
