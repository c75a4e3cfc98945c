"""Discord's error codes and what is done about each (docs/channels.md has the same table for people).

Codes from "Opcodes and Status Codes" in Discord's developer documentation (discord/discord-api-docs,
developers/topics/opcodes-and-status-codes.mdx).
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.channels.kit.acts import Act

_RIGHTS = (
    "in the channel's settings, Permissions, allow the bot's role View Channel, Send Messages, Embed Links, Read "
    "Message History, Create Public Threads and Send Messages in Threads"
)
_BOTS_OWN = "copy the bot's token into what `token:` names: on the application's page choose Bot, Reset Token"
_NEW_WEBHOOK = (
    "make a new one in the channel's settings, Integrations, Webhooks, and copy its URL into what `webhook:` names"
)

#: Code -> the reaction, its meaning, and advice to the operator (docs/channels.md has the same table).
TABLE: Mapping[int, tuple[Act, str, str]] = {
    20016: (Act.WAIT, "slow mode", ""),
    20028: (Act.WAIT, "the channel's write limit", ""),
    20029: (Act.WAIT, "the server's write limit", ""),
    40006: (Act.WAIT, "turned off for now", ""),
    40062: (Act.WAIT, "rate limited", ""),
    130000: (Act.WAIT, "overloaded", ""),
    20022: (Act.WAIT_ALONE, "edits of an announcement are limited", ""),
    30046: (Act.WAIT_ALONE, "too many edits of a message older than an hour", ""),
    40005: (Act.SIMPLIFY, "too large", ""),
    50006: (Act.SIMPLIFY, "an empty message", ""),
    50035: (Act.SIMPLIFY, "invalid form", ""),
    50109: (Act.SIMPLIFY, "invalid JSON", ""),
    200000: (Act.SIMPLIFY, "blocked by AutoMod", "exempt the bot in the server's settings, AutoMod"),
    240000: (Act.SIMPLIFY, "blocked by the filter of harmful links", ""),
    50083: (Act.TOP_LEVEL, "the thread is archived", ""),
    160002: (Act.TOP_LEVEL, "no reply without the right to read the history", _RIGHTS),
    160005: (Act.TOP_LEVEL, "the thread is locked", ""),
    160006: (Act.TOP_LEVEL, "too many active threads", ""),
    10008: (Act.LEAVE, "unknown message", ""),
    50005: (Act.LEAVE, "another author's message", ""),
    10003: (
        Act.PARK_CHANNEL,
        "unknown channel",
        "the channel is gone, or `to:` in bot.yaml is wrong: right-click it, Copy Link",
    ),
    50001: (Act.PARK_CHANNEL, "missing access", f"add the bot to the server, then {_RIGHTS}"),
    50013: (Act.PARK_CHANNEL, "missing permissions", _RIGHTS),
    50008: (Act.PARK_CHANNEL, "not a text channel", "name a text channel in `to:`"),
    50024: (Act.PARK_CHANNEL, "not for this type of channel", "name a text channel in `to:`"),
    40058: (Act.PARK_CHANNEL, "a forum", "name a text channel in `to:`, not a forum"),
    220001: (Act.PARK_CHANNEL, "a forum's webhook", "the webhook is a forum's: make one in a text channel"),
    10015: (Act.PARK_CHANNEL, "unknown webhook", f"the webhook was deleted: {_NEW_WEBHOOK}"),
    50027: (Act.PARK_CHANNEL, "invalid webhook token", f"the webhook's address is cut or mistyped: {_NEW_WEBHOOK}"),
    40001: (Act.PARK_WORKSPACE, "unauthorized", _BOTS_OWN),
    50014: (Act.PARK_WORKSPACE, "invalid token", _BOTS_OWN),
    40002: (Act.PARK_WORKSPACE, "account not verified", "Discord wants the bot's owner to verify the account"),
}

#: The reactions when a thread does not exist.
NO_THREAD: Mapping[int, Act] = dict.fromkeys((10003, 10008, 50001, 50013, 50024), Act.TOP_LEVEL)
#: The code of HTTP 401, whose answer has none.
UNAUTHORIZED = 40001
THREAD_EXISTS = 160004
UNKNOWN_CHANNEL = 10003
