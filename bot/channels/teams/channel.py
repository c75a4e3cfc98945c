"""``kind: teams``: cards by a workflow's webhook. The reduced mode: no edits, no threads, no look whether it arrived.

A workflow answers 202 when it begins: whether its card then is in the channel is seen in the workflow's own run
history only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pydantic

from bot import model, ports
from bot.channels.kit import acts, http_client, http_errors
from bot.channels.kit.context import ChannelContext, Duration
from bot.channels.teams import card, errors

KIND = "teams"
_WHO = "Teams"


class Options(pydantic.BaseModel):
    """A channel or chat of Microsoft Teams, by a workflow's webhook (reduced: no threads, no edits)."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    webhook: model.Secret = pydantic.Field(description="The workflow's address, as env:NAME or file:/path.")
    # A workflow accepts four requests a second, and posts a hundred cards a minute.
    pace: Duration = pydantic.Field(timedelta(seconds=1), description="Minimum time between two messages.")


class Channel:
    """A workflow, which posts in a channel or chat."""

    abilities = ports.Abilities(threads=False, edits=False, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        self.name = name
        self.pace = options.pace
        self.account = f"teams {options.webhook.reference}"
        self._webhook = options.webhook
        self._context = context

    async def send(self, delivery: ports.Delivery) -> model.Receipt:
        document = card.document(delivery.message, zone=self._context.zone, is_plain=delivery.is_plain)
        response = await http_client.request("POST", self._url(), who=_WHO, document=document)
        # An HTML page comes from a proxy: a workflow answers with an empty body.
        if response.is_success and not response.body.lstrip().startswith(b"<"):
            return model.Receipt(ref="", place="teams", sent_at=self._context.clock.now())
        raise self._refusal(response)

    def _refusal(self, response: http_client.HttpResponse) -> ports.SendError:
        now = self._context.clock.now()
        code = _code(response)
        wait = http_errors.retry_after(response.headers, now=now)
        if response.status < 500 and code in errors.TABLE:
            act, advice = errors.TABLE[code]
            return acts.error_of(act, f"Teams says {code}", advice=advice, after=wait)
        if response.status in (401, 403, 404, 410):
            return ports.Parked(f"Teams answered {response.status}: {errors.EXPIRED_ADVICE}")
        return http_errors.of_status(response.status, who=_WHO, headers=response.headers, now=now)

    async def find(self, delivery: ports.Delivery, *, since: datetime) -> model.Receipt | None:
        raise ports.Unknown("a webhook cannot verify delivery")

    async def check(self) -> Sequence[ports.CheckLine]:
        """Check the address only: a workflow cannot be checked without posting."""
        reduced = ports.CheckLine(
            is_good=True,
            what="reduced mode: a workflow has no threads, no edits and no way to check whether a message arrived",
            help="it accepts a message before it posts it; if none appears, look into the workflow's run history",
        )
        what = "the workflow's address is set"
        try:
            self._url()
        except ports.Parked as error:
            return [ports.CheckLine(is_good=False, what=what, help=str(error)), reduced]
        return [ports.CheckLine(is_good=True, what=what), reduced]

    async def close(self) -> None:
        """No connection is kept open between calls."""

    def _url(self) -> str:
        url = self._context.secret(self._webhook, what="the Teams workflow")
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ports.Parked(f"the Teams workflow: {self._webhook.reference} does not begin with https://")
        if parts.hostname.endswith(errors.RETIRED):
            raise ports.Parked(f"the Teams workflow: {errors.RETIRED_ADVICE}")
        return url


def _code(response: http_client.HttpResponse) -> str:
    """Return the error code of Logic Apps, or an empty string."""
    error = response.fields.get("error")
    return str(error.get("code") or "") if isinstance(error, Mapping) else ""
