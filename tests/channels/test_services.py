"""What every chat service's channel does, against a strict local server of that service."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import model
from bot.channels import mattermost as channels_mattermost
from bot.channels import teams as channels_teams
from bot.channels import telegram as channels_telegram
from bot.channels.discord import api
from bot.channels.kit import errors
from bot.channels.matrix import ERRORS
from bot.channels.slack import web_api
from bot.testing import hostile, messages
from testbed.servers import discord, faulty, matrix, mattermost, slack, teams, telegram
from testbed.servers.faulty import Answer
from tests.channels.context import Secrets, build, delivery, objects

BEGINNING = datetime(2015, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as the service's readers see it; ``thread``: the reference of the message that it replies to."""

    text: str
    edits: int = 0
    thread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    kind: str
    serve: Callable[[], AbstractContextManager[Any]]
    #: The channel's keys in bot.yaml; its secret is env:A.
    keys: Callable[[Any], dict[str, Any]]
    secret: Callable[[Any], str]
    shown: Callable[[Any], list[Shown]]
    #: The service's codes, what the channel does about each, and the server's answer with a code.
    codes: Mapping[Any, tuple[errors.Act, str]]
    refusal: Callable[[Any, errors.Act], str | Answer]
    #: What a 429 of the server says.
    wait_seconds: float
    post: str = "post"
    #: Words that the service would read as a mention, and what it found in the messages that it took.
    mentions: str
    notified: Callable[[Any], list[Any]]
    threads: bool = True
    looks: bool = True
    #: Sets the number of messages that the service gives at once, where its server has such a setting.
    shorten_pages: Callable[[Any], None] = lambda server: None

    def channel(self, server: Any, secret: str | None = None) -> model.Channel:
        secrets = Secrets(A=self.secret(server) if secret is None else secret)
        return build(self.kind, secrets=secrets, pace="0 seconds", **self.keys(server))

    def posts(self, server: Any) -> int:
        """Return how many requests to post a message the server got."""
        return sum(request[0] == self.post for request in server.requests)


@contextmanager
def _serve_slack() -> Iterator[slack.Server]:
    with slack.serve() as server:
        server.workspace.add_channel("general")
        server.workspace.add_channel("policy-alerts")
        yield server


@contextmanager
def _serve_mattermost() -> Iterator[faulty.Server[mattermost.Mattermost]]:
    with faulty.serve(mattermost.Mattermost()) as server:
        server.service.add_channel("policy-alerts")
        yield server


@contextmanager
def _serve_matrix() -> Iterator[faulty.Server[matrix.Homeserver]]:
    with faulty.serve(matrix.Homeserver()) as server:
        server.service.add_room("policy")
        yield server


def _shown_on_discord(server: faulty.Server[discord.Guild]) -> list[Shown]:
    return [
        Shown(
            message["content"] + "".join(embed["description"] for embed in message["embeds"]),
            message["edits"],
            "" if message["channel_id"] == server.service.news else message["channel_id"],
        )
        for message in server.service.everything()
    ]


def _notified_on_slack(server: slack.Server) -> list[Any]:
    kinds = ("user", "usergroup", "broadcast")
    shown = server.workspace.messages("policy-alerts")
    return [part for message in shown for part in objects(message.get("blocks", [])) if part.get("type") in kinds]


def _notified_on_matrix(server: faulty.Server[matrix.Homeserver]) -> list[Any]:
    events = [event["content"] for event in server.service.rooms["!policy:wirewatch.test"].events]
    events += [event["m.new_content"] for event in events if "m.new_content" in event]
    signs = ("@room", "@reader", 'href="https://matrix.to')
    texts = [(event, event["body"] + event.get("formatted_body", "")) for event in events]
    return [event for event, text in texts if event["m.mentions"] or any(sign in text for sign in signs)]


def _mattermost_status(act: errors.Act) -> int:
    return 401 if act is errors.Act.PARK_WORKSPACE else 500 if act is errors.Act.LOOK else 400


