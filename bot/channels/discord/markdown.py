"""Render a message for Discord: the first lines as text, which notifications show, and the rest as an embed.

Limits from Discord's developer documentation (discord/discord-api-docs, developers/resources/message.mdx): content
2,000, an embed's description 4,096, all of an embed 6,000. Untrusted text is escaped: a backslash precedes each mark of
Discord's Markdown, and an invisible joiner follows each @; requests allow configured mentions only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from bot import model
from bot.channels.kit import outline, phrases, rendering
from bot.channels.kit.outline import Line, Style
from bot.channels.kit.phrases import break_markup

CONTENT_LIMIT = 2_000
DESCRIPTION_LIMIT = 4_096
#: The message flag (1 << 2) that turns off previews of links.
_SUPPRESS_EMBEDS = 4
#: Discord stores, but does not show, the address of an embed without a title; ".invalid" leads nowhere (RFC 6761).
_REF = "https://wirewatch.invalid/"
#: Maximum characters of a thread's name.
_NAME_LIMIT = 100
_COLOURS = {model.Severity.HIGH: 0xD92D20, model.Severity.NORMAL: 0x2E6FD9, model.Severity.LOW: 0x98A2B3}
_PREFIXES = {Style.HEAD: "", Style.LINE: "", Style.QUOTE: "> ", Style.ITEM: "- ", Style.SMALL: "-# "}
# Escape the slash too, because an invitation (discord.gg/…) becomes a card even without https://.
_MARKS = re.compile(r"[\\*_~`|<>\[\]/]|:(?=[^\s\d])")
#: The start of a heading, a list or small print at the start of a line.
_LINE_START = re.compile(r"^(\s*)(?=[#+-])|^(\s*\d+)(?=\.)")


def build_payload(
    message: model.Message, *, zone: tzinfo, ref: str = "", names_story: bool = False, is_plain: bool = False
) -> dict[str, Any]:
    """Return the fields to create or edit a message. They contain ``ref``, which ``find_refs`` finds again."""
    allowed: dict[str, Any] = {"allowed_mentions": _allowed_mentions(message) if not is_plain else {"parse": []}}
    if is_plain:
        small = f"\n-# {ref}" if ref else ""
        text = break_markup(rendering.plain_message(message, zone=zone))
        content = phrases.cut(text, CONTENT_LIMIT - len(small)) + small
        return {"content": content, "embeds": [], "flags": _SUPPRESS_EMBEDS, **allowed}
    content, described = outline.render_to_fit(message, _render, _fits, names_story=names_story, zone=zone)
    if ref and not described:
        # The message has one line, and Discord accepts no embed without text.
        content, described = "Wirewatch", content
    embed: dict[str, Any] = {"color": _COLOURS[message.severity], "description": described}
    if ref:
        embed["url"] = f"{_REF}{ref}"
    return {"content": content, "embeds": [embed] if described else [], "flags": 0, **allowed}


def find_refs(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of a message that may be the ``ref`` of ``build_payload``."""
    for embed in message.get("embeds") or ():
        yield str(embed.get("url") or "").removeprefix(_REF)
        # Earlier versions showed the reference in the footer.
        yield str((embed.get("footer") or {}).get("text") or "")
    yield str(message.get("content") or "").rpartition("-# ")[2]


def _allowed_mentions(message: model.Message) -> dict[str, list[str]]:
    """Allow the message's mentions, which come from the configuration, and no others."""
    ids = [mention.id for mention in message.mentions if mention.id]
    allowed = {
        "parse": ["everyone"] if "here" in ids or "everyone" in ids else [],
        "users": [person for person in ids if person.isdigit()],
        "roles": [person[1:] for person in ids if person.startswith("&")],
    }
    return {key: names for key, names in allowed.items() if names or key == "parse"}


def thread_name(message: model.Message) -> str:
    """Return the story's headline as the name of its thread. Names have no markup."""
    return phrases.headline(message.briefs[0], _NAME_LIMIT) if message.briefs else "News"


def _render(lines: Sequence[Line]) -> tuple[str, str]:
    """Return the content and the embed's description."""
    head = 2 if len(lines) > 1 and lines[1].style is Style.HEAD else 1
    return "\n".join(map(_render_line, lines[:head])) or "Wirewatch", "\n".join(map(_render_line, lines[head:]))


def _fits(rendered: tuple[str, str]) -> bool:
    content, described = map(phrases.size, rendered)
    # Our embeds never reach the limit of 6,000 characters for a whole embed.
    return content <= CONTENT_LIMIT and described <= DESCRIPTION_LIMIT


def _render_line(line: Line) -> str:
    style_of = attrgetter("link", "is_bold", "is_italic", "is_struck", "mention")
    text = _PREFIXES[line.style]
    for place, (_, group) in enumerate(groupby(line.runs, key=style_of)):
        runs = list(group)
        run = replace(runs[0], text="".join(run.text for run in runs))
        text += _mention(run.mention) or rendering.render_markdown(
            run,
            partial(escape, is_first=place == 0),
            # Angle brackets turn off the link's preview.
            lambda link: f"<{_escape_address(link)}>",
        )
    return text


def _mention(person: str) -> str:
    return f"@{person}" if person in ("here", "everyone") else f"<@{person}>" if person else ""


def escape(words: str, *, is_first: bool = True) -> str:
    """Escape untrusted text. If ``is_first`` is true, the text may be at the start of a line.

    >>> escape("# *a* <@1> https://x.example @all").replace("\\u2060", "^")
    '\\\\# \\\\*a\\\\* \\\\<@^1\\\\> https\\\\:\\\\/\\\\/x.example @^all'
    """
    text = _MARKS.sub(r"\\\g<0>", words)
    text = text.replace("@", "@\u2060")
    return _LINE_START.sub(r"\1\2\\", text, count=1) if is_first else text


def _escape_address(link: str) -> str:
    return link.replace("(", "%28").replace(")", "%29").replace("@", "%40")
