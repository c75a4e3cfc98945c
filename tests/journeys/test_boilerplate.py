"""A standing footer that holds the words of a rule: it matches only until it is known for what it is."""

from __future__ import annotations

from pathlib import Path

from bot import app
from testbed.fakes import START
from tests.journeys.world import Item, world

FOOTER = "Read our guide to the PTA, BlackBerry and every backdoor."


async def test_a_footer_that_holds_the_words_of_a_rule_stops_matching_once_it_is_known(tmp_path: Path) -> None:
    async with world(tmp_path / "config") as made:
        made.configure("wire")
        await made.once()
        for number in range(6):
            text = f"<p>A report of the weather on day {number}.</p><p>{FOOTER}</p>"
            made.publish(
                "wire", Item(id=str(number), title=f"Weather for day {number}", text=text, at=made.clock.now())
            )
            await made.once()
        members = [member.article for story in await made.stories() for member in story.members]
        assert sorted(article.title for article in members) == [f"Weather for day {number}" for number in range(3)]
        environment = made.environment()
        async with app.opened(app.load(made.folder, environment.environ), environment) as running:
            stored = await running.store.read(lambda tx: list(tx.articles.archive(since=START)))
        assert [article.left_out for article in stored] == [(), (), (), (FOOTER,), (FOOTER,), (FOOTER,)]
        assert all("A report of the weather" in article.text for article in stored)
