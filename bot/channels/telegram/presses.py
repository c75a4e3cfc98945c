"""The button under a story in Telegram, and its presses: the bot asks for them, so no port is open to the world.

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
from bot.channels.kit import people, phrases
from bot.model import Verdict

log = structlog.get_logger()

#: Telegram waits ten seconds for a press before it answers that there is none.
_WANTED: Mapping[str, Any] = {"timeout": 10, "allowed_updates": ["callback_query"]}
#: After a store that did not answer.
_AGAIN = timedelta(seconds=2)
#: core.telegram.org/bots/api, "answerCallbackQuery".
_ANSWER_LIMIT = 200
_LABELS = {Verdict.CLAIMED: "🙋 Claim", Verdict.UNCLAIMED: "Release"}
_DATA = re.compile(r"(claimed|unclaimed):([\w-]{1,50})", re.ASCII)


class Chat(Protocol):
    """What a listener needs of one channel."""

    name: str

    def may_act(self, person: int) -> bool:
        """Whether this person's presses count here."""

    async def call(self, method: str, body: Mapping[str, Any]) -> Any:
        """The result of one call of the Bot API. Raises SendError."""


def keyboard(message: model.Message) -> dict[str, Any] | None:
    """The button of a story's message; None: it is none, or the story is told elsewhere."""
    is_story = message.kind in (model.MessageKind.POST, model.MessageKind.EDIT) and not message.is_gathered
    if not is_story or message.reason is model.Reason.MERGED:
        return None
    is_claimed = any(one.verdict is Verdict.CLAIMED for one in message.judgements)
    verdict = Verdict.UNCLAIMED if is_claimed else Verdict.CLAIMED
    data = f"{verdict.value}:{message.briefs[0].story}"
    return {"inline_keyboard": [[{"text": _LABELS[verdict], "callback_data": data}]]}


def parse(query: object) -> tuple[ports.Press, int] | None:
    """The press that a callback query tells of, and the person's id; None: it is none of ours, or not whole."""
    match query:
        case {
            "id": str(name),
            "from": {"id": int(person)} as sender,
            "message": {"message_id": int(ref), "chat": {"id": int(place)}},
            "data": str(data),
        } if found := _DATA.fullmatch(data):
            public = sender.get("username")
            press = ports.Press(
                id=f"telegram {name[:100]}",
                by=str(person),
                name=people.shown(f"@{public}" if public else sender.get("first_name"), service="Telegram"),
                verdict=Verdict(found[1]),
                story=model.StoryId(found[2]),
                rule="",
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
            try:
                updates = await self._chats[0].call("getUpdates", {**_WANTED, "offset": following})
                if not is_heard:
                    await on_change(None)
                is_heard, failures = True, 0
                for update in updates if isinstance(updates, list) else ():
                    if isinstance(update, dict) and isinstance(update.get("update_id"), int):
                        await self._take(update.get("callback_query"), on_press)
                        following = update["update_id"] + 1
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
        answer = await on_press(replace(press, barred=barred))
        told = {"callback_query_id": query["id"], "text": phrases.cut(answer, _ANSWER_LIMIT)}
        try:
            await self._chats[0].call("answerCallbackQuery", told)
        except ports.SendError as error:
            # One that waited while nobody listened is too old to be answered.
            log.warning("press not answered", error=str(error))
