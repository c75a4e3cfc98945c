"""A message as Discord shows it: the first lines as text, so that a notification has them, the rest as one embed.

Limits from Discord's developer documentation (discord/discord-api-docs, developers/resources/message.mdx): content
2,000, an embed's description 4,096, all of an embed 6,000. Discord escapes nothing for us: each mark that its markdown
knows has a backslash before it, and each @ an invisible joiner behind it; no request allows a mention either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from itertools import groupby
from typing import Any

from bot import model
from bot.channels.kit import inert, outline, phrases, plain_text
from bot.channels.kit.styled import Line, Run, Style

CONTENT_LIMIT = 2_000
DESCRIPTION_LIMIT = 4_096
#: 1 << 2: no preview of a link.
_SUPPRESS_EMBEDS = 4
#: The address of an embed without a title is not shown, and Discord gives it back; ".invalid" leads nowhere (RFC 6761).
_REF = "https://wirewatch.invalid/"
#: A thread's name.
_NAME_LIMIT = 100
_COLOURS = {model.Severity.HIGH: 0xD92D20, model.Severity.NORMAL: 0x2E6FD9, model.Severity.LOW: 0x98A2B3}
_PREFIXES = {Style.HEAD: "", Style.LINE: "", Style.QUOTE: "> ", Style.ITEM: "- ", Style.SMALL: "-# "}
# The slash, since an invitation (discord.gg/…) is a card without https:// too.
_MARKS = re.compile(r"[\\*_~`|<>\[\]/]|:(?=[^\s\d])")
#: A heading, a list or small print where a line begins.
_LINE_START = re.compile(r"^(\s*)(?=[#+-])|^(\s*\d+)(?=\.)")


def payload(
    message: model.Message, *, zone: tzinfo, ref: str = "", names_story: bool = False, is_plain: bool = False
) -> dict[str, Any]:
    """What a message is created or edited with. ``ref``: a look-up finds the message by it (``refs_of``)."""
    allowed: dict[str, Any] = {"allowed_mentions": _allowed(message) if not is_plain else {"parse": []}}
    if is_plain:
        small = f"\n-# {ref}" if ref else ""
        text = inert.text(plain_text.whole(message, zone=zone))
        content = phrases.cut(text, CONTENT_LIMIT - len(small)) + small
        return {"content": content, "embeds": [], "flags": _SUPPRESS_EMBEDS, **allowed}
    content, described = outline.fitted(message, _render, _fits, names_story=names_story, zone=zone)
    if ref and not described:
        # A message of one line: without any text Discord takes no embed.
        content, described = "Wirewatch", content
    embed: dict[str, Any] = {"color": _COLOURS[message.severity], "description": described}
    if ref:
        embed["url"] = f"{_REF}{ref}"
    return {"content": content, "embeds": [embed] if described else [], "flags": 0, **allowed}


def refs_of(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield what ``payload`` may have put into a message as its ``ref``."""
    for embed in message.get("embeds") or ():
        yield str(embed.get("url") or "").removeprefix(_REF)
        # Of versions that showed it.
        yield str((embed.get("footer") or {}).get("text") or "")
    yield str(message.get("content") or "").rpartition("-# ")[2]


def _allowed(message: model.Message) -> dict[str, list[str]]:
    """Those whom the configuration names, and nobody else."""
    ids = [each.id for each in message.mentions if each.id]
    found = {
        "users": [each for each in ids if each.isdigit()],
        "roles": [each[1:] for each in ids if each.startswith("&")],
    }
    is_loud = any(each in ("here", "everyone") for each in ids)
    return {"parse": ["everyone"] if is_loud else [], **{key: those for key, those in found.items() if those}}


def thread_name(message: model.Message) -> str:
    """The story's headline, in one line that Discord shows as it is."""
    return phrases.headline(message.briefs[0], _NAME_LIMIT) if message.briefs else "News"


def _render(lines: Sequence[Line]) -> tuple[str, str]:
    """Content and description."""
    head = 2 if len(lines) > 1 and lines[1].style is Style.HEAD else 1
    return "\n".join(map(_line, lines[:head])) or "Wirewatch", "\n".join(map(_line, lines[head:]))


def _fits(made: tuple[str, str]) -> bool:
    content, described = map(phrases.size, made)
    # An embed's own limit is never met: with its footer it is shorter than 6,000.
    return content <= CONTENT_LIMIT and described <= DESCRIPTION_LIMIT


def _line(line: Line) -> str:
    merged = groupby(line.runs, key=lambda run: (run.link, run.is_bold, run.is_italic, run.is_struck, run.mention))
    runs = [(key, "".join(run.text for run in same)) for key, same in merged]
    return _PREFIXES[line.style] + "".join(
        _mention(mention)
        or _marked_up(Run(text=text, link=link, is_bold=bold, is_italic=italic, is_struck=struck), is_first=place == 0)
        for place, ((link, bold, italic, struck, mention), text) in enumerate(runs)
    )


def _mention(person: str) -> str:
    """Empty: nobody."""
    return f"@{person}" if person in ("here", "everyone") else f"<@{person}>" if person else ""


def _marked_up(run: Run, *, is_first: bool) -> str:
    before, words, after = run.parted
    if not words:
        return run.text
    text = escaped(words, is_first=is_first)
    for is_on, mark in ((run.is_italic, "*"), (run.is_struck, "~~"), (run.is_bold, "**")):
        text = f"{mark}{text}{mark}" if is_on else text
    # In angle brackets a link has no preview.
    return f"{before}[{text}](<{_address(run.link)}>){after}" if run.link else f"{before}{text}{after}"


def escaped(words: str, *, is_first: bool = True) -> str:
    """``is_first``: where a line may begin with it.

    >>> escaped("# *a* <@1> https://x.example @all").replace("\\u2060", "^")
    '\\\\# \\\\*a\\\\* \\\\<@^1\\\\> https\\\\:\\\\/\\\\/x.example @^all'
    """
    text = _MARKS.sub(r"\\\g<0>", words)
    text = text.replace("@", "@\u2060")
    return _LINE_START.sub(r"\1\2\\", text, count=1) if is_first else text


def _address(link: str) -> str:
    return link.replace("(", "%28").replace(")", "%29").replace("@", "%40")
