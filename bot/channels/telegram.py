"""``kind: telegram``: one chat, by a bot's token, with replies, edits and buttons.

A bot cannot read a chat's history, and Telegram has no key by which it would drop a repeated message. After an unknown
outcome, the option ``on_unknown`` decides whether a message may arrive twice or not at all.

The bot requests button presses (getUpdates), so no port is open to the world:

    getUpdates (waits some seconds) ──▶ callback_query ──▶ stored by the caller ──▶ answerCallbackQuery

Telegram sends a bot's presses to one program only, and repeats them until the program requests later updates. Updates
are untrusted; this module checks only their form.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import timedelta, tzinfo
from itertools import groupby
from typing import Annotated, Any, Self

import pydantic
import structlog
from msgspec.structs import replace

from bot.channels.kit import menu, outline, phrases, rendering
from bot.channels.kit.context import (
    Address,
    ChannelContext,
    ChannelOptions,
    Picture,
    ServicePace,
    StoredId,
    as_list,
    check_ids,
    check_place,
    passed,
    step,
)
from bot.channels.kit.errors import Act, ErrorTable, parse_wait, rows
from bot.channels.kit.http_client import HttpResponse
from bot.channels.kit.outline import OutlineLine, Run, Style
from bot.channels.kit.rest import Call, RestChannel
from bot.durations import backoff
from bot.model import channels as model_channels
from bot.model import visible
from bot.model.access import Secret
from bot.model.actions import Action, ShowMenu, ShowWhy
from bot.model.channels import (
    Abilities,
    ChannelFeatures,
    CheckLine,
    Delivery,
    OnChange,
    OnChatRequest,
    OnPress,
    Person,
    Press,
)
from bot.model.errors import ChannelClosed, NotEditable, OutcomeUnknown, RetryLater, SendError, StoreError, ThreadGone
from bot.model.messages import Post, Receipt, post_of
from bot.model.stories import StoryId
from bot.patterns import LazyPattern

KIND = "telegram"
_API = "https://api.telegram.org"
#: Telegram accepts one message a second in a chat, twenty a minute in a group (core.telegram.org/bots/faq, "My bot is
#: hitting limits").
_PACE = timedelta(seconds=3)
_CHAT = LazyPattern(r"-?\d{1,20}\Z|@[A-Za-z]\w{3,}\Z")


class Options(ChannelOptions):
    """A chat, group or channel of Telegram, by a bot's token."""

    to: str = pydantic.Field(
        description="The chat's id (a number, in quotes) or a public channel's @name.", examples=['"-1001234567890"']
    )
    token: Secret = pydantic.Field(description="The bot's token from @BotFather: env:NAME or file:/path.")
    topic: int | None = pydantic.Field(None, ge=1, description="In a group with topics: the topic's number.")
    buttons: bool = pydantic.Field(
        False,
        description="Buttons under each story: Useful, Noise, More… No other program may receive the bot's updates.",
    )
    may_act: Annotated[
        tuple[str, ...], as_list, check_ids(LazyPattern(r"\d{1,20}", re.ASCII), "a person's, a number in quotes")
    ] = pydantic.Field(
        (),
        description="For buttons: the ids of the people who may press them, in quotes. "
        "Without it, everybody who sees the chat may.",
    )
    api_url: Address | None = pydantic.Field(
        None, description="The address of another server with Telegram's Bot API (a proxy, tests)."
    )
    people: Annotated[
        dict[str, str],
        check_ids(LazyPattern(r"@[A-Za-z0-9_]{4,32}", re.ASCII), "a user's public name in quotes: '@ann_desk'"),
    ] = pydantic.Field(
        {},
        description="People whom messages can mention: a name of your choice, and the user's public @name in quotes.",
    )
    picture: Picture = False
    pace: ServicePace = _PACE

    @property
    def features(self) -> ChannelFeatures:
        return ChannelFeatures(
            shows_pictures=self.picture,
            people=self.people,
            may_act=self.may_act,
            shows_all_stories=lambda listing: outline.shows_all_stories(listing, _render, _fits),
        )

    @pydantic.field_validator("to")
    @classmethod
    def _is_chat(cls, to: str) -> str:
        if not _CHAT.match(to):
            raise ValueError("expected the chat's id (\"-1001234567890\") or a public channel's @name, in quotes")
        return to

    @pydantic.model_validator(mode="after")
    def _has_buttons(self) -> Self:
        if self.may_act and not self.buttons:
            raise ValueError("may_act is for buttons: add buttons: true, or remove may_act")
        return self


