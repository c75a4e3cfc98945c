"""``kind: discord``: its options, and which of the two modes they ask for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Self

import pydantic

from bot import model, ports
from bot.channels.discord import bot_api, webhook
from bot.channels.kit.context import Address, ChannelContext, Duration
from bot.channels.kit.people import ids

KIND = "discord"
_API = "https://discord.com/api/v10"
_PACE = timedelta(seconds=1)
#: A snowflake, alone or at the end of a channel's link.
_ID = re.compile(r"(?:https://(?:\w+\.)?discord\.com/channels/\d+/)?(\d{15,20})/?\Z")


class Options(pydantic.BaseModel):
    """A Discord channel, by a bot's token (full) or by a webhook (edits, but no threads and no look-up)."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    to: str | None = pydantic.Field(None, description="The channel's link or id, from its menu under Copy Link.")
    token: model.Secret | None = pydantic.Field(None, description="The bot's token: env:NAME or file:/path.")
    webhook: model.Secret | None = pydantic.Field(
        None, description="Instead of to and token: the address of a webhook, as env:NAME or file:/path."
    )
    people: Annotated[
        dict[str, str],
        ids(
            re.compile(r"&?\d{15,20}|here|everyone", re.ASCII),
            "123456789012345678 (a person), &123456789012345678 (a role), here",
        ),
    ] = pydantic.Field(
        {},
        description="People whom messages can mention: a name of your choice, and a person's id, or & and a role's id.",
    )
    api_url: Address | None = pydantic.Field(
        None, description="The address of another server with Discord's API (a proxy, tests)."
    )
    pace: Duration = pydantic.Field(
        _PACE, description="Minimum time between two messages; less than 1 second only with api_url."
    )

    @pydantic.field_validator("to")
    @classmethod
    def _is_channel(cls, to: str | None) -> str | None:
        if to is None:
            return None
        match = _ID.match(to)
        if match is None:
            raise ValueError(
                "expected the channel's link or its id, a long number in quotes: right-click the channel, Copy Link"
            )
        return match[1]

    @pydantic.model_validator(mode="after")
    def _is_one_mode(self) -> Self:
        if self.webhook is not None:
            if self.to is not None or self.token is not None:
                raise ValueError("a webhook has a fixed channel and needs no token: remove to and token")
        elif self.to is None or self.token is None:
            raise ValueError("add to and token (a bot), or webhook (reduced mode)")
        if self.pace < _PACE and self.api_url is None:
            raise ValueError("Discord accepts about one message a second: set pace to at least 1 second")
        return self

    @property
    def can_edit(self) -> bool:
        """Messages can be edited in both modes."""
        return True


class Channel:
    """One Discord channel in the mode that its options ask for."""

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        self.name = name
        self.pace = options.pace
        self._mode: bot_api.BotApi | webhook.Webhook
        if options.webhook is not None:
            self._mode = webhook.Webhook(webhook=options.webhook, context=context)
        else:
            assert options.to is not None
            assert options.token is not None
            api_url = (options.api_url or _API).rstrip("/")
            self._mode = bot_api.BotApi(to=options.to, token=options.token, api_url=api_url, context=context)
        self.account = self._mode.account

    @property
    def abilities(self) -> ports.Abilities:
        return self._mode.abilities

    async def send(self, delivery: ports.Delivery) -> model.Receipt:
        return await self._mode.send(delivery)

    async def find(self, delivery: ports.Delivery, *, since: datetime) -> model.Receipt | None:
        return await self._mode.find(delivery, since=since)

    async def check(self) -> Sequence[ports.CheckLine]:
        return await self._mode.check()

    async def close(self) -> None:
        await self._mode.close()
