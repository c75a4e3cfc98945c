"""Telegram's descriptions of errors and what is done about each (docs/channels.md has the same table for people).

Telegram has no codes but HTTP's; its words are those of its own server (tdlib/telegram-bot-api, Client.cpp) and of the
list TelegramBotAPI/errors.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.channels.kit.acts import Act

_TOKEN = "copy the token that @BotFather gives into what `token:` names: send it /mybots, choose the bot, API Token"  # noqa: S105
_ADD = "add the bot to the chat again: in the chat's profile choose Add Members or, in a channel, Administrators"
_RIGHTS = "in the chat's profile choose Administrators, the bot, and allow it to post messages"
_START = "open the chat with the bot and press Start"

#: Words of an error's description, in lower case -> the reaction, and advice to the operator; the first match counts
#: (docs/channels.md has the same table). Telegram has no codes but HTTP's; the words are from its server
#: (tdlib/telegram-bot-api, Client.cpp) and the list TelegramBotAPI/errors.
TABLE: Mapping[str, tuple[Act, str]] = {
    "too many requests": (Act.WAIT, ""),
    "unauthorized": (Act.PARK_WORKSPACE, _TOKEN),
    "message to edit not found": (Act.LEAVE, ""),
    "message can't be edited": (Act.LEAVE, ""),
    "message_id_invalid": (Act.LEAVE, ""),
    "message to be replied not found": (Act.TOP_LEVEL, ""),
    "reply message not found": (Act.TOP_LEVEL, ""),
    "message thread not found": (Act.PARK_CHANNEL, "correct or remove `topic:` in bot.yaml"),
    "topic_closed": (Act.PARK_CHANNEL, "open the topic again, or correct `topic:` in bot.yaml"),
    "chat not found": (
        Act.PARK_CHANNEL,
        "correct `to:` in bot.yaml, and add the bot to the chat; in a private chat press Start first",
    ),
    "bot was kicked": (Act.PARK_CHANNEL, _ADD),
    "bot is not a member": (Act.PARK_CHANNEL, _ADD),
    "bot was blocked by the user": (Act.PARK_CHANNEL, _START),
    "can't initiate conversation": (Act.PARK_CHANNEL, _START),
    "can't send messages to bots": (Act.PARK_CHANNEL, "correct `to:` in bot.yaml: it is a bot"),
    "user is deactivated": (Act.PARK_CHANNEL, "the account was deleted: correct `to:` in bot.yaml"),
    "deactivated": (Act.PARK_CHANNEL, "the group was closed: correct `to:` in bot.yaml"),
    "upgraded to a supergroup": (Act.PARK_CHANNEL, "the group has a new id: correct `to:` in bot.yaml"),
    "not enough rights": (Act.PARK_CHANNEL, _RIGHTS),
    "have no rights": (Act.PARK_CHANNEL, _RIGHTS),
    "need administrator rights": (Act.PARK_CHANNEL, _RIGHTS),
    "chat_write_forbidden": (Act.PARK_CHANNEL, _RIGHTS),
    "message is too long": (Act.SIMPLIFY, ""),
    "text is too long": (Act.SIMPLIFY, ""),
    "message text is empty": (Act.SIMPLIFY, ""),
    "entities": (Act.SIMPLIFY, ""),
    "can't parse": (Act.SIMPLIFY, ""),
    "wrong http url": (Act.SIMPLIFY, ""),
}
#: The answer to an edit that changes nothing, which counts as done.
NOT_MODIFIED = "message is not modified"
#: Advice for HTTP 409.
OTHER_PROGRAM = (
    "another program receives the updates of this bot: create a separate bot for Wirewatch (@BotFather, /newbot), or "
    "remove buttons"
)


def known(description: str) -> str | None:
    """Return the first words of the table that the description contains."""
    folded = description.casefold()
    return next((words for words in TABLE if words in folded), None)
