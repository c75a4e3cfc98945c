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
#: Marks that a backslash takes from Markdown; # also begins a hashtag. A ( does nothing behind a \] of ours.
_MARKS = re.compile(r"[\\`*_\[\]#~|!]")
#: What a line may begin with to become a list, a quote or a heading.
_LINE_START = re.compile(r"^(?=[-+=]|\d+[.)])")
_ENTITY = re.compile(r"&(?=[#\w]{1,32};)")
_PREFIXES = {Style.HEAD: "#### ", Style.LINE: "", Style.QUOTE: "> ", Style.ITEM: "- ", Style.SMALL: ""}


def text(message: model.Message, *, limit: int, zone: tzinfo, names_story: bool = False, is_plain: bool = False) -> str:
    """``limit``: of the server, in characters."""
    if is_plain:
        words = inert.text(plain_text.whole(message, zone=zone))
        return plain_text.lines_to(words, limit)
    return outline.fitted(
        message, _render, lambda made: phrases.size(made) <= limit, names_story=names_story, zone=zone
    )


def _render(lines: Sequence[Line]) -> str:
    """Lists and small print are one block; a quote ends with an empty line, or what follows would be in it."""
    blocks: list[str] = []
    for style, group in groupby(lines, key=lambda line: line.style):
        made = [_PREFIXES[style] + "".join(_run(run) for run in line.runs) for line in group]
        blocks += ["\n".join(made)] if style in (Style.ITEM, Style.SMALL) else made
    return "\n\n".join(blocks)


def _run(run: Run) -> str:
    if run.mention:
        return f"@{run.mention}"
    before, words, after = run.parted
    if not words:
        return run.text
    made = escaped(words)
    for is_on, mark in ((run.is_italic, "*"), (run.is_struck, "~~"), (run.is_bold, "**")):
        made = f"{mark}{made}{mark}" if is_on else made
    return f"{before}[{made}]({_address(run.link)}){after}" if run.link else f"{before}{made}{after}"


def escaped(words: str) -> str:
    """
    >>> escaped("*now* <b> @all #tag").replace("\\u2060", "^")
    '\\\\*now\\\\* ‹b› @^all \\\\#tag'
    """
    made = _MARKS.sub(r"\\\g<0>", words.replace("<", "‹").replace(">", "›"))
    made = _ENTITY.sub(f"&{_JOINER}", made).replace("@", f"@{_JOINER}").replace("\uff20", f"\uff20{_JOINER}")
    return _LINE_START.sub(_JOINER, made)


def _address(link: str) -> str:
    """Between the brackets of a link, where it leads as before."""
    return re.sub(r"[()\[\]*`@\\]", lambda found: f"%{ord(found[0]):02X}", link)
