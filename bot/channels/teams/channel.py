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
    # Four requests a second, and a hundred cards a minute for each connection of a workflow.
    pace: Duration = pydantic.Field(timedelta(seconds=1), description="Minimum time between two messages.")


class Channel:
    """One workflow, which posts in one channel or chat."""

    abilities = ports.Abilities(threads=False, edits=False, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        self.name = name
        self.pace = options.pace
        self.account = f"teams {options.webhook.reference}"
        self._webhook = options.webhook
        self._context = context

    async def send(self, delivery: ports.Delivery) -> model.Receipt:
        document = card.document(delivery.message, zone=self._context.zone, is_plain=delivery.is_plain)
        answer = await http_client.request("POST", self._url(), who=_WHO, document=document)
        # A page is a proxy's: a workflow answers with nothing.
        if answer.is_success and not answer.body.lstrip().startswith(b"<"):
            return model.Receipt(ref="", place="teams", sent_at=self._context.clock.now())
        raise self._refusal(answer)

    def _refusal(self, answer: http_client.HttpResponse) -> ports.SendError:
        now = self._context.clock.now()
        code = _code(answer)
        after = http_errors.retry_after(answer.headers, now=now)
        if answer.status < 500 and code in errors.TABLE:
            act, advice = errors.TABLE[code]
            return acts.error_of(act, f"Teams says {code}", advice=advice, after=after)
        if answer.status in (401, 403, 404, 410):
            return ports.Parked(f"Teams answered {answer.status}: {errors.EXPIRED_ADVICE}")
        return http_errors.of_status(answer.status, who=_WHO, headers=answer.headers, now=now)

    async def find(self, delivery: ports.Delivery, *, since: datetime) -> model.Receipt | None:
        raise ports.Unknown("a webhook cannot verify delivery")

    async def check(self) -> Sequence[ports.CheckLine]:
        """The address alone: a workflow cannot be asked anything without posting."""
        reduced = ports.CheckLine(
            is_good=True,
            what="reduced mode: a workflow has no threads and no edits, and cannot tell whether a message arrived",
            help="it takes a message before it posts it: where none appears, look into the workflow's run history",
        )
        what = "the workflow's address is set"
        try:
            self._url()
        except ports.Parked as error:
            return [ports.CheckLine(is_good=False, what=what, help=str(error)), reduced]
        return [ports.CheckLine(is_good=True, what=what), reduced]

    async def close(self) -> None:
        """Nothing is held open between two calls."""

    def _url(self) -> str:
        url = self._context.secret(self._webhook, what="the Teams workflow")
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ports.Parked(f"the Teams workflow: {self._webhook.reference} is no address that begins with https://")
        if parts.hostname.endswith(errors.RETIRED):
            raise ports.Parked(f"the Teams workflow: {errors.RETIRED_ADVICE}")
        return url


def _code(answer: http_client.HttpResponse) -> str:
    """The code of Logic Apps; empty: the answer has none."""
    error = answer.fields.get("error")
    return str(error.get("code") or "") if isinstance(error, Mapping) else ""