SERVICES = [
    Service(
        kind="slack",
        serve=_serve_slack,
        keys=lambda server: {"to": "#policy-alerts", "token": "env:A", "api_url": server.api_url},
        secret=lambda server: slack.TOKEN,
        shown=lambda server: [
            Shown(str(message.get("blocks")), message["edits"], message.get("thread_ts", ""))
            for message in server.workspace.messages("policy-alerts")
        ],
        codes=web_api.ERRORS,
        refusal=lambda code, act: str(code),
        wait_seconds=1,
        mentions=" ".join(hostile.PINGS),
        notified=_notified_on_slack,
        shorten_pages=lambda server: setattr(server.workspace, "page", 30),
        post="chat.postMessage",
    ),
    Service(
        kind="discord",
        serve=lambda: faulty.serve(discord.Guild()),
        keys=lambda server: {"to": server.service.news, "token": "env:A", "api_url": f"{server.url}/api/v10"},
        secret=lambda server: discord.TOKEN,
        shown=_shown_on_discord,
        codes={code: (act, advice) for code, (act, _, advice) in api.ERRORS.items()},
        refusal=lambda code, act: Answer(400, {"message": "…", "code": code}),
        wait_seconds=1.5,
        mentions="@everyone <@123456789012345678>",
        notified=lambda server: server.service.pinged,
    ),
    Service(
        kind="telegram",
        serve=lambda: faulty.serve(telegram.BotApi()),
        keys=lambda server: {"to": str(telegram.NEWS), "token": "env:A", "api_url": server.url},
        secret=lambda server: telegram.TOKEN,
        shown=lambda server: [
            Shown(message["text"], message["edits"], str(message["reply"] or ""))
            for message in server.service.messages()
        ],
        codes=channels_telegram.ERRORS,
        refusal=lambda code, act: telegram.Refused(400, f"Bad Request: {code}").answer,
        wait_seconds=7,
        mentions="@everyone @alice_b hello@bob_c /ban now:/start (/leave)",
        notified=lambda server: server.service.pinged + server.service.commands,
        looks=False,
    ),
    Service(
        kind="teams",
        serve=lambda: faulty.serve(teams.Workflow()),
        keys=lambda server: {"webhook": "env:A"},
        secret=lambda server: f"{server.url}{teams.PATH}?api-version=1&sv=1.0&sig={teams.SIGNATURE}",
        shown=lambda server: [Shown(teams.text(card)) for card in server.service.cards],
        codes=channels_teams.ERRORS,
        refusal=lambda code, act: teams.Refused(400, code, "…").answer,
        wait_seconds=3,
        mentions="<at>Everyone</at> @channel",
        notified=lambda server: [card for card in server.service.cards if "entities" in card["msteams"]],
        threads=False,
        looks=False,
    ),
    Service(
        kind="mattermost",
        serve=_serve_mattermost,
        keys=lambda server: {
            "server": server.url,
            "team": mattermost.TEAM,
            "to": "policy-alerts",
            "token": "env:A",
        },
        secret=lambda server: mattermost.TOKEN,
        shown=lambda server: [
            Shown(post["message"], post["edits"], post["root_id"]) for post in server.service.posts("policy-alerts")
        ],
        codes=channels_mattermost.ERRORS,
        refusal=lambda code, act: mattermost.Refused(_mattermost_status(act), code).answer,
        wait_seconds=2,
        mentions="@all @here @channel @policy-desk (@all) @all. :@here: \uff20all <@all> &commat;all",
        notified=lambda server: server.service.pinged,
    ),
    Service(
        kind="matrix",
        serve=_serve_matrix,
        keys=lambda server: {"server": server.url, "room": "#policy:wirewatch.test", "token": "env:A"},
        secret=lambda server: matrix.TOKEN,
        shown=lambda server: [
            Shown(event["body"] + event.get("formatted_body", ""), event["edits"], event["thread"])
            for event in server.service.messages("policy")
        ],
        codes=ERRORS,
        refusal=lambda code, act: matrix.Refused(429 if act is errors.Act.WAIT else 403, code, "words").answer,
        wait_seconds=2,
        mentions="@room @reader:wirewatch.test https://matrix.to/#/@reader:wirewatch.test",
        notified=_notified_on_matrix,
        shorten_pages=lambda server: setattr(server.service, "page", 30),
    ),
]
every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: str(service.kind))
services_that_look = pytest.mark.parametrize(
    "service", [service for service in SERVICES if service.looks], ids=lambda service: str(service.kind)
)
services_with_threads = pytest.mark.parametrize(
    "service", [service for service in SERVICES if service.threads], ids=lambda service: str(service.kind)
)


