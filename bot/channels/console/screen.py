"""Print messages, and everything else that the commands print, on a terminal that untrusted text cannot control."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import tzinfo

from msgspec.structs import replace
from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.text import Text

from bot.channels.kit import outline, phrases, rendering
from bot.channels.kit.outline import OutlineLine, Run, Style
from bot.durations import format_count
from bot.model import visible
from bot.model.alerts import Reason
from bot.model.messages import Edit, Listing, Message, Pointer, Post, Reply
from bot.model.rules import Severity


class Screen(Console):
    """A rich console on which only our own styles control the terminal, not untrusted text."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        # All output passes through here, including tables, panels and tracebacks.
        for piece in super().render(renderable, options):
            # rich itself makes pieces with control codes, to move the cursor of a progress bar.
            yield piece if piece.control else Segment(visible.lines(piece.text), piece.style)


_COLOURS = {Severity.HIGH: "bold red", Severity.NORMAL: "bold blue", Severity.LOW: "dim"}
_INDENTS = {Style.HEAD: 0, Style.LINE: 2, Style.QUOTE: 4, Style.ITEM: 4, Style.SMALL: 2}

#: Reasons of edits that follow a reply. The reply has already printed the news, so the edit adds only headlines.
_REPLIED = (Reason.CORROBORATION, Reason.NEW_FACT, Reason.OTHER_EVENT, Reason.CORRECTION, Reason.SECOND_RULE)


def print_message(console: Console, message: Message, *, zone: tzinfo) -> None:
    """Print one message, with times in ``zone``."""
    if isinstance(message, Edit) and not isinstance(message.content, Pointer):
        lines = list(_edit_lines(message, zone))
        if not lines:
            return
    else:
        lines = list(outline.build_lines(message, names_story=True, zone=zone))
    if lines and isinstance(message, Reply | Edit):
        # Leave out the addresses, because the story has already been printed with them.
        runs = (Run(text="↳ "), *(replace(run, link="") for run in lines[0].runs))
        lines[0] = replace(lines[0], runs=runs)
    lines = list(rendering.unstyled(lines))
    for place, (line, addresses) in enumerate(rendering.with_addresses(lines)):
        if place == 0 and isinstance(message, Post | Listing):
            console.print(Rule(_styled_text(line, _COLOURS[message.severity]), align="left", style="dim"))
            continue
        if place > 1 and line.story != lines[place - 1].story:
            console.print()
        _print_line(console, line, addresses, indent=0 if place == 0 else _INDENTS[line.style])
    console.print()


def _edit_lines(edit: Edit, zone: tzinfo) -> Iterator[OutlineLine]:
    """Yield lines for an edit, with the state of its stories and the headlines that joined them."""
    if edit.reason is Reason.CORROBORATION and isinstance(edit.content, Post):
        return  # The reply has just listed all coverage.
    added, room = set(edit.added), replace(outline.ROOMS[0], zone=zone)
    if edit.reason is Reason.RATE_CAP:
        yield OutlineLine(style=Style.SMALL, runs=(Run(text=format_count(len(added), "more story")),))
    for view in edit.stories:
        listed = [line for line in view.coverage if line.article in added]
        if view.title.article in added and edit.reason is Reason.RATE_CAP:
            link = phrases.safe_link(view.title.link) or ""
            yield OutlineLine(style=Style.ITEM, runs=(Run(text=phrases.headline(view, room.headline), link=link),))
            continue
        if isinstance(edit.content, Listing) and not listed:
            continue
        headline = Run(text=f": {phrases.headline(view, 150)}")
        if edit.reason is Reason.TRANSLATION and not listed:
            # Only the summary is new.
            yield OutlineLine(style=Style.SMALL, runs=(Run(text="summary"), headline))
            yield from outline.quote_lines(view, room)
        elif listed or (edit.reason not in _REPLIED and view.owner_count > 1):
            yield OutlineLine(style=Style.SMALL, runs=(Run(text=f"now {phrases.count_outlets(view)}"), headline))
            yield from (outline.coverage_line(line, room) for line in listed)


def _print_line(console: Console, line: OutlineLine, addresses: tuple[str, ...], *, indent: int) -> None:
    text = Text.assemble("• " if line.style is Style.ITEM else "", _styled_text(line))
    if line.style is Style.ITEM and addresses:
        # An address is never wrapped, so that it can be clicked and copied.
        console.print(Text.assemble(" " * indent, text, " ", " ".join(addresses)), soft_wrap=True)
        return
    console.print(Padding(text, (0, 0, 0, indent)))
    for address in addresses:
        console.print(Text(" " * indent + address), soft_wrap=True)


def _styled_text(line: OutlineLine, colour: str = "") -> Text:
    """Return a line in colour, with matched words in yellow and replaced words in red."""
    parts: list[tuple[str, str]] = []
    for run in line.runs:
        bold = "bold yellow" if line.style is Style.QUOTE else colour or "bold"
        styles = [name for is_on, name in ((run.is_bold, bold), (run.is_struck, "strike red")) if is_on]
        parts.append((run.text, " ".join(styles) or ("dim" if line.style is Style.SMALL else "")))
    return Text.assemble(*parts)
