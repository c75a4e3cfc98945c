"""A message as an Adaptive Card, within what Teams takes.

Texts stand in TextRuns of a RichTextBlock, in which no markup is read (learn.microsoft.com/adaptive-cards, "TextRun":
"Markdown is not supported"), so nothing needs escaping; a mention needs an entity of the card, which no card of ours
has. Version 1.4: workflows refuse a later one (Skitionek/notify-microsoft-teams #107, atc0005/go-teams-notify #265).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from bot import model
from bot.channels.kit import outline, phrases, plain_text
from bot.channels.kit.styled import Line, Run, Style

#: Teams takes about 28 KB, of which it uses some itself; 21 KB were seen to be the end (msteams_hermes).
LIMIT_BYTES = 20_000
_VERSION = "1.4"
_PLAIN_LIMIT = 4_000


def document(message: model.Message, *, zone: tzinfo, is_plain: bool = False) -> dict[str, Any]:
    """What the workflow's webhook is given: a message with one card."""
    if is_plain:
        text = plain_text.whole(message, zone=zone)
        lines = phrases.cut(text, _PLAIN_LIMIT).split("\n")
        return _message([_block([{"type": "TextRun", "text": line}]) for line in lines if line])
    return outline.fitted(message, _render, _fits, names_story=True, zone=zone)


def size_bytes(document: dict[str, Any]) -> int:
    """Of the document as it is sent."""
    return len(json.dumps(document, ensure_ascii=False).encode())


def _fits(made: dict[str, Any]) -> bool:
    return size_bytes(made) <= LIMIT_BYTES


def _render(lines: Sequence[Line]) -> dict[str, Any]:
    return _message([_element(line) for line in lines] or [_block([{"type": "TextRun", "text": "Wirewatch"}])])


def _message(body: Sequence[dict[str, Any]]) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": _VERSION,
        # Else a card is half as wide as its channel.
        "msteams": {"width": "Full"},
        "body": list(body),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _element(line: Line) -> dict[str, Any]:
    runs = [_run(run, line.style) for run in line.runs]
    match line.style:
        case Style.QUOTE:
            # Teams knows no quote: a shaded box.
            return {"type": "Container", "style": "emphasis", "spacing": "Small", "items": [_block(runs)]}
        case Style.ITEM:
            return _block([{"type": "TextRun", "text": "• "}, *runs], spacing="None")
        case Style.SMALL:
            return _block(runs, spacing="Small")
        case _:
            return _block(runs)


def _block(inlines: Sequence[dict[str, Any]], **more: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(inlines), **more}


def _run(run: Run, style: Style) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "TextRun", "text": run.text}
    if run.is_bold:
        made["weight"] = "Bolder"
    if run.is_italic:
        made["italic"] = True
    if run.is_struck:
        made["strikethrough"] = True
    if style is Style.HEAD:
        made["size"] = "Medium"
    if style is Style.SMALL:
        made |= {"size": "Small", "isSubtle": True}
    if run.link:
        made["selectAction"] = {"type": "Action.OpenUrl", "url": run.link}
    return made
