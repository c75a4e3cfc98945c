"""Plain text that no chat service reads as anything else: no mention, no format, no link under another label.

For services whose markup we do not write ourselves. Who is pinged is said by the operator, never by an article, so a
mention is broken wherever it is, also inside an address. Knows no service: what any of them reads is taken away.
"""

from __future__ import annotations

import re

from bot.channels.kit import phrases

#: Invisible. No service accepts it inside a mention or next to a mark.
_JOINER = "\u2060"
#: The wide and the small form too: some servers treat them as @.
_AT = "@\uff20\ufe6b"
_MENTIONS = str.maketrans({char: f"{char}{_JOINER}" for char in _AT})
_MARKS = _MENTIONS | str.maketrans(
    {
        # Slack, Discord, Teams, Google Chat and others write mentions in angle brackets, and escape them differently.
        "<": "\u2039",
        ">": "\u203a",
        # Code is often a command to copy, and a joiner would be copied with it.
        "`": "'",
        # Bold, italic, struck; the label of a link; [CQ:at,qq=all].
        **{char: f"{char}{_JOINER}" for char in "*_~|[]"},
    }
)
#: A word that Telegram turns into a command (td/telegram/MessageEntity.cpp, "match_bot_commands").
_COMMAND = re.compile(r"(?<![\w/])/(?=[A-Za-z0-9_])")
#: A line that begins as a heading or a list.
_LINE_STARTS = re.compile(r"^(?=[#-])", re.MULTILINE)
#: An entity that a service may decode a second time: &lt;!channel&gt;
_ENTITY = re.compile(r"&(?=[#\w]{1,32};)")
_HOST = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?(?=[/?#]|\Z)")
_IN_ADDRESS = str.maketrans({char: "".join(f"%{byte:02X}" for byte in char.encode()) for char in f"{_AT}<>|`*[]\\^"})


def text(words: str, *, reads_marks: bool = True) -> str:
    """Return plain text that no chat service reads as a mention, a format, a command or a disguised link.

    For services whose markup is not escaped by us. Mentions come from the configuration, never from an article, so they
    are broken everywhere, also inside addresses. ``reads_marks`` is False for text that is escaped later (HTML): then
    only mentions are broken.

    >>> text("<@U1> *now* https://x.example/@everyone/a_b").replace("\u2060", "^")
    '‹@^U1› *^now*^ https://x.example/%40everyone/a_b'
    """
    return phrases.by_links(words, _marked if reads_marks else _unmentioned, _address)


def uncommanded(words: str) -> str:
    """Break words that start with a slash: one tap on the command /ban would send it."""
    return _COMMAND.sub(f"/{_JOINER}", words)


def _marked(words: str) -> str:
    return uncommanded(_LINE_STARTS.sub(_JOINER, _ENTITY.sub(f"&{_JOINER}", words.translate(_MARKS))))


def _unmentioned(words: str) -> str:
    return uncommanded(words.translate(_MENTIONS))


def _address(link: str) -> str:
    """Percent-encode an address without changing where it leads; text that is not an address is broken like text."""
    host = _HOST.match(link)
    if host is None:
        return _marked(link)
    return host[0] + _ENTITY.sub("%26", link[host.end() :].translate(_IN_ADDRESS))
