"""Send to Slack by incoming webhook: the reduced mode. It returns no reference, so no threads, edits or look-up."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.webhook import WebhookClient

from bot import model
from bot.channels.kit import context, rendering
from bot.channels.kit.context import ChannelContext
from bot.channels.kit.errors import error_of_exception, error_of_status
from bot.channels.slack import blocks, web_api
from bot.channels.slack.web_api import silent_logger, tls_context

_TIMEOUT = 15


class IncomingWebhook:
    """The channel of the webhook."""

    abilities = model.Abilities(threads=False, edits=False, lookup=False)

    def __init__(self, name: str, *, webhook: model.Secret, pace: timedelta, context: ChannelContext) -> None:
        self.name = name
        self.pace = pace
        self.account = f"slack webhook {webhook.reference}"
        self._webhook = webhook
        self._context = context

    async def send(self, delivery: model.Delivery) -> model.Receipt:
        client = self._client()
        body = self._body(delivery)
        try:
            response = await context.run_in_thread(lambda: client.send_dict(body), name=self.name)
        except (OSError, http.client.HTTPException, AttributeError, TypeError, ValueError, LookupError) as error:
            raise error_of_exception(error, who="Slack") from None
        if response.status_code == 200 and response.body == "ok":
            return model.Receipt(ref="", sent_at=self._context.clock.now())
        word = response.body.strip()
        if word in web_api.ERRORS:
            raise web_api.error_of_code(word, doing="webhook")
        now = self._context.clock.now()
        raise error_of_status(response.status_code, who="Slack", headers=response.headers, now=now)

    async def find(self, delivery: model.Delivery, *, since: datetime) -> model.Receipt | None:
        raise model.OutcomeUnknown("a webhook cannot verify delivery")

    async def check(self) -> Sequence[model.CheckLine]:
        reduced = model.CheckLine(
            is_good=True,
            what="reduced mode: a webhook has no threads, no edits and no way to check whether a message arrived",
            help="a bot token has all three: docs/channels.md, Slack",
        )
        try:
            self._client()
        except model.ChannelClosed as error:
            return [model.CheckLine(is_good=False, what="the webhook's address is set", help=str(error)), reduced]
        return [model.CheckLine(is_good=True, what="the webhook's address is set"), reduced]

    async def close(self) -> None:
        """Nothing is held open between two calls."""

    def _client(self) -> WebhookClient:
        url = self._context.secret(self._webhook, what="the Slack webhook")
        if not url.startswith(("https://", "http://")):
            raise model.ChannelClosed(f"the Slack webhook: {self._webhook.reference} does not begin with https://")
        client = WebhookClient(url, timeout=_TIMEOUT, ssl=tls_context(), retry_handlers=[], logger=silent_logger())
        # Let urllib read the environment: the SDK ignores its exceptions from the proxy.
        client.proxy = None
        return client

    def _body(self, delivery: model.Delivery) -> dict[str, Any]:
        message = delivery.message
        body: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False, "mrkdwn": False}
        if delivery.is_plain:
            text = blocks.break_formats(rendering.plain_message(message, zone=self._context.zone))
            return {**body, "text": blocks.escape_to(text, blocks.TEXT_LIMIT)}
        body["text"] = blocks.escape_to(rendering.plain_preview(message), blocks.TEXT_LIMIT)
        return {**body, "blocks": blocks.build_blocks(message, names_story=True, zone=self._context.zone)}