class Channel(RestChannel):
    """A chat. Replies are in the chat and point to the story's message."""

    abilities = Abilities(threads=True, edits=True, lookup=False)
    who = "Telegram"
    limit_bytes = 64_000

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        self._api_url = options.api_url or _API
        account = f"telegram {self._api_url} {options.token.reference}"
        super().__init__(name, account=account, pace=options.pace, context=context, errors=ERRORS)
        self.options = options
        #: The chat's id. It differs from ``to`` if ``to`` is a public name or the group has got a new id.
        self._chat = StoredId(context, f"{account}:{options.to}", self._find_chat)

    async def send(self, delivery: Delivery) -> Receipt:
        place = await self._chat.get()
        body = message_content(delivery, zone=self.context.zone)
        if self.options.buttons and (post := post_of(delivery.message)):
            # An edit without the buttons would remove them.
            body["reply_markup"] = post_keyboard(post)
        check_place(delivery, place)
        if delivery.edits is not None:
            await self._post("editMessageText", place, {**body, "message_id": int(delivery.edits.ref)})
            return self.receipt(delivery.edits.ref, place=place)
        if self.options.topic is not None:
            body["message_thread_id"] = self.options.topic
        if delivery.reply_to is not None:
            body["reply_parameters"] = {"message_id": int(delivery.reply_to.ref)}
        result = await self._post("sendMessage", place, body)
        ref, chat = result.get("message_id"), result.get("chat") or {}
        if not isinstance(ref, int) or not isinstance(chat.get("id"), int):
            raise OutcomeUnknown("Telegram accepted the message, but its answer has no message number")
        return self.receipt(str(ref), place=str(chat["id"]), link=_message_link(chat, ref))

    async def _find_chat(self) -> str:
        if not self.options.to.startswith("@"):
            return self.options.to
        return str((await self._ask("getChat", {"chat_id": self.options.to})).get("id"))

    async def _post(self, method: str, place: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return await self._ask(method, {**body, "chat_id": place})
        except _Moved as moved:
            await self._chat.put(moved.to)
            # Old messages have no number in the new chat.
            if "message_id" in body:
                raise NotEditable("the group became a supergroup: its old messages cannot be reached") from None
            if "reply_parameters" in body:
                raise ThreadGone("the group became a supergroup: its old messages cannot be reached") from None
            return await self._ask(method, {**body, "chat_id": moved.to})
        except ChannelClosed:
            await self._chat.forget()
            raise

    async def _ask(self, method: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        result = await self.ask(method, body)
        return result if isinstance(result, Mapping) else {}

    async def ask(self, method: str, body: Mapping[str, Any]) -> Any:
        """Call a method and return its result, or None for an edit that changes nothing. Raises SendError."""
        # Telegram limits all methods together.
        call = Call(method="POST", path=method, bucket="all", doing=method, body=body, expected=NOT_MODIFIED)
        response = await self.call(call)
        if not response.is_success:
            return None
        if response.fields.get("ok") is not True:
            raise OutcomeUnknown(f"{method}: Telegram answered {response.status} without its JSON document")
        return response.fields.get("result")

    def address(self, call: Call) -> str:
        return f"{self._api_url}/bot{self.context.secret(self.options.token, what='the Telegram token')}/{call.path}"

    def error_code(self, response: HttpResponse) -> object:
        fields = response.fields
        if response.status == 404 and fields.get("ok") is False:
            # Telegram answers 404 if the token does not have the form of a token.
            return "unauthorized"
        description = str(fields.get("description") or "")
        return NOT_MODIFIED if response.status == 400 and NOT_MODIFIED in description else find_error(description)

    def stated_wait(self, response: HttpResponse) -> timedelta | None:
        return parse_wait(_parameters(response).get("retry_after"))

    def error_of(self, response: HttpResponse, call: Call) -> SendError:
        new_id = _parameters(response).get("migrate_to_chat_id")
        if isinstance(new_id, int):
            return _Moved(call.doing, str(new_id))
        if response.status == 409:
            # Telegram sends a bot's updates to one program only.
            has_webhook = "webhook" in str(response.fields.get("description")).casefold()
            cause = "with a webhook" if has_webhook else "with another getUpdates request"
            return ChannelClosed(f"{call.doing}: Telegram reports a conflict {cause}; {OTHER_PROGRAM}")
        if response.status == 403 and self.error_code(response) is None:
            return ChannelClosed(f"{call.doing}: Telegram answered 403: the bot may not write in this chat")
        error = super().error_of(response, call)
        if isinstance(error, RetryLater) and error.retry_after is not None:
            self.limits.close(call.doing, error.retry_after, kind=call.limited_as)
        return error

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        """Check token, chat and rights; the help of each line says what to click."""
        with step("the token is accepted"):
            me = await self._ask("getMe", {})
        yield passed(f"the token belongs to @{me.get('username')}")
        with step("the bot can see the chat"):
            place = await self._chat.get()
            chat = await self._ask("getChat", {"chat_id": place})
            member = await self._ask("getChatMember", {"chat_id": place, "user_id": me.get("id")})
        yield passed(f"the chat is {chat.get('title') or chat.get('username')}")
        words = "bot is not a member" if member.get("status") in ("left", "kicked") else "not enough rights"
        may_post = _may_post(chat, member)
        yield CheckLine.of(may_post, "the bot may post there", otherwise=ERRORS[words][1])
        if self.options.buttons:
            what = "no webhook receives the presses of the button"
            with step(what):
                webhook = (await self._ask("getWebhookInfo", {})).get("url")
            yield CheckLine.of(not webhook, what, otherwise=OTHER_PROGRAM)


def _parameters(response: HttpResponse) -> Mapping[str, Any]:
    """Return the details of an error (core.telegram.org/bots/api, "ResponseParameters")."""
    parameters = response.fields.get("parameters")
    return parameters if isinstance(parameters, Mapping) else {}


class _Moved(SendError):
    """The group became a supergroup and has a new id."""

    def __init__(self, method: str, to: str) -> None:
        super().__init__(f"{method}: the group became a supergroup")
        self.to = to


def _message_link(chat: Mapping[str, Any], ref: int) -> str:
    """Return a message's link (core.telegram.org/api/links, "Message links"); private chats and groups have none."""
    name, place = chat.get("username"), str(chat.get("id"))
    if chat.get("type") not in ("supergroup", "channel"):
        return ""
    # A bot sees the chat's id with the prefix -100.
    return f"https://t.me/{name}/{ref}" if name else f"https://t.me/c/{place.removeprefix('-100')}/{ref}"


def _may_post(chat: Mapping[str, Any], member: Mapping[str, Any]) -> bool:
    status = member.get("status")
    if status in ("left", "kicked"):
        return False
    if chat.get("type") == "channel":
        return status == "creator" or (status == "administrator" and member.get("can_post_messages") is True)
    if status in ("creator", "administrator") or chat.get("type") == "private":
        return True
    allowed = member if status == "restricted" else chat.get("permissions") or {}
    return allowed.get("can_send_messages") is not False


def listeners(channels: Iterable[Channel]) -> Sequence[model_channels.Listener]:
    """Return a listener for each bot whose chats have buttons."""
    by_bot: dict[str, list[Channel]] = {}
    for channel in channels:
        if channel.options.buttons:
            by_bot.setdefault(channel.account, []).append(channel)
    return [TelegramListener(chats) for chats in by_bot.values()]


log = structlog.get_logger()

#: Telegram waits ten seconds for a press before it sends an empty answer.
_UPDATES_REQUEST: Mapping[str, Any] = {"timeout": 10, "allowed_updates": ["callback_query"]}
#: The minimum time between two requests, because a proxy may answer each request at once.
_MIN_INTERVAL = timedelta(seconds=1)
#: The pause after a failure of the store.
_STORE_PAUSE = timedelta(seconds=2)
#: Maximum characters of an answer (core.telegram.org/bots/api, "answerCallbackQuery").
_ANSWER_LIMIT = 200
#: Maximum characters of a button's label that a phone shows.
_LABEL_LIMIT = 60
#: Maximum rules in a menu.
_MAX_RULES = 4
#: The word of the button that replaces the menu with the first buttons.
_BACK = "back"
#: The data of a button: a word, a key if the word has one, and the story; at most 64 bytes ("InlineKeyboardButton").
_DATA = LazyPattern(r"(?P<word>[a-z]{1,12})(?::(?P<key>[0-9a-f]{8,20}))?:(?P<story>[\w-]{1,40})", re.ASCII)


def post_keyboard(post: Post) -> dict[str, Any]:
    """Return the buttons of a story's message."""
    story = post.story.id
    shown = [_button(choice.label, choice.action, story) for choice in menu.BUTTONS]
    return {"inline_keyboard": [[*shown, _button("More…", ShowMenu(), story)]]}


def more_keyboard(post: Post) -> dict[str, Any]:
    """Return the menu that "More…" shows instead of the buttons, one line for each action."""
    rules = list(dict.fromkeys(why.rule for why in post.story.why))[:_MAX_RULES]
    lines = [[_button(choice.label, choice.action, post.story.id)] for choice in menu.more_choices(post, rules)]
    back = {"text": "‹ Back", "callback_data": f"{_BACK}:{post.story.id}"}
    return {"inline_keyboard": [*lines, [back]]}


def _button(label: str, action: Action, story: StoryId) -> dict[str, str]:
    data = ":".join(part for part in (*menu.encode_action(action), story) if part)
    return {"text": phrases.cut(phrases.clean(label), _LABEL_LIMIT), "callback_data": data}


def parse_callback(query: object) -> Press | None:
    """Parse a callback query. Returns None if it is not a press of our buttons or is incomplete."""
    match query:
        case {
            "id": str(name),
            "from": {"id": int(person)} as sender,
            "message": {"message_id": int(ref), "chat": {"id": int(place)}},
            "data": str(data),
        } if match := _DATA.fullmatch(data):
            word = "menu" if match["word"] == _BACK else match["word"]
            action = menu.decode_action(word, match["key"] or "")
            if action is None:
                return None
            username = sender.get("username")
            shown = phrases.person_name(f"@{username}" if username else sender.get("first_name"), service="Telegram")
            return Press(
                id=f"telegram {name[:100]}",
                person=Person(id=str(person), name=shown),
                action=action,
                story=StoryId(match["story"]),
                place=str(place),
                ref=str(ref),
            )
        case _:
            return None


class TelegramListener:
    """A listener for the presses in all chats of a bot."""

    #: Only one of several processes may listen.
    is_alone = True

    def __init__(self, chats: Sequence[Channel]) -> None:
        self.channels = tuple(chat.name for chat in chats)
        self._chats = chats
        self._clock = chats[0].context.clock

    async def listen(self, on_press: OnPress, on_change: OnChange, on_asked: OnChatRequest) -> None:
        """Receive presses until cancelled. Telegram has no commands, so ``on_asked`` is never called."""
        offset, failures, is_connected = 0, 0, False
        while True:
            requested_at = self._clock.now()
            try:
                updates = await self._chats[0].ask("getUpdates", {**_UPDATES_REQUEST, "offset": offset})
                if not is_connected:
                    await on_change(None)
                is_connected, failures = True, 0
                for update in updates if isinstance(updates, list) else ():
                    if isinstance(update, dict) and isinstance(update.get("update_id"), int):
                        await self._handle_press(update.get("callback_query"), on_press)
                        offset = update["update_id"] + 1
                took = self._clock.now() - requested_at
                if timedelta() <= took < _MIN_INTERVAL:
                    await self._clock.sleep(_MIN_INTERVAL - took)
            except SendError as error:
                await on_change(str(error))
                retry_after = error.retry_after if isinstance(error, RetryLater) else None
                is_connected = False
                await self._clock.sleep(retry_after or backoff(failures))
                failures += 1
            except StoreError as error:
                log.error("button press not stored", error=str(error))
                await self._clock.sleep(_STORE_PAUSE)

    async def _handle_press(self, query: Any, on_press: OnPress) -> None:
        """Store and answer a press. Raises StoreError if it was not stored."""
        press = parse_callback(query)
        if press is None:
            log.warning("button press ignored", reason="unknown form", kind="telegram")
            return
        person = press.person
        limits = {chat.name: chat.options.may_act for chat in self._chats if chat.options.may_act}
        barred = frozenset(name for name, may_act in limits.items() if person.id not in may_act)
        result = await on_press(replace(press, person=replace(person, barred=barred)))
        if result.post is not None:
            is_back = str(query["data"]).startswith(f"{_BACK}:")
            shown = post_keyboard(result.post) if is_back else more_keyboard(result.post)
            place = {"chat_id": press.place, "message_id": int(press.ref)}
            await self._call("editMessageReplyMarkup", {**place, "reply_markup": shown})
        text = phrases.cut(visible.lines(result.text), _ANSWER_LIMIT)
        # An alert stays until the person closes it, which suits the longer answer.
        answer = {"callback_query_id": query["id"], "text": text, "show_alert": isinstance(press.action, ShowWhy)}
        await self._call("answerCallbackQuery", answer)

    async def _call(self, method: str, body: Mapping[str, Any]) -> None:
        try:
            await self._chats[0].ask(method, body)
        except SendError as error:
            # A press may be too old to be answered, for example because the bot was stopped.
            log.warning("button press not answered", error=str(error))


TEXT_LIMIT = 4_096
ENTITY_LIMIT = 100
_PREFIXES = {Style.HEAD: "", Style.LINE: "", Style.QUOTE: "", Style.ITEM: "• ", Style.SMALL: ""}


def message_content(delivery: Delivery, *, zone: tzinfo) -> dict[str, Any]:
    """Return the text of a message with its entities, to send or to edit. Links have no preview, except the picture.

    Telegram does not parse the text as markup, so it needs no escaping. But it looks for @names and /commands, so an
    invisible joiner follows each @ and the slash of each command. Limits (core.telegram.org/bots/api, "sendMessage";
    limits.tginfo.me): 4,096 UTF-16 units of text without the entities, and 100 entities, beyond which Telegram shows
    none.
    """
    common: dict[str, Any] = {"link_preview_options": {"is_disabled": True}}
    if delivery.is_plain:
        text = _break_names(rendering.plain_message(delivery.message, zone=zone, limit=TEXT_LIMIT))
        return {**common, "text": rendering.cut_lines(text, TEXT_LIMIT)}
    text, entities = outline.render_to_fit(delivery, _render, _fits, zone=zone)
    if (post := post_of(delivery.message)) and post.picture:
        common = {"link_preview_options": {"url": post.picture, "prefer_small_media": True}}
    return {**common, "text": text, "entities": entities}


def _fits(rendered: tuple[str, list[dict[str, Any]]]) -> bool:
    text, entities = rendered
    return phrases.size(text) <= TEXT_LIMIT and len(entities) <= ENTITY_LIMIT


def _render(lines: Sequence[OutlineLine]) -> tuple[str, list[dict[str, Any]]]:
    text, entities = "", list[dict[str, Any]]()
    # The evidence is a quote that is folded until the reader touches it.
    for style, block in groupby(lines, key=lambda line: line.style):
        if style is Style.SMALL:
            start = phrases.size(text) + bool(text)
            for line in block:
                text, entities = _append_line(text, entities, line)
            entities.append(_entity("expandable_blockquote", start, phrases.size(text)))
            continue
        for line in block:
            text, entities = _append_line(text, entities, line)
            if style is Style.QUOTE:
                start = phrases.size(text) - phrases.size("".join(map(_run_text, line.runs)))
                entities.append(_entity("blockquote", start, phrases.size(text)))
    return text or "Wirewatch", entities


def _append_line(text: str, entities: list[dict[str, Any]], line: OutlineLine) -> tuple[str, list[dict[str, Any]]]:
    """Append a line to ``entities``, and return the new text and ``entities``."""
    text += ("\n" if text else "") + _PREFIXES[line.style]
    for run in line.runs:
        start = phrases.size(text)
        text += _run_text(run)
        end = phrases.size(text)
        if run.link:
            entities.append(_entity("text_link", start, end, url=run.link))
        for is_on, kind in ((run.is_bold, "bold"), (run.is_italic, "italic"), (run.is_struck, "strikethrough")):
            if is_on:
                entities.append(_entity(kind, start, end))
    return text, entities


def _entity(kind: str, start: int, end: int, **more: str) -> dict[str, Any]:
    return {"type": kind, "offset": start, "length": end - start, **more}


def _run_text(run: Run) -> str:
    return run.mention or _break_names(run.text)


def _break_names(words: str) -> str:
    """Break names and commands that Telegram would find: @channel, @alice, /ban.

    >>> _break_names("/ban @all, 5/6, and/or https://x.example/ban (/start)").replace("\u2060", "^")
    '/^ban @^all, 5/6, and/or https://x.example/ban (/^start)'
    """
    return phrases.break_commands(words.replace("@", "@\u2060"))


_COPY_ADVICE = (
    "copy the token that @BotFather gives into the variable or file of `token:`: send it /mybots, choose the bot, API "
    "Token"
)
_ADD_BOT = "add the bot to the chat again: in the chat's profile choose Add Members or, in a channel, Administrators"
_ALLOW_POSTING = "in the chat's profile choose Administrators, the bot, and allow it to post messages"
_PRESS_START = "open the chat with the bot and press Start"

#: Words of an error's description, in lower case -> reaction and advice to the operator (for channel-answers.md). The
#: first match counts. Telegram has no error codes except HTTP's. The words are from its server (tdlib/telegram-bot-api,
#: Client.cpp) and from the list TelegramBotAPI/errors.
ERRORS: ErrorTable = {
    "too many requests": (Act.WAIT, ""),
    "unauthorized": (Act.PARK_WORKSPACE, _COPY_ADVICE),
    **rows(Act.LEAVE, "message to edit not found", "message can't be edited", "message_id_invalid"),
    **rows(Act.TOP_LEVEL, "message to be replied not found", "reply message not found"),
    "message thread not found": (Act.PARK_CHANNEL, "correct or remove `topic:` in bot.yaml"),
    "topic_closed": (Act.PARK_CHANNEL, "open the topic again, or correct `topic:` in bot.yaml"),
    "chat not found": (
        Act.PARK_CHANNEL,
        "correct `to:` in bot.yaml, and add the bot to the chat; in a private chat press Start first",
    ),
    **rows(Act.PARK_CHANNEL, "bot was kicked", "bot is not a member", advice=_ADD_BOT),
    **rows(Act.PARK_CHANNEL, "bot was blocked by the user", "can't initiate conversation", advice=_PRESS_START),
    "can't send messages to bots": (Act.PARK_CHANNEL, "correct `to:` in bot.yaml: it is a bot"),
    "user is deactivated": (Act.PARK_CHANNEL, "the account was deleted: correct `to:` in bot.yaml"),
    "deactivated": (Act.PARK_CHANNEL, "the group was closed: correct `to:` in bot.yaml"),
    "upgraded to a supergroup": (Act.PARK_CHANNEL, "the group has a new id: correct `to:` in bot.yaml"),
    **rows(
        Act.PARK_CHANNEL,
        *("not enough rights", "have no rights", "need administrator rights", "chat_write_forbidden"),
        advice=_ALLOW_POSTING,
    ),
    **rows(
        Act.SIMPLIFY,
        *("message is too long", "text is too long", "message text is empty"),
        *("entities", "can't parse", "wrong http url"),
    ),
}
#: The answer to an edit that changes nothing, which counts as done.
NOT_MODIFIED = "message is not modified"
#: Advice for HTTP 409.
OTHER_PROGRAM = (
    "another program receives the updates of this bot: create a separate bot for Wirewatch (@BotFather, /newbot), or "
    "remove buttons"
)


def find_error(description: str) -> str | None:
    """Return the first key of ERRORS that the description contains, or None."""
    folded = description.casefold()
    return next((words for words in ERRORS if words in folded), None)
