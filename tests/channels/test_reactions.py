"""Who reacted to a message with 👀, against servers that refuse what the services refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pydantic
import pytest

from bot import channels, model, ports
from bot.testing import messages
from testbed.servers import discord, faulty, matrix, mattermost
from tests.channels.context import Secrets, build, delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service with one channel, and what its people do."""

    kind: str
    keys: Mapping[str, Any]
    token: str
    #: (message, person, reaction), taken away or not.
    react: Callable[..., None]
    #: The two who react: as the service names them to the bot, as ``may_act`` does, and as people see them.
    people: tuple[str, str]
    ids: tuple[str, str]
    names: tuple[str, str]
    #: 👀 and another.
    marks: tuple[str, str]
    #: Takes a right away, or the message.
    spoil: Callable[[], object]


@contextmanager
def _discord() -> Iterator[Service]:
    with faulty.serve(discord.Guild()) as server:
        guild = server.service
        ids = ("500000000000000001", "500000000000000002")
        yield Service(
            kind="discord",
            keys={"to": guild.news, "token": "env:A", "api_url": f"{server.url}/api/v10"},
            token=discord.TOKEN,
            react=guild.react,
            people=ids,
            ids=ids,
            names=("user01", "user02"),
            marks=("👀", "🎉"),
            spoil=lambda: setattr(guild, "rights", guild.rights & ~discord.HISTORY),
        )


@contextmanager
def _matrix() -> Iterator[Service]:
    with faulty.serve(matrix.Homeserver()) as server:
        room = server.service.add_room("policy")
        people = ("@ann:wirewatch.test", "@bilal:wirewatch.test")
        yield Service(
            kind="matrix",
            keys={"server": server.url, "room": "#policy:wirewatch.test", "token": "env:A"},
            token=matrix.TOKEN,
            react=server.service.react,
            people=people,
            ids=people,
            names=people,
            marks=("👀\ufe0f", "🎉"),
            spoil=lambda: room.members.discard(matrix.ME),
        )


@contextmanager
def _mattermost() -> Iterator[Service]:
    with faulty.serve(mattermost.Mattermost()) as server:
        channel = server.service.add_channel("policy")
        people = ("ann", "bilal")
        yield Service(
            kind="mattermost",
            keys={"server": server.url, "team": mattermost.TEAM, "to": "policy", "token": "env:A"},
            token=mattermost.TOKEN,
            react=server.service.react,
            people=people,
            ids=people,
            names=people,
            marks=("eyes", "tada"),
            spoil=lambda: setattr(channel, "is_member", False),
        )


SERVICES = {"discord": _discord, "matrix": _matrix, "mattermost": _mattermost}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    with SERVICES[request.param]() as made:
        yield made


def bot(service: Service, **more: object) -> Any:
    channel = build(service.kind, secrets=Secrets(A=service.token), **{**service.keys, **more})
    assert isinstance(channel, ports.ShowsReactions)
    assert channel.abilities.reactions
    return channel


async def test_those_who_reacted_with_eyes_are_named_as_people_see_them_until_they_take_it_away(
    service: Service,
) -> None:
    channel, (eyes, other), (ann, bilal) = bot(service), service.marks, service.people
    head = await channel.send(delivery(messages.POST))
    assert list(await channel.reacted(head)) == []
    service.react(head.ref, bilal, other)
    service.react(head.ref, ann, eyes)
    assert list(await channel.reacted(head)) == [service.names[0]]
    service.react(head.ref, bilal, eyes)
    assert list(await channel.reacted(head)) == list(service.names), "who was first is named first"
    service.react(head.ref, ann, eyes, taken_away=True)
    assert list(await channel.reacted(head)) == [service.names[1]]


async def test_a_program_that_reacts_claims_nothing() -> None:
    with _discord() as discords, _mattermost() as mattermosts:
        for service, robot in (
            (discords, {"person": "500000000000000009", "name": "bot"}),
            (mattermosts, {"person": "a-bot"}),
        ):
            channel = bot(service)
            head = await channel.send(delivery(messages.POST))
            service.react(head.ref, **robot)
            service.react(head.ref, service.people[0], service.marks[0])
            assert list(await channel.reacted(head)) == [service.names[0]]


async def test_who_has_no_name_on_mattermost_is_an_error_and_never_nobody() -> None:
    with faulty.serve(mattermost.Mattermost()) as server:
        server.service.add_channel("policy")
        keys = {"server": server.url, "team": mattermost.TEAM, "to": "policy", "token": "env:A"}
        channel: Any = build("mattermost", secrets=Secrets(A=mattermost.TOKEN), **keys)  # type: ignore[arg-type]
        head = await channel.send(delivery(messages.POST))
        server.service.react(head.ref, "ann")
        server.service.people.clear()
        with pytest.raises(ports.Unknown, match="no username"):
            await channel.reacted(head)


async def test_only_those_in_may_act_count(service: Service) -> None:
    channel = bot(service, may_act=service.ids[1])
    head = await channel.send(delivery(messages.POST))
    for person in service.people:
        service.react(head.ref, person, service.marks[0])
    assert list(await channel.reacted(head)) == [service.names[1]]


async def test_what_cannot_be_read_is_an_error_and_never_nobody(service: Service) -> None:
    channel = bot(service)
    head = await channel.send(delivery(messages.POST))
    with pytest.raises(ports.SendError):
        await channel.reacted(replace(head, ref="9" * 18))
    with pytest.raises(ports.SendError):
        await channel.reacted(model.Receipt(ref=head.ref, place="elsewhere", sent_at=head.sent_at))
    service.spoil()
    with pytest.raises(ports.SendError):
        await channel.reacted(head)


def test_who_may_act_is_named_as_the_service_does(service: Service) -> None:
    with pytest.raises(pydantic.ValidationError, match="is no id of this service"):
        channels.options()[service.kind].model_validate({**service.keys, "may_act": ["U012 ABC"]})


def test_a_webhook_of_discord_cannot_be_asked() -> None:
    with pytest.raises(pydantic.ValidationError, match="cannot be asked who reacted"):
        channels.options()["discord"].model_validate({"webhook": "env:A", "may_act": "123456789012345678"})
    assert not build("discord", webhook="env:A").abilities.reactions
