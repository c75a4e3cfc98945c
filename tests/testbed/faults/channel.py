"""``kind: faulty``: a Slack channel that raises on some messages."""

from __future__ import annotations

import pydantic

from bot.channels.kit.context import ChannelContext
from bot.channels.slack import channel as slack
from bot.model.channels import Delivery
from bot.model.messages import Receipt
from tests.testbed import faults

KIND = faults.KIND


class Options(slack.Options):
    """A Slack channel that raises on some messages."""

    poison: str = pydantic.Field(faults.MESSAGE, description="The word in the headlines of these messages.")


class Channel(slack.Channel):
    """A Slack channel that raises on some messages."""

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        super().__init__(name, options, context)
        self._poison = options.poison

    async def send(self, delivery: Delivery) -> Receipt:
        if self._poison and any(self._poison in brief.title.text for brief in delivery.message.briefs):
            raise LookupError("a bug")
        return await super().send(delivery)
