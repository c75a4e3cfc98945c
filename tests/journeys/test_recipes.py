"""The recipes of docs/channels.md, from the first message of a story to its end, at services that check their form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.model.actions import MakeSilence, Noise, SilenceKind
from bot.model.messages import MessageKind, Outgoing, SendState
from bot.model.stories import Story
from bot.pipeline import actions
from bot.pipeline.rights import operator_context
from bot.queries.stories import MessageDocument, describe_message
from tests.faults import rows
from tests.journeys.world import BOT, Item, World, world
from tests.testbed.servers import faulty, records

DOCS = Path(__file__).parents[2] / "docs" / "channels.md"


def recipe(name: str) -> dict[str, Any]:
    """Return the keys of a channel in the docs."""
    blocks = re.findall(r"```yaml\n(channels:.*?)```", DOCS.read_text(), re.DOTALL)
    written = [yaml.safe_load(block)["channels"] for block in blocks]
    [keys] = [channels[name] for channels in written if name in channels]
    return dict(keys)


@dataclass
class Office:
    """A desk in Slack, and a recipe that gets the same stories."""

    desk: World
    server: faulty.Server[records.Service]

    @property
    def service(self) -> records.Service:
        return self.server.service

    def configure(self, name: str, keys: str = "") -> None:
        channel = recipe(name)
        for variable in re.findall(r"env:(\w+)", str(channel)):
            value = records.ROUTING_KEY if variable == "INCIDENTS_KEY" else records.CREDENTIALS
            self.desk.environ[variable] = self.server.url if variable.endswith("URL") else value
        written = yaml.safe_dump({name: channel}, allow_unicode=True, width=10_000)
        written = "".join(f"  {line}\n" for line in written.splitlines()).replace("{", "{{").replace("}", "}}")
        bot = BOT.replace("operator: ops", f"{written}operator: ops") + keys
        rules = rows.RULES.replace("notify: desk", f"notify: [desk, {name}]")
        self.desk.configure("wire", "echo", "third", bot=bot, rules=rules)

    async def silence(self, story: Story) -> None:
        action = MakeSilence(kind=SilenceKind.STORY, name=story.id, reason="everybody knows")
        async with self.desk.opened() as bot:
            await actions.carry_out(
                bot.store,
                bot.settings,
                lambda turn: actions.apply_action(operator_context(turn, by="amina", story=story), action),
                now=self.desk.clock.now(),
            )

    async def first_messages(self, channel: str) -> dict[str, Outgoing]:
        """Return the sent first message of each story that has one for itself, by the story's id."""
        sent = await self.desk.read(
            lambda tx: [row for story in tx.stories.since(None) for row in tx.outbox.of_story(story.id)]
        )
        return {
            row.story: row
            for row in sent
            if row.story and row.channel == channel and row.message.kind is MessageKind.POST
        }

    def history(self, title: str) -> list[str]:
        """Return what happened to the only record with a title, without updates of its text."""
        [key] = [key for key, headline in self.service.titles.items() if headline == title]
        return [event for event in self.service.history[key] if event != "update"]


@contextmanager
def serving(name: str) -> Iterator[faulty.Server[records.Service]]:
    with faulty.serve(records.Service(name)) as server:
        yield server
    assert not server.service.refused


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as opened:
        yield opened


def corrected(item: Item) -> Item:
    """Another outlet's article that denies the report."""
    return replace(item, id=f"{item.id} denied", title=f"{item.title.split()[0]} denies: {item.title}")


