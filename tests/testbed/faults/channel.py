"""``kind: faulty``: a Slack channel that raises on some messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pydantic

from bot.channels.kit.context import ChannelContext
from bot.channels.slack import channel as slack
from bot.model.channels import CheckLine, Delivery
from bot.model.errors import FormRefused
from bot.model.messages import Receipt
from tests.testbed import faults

KIND = faults.KIND


class Options(slack.Options):
    """A Slack channel that raises on some messages."""

    poison: str = pydantic.Field(faults.MESSAGE, description="The word in the headlines of these messages.")
    raises: Literal["before", "after", "always", "refused"] = pydantic.Field(
        "before",
        description="Before such a message is sent, after it was accepted, whatever is done, or because it is refused.",
    )


class Channel(slack.Channel):
    """A Slack channel that raises on some messages."""

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        super().__init__(name, options, context)
        self._poison, self._raises = options.poison, options.raises

    async def send(self, delivery: Delivery) -> Receipt:
        self._raise_if_broken()
        is_poison = self._poison and any(self._poison in brief.title.text for brief in delivery.message.stories)
        if is_poison and self._raises == "before":
            raise LookupError("a bug")
        if is_poison and self._raises == "refused":
            raise FormRefused("blocked by the moderators’ filter")
        receipt = await super().send(delivery)
        if is_poison:
            raise LookupError("a bug")
        return receipt

    async def check(self) -> Sequence[CheckLine]:
        self._raise_if_broken()
        return await super().check()

    def _raise_if_broken(self) -> None:
        if self._raises == "always":
            raise LookupError("a bug")
