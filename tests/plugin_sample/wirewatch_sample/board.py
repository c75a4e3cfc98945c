"""``kind: board``: plain text on the notice board of an intranet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pydantic

from bot import model
from bot.channels.kit import errors, http_client, rendering
from bot.channels.kit.context import ChannelContext, Duration

KIND = "board"


class Options(pydantic.BaseModel):
    """A notice board that takes plain text by POST."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    url: model.Secret = pydantic.Field(description="The board's address, as env:NAME or file:/path: it holds a key.")
    pace: Duration = pydantic.Field(timedelta(seconds=1), description="Minimum time between two messages.")


class Channel:
    """One board. It has no threads, cannot change what stands there, and cannot be looked into."""

    abilities = model.Abilities(threads=False, edits=False, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        self.name = name
        self.pace = options.pace
        # What is closed together: where the secret is kept, never the secret.
        self.account = f"board {options.url.reference}"
        self._options = options
        self._context = context

    async def send(self, delivery: model.Delivery) -> model.Receipt:
        url = self._url()
        text = rendering.plain_message(delivery.message, zone=self._context.zone)
        headers = {"Content-Type": "text/plain; charset=utf-8", "Idempotency-Key": delivery.id}
        # Raises what no answer means for the message; its words never hold the address, and that the key.
        answer = await http_client.request("POST", url, body=text.encode(), headers=headers, who="the board")
        now = self._context.clock.now()
        if answer.is_success:
            return model.Receipt(ref=delivery.id, place="board", sent_at=now)
        raise errors.error_of_status(answer.status, who="the board", headers=answer.headers, now=now)

    async def find(self, delivery: model.Delivery, *, since: datetime) -> model.Receipt | None:
        raise model.OutcomeUnknown("a board cannot tell what arrived")

    async def check(self) -> Sequence[model.CheckLine]:
        what = "the board's address is set"
        try:
            self._url()
        except model.ChannelClosed as error:
            return [model.CheckLine(is_good=False, what=what, help=str(error))]
        return [model.CheckLine(is_good=True, what=what)]

    async def close(self) -> None:
        """Nothing is held open between two calls."""

    def _url(self) -> str:
        return self._context.secret(self._options.url, what="the board's address")
