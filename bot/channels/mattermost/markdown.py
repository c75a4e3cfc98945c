"""A message in Mattermost's Markdown, within a server's longest message. What feeds say is text, and pings nobody.

A mention is read from the message itself, whatever its markup: an @ and a name behind it (mattermost/mattermost,
app/mention_parser_standard.go). So behind each @ is an invisible joiner, which ends the word there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import tzinfo
from itertools import groupby

from bot import model
from bot.channels.kit import inert, outline, phrases, plain_text
from bot.channels.kit.styled import Line, Run, Style

_JOINER = "\u2060"
#: Marks that a backslash escapes; # also begins a hashtag. A ( is harmless after our \].
_MARKS = re.compile(r"[\\`*_\[\]#~|!]")
#: The start of a list, a quote or a heading at the start of a line.
_LINE_START = re.compile(r"^(?=[-+=]|\d+[.)])")
_ENTITY = re.compile(r"&(?=[#\w]{1,32};)")
_PREFIXES = {Style.HEAD: "#### ", Style.LINE: "", Style.QUOTE: "> ", Style.ITEM: "- ", Style.SMALL: ""}


def text(message: model.Message, *, limit: int, zone: tzinfo, names_story: bool = False, is_plain: bool = False) -> str:
    """Return a message in Mattermost's Markdown, of at most ``limit`` characters."""
    if is_plain:
        words = inert.text(plain_text.whole(message, zone=zone))
        return plain_text.lines_to(words, limit)
    return outline.fitted(
        message, _render, lambda rendered: phrases.size(rendered) <= limit, names_story=names_story, zone=zone
    )


def _render(lines: Sequence[Line]) -> str:
    """Return blocks with blank lines between them, without which the text after a quote would belong to it."""
    blocks: list[str] = []
    for style, group in groupby(lines, key=lambda line: line.style):
        texts = [_PREFIXES[style] + "".join(_run(run) for run in line.runs) for line in group]
        blocks += ["\n".join(texts)] if style in (Style.ITEM, Style.SMALL) else texts
    return "\n\n".join(blocks)


def _run(run: Run) -> str:
    if run.mention:
        return f"@{run.mention}"
    leading, words, trailing = run.parted
    if not words:
        return run.text
    text = escaped(words)
    for is_on, mark in ((run.is_italic, "*"), (run.is_struck, "~~"), (run.is_bold, "**")):
        text = f"{mark}{text}{mark}" if is_on else text
    text = f"[{text}]({_address(run.link)})" if run.link else text
    return f"{leading}{text}{trailing}"


def escaped(words: str) -> str:
    """Escape untrusted text.

    >>> escaped("*now* <b> @all #tag").replace("\\u2060", "^")
    '\\\\*now\\\\* ‹b› @^all \\\\#tag'
    """
    text = _MARKS.sub(r"\\\g<0>", words.replace("<", "‹").replace(">", "›"))
    text = _ENTITY.sub(f"&{_JOINER}", text).replace("@", f"@{_JOINER}").replace("\uff20", f"\uff20{_JOINER}")
    return _LINE_START.sub(_JOINER, text)


def _address(link: str) -> str:
    """Escape an address for the brackets of a link, without changing where it leads."""
    return re.sub(r"[()\[\]*`@\\]", lambda mark: f"%{ord(mark[0]):02X}", link)
