"""Discord by webhook."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from bot import model, ports
from bot.channels.discord import markdown
from bot.channels.discord.rest import Rest, link_of
from bot.channels.kit.context import ChannelContext


class Webhook:
    """The channel of a webhook: posts and edits, but no threads in a text channel and no look-up."""

    abilities = ports.Abilities(threads=False, edits=True, lookup=False)

    def __init__(self, *, webhook: model.Secret, context: ChannelContext) -> None:
        self.account = f"discord webhook {webhook.reference}"
        self._webhook = webhook
        self._context = context
        self._rest = Rest(context.clock)
        #: The server's id, requested once; empty before.
        self._guild = ""

    async def send(self, delivery: ports.Delivery) -> model.Receipt:
        is_edit = delivery.edits is not None
        body = markdown.payload(delivery.message, zone=self._context.zone, names_story=True, is_plain=delivery.is_plain)
        if delivery.edits is not None:
            if not delivery.edits.ref.isdigit():
                raise ports.NotEditable("the message is in another channel than the one configured now")
            answer = await self._ask("PATCH", f"/messages/{delivery.edits.ref}", doing="edit", body=body)
        else:
            if not self._guild:
                # Requested before the message is sent; if it fails, the message has no link.
                with contextlib.suppress(ports.SendError):
                    self._guild = str((await self._ask("GET", "", doing="ask for the webhook")).get("guild_id") or "")
            # Without "wait" Discord returns no id, and no error if it did not store the message ("Execute Webhook").
            answer = await self._ask("POST", "", doing="post", body=body, wait="true")
        ref = answer.get("id")
        if not isinstance(ref, str):
            raise ports.Unknown(f"Discord accepted the {'edit' if is_edit else 'message'}, but its answer has no id")
        place = str(answer.get("channel_id") or "")
        link = link_of(self._guild, place, ref)
        return model.Receipt(ref=ref, place=place, link=link, sent_at=self._context.clock.now())

    async def find(self, delivery: ports.Delivery, *, since: datetime) -> model.Receipt | None:
        raise ports.Unknown("a webhook cannot verify delivery")

    async def check(self) -> Sequence[ports.CheckLine]:
        reduced = ports.CheckLine(
            is_good=True,
            what="reduced mode: a webhook has no threads and no way to check whether a message arrived",
            help="a bot's token has both: docs/channels.md, Discord",
        )
        try:
            webhook = await self._ask("GET", "", doing="ask for the webhook")
        except ports.SendError as error:
            return [ports.CheckLine(is_good=False, what="the webhook is accepted", help=str(error)), reduced]
        return [ports.CheckLine(is_good=True, what=f"the webhook is {webhook.get('name')}"), reduced]

    async def close(self) -> None:
        """No connection is kept open between calls."""

    async def _ask(
        self, method: str, path: str, *, doing: str, body: Mapping[str, Any] | None = None, **query: str
    ) -> Mapping[str, Any]:
        url = self._context.secret(self._webhook, what="the Discord webhook")
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.netloc:
            raise ports.Parked(f"the Discord webhook: {self._webhook.reference} does not begin with https://")
        # The configured address may name a thread in its query.
        full_query = urlencode({**dict(parse_qsl(parts.query)), **query})
        address = parts._replace(path=parts.path.rstrip("/") + path, query=full_query).geturl()
        answer = await self._rest.ask(method, address, bucket="webhook", doing=doing, body=body)
        return answer if isinstance(answer, Mapping) else {}
