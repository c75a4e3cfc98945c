"""``kind: slack``: a Slack channel, by bot token or by incoming webhook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Self

import pydantic

from bot import model
from bot.channels.kit.context import Address, ChannelContext, Duration, as_list, check_ids

if TYPE_CHECKING:
    from bot.channels.slack import socket_mode, web_api


KIND = "slack"
_API = "https://slack.com/api/"
#: The id of a person or a user group.
_ID = "[UWS][A-Z0-9]{1,20}"
_ADVICE = "U012ABCDEF (a person, in a profile under Copy member ID), S012ABCDEF (a user group)"
_MIN_PACE = timedelta(seconds=1)


class Broadcast(StrEnum):
    """The replies in a thread that also appear in the channel."""

    NEVER = "never"
    HIGH = "high"
    ALWAYS = "always"

    def shows(self, severity: model.Severity) -> bool:
        """Return whether a reply of this severity also appears in the channel."""
        return self is Broadcast.ALWAYS or (self is Broadcast.HIGH and severity is model.Severity.HIGH)


class Options(pydantic.BaseModel):
    """A Slack channel, by bot token (full) or by incoming webhook (reduced: no threads, no edits)."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    to: str | None = pydantic.Field(None, description="The channel's name (#policy-alerts) or id (C0123ABCDE).")
    token: model.Secret | None = pydantic.Field(
        None, description="The app's Bot User OAuth Token: env:NAME or file:/path."
    )
    webhook: model.Secret | None = pydantic.Field(
        None, description="Instead of to and token: the address of an incoming webhook, as env:NAME or file:/path."
    )
    broadcast: Broadcast = pydantic.Field(
        Broadcast.NEVER,
        description="When replies also appear in the channel: never, high (for severity high) or always. A message "
        "that may be part of another story always does.",
    )
    buttons: bool = pydantic.Field(
        False, description="Buttons under each story: Claim, Useful, Noise, More… Only with token and app_token."
    )
    app_token: model.Secret | None = pydantic.Field(
        None,
        description="For buttons: the app's app-level token (xapp-…, scope connections:write), as env:NAME or "
        "file:/path.",
    )
    may_act: Annotated[tuple[str, ...], as_list, check_ids(re.compile(_ID, re.ASCII), _ADVICE)] = pydantic.Field(
        (),
        description="For buttons: who may press them, by the ids of people (U012ABCDEF) or user groups (S012ABCDEF). "
        "Without it, everybody who sees the channel.",
    )
    people: Annotated[
        dict[str, str],
        check_ids(
            re.compile(f"{_ID}|here|channel", re.ASCII),
            f"{_ADVICE}, here or channel",
        ),
    ] = pydantic.Field(
        {}, description="People whom messages can mention: a name of your choice, and the id of a person or user group."
    )
    api_url: Address | None = pydantic.Field(
        None, description="The address of another server with Slack's Web API (a proxy, tests)."
    )
    pace: Duration = pydantic.Field(
        _MIN_PACE, description="Minimum time between two messages; less than 1 second only with api_url."
    )

    @pydantic.field_validator("to")
    @classmethod
    def _names_a_channel(cls, to: str | None) -> str | None:
        if to is not None and (not to.removeprefix("#").strip() or to.startswith("@") or any(c.isspace() for c in to)):
            raise ValueError(
                'expected a channel\'s name or id: "#policy-alerts" (in quotes: # begins a comment) or C0123ABCDE'
            )
        return to

    @pydantic.model_validator(mode="after")
    def _is_one_mode(self) -> Self:
        if self.webhook is not None:
            if self.to is not None or self.token is not None:
                raise ValueError("a webhook has a fixed channel and needs no token: remove to and token")
        elif self.to is None or self.token is None:
            raise ValueError("add to and token (a bot), or webhook (reduced mode)")
        if self.buttons and self.webhook is not None:
            raise ValueError("a webhook cannot receive button presses: buttons need to, token and app_token")
        if self.buttons and self.app_token is None:
            raise ValueError("buttons need the app's app-level token: add app_token: env:SLACK_APP_TOKEN")
        if self.app_token is not None and not self.buttons:
            raise ValueError("app_token is for buttons: add buttons: true, or remove app_token")
        if self.may_act and not self.buttons:
            raise ValueError("may_act is for buttons: add buttons: true, or remove may_act")
        if self.pace < _MIN_PACE and self.api_url is None:
            raise ValueError("Slack accepts one message a second for each channel: set pace to at least 1 second")
        return self

    @property
    def can_edit(self) -> bool:
        """Whether messages of the channel can be edited."""
        return self.webhook is None


class Channel:
    """One Slack channel in the mode that its options ask for."""

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        # Imported on first use: the SDK takes 66 ms, and `check` needs the options only.
        from bot.channels.slack import incoming_webhook, web_api
        from bot.channels.slack.socket_mode import SocketConnector

        self.name = name
        self.connector: SocketConnector | None = None
        self.pace = options.pace
        self._mode: model.Channel
        #: None with a webhook.
        self.bot: web_api.WebApi | None = None
        if options.webhook is not None:
            self._mode = incoming_webhook.IncomingWebhook(
                name, webhook=options.webhook, pace=options.pace, context=context
            )
        else:
            assert options.to is not None
            assert options.token is not None
            api_url = (options.api_url or _API).rstrip("/") + "/"
            if options.buttons and options.app_token:
                self.connector = SocketConnector(app_token=options.app_token, api_url=api_url, context=context)
            self._mode = self.bot = web_api.WebApi(
                name,
                to=options.to,
                token=options.token,
                api_url=api_url,
                pace=options.pace,
                context=context,
                has_buttons=options.buttons,
                may_act=options.may_act,
                shows_reply=options.broadcast.shows,
            )
        self.context = context
        self.account = self._mode.account

    @property
    def abilities(self) -> model.Abilities:
        return self._mode.abilities

    async def send(self, delivery: model.Delivery) -> model.Receipt:
        return await self._mode.send(delivery)

    async def find(self, delivery: model.Delivery, *, since: datetime) -> model.Receipt | None:
        return await self._mode.find(delivery, since=since)

    async def check(self) -> Sequence[model.CheckLine]:
        lines = list(await self._mode.check())
        if self.connector is not None:
            lines.append(await _check_connector(self.connector))
        return lines

    async def close(self) -> None:
        await self._mode.close()


async def _check_connector(connector: socket_mode.SocketConnector) -> model.CheckLine:
    what = "the app token opens a connection for the buttons"
    try:
        await connector.open()
    except model.SendError as error:
        return model.CheckLine(is_good=False, what=what, help=str(error))
    return model.CheckLine(is_good=True, what=what)


def listeners(channels: Iterable[Channel]) -> Sequence[model.Listener]:
    """Return a listener for each app whose channels have buttons: Slack sends an app's presses on one connection."""
    by_app: dict[tuple[str, str], list[Channel]] = {}
    for channel in channels:
        if channel.connector is not None:
            by_app.setdefault((channel.connector.api_url, channel.connector.app_token.reference), []).append(channel)
    if not by_app:
        return []  # Without slack_sdk, whose import would block the event loop for half a second.
    from bot.channels.slack.socket_mode import Listener

    return [
        Listener(
            [channel.bot for channel in app_channels if channel.bot], app_channels[0].connector, app_channels[0].context
        )
        for app_channels in by_app.values()
        if app_channels[0].connector is not None
    ]
