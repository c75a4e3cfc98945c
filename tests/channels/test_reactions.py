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
            names=("ann", "bilal"),
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


async def seen(channel: ports.ShowsReactions, head: model.Receipt) -> list[str]:
    """The names of those whose reaction is there."""
    return [person.name for person in await channel.reacted(head)]


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
    assert await seen(channel, head) == []
    service.react(head.ref, bilal, other)
    service.react(head.ref, ann, eyes)
    assert await seen(channel, head) == [service.names[0]]
    service.react(head.ref, bilal, eyes)
    assert await seen(channel, head) == list(service.names), "who was first is named first"
    service.react(head.ref, ann, eyes, taken_away=True)
    assert await seen(channel, head) == [service.names[1]]


async def test_a_person_is_known_by_an_id_and_shown_by_the_name_that_they_chose_however_hostile() -> None:
    evil = "@everyone <@U1>\n\u202e" + "x" * 100
    with faulty.serve(discord.Guild()) as server:
        keys = {"to": server.service.news, "token": "env:A", "api_url": f"{server.url}/api/v10"}
        on_discord: Any = build("discord", secrets=Secrets(A=discord.TOKEN), **keys)  # type: ignore[arg-type]
        head = await on_discord.send(delivery(messages.POST))
        server.service.react(head.ref, "500000000000000001", name="ann.k", shown="Ann K.")
        server.service.react(head.ref, "500000000000000002", shown=evil)
        server.service.react(head.ref, "500000000000000003", shown="\u200b")
        first, second, third = await on_discord.reacted(head)
    assert (first.id, first.name) == ("500000000000000001", "Ann K.")
    assert (len(second.name), second.name[:19]) == (60, "@everyone <@U1> xxx"), "one line, without tricks, bounded"
    assert third.name == "somebody on Discord"
    with faulty.serve(matrix.Homeserver()) as home:
        home.service.add_room("policy").names["@ann:wirewatch.test"] = "Ann K."
        keys = {"server": home.url, "room": "#policy:wirewatch.test", "token": "env:A"}
        on_matrix: Any = build("matrix", secrets=Secrets(A=matrix.TOKEN), **keys)  # type: ignore[arg-type]
        head = await on_matrix.send(delivery(messages.POST))
        home.service.react(head.ref, "@ann:wirewatch.test")
        assert await on_matrix.reacted(head) == [ports.Person(id="@ann:wirewatch.test", name="Ann K.")]


async def test_all_who_reacted_are_read_and_more_than_a_thousand_are_an_error_and_never_a_part() -> None:
    with faulty.serve(discord.Guild()) as server:
        guild = server.service
        keys = {"to": guild.news, "token": "env:A", "api_url": f"{server.url}/api/v10"}
        channel: Any = build("discord", secrets=Secrets(A=discord.TOKEN), **keys)  # type: ignore[arg-type]
        head = await channel.send(delivery(messages.POST))
        for number in range(250):
            guild.react(head.ref, str(500_000_000_000_000_000 + number))
        assert len({person.id for person in await channel.reacted(head)}) == 250
        for number in range(1_000):
            guild.react(head.ref, str(500_000_000_000_000_000 + number))
        with pytest.raises(ports.Unknown, match="more than 1,000 people"):
            await channel.reacted(head)


async def test_more_reactions_than_a_matrix_page_has_are_an_error_and_never_a_part() -> None:
    with _matrix() as service:
        channel = bot(service)
        head = await channel.send(delivery(messages.POST))
        service.react(head.ref, *service.people[:1], service.marks[0])
        for number in range(499):
            service.react(head.ref, f"@r{number}:wirewatch.test", service.marks[1])
        with pytest.raises(ports.Unknown, match="500 reactions or more"):
            await channel.reacted(head)


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
            assert await seen(channel, head) == [service.names[0]]


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
    assert await seen(channel, head) == [service.names[1]]


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


_BOT = {"to": "1" * 18, "token": "env:A"}


@pytest.mark.parametrize(
    ("kind", "keys", "way"),
    [
        ("slack", {**_BOT, "buttons": True, "app_token": "env:B"}, model.ClaimWay.BUTTON),
        ("slack", {"webhook": "env:A"}, model.ClaimWay.COMMAND),
        ("discord", _BOT, model.ClaimWay.REACTION),
        ("discord", {"webhook": "env:A"}, model.ClaimWay.COMMAND),
        ("telegram", {**_BOT, "buttons": True}, model.ClaimWay.BUTTON),
        ("telegram", _BOT, model.ClaimWay.COMMAND),
        ("matrix", {"server": "https://m.example", "room": "!a:b", "token": "env:A"}, model.ClaimWay.REACTION),
        ("mattermost", {**_BOT, "server": "https://m.example", "team": "a"}, model.ClaimWay.REACTION),
        ("console", {}, model.ClaimWay.COMMAND),
    ],
)
def test_the_way_to_claim_follows_from_what_a_channel_hears(
    kind: str, keys: Mapping[str, object], way: model.ClaimWay
) -> None:
    assert channels.claim_way(channels.options()[kind].model_validate(keys)) is way
