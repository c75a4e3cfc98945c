"""A message as Telegram shows it: plain text, and beside it which part is bold, struck, quoted or a link.

Nothing in the text is parsed as markup, so nothing needs escaping; but Telegram looks for @names and /commands in it,
so that each of these signs has an invisible joiner behind it. Limits (core.telegram.org/bots/api): 4,096 UTF-16 units
of text, counted without the entities, and 100 entities ("sendMessage"; limits.tginfo.me): those past them would not
show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from itertools import groupby
from typing import Any

from bot import model
from bot.channels.kit import inert, outline, phrases, plain_text
from bot.channels.kit.styled import Line, Run, Style

TEXT_LIMIT = 4_096
ENTITY_LIMIT = 100
_PREFIXES = {Style.HEAD: "", Style.LINE: "", Style.QUOTE: "", Style.ITEM: "• ", Style.SMALL: ""}


def content(
    message: model.Message, *, zone: tzinfo, names_story: bool = False, is_plain: bool = False
) -> dict[str, Any]:
    """Return the text of a message with its entities, to send or to edit; links have no preview.

    Nothing in the text is parsed as markup, so it needs no escaping; but Telegram looks for @names and /commands, so an
    invisible joiner follows each @ and /. Limits (core.telegram.org/bots/api, "sendMessage"; limits.tginfo.me): 4,096
    UTF-16 units of text without the entities, and 100 entities, beyond which Telegram shows none.
    """
    common: dict[str, Any] = {"link_preview_options": {"is_disabled": True}}
    if is_plain:
        text = _quiet(plain_text.whole(message, zone=zone))
        return {**common, "text": phrases.cut(text, TEXT_LIMIT)}
    text, entities = outline.fitted(message, _render, _fits, names_story=names_story, zone=zone)
    return {**common, "text": text, "entities": entities}


def _fits(rendered: tuple[str, list[dict[str, Any]]]) -> bool:
    text, entities = rendered
    return phrases.size(text) <= TEXT_LIMIT and len(entities) <= ENTITY_LIMIT


def _render(lines: Sequence[Line]) -> tuple[str, list[dict[str, Any]]]:
    text, entities = "", list[dict[str, Any]]()
    # The evidence is a quote that is folded until the reader touches it.
    for style, block in groupby(lines, key=lambda line: line.style):
        if style is Style.SMALL:
            start = phrases.size(text) + bool(text)
            for line in block:
                text, entities = _added(text, entities, line)
            entities.append(_entity("expandable_blockquote", start, phrases.size(text)))
            continue
        for line in block:
            text, entities = _added(text, entities, line)
            if style is Style.QUOTE:
                start = phrases.size(text) - phrases.size("".join(map(_text, line.runs)))
                entities.append(_entity("blockquote", start, phrases.size(text)))
    return text or "Wirewatch", entities


def _added(text: str, entities: list[dict[str, Any]], line: Line) -> tuple[str, list[dict[str, Any]]]:
    """Append a line to ``text`` and ``entities``."""
    text += ("\n" if text else "") + _PREFIXES[line.style]
    for run in line.runs:
        start = phrases.size(text)
        text += _text(run)
        entities += _of(run, start, phrases.size(text))
    return text, entities


def _of(run: Run, start: int, end: int) -> Iterator[dict[str, Any]]:
    if run.link:
        yield _entity("text_link", start, end, url=run.link)
    for is_on, kind in ((run.is_bold, "bold"), (run.is_italic, "italic"), (run.is_struck, "strikethrough")):
        if is_on:
            yield _entity(kind, start, end)


def _entity(kind: str, start: int, end: int, **more: str) -> dict[str, Any]:
    return {"type": kind, "offset": start, "length": end - start, **more}


def _text(run: Run) -> str:
    return run.mention or _quiet(run.text)


def _quiet(words: str) -> str:
    """Break names and commands that Telegram would find: @channel, @alice, /ban.

    >>> _quiet("/ban @all, 5/6, and/or https://x.example/ban (/start)").replace("\u2060", "^")
    '/^ban @^all, 5/6, and/or https://x.example/ban (/^start)'
    """
    return inert.uncommanded(words.replace("@", "@\u2060"))
