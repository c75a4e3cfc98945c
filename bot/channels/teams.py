"""``kind: teams``: Adaptive Cards through a workflow's webhook, without edits, threads and look-up.

A workflow answers 202 when it begins. Only the workflow's own run history shows whether its card reached the channel.

Texts are in TextRuns of a RichTextBlock. Teams reads no markup there (learn.microsoft.com/adaptive-cards, "TextRun":
"Markdown is not supported"), so nothing needs escaping. A mention needs an entity in the card, and our cards have none.
Cards have version 1.4, because workflows refuse later versions (Skitionek/notify-microsoft-teams #107,
atc0005/go-teams-notify #265).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta, tzinfo
from typing import Any
from urllib.parse import urlsplit

import pydantic

from bot.channels.kit import http_client, outline, phrases, rendering
from bot.channels.kit.context import BaseChannel, ChannelContext, ChannelOptions, Pace, Picture, passed, step
from bot.channels.kit.errors import Act, ErrorTable, rows
from bot.channels.kit.http_client import error_of_response
from bot.channels.kit.outline import OutlineLine, Run, Style
from bot.model.access import Secret
from bot.model.channels import Abilities, ChannelFeatures, CheckLine, Delivery
from bot.model.errors import ChannelClosed
from bot.model.messages import Receipt, post_of

KIND = "teams"
_WHO = "Teams"


class Options(ChannelOptions):
    """A channel or chat of Microsoft Teams, by a workflow's webhook (reduced: no threads, no edits)."""

    webhook: Secret = pydantic.Field(description="The workflow's address, as env:NAME or file:/path.")
    picture: Picture = False
    # A workflow accepts four requests a second, and posts a hundred cards a minute.
    pace: Pace = timedelta(seconds=1)

    @property
    def features(self) -> ChannelFeatures:
        return ChannelFeatures(
            shows_pictures=self.picture,
            shows_all_stories=lambda listing: outline.shows_all_stories(listing, _render, _fits),
        )


class Channel(BaseChannel):
    """A workflow, which posts in a channel or chat."""

    abilities = Abilities(threads=False, edits=False, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        super().__init__(name, account=f"teams {options.webhook.reference}", pace=options.pace, context=context)
        self._webhook = options.webhook

    async def send(self, delivery: Delivery) -> Receipt:
        document = build_card(delivery, zone=self.context.zone)
        response = await http_client.request("POST", self._url(), who=_WHO, document=document)
        # An HTML page comes from a proxy, because a workflow answers with an empty body.
        if response.is_success and not response.body.lstrip().startswith(b"<"):
            return self.receipt("", place="teams")
        error = response.fields.get("error")
        code = error.get("code") if isinstance(error, Mapping) else None
        if code not in ERRORS and response.status in (401, 403, 404, 410):
            raise ChannelClosed(f"Teams answered {response.status}: {EXPIRED_ADVICE}")
        now = self.context.clock.now()
        raise error_of_response(response, ERRORS, code=code, who=_WHO, doing="posting", now=now)

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        """Check only the address, because a workflow cannot be checked without posting."""
        yield passed(
            "reduced mode: a workflow has no threads, no edits and no way to check whether a message arrived",
            "a workflow accepts a message before posting it; if no message appears, look at the workflow's run history",
        )
        with step("the workflow's address is set"):
            self._url()
        yield passed("the workflow's address is set")

    def _url(self) -> str:
        url = self.context.secret_address(self._webhook, what="the Teams workflow")
        if (urlsplit(url).hostname or "").endswith(RETIRED_HOSTS):
            raise ChannelClosed(f"the Teams workflow: {RETIRED_ADVICE}")
        return url


#: Maximum bytes of a request. The documented limit is about 28 KB, including additions by Teams, but in practice Teams
#: accepts only 21 KB (msteams_hermes).
LIMIT_BYTES = 20_000
_VERSION = "1.4"
_PLAIN_LIMIT = 4_000


def build_card(delivery: Delivery, *, zone: tzinfo) -> dict[str, Any]:
    """Return the document for the workflow's webhook: a message with one card."""
    if delivery.is_plain:
        text = rendering.plain_message(delivery.message, zone=zone, limit=_PLAIN_LIMIT)
        lines = rendering.cut_lines(text, _PLAIN_LIMIT).split("\n")
        return _message([_block([{"type": "TextRun", "text": line}]) for line in lines if line])
    card = outline.render_to_fit(delivery, _render, _fits, zone=zone)
    if (post := post_of(delivery.message)) and post.picture:
        body = card["attachments"][0]["content"]["body"]
        # After the rule and the headline.
        body.insert(min(2, len(body)), {"type": "Image", "url": post.picture, "altText": "", "size": "Medium"})
    return card


def _fits(card: dict[str, Any]) -> bool:
    return phrases.json_size(card) <= LIMIT_BYTES


def _render(lines: Sequence[OutlineLine]) -> dict[str, Any]:
    return _message([_element(line) for line in lines] or [_block([{"type": "TextRun", "text": "Wirewatch"}])])


def _message(body: Sequence[dict[str, Any]]) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": _VERSION,
        # Without this field, a card is half as wide as its channel.
        "msteams": {"width": "Full"},
        "body": list(body),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _element(line: OutlineLine) -> dict[str, Any]:
    runs = [_run(run, line.style) for run in line.runs]
    match line.style:
        case Style.QUOTE:
            # Cards have no quotes, so use a shaded box.
            return {"type": "Container", "style": "emphasis", "spacing": "Small", "items": [_block(runs)]}
        case Style.ITEM:
            return _block([{"type": "TextRun", "text": "• "}, *runs], spacing="None")
        case Style.SMALL:
            return _block(runs, spacing="Small")
        case _:
            return _block(runs)


def _block(inlines: Sequence[dict[str, Any]], **more: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(inlines), **more}


def _run(run: Run, style: Style) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "TextRun", "text": run.text}
    if run.is_bold:
        element["weight"] = "Bolder"
    if run.is_italic:
        element["italic"] = True
    if run.is_struck:
        element["strikethrough"] = True
    if style is Style.HEAD:
        element["size"] = "Medium"
    if style is Style.SMALL:
        element |= {"size": "Small", "isSubtle": True}
    if run.link:
        element["selectAction"] = {"type": "Action.OpenUrl", "url": run.link}
    return element


