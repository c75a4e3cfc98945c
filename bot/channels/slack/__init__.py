"""``kind: slack``: a Slack channel, by bot token or by incoming webhook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

import pydantic

from bot import model
from bot.channels.kit.context import (
    Address,
    BaseChannel,
    ChannelContext,
    ChannelFeatures,
    ChannelOptions,
    Duration,
    as_list,
    check_ids,
)

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
        return self is Broadcast.ALWAYS or (self is Broadcast.HIGH and severity is model.Severity.HIGH)


class Options(ChannelOptions):
    """A Slack channel, by bot token (full) or by incoming webhook (reduced: no threads, no edits)."""

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
    def features(self) -> ChannelFeatures:
        return ChannelFeatures(
            people=self.people, has_buttons=self.buttons, may_act=self.may_act, can_edit=self.webhook is None
        )

    @property
    def base_url(self) -> str:
        """The address of the Web API, with a slash at its end."""
        return (self.api_url or _API).rstrip("/") + "/"


class Channel(BaseChannel):
    """A channel in either mode."""

    def __init__(self, name: str, options: Options, context: ChannelContext, *, account: str) -> None:
        super().__init__(name, account=account, pace=options.pace, context=context)
        self.options = options


def build(name: str, options: Options, context: ChannelContext) -> Channel:
    """Build the channel in the mode that its options ask for."""
    # Imported on first use: the SDK takes 66 ms, and `check` needs the options only.
    if options.webhook is not None:
        from bot.channels.slack.incoming_webhook import WebhookChannel

        return WebhookChannel(name, options, context)
    from bot.channels.slack.web_api import BotChannel

    return BotChannel(name, options, context)


def listeners(channels: Iterable[Channel]) -> Sequence[model.Listener]:
    """Return a listener for each app whose channels have buttons: Slack sends an app's presses on one connection."""
    by_app: dict[tuple[str, str], list[Channel]] = {}
    for channel in channels:
        if channel.options.buttons and channel.options.app_token:
            by_app.setdefault((channel.options.base_url, channel.options.app_token.reference), []).append(channel)
    if not by_app:
        return []  # Without slack_sdk, whose import would block the event loop for half a second.
    from bot.channels.slack.socket_mode import Listener
    from bot.channels.slack.web_api import BotChannel

    return [
        Listener([channel for channel in app_channels if isinstance(channel, BotChannel)])
        for app_channels in by_app.values()
    ]
