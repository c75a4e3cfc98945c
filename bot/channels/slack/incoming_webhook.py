"""Send to Slack by incoming webhook: the reduced mode. It returns no reference, so no threads, edits or look-up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from bot import model
from bot.channels.kit import rendering
from bot.channels.kit.context import ChannelContext, passed, step
from bot.channels.kit.errors import error_of_status
from bot.channels.slack import Channel, Options, blocks, web_api


class WebhookChannel(Channel):
    """The channel of a webhook."""

    abilities = model.Abilities(threads=False, edits=False, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        assert options.webhook is not None
        super().__init__(name, options, context, account=f"slack webhook {options.webhook.reference}")
        self._webhook = options.webhook

    async def send(self, delivery: model.Delivery) -> model.Receipt:
        response = await web_api.post_to_webhook(self._address(), self._body(delivery), name=self.name)
        if response.status_code == 200 and response.body == "ok":
            return self.receipt("")
        word = response.body.strip()
        if word in web_api.ERRORS:
            raise web_api.error_of_code(word, doing="webhook")
        now = self.context.clock.now()
        raise error_of_status(response.status_code, who="Slack", headers=response.headers, now=now)

    async def check_setup(self) -> AsyncIterator[model.CheckLine]:
        yield passed(
            "reduced mode: a webhook has no threads, no edits and no way to check whether a message arrived",
            "a bot token has all three: docs/channels.md, Slack",
        )
        with step("the webhook's address is set"):
            self._address()
        yield passed("the webhook's address is set")

    def _address(self) -> str:
        return self.context.secret_address(self._webhook, what="the Slack webhook")

    def _body(self, delivery: model.Delivery) -> dict[str, Any]:
        message, zone = delivery.message, self.context.zone
        body: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False, "mrkdwn": False}
        if delivery.is_plain:
            return {**body, "text": blocks.plain_text(rendering.plain_message(message, zone=zone))}
        body["text"] = blocks.escape_to(rendering.plain_preview(message), blocks.TEXT_LIMIT)
        return {**body, "blocks": blocks.build_blocks(message, names_story=True, zone=zone)}
