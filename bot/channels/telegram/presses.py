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

#: Telegram waits ten seconds for a press before it answers that there is none.
_WANTED: Mapping[str, Any] = {"timeout": 10, "allowed_updates": ["callback_query"]}
#: Between two requests at least: a proxy may answer each at once.
_LEAST = timedelta(seconds=1)
#: After a store that did not answer.
_AGAIN = timedelta(seconds=2)
#: core.telegram.org/bots/api, "answerCallbackQuery".
_ANSWER_LIMIT = 200
#: Characters of a button that a phone shows.
_LABEL_LIMIT = 60
#: Rules that a menu offers.
_RULES = 4
#: Puts the buttons back in the place of the menu.
_BACK = "back"
#: A word, the key where it has one, and the story: at most 64 bytes ("InlineKeyboardButton").
_DATA = re.compile(r"(?P<word>[a-z]{1,12})(?::(?P<key>[0-9a-f]{12,20}))?:(?P<story>[\w-]{1,40})", re.ASCII)


class Chat(Protocol):
    """What a listener needs of one channel."""

    name: str

    def may_act(self, person: int) -> bool:
        """Whether this person's presses count here."""

    async def call(self, method: str, body: Mapping[str, Any]) -> Any:
        """The result of one call of the Bot API. Raises SendError."""


def keyboard(message: model.Message) -> dict[str, Any] | None:
    """The buttons of a story's message; None: it is none, or the story was merged into another."""
    is_story = message.kind in (model.MessageKind.POST, model.MessageKind.EDIT) and not message.is_gathered
    if not is_story or message.reason is model.Reason.MERGED:
        return None
    story = message.briefs[0].story
    shown = [_button(choice.label, choice.action, story) for choice in menu.buttons(message)]
    return {"inline_keyboard": [[*shown, _button("More…", ShowMenu(), story)]]}


def more_keyboard(message: model.Message) -> dict[str, Any]:
    """What "More…" puts in the place of the buttons, a line each."""
    brief = message.briefs[0]
    rules = list(dict.fromkeys(why.rule for why in brief.why))[:_RULES]
    lines = [[_button(choice.label, choice.action, brief.story)] for choice in menu.more(message, rules)]
    back = {"text": "‹ Back", "callback_data": f"{_BACK}:{brief.story}"}
    return {"inline_keyboard": [*lines, [back]]}


def _button(label: str, action: Action, story: model.StoryId) -> dict[str, str]:
    data = ":".join(part for part in (*menu.word_of(action), story) if part)
    return {"text": phrases.cut(phrases.clean(label), _LABEL_LIMIT), "callback_data": data}


def parse(query: object) -> tuple[ports.Press, int] | None:
    """The press that a callback query tells of, and the person's id; None: it is none of ours, or not whole."""
    match query:
        case {
            "id": str(name),
            "from": {"id": int(person)} as sender,
            "message": {"message_id": int(ref), "chat": {"id": int(place)}},
            "data": str(data),
        } if found := _DATA.fullmatch(data):
            word = "menu" if found["word"] == _BACK else found["word"]
            action = menu.action_of(word, found["key"] or "")
            if action is None:
                return None
            public = sender.get("username")
            shown = people.shown(f"@{public}" if public else sender.get("first_name"), service="Telegram")
            press = ports.Press(
                id=f"telegram {name[:100]}",
                person=ports.Person(id=str(person), name=shown),
                action=action,
                story=model.StoryId(found["story"]),
                place=str(place),
                ref=str(ref),
            )
            return press, person
        case _:
            return None


class Listener:
    """One for all chats of one bot."""

    #: Of several processes one listens.
    is_alone = True

    def __init__(self, chats: Sequence[Chat], clock: ports.Clock) -> None:
        self.channels = tuple(chat.name for chat in chats)
        self._chats = chats
        self._clock = clock

    async def listen(self, on_press: ports.OnPress, on_change: ports.OnChange, on_asked: ports.OnAsked) -> None:
        """Hear presses until cancelled; nobody can ask anything here."""
        following, failures, is_heard = 0, 0, False
        while True:
            asked_at = self._clock.now()
            try:
                updates = await self._chats[0].call("getUpdates", {**_WANTED, "offset": following})
                if not is_heard:
                    await on_change(None)
                is_heard, failures = True, 0
                for update in updates if isinstance(updates, list) else ():
                    if isinstance(update, dict) and isinstance(update.get("update_id"), int):
                        await self._take(update.get("callback_query"), on_press)
                        following = update["update_id"] + 1
                took = self._clock.now() - asked_at
                if timedelta() <= took < _LEAST:
                    await self._clock.sleep(_LEAST - took)
            except ports.SendError as error:
                await on_change(str(error))
                after = error.after if isinstance(error, ports.Wait) else None
                is_heard = False
                await self._clock.sleep(after or model.backoff(failures))
                failures += 1
            except ports.StoreError as error:
                log.error("press not kept", error=str(error))
                await self._clock.sleep(_AGAIN)

    async def _take(self, query: Any, on_press: ports.OnPress) -> None:
        """Raises StoreError where it was not kept."""
        found = parse(query)
        if found is None:
            log.warning("press ignored", reason="its form is not ours", kind="telegram")
            return
        press, person = found
        barred = frozenset(chat.name for chat in self._chats if not chat.may_act(person))
        result = await on_press(replace(press, person=replace(press.person, barred=barred)))
        if result.message is not None:
            is_back = str(query["data"]).startswith(f"{_BACK}:")
            shown = keyboard(result.message) if is_back else more_keyboard(result.message)
            place = {"chat_id": press.place, "message_id": int(press.ref)}
            await self._say("editMessageReplyMarkup", {**place, "reply_markup": shown})
        text = phrases.cut(visible.lines(result.text), _ANSWER_LIMIT)
        # A longer answer is shown until the person closes it.
        answer = {"callback_query_id": query["id"], "text": text, "show_alert": isinstance(press.action, ShowWhy)}
        await self._say("answerCallbackQuery", answer)

    async def _say(self, method: str, body: Mapping[str, Any]) -> None:
        try:
            await self._chats[0].call(method, body)
        except ports.SendError as error:
            # One that waited while nobody listened is too old to be answered.
            log.warning("press not answered", error=str(error))
