"""A line that a feed repeats in its items and that holds the words of a rule."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot import app
from bot.app import runtime
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
        async with runtime.opened(app.load(made.folder, environment.environ), environment) as running:
            stored = await running.store.read(lambda tx: list(tx.articles.archive(since=START)))
        assert [article.left_out for article in stored] == [(), (), (), (FOOTER,), (FOOTER,), (FOOTER,)]
        assert all("A report of the weather" in article.text for article in stored)


async def test_a_line_in_the_middle_of_every_item_of_a_first_poll_matches_no_rule_and_is_in_no_message(
    tmp_path: Path,
) -> None:
    async with world(tmp_path / "config") as made:
        made.configure("wire")
        items = [
            Item(
                id=str(number),
                title=f"Weather for day {number}",
                text=f"<p>A report on day {number}.</p><p>{FOOTER}</p><p>The wind of day {number} is weak.</p>",
                at=made.clock.now(),
            )
            for number in range(6)
        ]
        demand = "PTA wants a backdoor into BlackBerry's servers."
        items += [Item(id="n", title="BlackBerry to leave", text=f"{demand} {FOOTER} More soon.", at=made.clock.now())]
        made.publish("wire", *items)
        await made.once()
        assert [story.title for story in await made.stories()] == ["BlackBerry to leave"]
        [head] = made.heads()
        assert "wants a" in str(head)
        assert "Read our guide" not in str(head)


async def test_old_items_of_a_first_poll_show_what_the_feed_repeats(tmp_path: Path) -> None:
    async with world(tmp_path / "config") as made:
        made.configure("wire")
        old = made.clock.now() - timedelta(days=9)
        items = [
            Item(id=str(n), title=f"Weather for day {n}", text=f"A report on day {n}. {FOOTER} Wind {n}.", at=old)
            for n in range(6)
        ]
        items.append(
            Item(id="new", title="Weather for today", text=f"It rains today. {FOOTER} No wind.", at=made.clock.now())
        )
        made.publish("wire", *items)
        await made.once()
        assert await made.stories() == []
