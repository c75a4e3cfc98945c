"""`explain` says when a held story was posted."""

from __future__ import annotations

from pathlib import Path

from bot.queries.articles import EXPLAIN, ExplainParameters
from bot.queries.registry import QueryRunner
from tests.journeys.test_later_messages import CITY_RULES, event
from tests.journeys.world import BOT, world


async def test_a_story_that_a_gathered_message_lists_is_explained_as_posted(tmp_path: Path) -> None:
    async with world(tmp_path) as setup:
        setup.configure("wire", rules=CITY_RULES, bot=f"{BOT}posts_per_hour: 2\n")
        await setup.once()
        setup.publish("wire", *[event(number) for number in range(4)])
        await setup.once()
        async with setup.opened() as running:
            stories = await running.store.read(lambda tx: tx.stories.since(None))
            links = [story.members[0].article.link for story in stories]
            assert len(links) == 4
            for link in links:
                answer = await QueryRunner(running).run(EXPLAIN, ExplainParameters(url=link))
                explained = answer.explained[0]
                assert explained.story is not None
                assert explained.story.decisions[-1].action == "post", explained.story.decisions
