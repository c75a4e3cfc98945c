"""The buttons under a story in Telegram, and their presses: the bot asks for them, so no port is open to the world.

    getUpdates (waits some seconds) ──▶ callback_query ──▶ kept by the caller ──▶ answerCallbackQuery, for the person

Telegram gives a bot's presses to one program only. What it has given it forgets when more is asked for, so a press
that was not kept comes again. What comes is untrusted: only its form is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

import structlog

from bot import model, ports
from bot.channels.kit import menu, people, phrases
from bot.model import visible
from bot.model.actions import Action, ShowMenu, ShowWhy

log = structlog.get_logger()

#: Telegram waits ten seconds for a press before it sends an empty answer.
_WANTED: Mapping[str, Any] = {"timeout": 10, "allowed_updates": ["callback_query"]}
#: The minimum time between two requests: a proxy may answer each at once.
_LEAST = timedelta(seconds=1)
#: The pause after the store failed.
_AGAIN = timedelta(seconds=2)
#: core.telegram.org/bots/api, "answerCallbackQuery".
_ANSWER_LIMIT = 200
#: Characters of a button that a phone shows.
_LABEL_LIMIT = 60
#: Maximum rules in a menu.
_RULES = 4
#: The action that replaces the menu by the buttons.
_BACK = "back"
#: A word, the key where it has one, and the story: at most 64 bytes ("InlineKeyboardButton").
_DATA = re.compile(r"(?P<word>[a-z]{1,12})(?::(?P<key>[0-9a-f]{12,20}))?:(?P<story>[\w-]{1,40})", re.ASCII)


class Chat(Protocol):
    """The part of a channel that a listener uses."""

    name: str

    def may_act(self, person: int) -> bool:
        """Return whether this person may press buttons."""

    async def call(self, method: str, body: Mapping[str, Any]) -> Any:
        """Return the result of a method of the Bot API. Raises SendError."""


def keyboard(message: model.Message) -> dict[str, Any] | None:
    """Return the buttons of a story's message, or None for other messages and merged stories."""
    is_story = message.kind in (model.MessageKind.POST, model.MessageKind.EDIT) and not message.is_gathered
    if not is_story or message.reason is model.Reason.MERGED:
        return None
    story = message.briefs[0].story
    shown = [_button(choice.label, choice.action, story) for choice in menu.buttons(message)]
    return {"inline_keyboard": [[*shown, _button("More…", ShowMenu(), story)]]}


def more_keyboard(message: model.Message) -> dict[str, Any]:
    """Return the menu that "More…" shows instead of the buttons, one line for each action."""
    brief = message.briefs[0]
    rules = list(dict.fromkeys(why.rule for why in brief.why))[:_RULES]
    lines = [[_button(choice.label, choice.action, brief.story)] for choice in menu.more(message, rules)]
    back = {"text": "‹ Back", "callback_data": f"{_BACK}:{brief.story}"}
    return {"inline_keyboard": [*lines, [back]]}


def _button(label: str, action: Action, story: model.StoryId) -> dict[str, str]:
    data = ":".join(part for part in (*menu.word_of(action), story) if part)
    return {"text": phrases.cut(phrases.clean(label), _LABEL_LIMIT), "callback_data": data}


def parse(query: object) -> tuple[ports.Press, int] | None:
    """Parse a callback query into a press and the person's id. Returns None if it is not ours or is incomplete."""
    match query:
        case {
            "id": str(name),
            "from": {"id": int(person)} as sender,
            "message": {"message_id": int(ref), "chat": {"id": int(place)}},
            "data": str(data),
        } if match := _DATA.fullmatch(data):
            word = "menu" if match["word"] == _BACK else match["word"]
            action = menu.action_of(word, match["key"] or "")
            if action is None:
                return None
            username = sender.get("username")
            shown = people.shown(f"@{username}" if username else sender.get("first_name"), service="Telegram")
            press = ports.Press(
                id=f"telegram {name[:100]}",
                person=ports.Person(id=str(person), name=shown),
                action=action,
                story=model.StoryId(match["story"]),
                place=str(place),
                ref=str(ref),
            )
            return press, person
        case _:
            return None


class Listener:
    """Receives the presses of all chats of a bot."""

    #: Only one of several processes may listen.
    is_alone = True

    def __init__(self, chats: Sequence[Chat], clock: ports.Clock) -> None:
        self.channels = tuple(chat.name for chat in chats)
        self._chats = chats
        self._clock = clock

    async def listen(self, on_press: ports.OnPress, on_change: ports.OnChange, on_asked: ports.OnAsked) -> None:
        """Receive presses until cancelled. Telegram has no commands, so ``on_asked`` is never called."""
        offset, failures, is_connected = 0, 0, False
        while True:
            requested_at = self._clock.now()
            try:
                updates = await self._chats[0].call("getUpdates", {**_WANTED, "offset": offset})
                if not is_connected:
                    await on_change(None)
                is_connected, failures = True, 0
                for update in updates if isinstance(updates, list) else ():
                    if isinstance(update, dict) and isinstance(update.get("update_id"), int):
                        await self._handle_press(update.get("callback_query"), on_press)
                        offset = update["update_id"] + 1
                took = self._clock.now() - requested_at
                if timedelta() <= took < _LEAST:
                    await self._clock.sleep(_LEAST - took)
            except ports.SendError as error:
                await on_change(str(error))
                retry_after = error.after if isinstance(error, ports.Wait) else None
                is_connected = False
                await self._clock.sleep(retry_after or model.backoff(failures))
                failures += 1
            except ports.StoreError as error:
                log.error("press not kept", error=str(error))
                await self._clock.sleep(_AGAIN)

    async def _handle_press(self, query: Any, on_press: ports.OnPress) -> None:
        """Store and answer a press. Raises StoreError if it was not stored."""
        parsed = parse(query)
        if parsed is None:
            log.warning("press ignored", reason="its form is not ours", kind="telegram")
            return
        press, person = parsed
        barred = frozenset(chat.name for chat in self._chats if not chat.may_act(person))
        result = await on_press(replace(press, person=replace(press.person, barred=barred)))
        if result.message is not None:
            is_back = str(query["data"]).startswith(f"{_BACK}:")
            shown = keyboard(result.message) if is_back else more_keyboard(result.message)
            place = {"chat_id": press.place, "message_id": int(press.ref)}
            await self._call("editMessageReplyMarkup", {**place, "reply_markup": shown})
        text = phrases.cut(visible.lines(result.text), _ANSWER_LIMIT)
        # A longer answer is shown until the person closes it.
        answer = {"callback_query_id": query["id"], "text": text, "show_alert": isinstance(press.action, ShowWhy)}
        await self._call("answerCallbackQuery", answer)

    async def _call(self, method: str, body: Mapping[str, Any]) -> None:
        try:
            await self._chats[0].call(method, body)
        except ports.SendError as error:
            # A press from the time when the bot was stopped is too old to be answered.
            log.warning("press not answered", error=str(error))