@every_service
async def test_every_message_of_the_example_is_accepted_in_full_and_as_plain_text(service: Service) -> None:
    with service.serve() as server:
        for is_plain in (False, True):
            for name, message in messages.ALL.items():
                await service.channel(server).send(delivery(message, id=f"{name} {is_plain}", is_plain=is_plain))
        assert len(service.shown(server)) == 2 * len(messages.ALL)


@services_with_threads
async def test_an_edit_replaces_the_message_and_replies_stand_in_its_thread(service: Service) -> None:
    with service.serve() as server:
        channel = service.channel(server)
        head = await channel.send(delivery(messages.POST))
        await channel.send(delivery(messages.EDIT, id="send-2", edits=head))
        reply = await channel.send(delivery(messages.NEW_FACT, id="send-3", reply_to=head))
        # Threads do not nest; a Telegram chat has only replies.
        nested = reply if service.looks else head
        await channel.send(delivery(messages.CORRECTION, id="send-4", reply_to=nested))
        first, *replies = service.shown(server)
    assert first.edits == 1
    assert "2 outlets and 1 copy" in first.text
    assert [reply.thread for reply in replies] == [head.ref, head.ref]


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.long)])
@every_service
async def test_whatever_a_feed_says_is_accepted_as_text_and_notifies_nobody(service: Service, step: int) -> None:
    sent = [*hostile.ALL[::step], *hostile.every_kind(service.mentions, f"https://x.example/{service.mentions}")]
    sent += hostile.every_kind(f"\u202eevil {service.mentions} " * 2_000, messages.WIRE)
    sent += hostile.every_kind('\\`*_[]()#&"<' * 9_000, messages.WIRE, many=60)
    with service.serve() as server:
        channel = service.channel(server)
        for number, message in enumerate(sent):
            await channel.send(delivery(message, id=f"plain {number}", is_plain=True))
            head = await channel.send(delivery(message, id=f"send {number}"))
            if channel.abilities.edits:
                await channel.send(delivery(message, id=f"edit {number}", edits=head))
        shown = service.shown(server)
        assert len(shown) == 2 * len(sent)
        assert service.notified(server) == []
    assert not hostile.CONTROL & set("".join(message.text for message in shown))


@services_that_look
async def test_a_message_is_found_among_many_in_its_channel_or_thread_from_a_time_on(service: Service) -> None:
    with service.serve() as server:
        service.shorten_pages(server)
        channel = service.channel(server)
        head = await channel.send(delivery(messages.POST, id="head"))
        reply = await channel.send(delivery(messages.NEW_FACT, id="reply", reply_to=head))
        for number in range(1, 120):
            await channel.send(delivery(messages.NOTICE, id=f"top {number}"))

        async def find(name: str, *, since: datetime = BEGINNING, in_thread: bool = False) -> model.Receipt | None:
            return await channel.find(
                delivery(messages.NOTICE, id=name, reply_to=head if in_thread else None), since=since
            )

        found, found_reply = await find("head"), await find("reply", in_thread=True)
        assert found is not None
        assert (found.ref, found.place, found.thread) == (head.ref, head.place, "")
        assert found_reply is not None
        assert (found_reply.ref, found_reply.thread) == (reply.ref, head.ref)
        assert await find("top 119") is not None
        for name, in_thread in (("other", False), ("other", True)):
            assert await find(name, in_thread=in_thread) is None, name
        looks = len(server.requests)
        assert await find("top 3", since=datetime(2999, 1, 1, tzinfo=UTC)) is None
        assert len(server.requests) <= looks + 2, "the pages before that time are left alone"


