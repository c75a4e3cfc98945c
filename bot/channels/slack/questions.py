"""Commands and the app's Home tab."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import tzinfo
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.errors import SlackClientError
from slack_sdk.webhook import WebhookClient

from bot import model, ports
from bot.channels.kit import http_errors, people, plain_text, threads
from bot.channels.slack import blocks, rich_text, sdk_setup

COMMAND = "/wirewatch"
_USER = re.compile(r"[UW][A-Z0-9]{1,20}\Z")
#: Characters of a command that are read; no command is as long.
_LONGEST = 2_000
_TIMEOUT = 15
_HOSTS = (".slack.com", ".slack-gov.com")


def parse(kind: str, payload: Mapping[str, Any], *, envelope: str) -> ports.Asked | None:
    """Parse an envelope of this ``kind``. Returns None if it is not a command or an opened Home tab."""
    match kind, payload:
        case "slash_commands", {"command": str(command), "text": str(words), "user_id": str(by), "response_url": str()}:
            is_ours = command == COMMAND and _USER.match(by)
            person = ports.Person(id=by, name=people.shown(payload.get("user_name"), service="Slack"))
            return ports.Asked(id=envelope, person=person, words=words[:_LONGEST]) if is_ours else None
        case "events_api", {"event": {"type": "app_home_opened", "tab": "home", "user": str(by)}}:
            person = ports.Person(id=by)
            return ports.Asked(id=envelope, person=person, is_page=True) if _USER.match(by) else None
        case _:
            return None


def page(message: model.Message, *, zone: tzinfo) -> dict[str, Any]:
    """Return the Home tab (docs.slack.dev/surfaces/app-home)."""
    return {"type": "home", "blocks": blocks.blocks(message, zone=zone)}


async def answer(url: str, message: model.Message, *, zone: tzinfo, api_url: str, name: str) -> None:
    """Post to the response address of a command, for the person who typed it. Raises SendError.

    The address works in every channel, also where the app is not a member.
    """
    client = WebhookClient(
        _checked(url, api_url),
        timeout=_TIMEOUT,
        ssl=sdk_setup.tls(),
        retry_handlers=[],
        logger=sdk_setup.silent_logger(),
    )
    client.proxy = None
    text = rich_text.escaped_to(rich_text.unformatted(plain_text.preview(message)), rich_text.TEXT_LIMIT)
    shown = blocks.blocks(message, zone=zone)
    body = {"response_type": "ephemeral", "text": text, "blocks": shown}
    try:
        response = await threads.run(lambda: client.send_dict(body), name=name)
    except OSError as error:
        raise http_errors.of_exception(error, who="Slack") from None
    except (SlackClientError, ValueError) as error:
        raise ports.Unknown(f"Slack: the answer cannot be read ({type(error).__name__})") from None
    if response.status_code != 200:
        raise ports.Unknown(f"answering a command: Slack answered {response.status_code}")


def _checked(url: str, api_url: str) -> str:
    """Return the address if it is on Slack's host or on the configured server; raise Unknown otherwise."""
    parts, api = urlsplit(url), urlsplit(api_url)
    is_on_slack = parts.scheme == "https" and (parts.hostname or "").endswith(_HOSTS)
    if not is_on_slack and (parts.scheme, parts.netloc) != (api.scheme, api.netloc):
        raise ports.Unknown("answering a command: the response address is not on Slack's host")
    return url
