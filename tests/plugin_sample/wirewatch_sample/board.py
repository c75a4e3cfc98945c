"""``kind: board``: plain text on the notice board of an intranet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pydantic

from bot.channels.kit import errors, http_client, rendering
from bot.channels.kit.context import BaseChannel, ChannelContext, ChannelOptions, Duration, passed, step
from bot.model.access import Secret
from bot.model.channels import Abilities, CheckLine, Delivery
from bot.model.messages import Receipt

KIND = "board"


class Options(ChannelOptions):
    """A notice board that accepts plain text by POST."""

    url: Secret = pydantic.Field(description="The board's address, as env:NAME or file:/path: it contains a key.")
    pace: Duration = pydantic.Field(timedelta(seconds=1), description="Minimum time between two messages.")


class Channel(BaseChannel):
    """A notice board, without threads, edits and look-ups."""

    abilities = Abilities(threads=False, edits=False, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        # Channels with the same account are closed together. Its name shows where the secret is, never the secret.
        super().__init__(name, account=f"board {options.url.reference}", pace=options.pace, context=context)
        self._options = options

    async def send(self, delivery: Delivery) -> Receipt:
        text = rendering.plain_message(delivery.message, zone=self.context.zone)
        headers = {"Content-Type": "text/plain; charset=utf-8", "Idempotency-Key": delivery.id}
        # Raises SendError if no response arrives. The error never contains the address, which includes a key.
        response = await http_client.request("POST", self._url(), body=text.encode(), headers=headers, who="the board")
        if response.is_success:
            return self.receipt(delivery.id, place="board")
        now = self.context.clock.now()
        raise errors.error_of_status(response.status, who="the board", headers=response.headers, now=now)

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        with step("the board's address is set"):
            self._url()
        yield passed("the board's address is set")

    def _url(self) -> str:
        return self.context.secret(self._options.url, what="the board's address")
