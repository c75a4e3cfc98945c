"""A message as plain text, for channels without their own markup and for a channel that refused a richer form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo

from bot import model
from bot.channels.kit import outline, phrases
from bot.channels.kit.styled import Line, Style

#: Kinds whose first line is their title.
_TITLED = frozenset({model.MessageKind.NOTICE, model.MessageKind.REPLY})


def title(message: model.Message, limit: int = 250) -> str:
    """One line: what a notification, a subject or a preview shows."""
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
    """How grave, the title, who carries it and why: the text of a notification on a phone."""
    is_story = message.kind in (model.MessageKind.POST, model.MessageKind.EDIT) and not message.is_gathered
    if not is_story or not message.briefs:
        news = "; ".join(phrases.fact(fact, 120) for fact in message.facts[:2])
        return phrases.cut(f"{title(message)} — {news}" if news else title(message), limit)
    brief = message.briefs[0]
    alarm = f"{outline.SEVERITY[message.severity]} " if message.severity is model.Severity.HIGH else ""
    parts = [alarm + ("Not claimed: " if message.escalation else "") + title(message, 200)]
    if brief.byline is not None:
        others = brief.owner_count - 1
        first = phrases.name(brief.byline.outlet)
        parts.append(first + (f" and {model.counted(others, 'other')}" if others > 0 else ""))
    parts += [phrases.cut(phrases.clean(why.rule), 80) for why in brief.why[:1]]
    return phrases.cut(" — ".join(parts), limit)


def whole(message: model.Message, *, names_story: bool = True, zone: tzinfo = UTC) -> str:
    """All of the message, in the order of ``outline``."""
    return _text(outline.lines(message, names_story=names_story, zone=zone))


def body(message: model.Message, *, zone: tzinfo = UTC) -> str:
    """Everything but the title, for services that have a field for it."""
    lines = outline.lines(message, zone=zone)
    # The first line of a notice, a reply and a list of stories is its title; so is the headline of a story.
    kept = lines[1:] if message.kind in _TITLED or message.is_gathered else lines
    return _text([line for line in kept if line.style is not Style.HEAD])


def lines_to(text: str, limit: int) -> str:
    """Whole lines as far as they fit: an address that is cut leads nowhere."""
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
    """Each line with the addresses to be shown behind it: each once, and best where an outlet is named."""
    ranks = {Style.ITEM: 0, Style.LINE: 1}
    places: dict[str, tuple[int, int]] = {}
    for place, line in enumerate(lines):
        for run in line.runs:
            rank = (ranks.get(line.style, 2), place)
            places[run.link] = min(places.get(run.link, rank), rank)
    for place, line in enumerate(lines):
        yield line, tuple(link for link, (_, at) in places.items() if link and at == place)


def unstyled(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines as they read without styles: what is struck through elsewhere has a line of its own."""
    return tuple(plain for line in lines for plain in line.unstyled or (line,))


def _text(lines: Sequence[Line]) -> str:
    made, before = "", None
    for line, addresses in with_addresses(unstyled(lines)):
        if before is not None:
            made += "\n\n" if _is_apart(line, before) else "\n"
        mark, between = ("- ", " ") if line.style is Style.ITEM else ("", "\n")
        made += between.join((mark + line.text, *addresses))
        before = line
    return made


def _is_apart(line: Line, before: Line) -> bool:
    """An empty line is between the parts of a message, not between a line and what it introduces."""
    if line.story != before.story:
        return True
    return before.style is not line.style and (before.style in (Style.QUOTE, Style.ITEM) or line.style is Style.SMALL)
