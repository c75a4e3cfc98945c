"""One rule, two lists: a chat hears of each story at once, a list of recipients of all of them in one mail a day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from testbed.servers import smtp
from tests.journeys.world import BOT, Item, World, world

KETTLES = Item(
    id="k1",
    title="Acme recalls 4,000 kettles sold in Lahore",
    text="Acme recalls 4,000 kettles sold in Lahore after two handles broke, its head of safety Farah Malik said.",
)
LADDERS = Item(
    id="l1",
    title="Borealis recalls ladders in Oslo over loose rungs",
    text="The Norwegian maker Borealis recalls its ladders of the year 2014 since their rungs come loose.",
)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[tuple[World, smtp.Server]]:
    with smtp.serve() as server:
        async with world(tmp_path / "config") as made:
            mail = f'{{kind: email, to: desk@example.org, sender: bot@example.org, server: "127.0.0.1:{server.port}"'
            channel = f"  mail: {mail}, security: none, pace: 0.01 seconds, digest: 13:00}}\n"
            channel = channel.replace("{", "{{").replace("}", "}}")
            bot = BOT.replace("operator: ops", f"{channel}operator: ops\ntimezone: Asia/Karachi")
            rules = "rules:\n  - {name: Recalls, all: {what: [recalls]}, severity: high, notify: [desk, mail]}\n"
            made.configure("wire", bot=bot, rules=rules)
            await made.once()
            yield made, server


async def test_a_list_gets_one_mail_a_day_of_what_the_chat_heard_at_once(desk: tuple[World, smtp.Server]) -> None:
    place, server = desk
    place.publish("wire", KETTLES, LADDERS)
    await place.once()
    assert len(place.heads()) == 2
    assert server.mails == []
    # 13:00 in Karachi.
    tomorrow = datetime.fromisoformat("2015-12-03T08:00:00+00:00")
    await place.once(minutes=(tomorrow - place.clock.now()) / timedelta(minutes=1) - 1)
    assert server.mails == []
    await place.once(minutes=2)
    [digest] = server.mails
    assert digest["Subject"] == "Digest: 2 stories"
    text = digest.get_body(("plain",))
    assert text is not None
    assert all(item.title in text.get_content() for item in (KETTLES, LADDERS))
    await place.once(minutes=24 * 60)
    assert len(server.mails) == 1
