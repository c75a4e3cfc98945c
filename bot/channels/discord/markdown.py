"""Render a message for Discord: the first lines as text, which notifications show, the rest as an embed.

Limits from Discord's developer documentation (discord/discord-api-docs, developers/resources/message.mdx): content
2,000, an embed's description 4,096, all of an embed 6,000. Untrusted text is escaped: a backslash precedes each mark of
Discord's Markdown, and an invisible joiner follows each @; requests allow configured mentions only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from itertools import groupby
from typing import Any

from bot import model
from bot.channels.kit import outline, phrases, rendering
from bot.channels.kit.outline import Line, Run, Style
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
# With the slash: an invitation (discord.gg/…) becomes a card even without https://.
_MARKS = re.compile(r"[\\*_~`|<>\[\]/]|:(?=[^\s\d])")
#: The start of a heading, a list or small print at the start of a line.
_LINE_START = re.compile(r"^(\s*)(?=[#+-])|^(\s*\d+)(?=\.)")


def build_payload(
    message: model.Message, *, zone: tzinfo, ref: str = "", names_story: bool = False, is_plain: bool = False
) -> dict[str, Any]:
    """Return the fields to create or edit a message. ``ref`` is a reference for look-ups (``refs_of``)."""
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
    """Yield what ``payload`` may have put into a message as its ``ref``."""
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
    """Return the story's headline as a name; names have no markup."""
    return phrases.headline(message.briefs[0], _NAME_LIMIT) if message.briefs else "News"


def _render(lines: Sequence[Line]) -> tuple[str, str]:
    """Return the content and the embed's description."""
    head = 2 if len(lines) > 1 and lines[1].style is Style.HEAD else 1
    return "\n".join(map(_render_line, lines[:head])) or "Wirewatch", "\n".join(map(_render_line, lines[head:]))


def _fits(rendered: tuple[str, str]) -> bool:
    content, described = map(phrases.size, rendered)
    # Our embeds never reach the limit of 6,000 for all of an embed.
    return content <= CONTENT_LIMIT and described <= DESCRIPTION_LIMIT


def _render_line(line: Line) -> str:
    merged = groupby(line.runs, key=lambda run: (run.link, run.is_bold, run.is_italic, run.is_struck, run.mention))
    runs = [(key, "".join(run.text for run in same)) for key, same in merged]
    return _PREFIXES[line.style] + "".join(
        _mention(mention)
        or _render_run(Run(text=text, link=link, is_bold=bold, is_italic=italic, is_struck=struck), is_first=place == 0)
        for place, ((link, bold, italic, struck, mention), text) in enumerate(runs)
    )


def _mention(person: str) -> str:
    """Return the mention, empty without a person."""
    return f"@{person}" if person in ("here", "everyone") else f"<@{person}>" if person else ""


def _render_run(run: Run, *, is_first: bool) -> str:
    leading, words, trailing = run.parted
    if not words:
        return run.text
    text = escape(words, is_first=is_first)
    for is_on, mark in ((run.is_italic, "*"), (run.is_struck, "~~"), (run.is_bold, "**")):
        text = f"{mark}{text}{mark}" if is_on else text
    # Angle brackets turn off the link's preview.
    text = f"[{text}](<{_escape_address(run.link)}>)" if run.link else text
    return f"{leading}{text}{trailing}"


def escape(words: str, *, is_first: bool = True) -> str:
    """Escape untrusted text. ``is_first``: the text may be at the start of a line.

    >>> escaped("# *a* <@1> https://x.example @all").replace("\\u2060", "^")
    '\\\\# \\\\*a\\\\* \\\\<@^1\\\\> https\\\\:\\\\/\\\\/x.example @^all'
    """
    text = _MARKS.sub(r"\\\g<0>", words)
    text = text.replace("@", "@\u2060")
    return _LINE_START.sub(r"\1\2\\", text, count=1) if is_first else text


def _escape_address(link: str) -> str:
    return link.replace("(", "%28").replace(")", "%29").replace("@", "%40")
