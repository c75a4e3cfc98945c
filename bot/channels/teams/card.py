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

#: Teams accepts about 28 KB, including its own additions; in practice 21 KB (msteams_hermes).
LIMIT_BYTES = 20_000
_VERSION = "1.4"
_PLAIN_LIMIT = 4_000


def document(message: model.Message, *, zone: tzinfo, is_plain: bool = False) -> dict[str, Any]:
    """Return the document for the workflow's webhook: a message with one card."""
    if is_plain:
        text = plain_text.whole(message, zone=zone)
        lines = phrases.cut(text, _PLAIN_LIMIT).split("\n")
        return _message([_block([{"type": "TextRun", "text": line}]) for line in lines if line])
    return outline.fitted(message, _render, _fits, names_story=True, zone=zone)


def size_bytes(card: dict[str, Any]) -> int:
    """Return the size of a document as JSON, in bytes."""
    return len(json.dumps(card, ensure_ascii=False).encode())


def _fits(card: dict[str, Any]) -> bool:
    return size_bytes(card) <= LIMIT_BYTES


def _render(lines: Sequence[Line]) -> dict[str, Any]:
    return _message([_element(line) for line in lines] or [_block([{"type": "TextRun", "text": "Wirewatch"}])])


def _message(body: Sequence[dict[str, Any]]) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": _VERSION,
        # Without this a card is half as wide as its channel.
        "msteams": {"width": "Full"},
        "body": list(body),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _element(line: Line) -> dict[str, Any]:
    runs = [_run(run, line.style) for run in line.runs]
    match line.style:
        case Style.QUOTE:
            # Cards have no quotes, so a shaded box.
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
    element: dict[str, Any] = {"type": "TextRun", "text": run.text}
    if run.is_bold:
        element["weight"] = "Bolder"
    if run.is_italic:
        element["italic"] = True
    if run.is_struck:
        element["strikethrough"] = True
    if style is Style.HEAD:
        element["size"] = "Medium"
    if style is Style.SMALL:
        element |= {"size": "Small", "isSubtle": True}
    if run.link:
        element["selectAction"] = {"type": "Action.OpenUrl", "url": run.link}
    return element