@services_with_threads
async def test_a_message_of_another_channel_is_neither_edited_nor_answered(service: Service) -> None:
    with service.serve() as server:
        channel = service.channel(server)
        elsewhere = replace(await channel.send(delivery(messages.POST)), place="elsewhere")
        with pytest.raises(model.ThreadGone):
            await channel.send(delivery(messages.NEW_FACT, id="send-2", reply_to=elsewhere))
        with pytest.raises(model.NotEditable):
            await channel.send(delivery(messages.EDIT, id="send-3", edits=elsewhere))
        assert len(service.shown(server)) == 1


@every_service
@pytest.mark.parametrize("fault", ["500", "500_after", "reset", "reset_after", "hang", "garbage", "garbage_after"])
async def test_no_clear_answer_leaves_the_outcome_unknown_and_a_look_tells_it(service: Service, fault: str) -> None:
    with service.serve() as server:
        server.hang_seconds = 0.05
        channel = service.channel(server)
        head = await channel.send(delivery(messages.POST, id="head"))
        for sent in (delivery(messages.POST), delivery(messages.NEW_FACT, id="reply", reply_to=head)):
            if sent.reply_to and not service.threads:
                continue
            posts = service.posts(server)
            server.fail(service.post, fault)
            with pytest.raises(model.OutcomeUnknown):
                await channel.send(sent)
            assert service.posts(server) == posts + 1
            if not service.looks:
                with pytest.raises(model.OutcomeUnknown):
                    await channel.find(sent, since=BEGINNING)
                continue
            receipt = await channel.find(sent, since=BEGINNING)
            assert (receipt is not None) is fault.endswith("_after")
            assert receipt is None or receipt.thread == (head.ref if sent.reply_to else "")
            if channel.abilities.idempotent:
                repeated = await channel.send(sent)
                assert receipt is None or receipt.ref == repeated.ref


@every_service
async def test_a_limit_is_waited_for_as_long_as_the_service_says(service: Service) -> None:
    with service.serve() as server:
        server.fail(service.post, "429")
        with pytest.raises(model.RetryLater) as caught:
            await service.channel(server).send(delivery(messages.POST))
    assert caught.value.after is not None
    assert caught.value.after.total_seconds() == service.wait_seconds


@pytest.mark.parametrize(
    ("service", "code"),
    [pytest.param(service, code, id=f"{service.kind} {code}") for service in SERVICES for code in service.codes],
)
async def test_each_code_of_a_service_has_its_consequence_and_says_what_the_operator_must_do(
    service: Service, code: Any
) -> None:
    act, advice = service.codes[code]
    expected = errors.send_error(act, "")
    with service.serve() as server:
        # Matrix joins the room and tries again at once.
        server.fail(service.post, service.refusal(code, act), times=2)
        with pytest.raises(type(expected)) as caught:
            await service.channel(server).send(delivery(messages.POST))
    assert advice in str(caught.value)
    if isinstance(expected, model.ChannelClosed):
        assert advice
        assert isinstance(caught.value, model.ChannelClosed)
        assert caught.value.whole_workspace is expected.whole_workspace


@services_with_threads
@pytest.mark.parametrize("token", ["", "wr0ng-t0ken", "a b", "secret\nline"])
async def test_a_wrong_token_parks_every_channel_that_uses_it_and_is_not_shown(
    service: Service, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with service.serve() as server:
        with pytest.raises(model.ChannelClosed) as caught:
            await service.channel(server, token).send(delivery(messages.POST))
        assert service.shown(server) == []
    assert caught.value.whole_workspace or token != "wr0ng-t0ken"
    assert not token or token not in f"{caught.value} {caplog.text}"
