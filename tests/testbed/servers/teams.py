"""A strict local workflow of Microsoft Teams: the webhook, and the channel that shows its cards.

    with faulty.serve(teams.Workflow()) as server:
        server.service.cards

It refuses, with the source of each rule, a card that is not an Adaptive Card or is later than version 1.4
(Skitionek/notify-microsoft-teams #107, atc0005/go-teams-notify #265); a document without ``attachments``
(argoproj/argo-cd #18981); more than 28 KB (MicrosoftDocs/msteams-docs,
webhooks-and-connectors/how-to/add-incoming-webhook.md); elements and properties that are not in the schema of Adaptive
Cards (learn.microsoft.com/adaptive-cards/schema-explorer). The real one answers 202 to a card that it then fails to
post: here it is refused at once, so that a test sees it. It uses the error codes of Azure Logic Apps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.testbed.servers import faulty
from tests.testbed.servers.faulty import Answer, Request

PATH = "/workflows/0123456789abcdef/triggers/manual/paths/invoke"
SIGNATURE = "workflow-signature"
LIMIT_BYTES = 28 * 1024
_CARD = faulty.load_form("teams_card.yaml")


class Refused(faulty.Refused):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, {"error": {"code": code, "message": message}})


class Workflow(faulty.Strict):
    def __init__(self) -> None:
        super().__init__()
        self.is_on = True
        self.for_anyone = True
        self.exists = True
        #: The cards of the channel, in order.
        self.cards: list[dict[str, Any]] = []

    def too_many(self) -> Answer:
        body = {"error": {"code": "TooManyRequests", "message": "Rate limit is exceeded. Try again in 3 seconds."}}
        return Answer(429, body, {"Retry-After": "3"})

    def accept(self, request: Request) -> Answer:
        self._check_address(request)
        self.cards += [_checked(attachment) for attachment in _attachments(request.body)]
        return Answer(202)

    def _check_address(self, request: Request) -> None:
        if request.path != PATH or not self.exists:
            raise Refused(404, "WorkflowNotFound", "The workflow could not be found.")
        if not self.for_anyone:
            text = "The request must be authenticated only by Shared Access scheme."
            raise Refused(401, "DirectApiAuthorizationRequired", text)
        if request.query.get("sig") != SIGNATURE:
            raise Refused(401, "AuthorizationFailed", "The authentication credentials are not valid.")
        if not self.is_on:
            text = "Could not execute workflow trigger 'manual' with state 'Disabled': trigger is not enabled."
            raise Refused(400, "WorkflowTriggerIsNotEnabled", text)


def _attachments(body: Any) -> list[Any]:
    if not isinstance(body, Mapping) or body.get("type") != "message" or not isinstance(body.get("attachments"), list):
        text = "The input body for trigger 'manual' of type 'Request' did not match its schema definition."
        raise Refused(400, "TriggerInputSchemaMismatch", text)
    if len(json.dumps(body, ensure_ascii=False).encode()) > LIMIT_BYTES:
        raise Refused(413, "RequestEntityTooLarge", "Request entity too large")
    return list(body["attachments"])


def _checked(attachment: Any) -> dict[str, Any]:
    is_card = attachment.get("contentType") == "application/vnd.microsoft.card.adaptive"
    if flaws := [str(flaw) for flaw in _CARD.iter_errors(attachment.get("content"))] if is_card else ["contentType"]:
        text = f"The specified Teams flowbot adaptive card is invalid: {flaws[0]}"
        raise Refused(400, "InvalidRequestContent", text)
    return dict(attachment["content"])


def lines(card: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each line of a card from the top: "" or "Container", and its runs."""
    for element in card["body"]:
        if element["type"] == "Container":
            for inner in element["items"]:
                yield "Container", inner["inlines"]
        else:
            yield "", element["inlines"]


def text(card: Mapping[str, Any]) -> str:
    """Return the text that a reader sees."""
    return "\n".join("".join(run["text"] for run in runs) for _, runs in lines(card))
