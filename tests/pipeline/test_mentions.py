"""The people whom a story's first message mentions: by severity, or by the rule, with the ids of each channel."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from bot import rules, storage
from bot.config.settings import Settings
from bot.model.channels import ChannelFeatures
from bot.model.feeds import Feed
from bot.model.messages import Mention
from bot.model.rules import Severity
from tests.pipeline.newsroom import Item, Newsroom, rule
from tests.testbed.fakes import START
from tests.testbed.made_settings import make_settings
from tests.testbed.shown import story_post

DAWN = Feed(url="https://dawn.example/feed", name="Dawn", owner="Dawn")
TITLE = "BlackBerry Messenger returns to Sindh after a ban of two months"


@dataclass(slots=True)
class Watch(Newsroom):
    #: The mentions of bot.yaml, and those of the rule.
    by_severity: dict[Severity, tuple[str, ...]] = field(default_factory=dict)
    by_rule: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        changed = replace(rule().rule, notify=("desk", "second"), severity=Severity.HIGH, mention=self.by_rule)
        channels = {"desk": ChannelFeatures(people={"duty": "S1"})}
        return make_settings(
            feeds=self.feeds, rules=[rules.compile_rule(changed)], mention=self.by_severity, channels=channels
        )

    async def mentions(self, channel: str) -> tuple[Mention, ...]:
        link = "https://a.example/1"
        await self.poll(DAWN, Item(id="a", link=link, title=TITLE, text="The ban was lifted.", at=START))
        (story,) = await self.stories()
        rows = await self.store.read(lambda tx: tx.outbox.of_story(story.id))
        row = next(row for row in rows if row.channel == channel)
        return story_post(row.message).mentions


@pytest.fixture
def room(store: storage.Store) -> Watch:
    return Watch(store, [DAWN])


@pytest.mark.parametrize(("channel", "id_"), [("desk", "S1"), ("second", "")])
async def test_a_first_message_mentions_the_people_of_its_severity_with_the_ids_of_its_channel(
    room: Watch, channel: str, id_: str
) -> None:
    room.by_severity = {Severity.HIGH: ("duty", "ann")}
    assert await room.mentions(channel) == (Mention(name="duty", id=id_), Mention(name="ann"))


async def test_the_mention_of_a_rule_overrides_that_of_its_severity(room: Watch) -> None:
    room.by_severity, room.by_rule = {Severity.HIGH: ("duty",)}, ("bob",)
    assert [mention.name for mention in await room.mentions("desk")] == ["bob"]
