"""A strict local Telegram: the Bot API as far as the bot uses it.

    with faulty.serve(telegram.BotApi()) as server:
        server.service.messages(server.service.news)

Its answers and their words are those of tdlib/telegram-bot-api (telegram-bot-api/Client.cpp: ``check_chat_access``,
``fail_query_with_error``, ``get_formatted_text``) and of the list TelegramBotAPI/errors; its limits those of
core.telegram.org/bots/api ("sendMessage": 1 to 4,096 characters after entities parsing; "MessageEntity": offsets and
lengths in UTF-16 units).
Stricter than Telegram where Telegram ignores: an entity past the hundredth and an argument that is unknown are refused.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.testbed.servers import faulty
from tests.testbed.servers.faulty import Answer, Request

TOKEN = "123456789:telegram-test-token-of-the-bot-0001"
BOT_ID = 123456789
#: The group that there is.
NEWS = -1001234567890
TEXT, ENTITIES, BYTES = 4_096, 100, 1 << 15
_KINDS = {"bold", "italic", "strikethrough", "text_link", "blockquote", "expandable_blockquote", "code", "underline"}
#: The mentions that Telegram finds in a text (td/telegram/MessageEntity.cpp, ``match_mentions``).
MENTION = re.compile(r"(?<!\w)@[A-Za-z0-9_]{2,32}")
#: And its commands (``match_bot_commands``).
COMMAND = re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?![\w/<>])")


class Refused(faulty.Refused):
    def __init__(self, status: int, words: str, **parameters: int) -> None:
        body: dict[str, Any] = {"ok": False, "error_code": status, "description": words}
        super().__init__(status, {**body, "parameters": parameters} if parameters else body)


@dataclass(slots=True)
class Chat:
    id: int
    title: str
    type: str = "supergroup"
    #: left, kicked, member, restricted, administrator.
    status: str = "member"
    can_send: bool = True
    #: Where the group moved to.
    moved_to: int | None = None
    topics: tuple[int, ...] = ()
    messages: list[dict[str, Any]] = field(default_factory=list)


class BotApi(faulty.Strict):
    SENDS = frozenset({"post", "edit"})

    def __init__(self) -> None:
        super().__init__()
        self.chats: dict[int, Chat] = {}
        self.names: dict[str, int] = {}
        self.add_chat(NEWS, "News")
        #: Presses that nobody has confirmed, the answers that people saw, and the address of another program.
        self.updates: list[dict[str, Any]] = []
        self.answers: list[str] = []
        self.webhook = ""
        self._presses = 0
        #: Names and commands that Telegram found in a text.
        self.pinged: list[str] = []
        self.commands: list[str] = []

    def add_chat(self, id: int, title: str, *, type: str = "supergroup", name: str = "") -> Chat:  # noqa: A002
        self.chats[id] = chat = Chat(id=id, title=title, type=type)
        if name:
            self.names[f"@{name}"] = id
        return chat

    def messages(self, chat: int = NEWS) -> list[dict[str, Any]]:
        with self.lock:
            return [dict(message) for message in self.chats[chat].messages]

    def doing(self, request: Request) -> str:
        method = request.path.rpartition("/")[2]
        return {"sendMessage": "post", "editMessageText": "edit"}.get(method, "ask")

    def too_many(self) -> Answer:
        return Refused(429, "Too Many Requests: retry after 7", retry_after=7).answer

    def accept(self, request: Request) -> Answer:
        matching = re.fullmatch(r"/bot([^/]+)/(\w+)", request.path)
        if not matching or not re.fullmatch(r"\d+:[\w-]+", matching[1]):
            raise Refused(404, "Not Found")
        if matching[1] != TOKEN:
            raise Refused(401, "Unauthorized")
        written = "chat_id text entities link_preview_options reply_markup"
        method, arguments = {
            "getMe": (self._me, ""),
            "getChat": (self._chat_facts, "chat_id"),
            "getChatMember": (self._member, "chat_id user_id"),
            "sendMessage": (self._send, f"{written} reply_parameters message_thread_id"),
            "editMessageText": (self._edit, f"{written} message_id"),
            "getUpdates": (self._updates, "offset limit timeout allowed_updates"),
            "answerCallbackQuery": (self._answer_press, "callback_query_id text show_alert"),
            "editMessageReplyMarkup": (self._edit_markup, "chat_id message_id reply_markup"),
            "getWebhookInfo": (self._webhook_info, ""),
        }[matching[2]]
        body = request.body or {}
        if unknown := set(body) - set(arguments.split()):
            raise Refused(400, f"Bad Request: unknown arguments {sorted(unknown)}")
        return Answer(200, {"ok": True, "result": method(body)})

    def _me(self, body: Mapping[str, Any]) -> Any:
        return {"id": BOT_ID, "is_bot": True, "username": "wirewatch_bot"}

    def _chat_facts(self, body: Mapping[str, Any]) -> Any:
        chat = self._chat(body, writes=False)
        permissions = {"can_send_messages": chat.can_send}
        return {"id": chat.id, "title": chat.title, "type": chat.type, "permissions": permissions}

    def _member(self, body: Mapping[str, Any]) -> Any:
        chat = self._chat(body, writes=False)
        return {"status": chat.status, "can_post_messages": chat.can_send, "can_send_messages": chat.can_send}

    def _chat(self, body: Mapping[str, Any], *, writes: bool = True) -> Chat:
        text = str(body.get("chat_id"))
        id = self.names.get(text) if text.startswith("@") else int(text)  # noqa: A001 - Telegram's name
        chat = self.chats.get(id or 0)
        if chat is None:
            raise Refused(400, "Bad Request: chat not found")
        if not writes:
            return chat
        if chat.moved_to:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refused(400, words, migrate_to_chat_id=chat.moved_to)
        if chat.status == "kicked":
            raise Refused(403, f"Forbidden: bot was kicked from the {chat.type} chat")
        if chat.status == "left":
            raise Refused(403, f"Forbidden: bot is not a member of the {chat.type} chat")
        if chat.type == "private" and not chat.can_send:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if chat.type == "channel" and not chat.can_send:
            raise Refused(400, "Bad Request: need administrator rights in the channel chat")
        if not chat.can_send:
            raise Refused(400, "Bad Request: not enough rights to send text messages to the chat")
        return chat

    def _send(self, body: Mapping[str, Any]) -> Any:
        chat = self._chat(body)
        text = self._text(body)
        topic = body.get("message_thread_id")
        if topic is not None and topic not in chat.topics:
            raise Refused(400, "Bad Request: message thread not found")
        reply = (body.get("reply_parameters") or {}).get("message_id")
        if reply is not None and not any(item["message_id"] == reply for item in chat.messages):
            raise Refused(400, "Bad Request: message to be replied not found")
        name = next((name[1:] for name, id in self.names.items() if id == chat.id), None)  # noqa: A001
        where = {"id": chat.id, "type": chat.type, **({"username": name} if name else {})}
        message = {"message_id": len(chat.messages) + 1, "chat": where, "text": text}
        kept = {"entities": body.get("entities", []), "markup": self._markup(body), "reply": reply, "topic": topic}
        chat.messages.append({**message, **kept, "edits": 0})
        return message

    def _edit(self, body: Mapping[str, Any]) -> Any:
        chat = self._chat(body)
        text = self._text(body)
        message = self._message(chat, body)
        entities = body.get("entities", [])
        markup = self._markup(body)
        if (text, entities, markup) == (message["text"], message["entities"], message["markup"]):
            words = "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"  # noqa: E501
            raise Refused(400, f"Bad Request: {words}")
        message.update(text=text, entities=entities, markup=markup, edits=message["edits"] + 1)
        return {"message_id": message["message_id"], "chat": {"id": chat.id}, "text": text}

    @staticmethod
    def _message(chat: Chat, body: Mapping[str, Any]) -> dict[str, Any]:
        for message in chat.messages:
            if message["message_id"] == body.get("message_id"):
                return message
        raise Refused(400, "Bad Request: message to edit not found")

    @staticmethod
    def _markup(body: Mapping[str, Any]) -> Any:
        """The buttons; without them an edit takes them away."""
        markup = body.get("reply_markup", {"inline_keyboard": []})
        for row in markup["inline_keyboard"]:
            for button in row:
                # "InlineKeyboardButton": exactly one of its optional fields; callback_data of 1 to 64 bytes.
                if set(button) != {"text", "callback_data"} or not 1 <= len(button["callback_data"].encode()) <= 64:
                    raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
        return markup["inline_keyboard"]

    def _edit_markup(self, body: Mapping[str, Any]) -> Any:
        chat = self._chat(body)
        message = self._message(chat, body)
        message["markup"] = self._markup(body)
        return {"message_id": message["message_id"], "chat": {"id": chat.id}}

    def press(
        self,
        label: str = "",
        chat: int = NEWS,
        *,
        person: int = 77,
        name: str | None = "ann_desk",
    ) -> None:
        """Press a button of the first message, the first one without ``label``; ``name``: the person's public one."""
        with self.lock:
            message = self.chats[chat].messages[0]
            buttons = [button for row in message["markup"] for button in row]
            button = next(item for item in buttons if item["text"].startswith(label))
            self.send(button["callback_data"], message, person=person, name=name)

    def send(self, data: str, message: Mapping[str, Any], *, person: int = 77, name: str | None = "ann_desk") -> None:
        """A press with any data, as a program of the person's own could send it."""
        with self.lock:
            self._presses += 1
            sender = {"id": person, "is_bot": False, "first_name": "Ann", **({"username": name} if name else {})}
            where = {"message_id": message["message_id"], "chat": message["chat"], "date": 0}
            query = {
                "id": f"press{self._presses}",
                "from": sender,
                "message": where,
                "chat_instance": "1",
                "data": data,
            }
            self.updates.append({"update_id": 900 + self._presses, "callback_query": query})

    def _updates(self, body: Mapping[str, Any]) -> Any:
        """core.telegram.org/bots/api, "getUpdates": an offset confirms earlier updates; 409 if there is a webhook."""
        if self.webhook:
            words = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            raise Refused(409, f"Conflict: {words}")
        self.updates = [update for update in self.updates if update["update_id"] >= body.get("offset", 0)]
        if not self.updates and body.get("timeout"):
            # Shorter than a real server waits, because other requests have to wait for it.
            time.sleep(0.05)
        return [dict(update) for update in self.updates]

    def _webhook_info(self, body: Mapping[str, Any]) -> Any:
        return {"url": self.webhook, "pending_update_count": len(self.updates)}

    def _answer_press(self, body: Mapping[str, Any]) -> Any:
        if len(str(body.get("text", ""))) > 200:
            raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
        if not re.fullmatch(r"press\d+", str(body.get("callback_query_id"))):
            raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self.answers.append(str(body.get("text", "")))
        return True

    def _text(self, body: Mapping[str, Any]) -> str:
        text = body.get("text", "")
        if not text.strip():
            raise Refused(400, "Bad Request: message text is empty")
        if len(text.encode()) > BYTES:
            raise Refused(400, "Bad Request: Text is too long")
        if len(faulty.in_units(text)) > TEXT:
            raise Refused(400, "Bad Request: message is too long")
        entities = body.get("entities", [])
        if len(entities) > ENTITIES:
            raise Refused(400, "Bad Request: entities too long")
        for entity in entities:
            self._check(entity, len(faulty.in_units(text)))
        if not (body.get("link_preview_options") or {}).get("is_disabled"):
            raise Refused(400, "Bad Request: a preview was not turned off")
        self.pinged += MENTION.findall(text)
        self.commands += COMMAND.findall(text)
        return str(text)

    def _check(self, entity: Mapping[str, Any], length: int) -> None:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        if entity["type"] not in _KINDS or entity["length"] < 1 or start < 0 or end > length:
            raise Refused(400, f"Bad Request: Can't parse MessageEntity: {entity}")
        if entity["type"] == "text_link" and not re.match(r"https?://[^\s]+\Z", entity.get("url", "")):
            raise Refused(400, "Bad Request: Wrong HTTP URL specified")
