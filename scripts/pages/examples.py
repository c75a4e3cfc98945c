"""The example story as each channel sends it to a strict server of its service, for docs/reference/examples.md."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from msgspec.structs import replace

from bot import channels
from bot.model.alerts import Reason
from bot.model.channels import Delivery
from bot.model.messages import Edit, Message, Receipt, Reply
from bot.model.stories import SendId
from bot.testing import messages
from tests.testbed.fakes import FakeClock, MemoryKeyValues
from tests.testbed.servers import discord as discord_server
from tests.testbed.servers import faulty, smtp
from tests.testbed.servers import mattermost as mattermost_server
from tests.testbed.servers import teams as teams_server
from tests.testbed.servers import telegram as telegram_server

#: The first message, its edit, and the replies in its thread.
STORY: Sequence[tuple[str, Message]] = (
    ("post", messages.POST),
    ("edit", messages.EDIT),
    ("reply", messages.NEW_FACT),
    ("reply", messages.CORRECTION),
)
#: The kinds of message that the story does not show, by their heading on the page.
KINDS: Sequence[tuple[str, Message]] = (
    ("First post, before others join", messages.POST),
    ("First post with a related story", messages.RELATED),
    ("First post, after many outlets joined, with `web.public_url` set", messages.WIDE),
    ("First post, after a reply with a new fact", messages.LATEST),
    ("First post of a rule with `group: rule`, after another event", messages.THREAD),
    ("First post that mentions somebody", messages.MENTION),
    (
        "First post, after a button took the second article out of it, which was about another event",
        Edit(content=replace(messages.POST, reason=Reason.SPLIT)),
    ),
    ("First post, after the story turned out to be an older one", messages.MERGED),
    ("Reply: corroborated", messages.CORROBORATION),
    ("Reply: another rule matches", messages.SECOND_RULE),
    ("Reply: another event of a rule with `group: rule`", messages.OTHER_EVENT),
    ("Listing: the stories of the first poll of new feeds", messages.LISTING),
    ("Brief", messages.DAILY_BRIEF),
    ("Operator notice", messages.NOTICE),
)
_AT = datetime(2015, 12, 2, 9, 3, tzinfo=UTC)
#: Of the times in the messages.
ZONE: tzinfo = UTC


def send_all(
    kind: str,
    keys: Mapping[str, object],
    secrets: Mapping[str, str],
    messages: Sequence[tuple[str, Message]] = STORY,
) -> None:
    """Send the story, or other messages, to a channel with these keys."""
    asyncio.run(_send_all(kind, keys, secrets, messages))


async def _send_all(
    kind: str, keys: Mapping[str, object], secrets: Mapping[str, str], messages: Sequence[tuple[str, Message]]
) -> None:
    options = channels.options()[kind].model_validate(dict(keys))
    context = channels.ChannelContext(
        resolve=lambda secret: secrets[secret.name],
        clock=FakeClock(_AT),
        key_values=MemoryKeyValues(),
        zone=ZONE,
    )
    channel = channels.build(kind, "policy-desk", options, context)
    head: Receipt | None = None
    for number, (what, message) in enumerate(messages):
        if what == "edit" and not channel.abilities.edits:
            continue
        receipt = await channel.send(
            Delivery(
                id=SendId(f"send-{number}"),
                message=message,
                edits=head if what == "edit" else None,
                reply_to=head if what == "reply" and channel.abilities.threads else None,
            )
        )
        head = head or receipt
    await channel.close()


def email() -> str:
    with smtp.serve() as server:
        address = {"to": "policy-desk@example.org", "sender": "Wirewatch <wirewatch@example.org>"}
        send_all("email", {"server": f"127.0.0.1:{server.port}", "security": "none", **address}, {})
    shown = ("From", "To", "Subject", "Message-ID", "In-Reply-To", "List-Unsubscribe")
    parts = []
    for mail in server.mails:
        head = "\n".join(f"{name}: {mail[name]}" for name in shown if mail[name])
        text = mail.get_body(("plain",))
        assert text is not None
        parts.append(f"{head}\n\n{text.get_content().replace(chr(13), '').strip()}")
    return _fenced("\n\n\n".join(parts))


def mattermost() -> str:
    parts = []
    for post in _posts(STORY):
        place = "(in its thread)\n" if post["root_id"] else "(edited once)\n" if post["edits"] else ""
        parts.append(place + _bare(post))
    return _fenced("\n\n\n".join(parts))


def kinds() -> str:
    """As Mattermost has them: Markdown, which reads well as it is."""
    posts = _posts([("reply" if isinstance(message, Reply) else "post", message) for _, message in KINDS])
    named = zip(KINDS, posts, strict=True)
    return "\n".join(f"**{name}**\n\n{_fenced(_bare(post))}" for (name, _), post in named)


def _bare(post: Mapping[str, Any]) -> str:
    """Without the joiners, which show nothing; here they would only hide what is sent."""
    text: str = post["message"]
    return text.replace("\u2060", "")


def _posts(messages: Sequence[tuple[str, Message]]) -> Sequence[Mapping[str, Any]]:
    with faulty.serve(mattermost_server.Mattermost()) as server:
        server.service.add_channel("policy-alerts")
        keys = {"server": server.url, "team": mattermost_server.TEAM, "to": "policy-alerts", "token": "env:A"}
        send_all("mattermost", keys, {"A": mattermost_server.TOKEN}, messages)
        return server.service.posts("policy-alerts")


def _fenced(text: str) -> str:
    return f"```text\n{text}\n```\n"


def discord() -> str:
    guild = discord_server.Guild()
    with faulty.serve(guild) as server:
        keys = {"to": guild.news, "token": "env:A", "api_url": f"{server.url}/api/v10"}
        send_all("discord", keys, {"A": discord_server.TOKEN})
    parts = []
    for channel in guild.channels.values():
        parts.append(f"Thread: {channel.name}" if channel.type else f"#{channel.name}")
        for message in channel.messages:
            # An embed has a bar at its left.
            below = [
                [*embed.get("description", "").split("\n"), embed.get("footer", {}).get("text", "")]
                for embed in message["embeds"]
            ]
            lines = [message["content"], *(f"▌ {line}" for embed in below for line in embed if line)]
            # An address in angle brackets has no preview.
            parts.append("\n".join(lines).replace("](<", "](").replace(">)", ")"))
    return _fenced("\n\n".join(parts))


def telegram() -> str:
    """Bold words and links as markdown has them; a quote has a bar at its left."""
    api = telegram_server.BotApi()
    with faulty.serve(api) as server:
        keys = {"to": str(telegram_server.NEWS), "token": "env:A", "api_url": server.url}
        send_all("telegram", keys, {"A": telegram_server.TOKEN})
    return _fenced("\n\n".join(map(_of_telegram, api.messages())))


def _of_telegram(message: Mapping[str, Any]) -> str:
    marks = {"bold": ("**", "**"), "italic": ("_", "_"), "strikethrough": ("~~", "~~")}
    added: list[tuple[int, int, str]] = []
    for place, entity in enumerate(message["entities"]):
        bar = ("▌ ", "") if "blockquote" in entity["type"] else ("[", f"]({entity.get('url')})")
        before, after = marks.get(entity["type"], bar)
        # At one place ends come before beginnings, and what began first ends last.
        added.append((entity["offset"], place - ("quote" in entity["type"]) * 1_000 + 2_000, before))
        added.append((entity["offset"] + entity["length"], -place, after))
    raw: bytes = message["text"].encode("utf-16-le")
    text, at = "", 0
    for where, _, mark in sorted(added):
        text, at = text + raw[2 * at : 2 * where].decode("utf-16-le") + mark, where
    parent = f"(in reply to message {message['reply']})\n" if message["reply"] else ""
    text += raw[2 * at :].decode("utf-16-le")
    return parent + text


def teams() -> str:
    workflow = teams_server.Workflow()
    with faulty.serve(workflow) as server:
        url = f"{server.url}{teams_server.PATH}?sig={teams_server.SIGNATURE}"
        send_all("teams", {"webhook": "env:A"}, {"A": url})
    return _fenced("\n\n".join(map(_of_teams, workflow.cards)))


def _of_teams(card: Mapping[str, Any]) -> str:
    """Bold words and links as markdown has them; what stands in a shaded box has a bar at its left."""
    lines = []
    for box, runs in teams_server.lines(card):
        line = "▌ " if box else ""
        for run in runs:
            text = run["text"]
            text = f"~~{text}~~" if "strikethrough" in run else f"**{text}**" if "weight" in run else text
            line += f"[{text}]({run['selectAction']['url']})" if "selectAction" in run else text
        lines.append(line)
    return "\n".join(lines)


def webhook() -> str:
    """The fields for people; with those for programs it takes four pages."""
    with faulty.serve(faulty.Always()) as server:
        send_all("webhook", {"url": "env:A"}, {"A": f"{server.url}/hook"})
        shown = ("kind", "severity", "reason", "reply_to", "edits", "title", "text")
        documents = [{name: request.body[name] for name in shown} for _, request in server.requests]
    return _fenced("\n\n".join(json.dumps(document, ensure_ascii=False, indent=2) for document in documents))


def apprise() -> str:
    """As Apprise hands it to a service: here to its own `json://`."""
    with faulty.serve(faulty.Always()) as server:
        send_all("apprise", {"url": "env:A", "pace": timedelta()}, {"A": server.url.replace("http:", "json:")})
        texts = [f"{request.body['title']}\n\n{request.body['message']}" for _, request in server.requests]
    return _fenced("\n\n\n".join(texts).replace("\u2060", ""))


def console() -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        send_all("console", {}, {})
    return _fenced(printed.getvalue().strip())


#: Kind -> (what is shown, the text).
STORIES: Mapping[str, tuple[str, Callable[[], str]]] = {
    "discord": ("The channel, then the thread.", discord),
    "telegram": ("Bold words and links as Markdown; a quote has a bar at its left.", telegram),
    "teams": ("Bold words and links as Markdown; a shaded box has a bar at its left.", teams),
    "webhook": ("The fields for people of each document.", webhook),
    "mattermost": ("Markdown, as it is sent.", mattermost),
    "email": ("The text part of each mail.", email),
    "apprise": ("Each message is a new one.", apprise),
    "console": ("As plain text; on a terminal it has colours.", console),
}


def page() -> str:
    """Return docs/reference/examples.md."""
    head = (
        "# Example messages\n\nEach message below was sent by its channel to a strict server of the service. "
        "`scripts/docs-reference` writes this page. Slack is on the [first page](../index.md).\n\n"
        "## Kinds of message\n\nIn Mattermost's Markdown; the other channels show the same lines in their own form.\n\n"
    )
    parts = [head, kinds()]
    parts += [f"\n## {kind}\n\nThe example story. {note}\n\n{text()}" for kind, (note, text) in STORIES.items()]
    return "".join(parts)