_COPY_ADDRESS = "open the workflow in the Workflows app of Teams and copy its whole address again"
_ALLOW_ANYONE = "in the workflow's first step choose Anyone under Who can trigger the flow, then copy its address again"
_USE_TEMPLATE = "create the workflow from the template Send webhook alerts to a channel"

#: Error code -> reaction and advice to the operator (for channel-answers.md). Workflows run on Azure Logic Apps and use
#: its codes. Microsoft does not list the codes, and we have not seen them from the real service. For an unknown code,
#: the HTTP status determines the reaction.
ERRORS: ErrorTable = {
    "TooManyRequests": (Act.WAIT, ""),
    "WorkflowTriggerIsNotEnabled": (
        Act.PARK_CHANNEL,
        "turn the workflow on: Workflows app of Teams, the workflow, Turn on",
    ),
    "WorkflowNotFound": (Act.PARK_CHANNEL, f"the workflow was deleted or its address has changed: {_COPY_ADDRESS}"),
    **rows(
        Act.PARK_CHANNEL,
        *("DirectApiAuthorizationRequired", "DirectApiInvalidAuthorizationScheme", "MisMatchingOAuthClaims"),
        advice=_ALLOW_ANYONE,
    ),
    **rows(
        Act.PARK_CHANNEL,
        *("AuthorizationFailed", "InvalidSasToken"),
        advice=f"the address is cut, mistyped or withdrawn: {_COPY_ADDRESS}",
    ),
    "TriggerInputSchemaMismatch": (Act.PARK_CHANNEL, f"the workflow expects another document: {_USE_TEMPLATE}"),
    **rows(Act.SIMPLIFY, "RequestEntityTooLarge", "InvalidRequestContent"),
}
#: Hosts of the connectors that Microsoft turned off.
RETIRED_HOSTS = ("webhook.office.com", "outlook.office.com", "outlook.office365.com")
RETIRED_ADVICE = f"the connectors of this address are turned off: {_USE_TEMPLATE}"
EXPIRED_ADVICE = f"the workflow does not accept this address: {_COPY_ADDRESS}"
