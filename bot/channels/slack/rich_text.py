"""The pieces of Block Kit that our messages are made of.

Untrusted text is only in rich_text text elements and plain_text objects, which Slack shows as they are: nothing in
them pings, formats or links (https://docs.slack.dev/reference/block-kit/blocks/rich-text-block). A mrkdwn object holds
our own words only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from bot.channels.kit import phrases

Json: TypeAlias = str | int | bool | Mapping[str, "Json"] | Sequence["Json"] | None
Piece: TypeAlias = dict[str, Json]

HEADER_LIMIT = 150
SECTION_LIMIT = 3_000
TEXT_LIMIT = 4_000
BLOCK_LIMIT = 50
#: The maximum length of all blocks as JSON. Slack refuses more than some 13,200 characters (slackapi/bolt-js #2509) and
#: does not document what it counts, so we count everything.
TOTAL_LIMIT = 10_000


def text(words: str, *, bold: bool = False, strike: bool = False, italic: bool = False, code: bool = False) -> Piece:
    """Return a text element with its style."""
    styles = (("bold", bold), ("strike", strike), ("italic", italic), ("code", code))
    style = {name: True for name, is_on in styles if is_on}
    return {"type": "text", "text": words, "style": style} if style else {"type": "text", "text": words}


def link(label: str, address: str, *, bold: bool = False) -> Piece:
    """Return a link to a safe address."""
    piece: Piece = {"type": "link", "url": address, "text": label}
    return {**piece, "style": {"bold": True}} if bold else piece


def user(person: str) -> Piece:
    """Return a person, whom Slack shows by name; in an edit it notifies nobody."""
    return {"type": "user", "user_id": person}


def mention(person: str) -> Piece:
    """Return an element that notifies a person, a user group, or everybody here or in the channel."""
    if person in ("here", "channel"):
        return {"type": "broadcast", "range": person}
    return {"type": "usergroup", "usergroup_id": person} if person.startswith("S") else user(person)


def date(when: datetime, form: str, fallback: str) -> Piece:
    """Return a time that each reader sees in their zone; ``fallback`` is for programs that cannot show it."""
    return {"type": "date", "timestamp": int(when.timestamp()), "format": form, "fallback": fallback}


def section(pieces: Sequence[Piece]) -> Piece:
    """Return a section of inline elements."""
    return {"type": "rich_text_section", "elements": _full(pieces)}


def quote(pieces: Sequence[Piece]) -> Piece:
    """Return a quotation of inline elements."""
    return {"type": "rich_text_quote", "elements": _full(pieces)}


def _full(pieces: Sequence[Piece]) -> list[Piece]:
    """Drop empty texts, and never return an empty list: Slack refuses both."""
    return [piece for piece in pieces if piece.get("text") != ""] or [text(" ")]


def bullets(items: Sequence[Sequence[Piece]]) -> Piece:
    """Return a list with an entry for each sequence of inline elements."""
    return {"type": "rich_text_list", "style": "bullet", "elements": [section(item) for item in items]}


def rich(elements: Sequence[Piece]) -> Piece:
    """Return the block around sections, quotations and lists."""
    return {"type": "rich_text", "elements": elements}


def header(words: str) -> Piece:
    """Return a block with large text, without markup."""
    return {"type": "header", "text": {"type": "plain_text", "text": words, "emoji": False}}


def small(words: str) -> Piece:
    """Return a small grey line, without markup."""
    return {"type": "context", "elements": [{"type": "plain_text", "text": words, "emoji": False}]}


def small_own(mrkdwn: str) -> Piece:
    """Return a small grey line with markup for dates; for our own words only."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": mrkdwn, "verbatim": True}]}


def own_date(when: datetime, form: str, fallback: str) -> str:
    """Return the markup of a time that each reader sees in their zone; ``form`` is its format."""
    return f"<!date^{int(when.timestamp())}^{form}|{fallback}>"


def weight(blocks: Sequence[Piece]) -> int:
    """Return the length of the blocks as JSON, which counts towards ``TOTAL_LIMIT``."""
    return phrases.size(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")))


def escaped(words: str) -> str:
    """Escape & < > for ``text`` (docs.slack.dev/messaging/formatting-message-text)."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escaped_to(words: str, limit: int) -> str:
    """Return escaped text of at most ``limit`` units; it is cut before escaping, so that no entity is cut."""
    room = limit
    while phrases.size(result := escaped(phrases.cut(words, room))) > limit:
        room -= max(1, phrases.size(result) - limit) if room > limit // 2 else max(1, room // 8)
    return result


def unformatted(words: str) -> str:
    """Add an invisible joiner after each mark in plain text, so that Slack reads none as a format.

    A backtick becomes an apostrophe: code is often a command to copy, and a joiner would be copied with it.
    """
    return phrases.by_links(
        words, lambda part: "".join(f"{c}\u2060" if c in "*_~" else c for c in part.replace("`", "'"))
    )