@pytest.mark.parametrize(
    "name",
    ["pagerduty", *(pytest.param(name, marks=pytest.mark.long) for name in records.NAMES if name != "pagerduty")],
)
async def test_thirteen_stories_beyond_the_cap_are_thirteen_records_each_with_its_own_end(
    name: str, desk: World
) -> None:
    with serving(name) as server:
        office = Office(desk, server)
        office.configure(name, "posts_per_hour: 5\n")
        await desk.once()
        events = rows.reports(13)
        desk.publish("wire", *events)
        for minutes in (5, 61, 61, 61):
            await desk.once(minutes=minutes)
        assert Counter(server.service.titles.values()) == dict.fromkeys((item.title for item in events), 1)

        in_slack = await office.first_messages("desk")
        stories = {story.title: story for story in await desk.stories()}
        noise = next(item for item in events if stories[item.title].id in in_slack)
        same, news, silenced, *others = [item for item in events if item is not noise]
        await office.silence(stories[silenced.title])
        await desk.press(Noise(), stories[noise.title])
        desk.publish("echo", replace(same, id="same", title=f"{same.title}, says the mayor"), corrected(news))
        desk.publish("third", corrected(silenced))
        await desk.once()
        assert office.history(same.title) == ["open"]
        assert office.history(news.title) == ["open", "note"]
        assert office.history(silenced.title) == office.history(noise.title) == ["open", "resolve"]

        for _ in range(2):
            await desk.once(minutes=15 * 24 * 60)
        assert [office.history(item.title)[-1] for item in events] == ["resolve"] * 13
        assert [office.history(item.title).count("resolve") for item in others] == [1] * 9


@pytest.mark.parametrize("name", ["pagerduty", "jira"])
async def test_a_first_look_and_an_outage_of_a_day_leave_each_story_its_own_record(name: str, desk: World) -> None:
    with serving(name) as server:
        office = Office(desk, server)
        office.configure(name)
        desk.publish("wire", *rows.reports(13))
        for _ in range(3):
            await desk.once()
        posted = [row for row in await desk.read(lambda tx: tx.outbox.unsent()) if row.channel == name]
        first = set(server.service.titles.values())
        assert (len(posted), len(server.service.titles), len(first)) == (0, 5, 5)

        server.fail("post", faulty.Answer(503), times=1_000)
        events = rows.reports(6, skip=13)
        desk.publish("wire", *events)
        for minutes in (5, 25 * 60, 60):
            await desk.once(minutes=minutes)
        assert set(server.service.titles.values()) == first
        server.recover()
        for _ in range(3):
            await desk.once(minutes=60)
        assert Counter(server.service.titles.values()) == dict.fromkeys((*first, *(item.title for item in events)), 1)


# -- a template of one's own


TICKETS = """\
  tickets:
    kind: webhook
    url: env:TICKETS_URL
    template: |
      {% if kind == "post" %}{"title": {{ title | tojson }}, "id": {{ stories[0].id | tojson }}}{% endif %}
"""


async def test_what_the_template_leaves_out_and_what_the_service_refuses_is_kept_with_the_reason(
    tmp_path: Path,
) -> None:
    service = faulty.Always(faulty.Answer(201))
    with faulty.serve(service) as server:
        async with world(tmp_path) as desk:
            desk.environ["TICKETS_URL"] = server.url
            bot = BOT.replace("operator: ops", f"{TICKETS.replace('{', '{{').replace('}', '}}')}operator: ops")
            rules = rows.RULES.replace("notify: desk", "notify: tickets")
            desk.configure("wire", "echo", bot=bot, rules=rules)
            await desk.once()
            first, second = rows.reports(2)
            await desk.poll("wire", first)
            await desk.poll("echo", replace(first, id="again", title=f"{first.title}, says the mayor"))
            [story] = await desk.stories()
            counts = await desk.read(lambda tx: tx.outbox.counts())
            messages = await desk.read(lambda tx: tx.outbox.of_story(story.id))
            assert (counts["tickets", SendState.SENT], counts["tickets", SendState.LEFT_OUT]) == (1, 1)
            assert len(server.requests) == 1
            assert [describe_message(MessageDocument.of(row)) for row in messages][1] == (
                "edit to tickets, left out: the channel's template writes nothing for this message"
            )

            service.given = faulty.Answer(400, {"errors": ["title: too long"]})
            await desk.poll("wire", second)
            [piece] = await desk.read(lambda tx: tx.quarantine.all())
            assert len(server.requests) == 2
            assert "title: too long" in piece.error
            assert "plain text" not in piece.error
