"""People split and merge stories from the command line, and the bot does not reverse it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.journeys.test_seed_story import FIRST, OTHER_EVENT, SECOND
from tests.journeys.world import Item, World, world
from tests.testbed.fakes import START


@pytest.fixture
async def seed(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "config") as setup:
        setup.configure("wire", "courier", "ledger", "observer")
        await setup.once()
        yield setup


async def test_an_article_that_is_taken_out_is_told_as_a_story_of_its_own_and_stays_out(seed: World) -> None:
    seed.publish("wire", FIRST)
    seed.publish("courier", SECOND)
    await seed.once()
    (story,) = await seed.stories()
    first, second = (member.article for member in story.members)

    for words, reason in (
        (("split", story.id, "https://nowhere.example/x"), "has no article https://nowhere.example/x"),
        (("split", "0123", "https://wire.example/1"), "no story 0123"),
        (("split", story.id, first.link, second.link), "these are all its articles"),
        (("merge", story.id, story.id), "are already one story"),
    ):
        assert reason in (await seed.call("stories", *words, code=2)).stderr
    done = await seed.call("stories", "split", story.id, second.link)
    assert "1 article becomes a separate story" in done.stderr
    await seed.once()
    assert len(seed.heads()) == 2
    assert sorted(len(story.members) for story in await seed.stories()) == [1, 1]
    assert second.outlet not in str(seed.heads()[0]["blocks"])

    seed.publish("ledger", replace(SECOND if second.outlet == "courier" else FIRST, id="again", at=START))
    await seed.once()
    outlets = {story.id: {member.article.outlet for member in story.members} for story in await seed.stories()}
    assert outlets[story.id] == {first.outlet}, "what is nearest to an article that was taken out follows it"


async def test_two_stories_that_people_make_one_are_one_message_and_a_pointer(seed: World) -> None:
    seed.publish("wire", FIRST)
    await seed.once()
    seed.publish("observer", OTHER_EVENT)
    await seed.once()
    first, second = sorted(await seed.stories(), key=lambda story: story.first_seen)
    done = await seed.call("stories", "merge", second.id[:8], first.id[:8])
    assert f'"{second.title}" and "{first.title}" become one story in a moment.' in done.stderr
    await seed.once()
    (lives,) = [story for story in await seed.stories() if story.merged_into is None]
    assert (lives.id, len(lives.members)) == (first.id, 2)
    older, younger = (str(head["blocks"]) for head in seed.heads())
    assert "Merged into an earlier story:" in younger
    assert OTHER_EVENT.title in younger, "it keeps the headline that it was posted with"
    assert OTHER_EVENT.title in older, "the older message lists what joined it"


#: A denial with all names of its headline in FIRST, so its own message names FIRST.
DENIAL = Item(
    id="v1",
    title="BlackBerry denies plans for Pakistan",
    text="A spokeswoman in Waterloo said that nothing is decided. Commuters asked the PTA about a backdoor.",
    at=START + timedelta(minutes=20),
)


async def test_a_message_that_names_another_story_follows_its_corrected_headline_and_its_merge(seed: World) -> None:
    def pointer() -> str:
        """Return the text of the message that names another story, without styles and links."""
        for message in seed.slack.workspace.messages("policy-alerts"):
            text = "".join(text for _, text in re.findall(r"'text': (['\"])(.*?)\1", str(message["blocks"])))
            if "Related: " in text:
                return text
        raise AssertionError(str(seed.slack.workspace.messages("policy-alerts")))

    older = replace(OTHER_EVENT, at=START - timedelta(hours=1))
    for outlet, item in (("ledger", older), ("wire", FIRST), ("observer", DENIAL)):
        seed.publish(outlet, item)
        await seed.once()
    assert f"Related: {FIRST.title}" in pointer()

    corrected = replace(FIRST, title=FIRST.title.replace("to leave", "delays leaving"))
    seed.publish("wire", corrected)
    await seed.once()
    assert f"Related: {corrected.title}" in pointer()

    by_title = {story.title: story for story in await seed.stories()}
    [about_the_exit] = [story for title, story in by_title.items() if "rather than open" in title]
    await seed.call("stories", "merge", by_title[older.title].id, about_the_exit.id)
    await seed.once()
    assert f"Related: {older.title}" in pointer()
