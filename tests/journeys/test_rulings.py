"""People split and merge stories from the command line, and the bot does not reverse it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.journeys.test_seed_story import FIRST, OTHER_EVENT, SECOND
from tests.journeys.world import Item, World, world
from tests.testbed import commands
from tests.testbed.fakes import START


@pytest.fixture
async def seed(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "config") as setup:
        setup.configure("wire", "courier", "ledger", "observer")
        await setup.once()
        yield setup


def _wirewatch(seed: World, *arguments: str, of: str = "stories") -> subprocess.CompletedProcess[str]:
    return commands.run([of, *arguments, "--config", str(seed.folder)], seed.folder, {**os.environ, **seed.environ})


async def test_an_article_that_is_taken_out_is_told_as_a_story_of_its_own_and_stays_out(seed: World) -> None:
    seed.publish("wire", FIRST)
    seed.publish("courier", SECOND)
    await seed.once()
    (story,) = await seed.stories()
    first, second = (member.article for member in story.members)

    done = _wirewatch(seed, "split", story.id, second.link)
    assert (done.returncode, "1 article becomes a separate story" in done.stderr) == (0, True), done.stderr
    await seed.once()
    assert len(seed.heads()) == 2
    assert sorted(len(story.members) for story in await seed.stories()) == [1, 1]
    assert second.outlet not in str(seed.heads()[0]["blocks"])

    seed.publish("ledger", replace(SECOND if second.outlet == "courier" else FIRST, id="again", at=START))
    await seed.once()
    lives = {story.id: {member.article.outlet for member in story.members} for story in await seed.stories()}
    assert lives[story.id] == {first.outlet}, "what is nearest to an article that was taken out follows it"


async def test_two_stories_that_people_make_one_are_one_message_and_a_pointer(seed: World) -> None:
    seed.publish("wire", FIRST)
    await seed.once()
    seed.publish("observer", OTHER_EVENT)
    await seed.once()
    first, second = sorted(await seed.stories(), key=lambda story: story.first_seen)
    done = _wirewatch(seed, "merge", second.id[:8], first.id[:8])
    assert done.returncode == 0, done.stderr
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


async def test_a_message_that_names_another_story_follows_its_corrected_headline(seed: World) -> None:
    seed.publish("wire", FIRST)
    await seed.once()
    seed.publish("observer", DENIAL)
    await seed.once()
    assert f"Related: {FIRST.title}" in _pointer(seed)

    corrected = replace(FIRST, title=FIRST.title.replace("to leave", "delays leaving"))
    seed.publish("wire", corrected)
    await seed.once()
    assert f"Related: {corrected.title}" in _pointer(seed)


async def test_a_message_that_names_another_story_follows_it_when_people_merge_it(seed: World) -> None:
    older = replace(OTHER_EVENT, at=START - timedelta(hours=1))
    for outlet, item in (("ledger", older), ("wire", FIRST), ("observer", DENIAL)):
        seed.publish(outlet, item)
        await seed.once()
    by_title = {story.title: story for story in await seed.stories()}
    assert f"Related: {FIRST.title}" in _pointer(seed)

    done = _wirewatch(seed, "merge", by_title[older.title].id, by_title[FIRST.title].id)
    assert done.returncode == 0, done.stderr
    await seed.once()
    assert f"Related: {older.title}" in _pointer(seed)


def _pointer(seed: World) -> str:
    """The text of the message that names another story, without styles and links."""
    for message in seed.slack.workspace.messages("policy-alerts"):
        text = "".join(text for _, text in re.findall(r"'text': (['\"])(.*?)\1", str(message["blocks"])))
        if "Related: " in text:
            return text
    raise AssertionError(str(seed.slack.workspace.messages("policy-alerts")))


async def test_what_cannot_be_ruled_says_why_and_what_to_do(seed: World) -> None:
    seed.publish("wire", FIRST)
    await seed.once()
    (story,) = await seed.stories()
    for arguments, reason in (
        (("split", story.id, "https://nowhere.example/x"), "has no article https://nowhere.example/x"),
        (("split", "0123", "https://wire.example/1"), "no story 0123"),
        (("split", story.id, story.members[0].article.link), "these are all its articles"),
        (("merge", story.id, story.id), "are already one story"),
    ):
        done = _wirewatch(seed, *arguments)
        assert done.returncode == 2
        assert reason in done.stderr
        assert "Traceback" not in done.stderr
