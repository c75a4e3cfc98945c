"""The example that the product is tried on: BlackBerry, the PTA and the backdoor; what people rule, and faults."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot import app
from bot.model.alerts import Reason
from tests.journeys.world import RULES, Item, World, as_text, watching
from tests.testbed.fakes import START

FIRST = Item(
    id="w1",
    title="BlackBerry to leave Pakistan rather than open its servers",
    text="BlackBerry will end its business in Pakistan after the Pakistan Telecommunication Authority demanded "
    "unfettered access to its BES servers. The company calls the demand a backdoor. The order dates from July.",
)
SECOND = Item(
    id="c1",
    title="BlackBerry quits Pakistan over PTA demand for a backdoor into BES",
    text="BlackBerry is quitting Pakistan because the PTA demanded a backdoor into its BES servers. Some 5,000 "
    "companies in Pakistan use the service.",
)
THIRD = Item(
    id="l1",
    title="BlackBerry pulls out of Pakistan as PTA insists on backdoor",
    text="BlackBerry pulls out of Pakistan since the regulator PTA insists on a backdoor into its BES servers.",
)
FOURTH = Item(
    id="d1",
    title="BlackBerry leaves Pakistan over backdoor demand of regulator PTA",
    text="BlackBerry leaves Pakistan after the PTA demanded a backdoor into BES servers. India made the same demand.",
)
LOOK_ALIKES = (
    Item(id="x1", title="School PTA meeting: enter by the back door", text="The parent teacher association meets."),
    Item(id="x2", title="BES to sell branches in Lisbon", text="The bank BES sells branches to pay its debts."),
    Item(id="x3", title="How a backdoor Roth IRA works", text="Savers use a back door to put money into a Roth IRA."),
)
OTHER_EVENT = Item(
    id="o1",
    title="Sindh lifts ban on BlackBerry Messenger after PTA wins lawful access",
    text="The province of Sindh has lifted its ban on BlackBerry Messenger. The PTA said that lawful access to chat "
    "records was agreed with mobile operators in Karachi, where the ban followed a series of kidnappings.",
    at=START + timedelta(hours=30),
)


@pytest.fixture
async def seed(tmp_path: Path) -> AsyncIterator[World]:
    async with watching(tmp_path / "config", "wire", "courier", "ledger", "observer", "gazette") as setup:
        yield setup


ARTICLES = {"wire": FIRST, "courier": SECOND, "ledger": THIRD, "observer": FOURTH}


async def test_four_outlets_give_one_message_that_lists_them_all_although_the_bot_restarts_before_each(
    seed: World,
) -> None:
    seed.restarts = True
    for outlet, item in ARTICLES.items():
        await seed.poll(outlet, item)
    (message,) = seed.heads()
    shown = as_text(message["blocks"])
    assert all(outlet in shown for outlet in ARTICLES)
    assert all(evidence in shown for evidence in ("product", "regulator", "demand"))
    assert message["edits"] == 3
    (story,) = await seed.stories()
    assert len(story.members) == 4
    # Under severity high, an article that may be about another event is also a reply under its headline.
    doubtful = [member.article.title for member in story.members if (member.join.probability or 1) < 0.8]
    assert len(seed.replies()) == len(doubtful)
    assert all(title in str([as_text(reply) for reply in seed.replies()]) for title in doubtful)

    # Look-alikes, and polls that bring nothing new, send nothing.
    count_before = len(seed.slack.requests)
    report = await seed.poll("gazette", *LOOK_ALIKES)
    assert sum(feed.new for feed in report.passed.feeds) == 3
    await seed.once()
    assert not [method for method, _ in seed.slack.requests[count_before:] if method.startswith("chat.")]


# -- what people split and merge, the bot does not reverse


async def test_an_article_that_is_taken_out_is_told_as_a_story_of_its_own_and_stays_out(seed: World) -> None:
    seed.publish("wire", FIRST)
    seed.publish("courier", SECOND)
    await seed.once()
    (message,) = seed.heads()
    assert message["edits"] == 0, "what comes in one pass is in the first message"
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

    await seed.poll("ledger", replace(SECOND if second.outlet == "courier" else FIRST, id="again", at=START))
    outlets = {story.id: {member.article.outlet for member in story.members} for story in await seed.stories()}
    assert outlets[story.id] == {first.outlet}, "what is nearest to an article that was taken out follows it"


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
        await seed.poll(outlet, item)
    assert f"Related: {FIRST.title}" in pointer()

    corrected = replace(FIRST, title=FIRST.title.replace("to leave", "delays leaving"))
    await seed.poll("wire", corrected)
    assert f"Related: {corrected.title}" in pointer()

    by_title = {story.title: story for story in await seed.stories()}
    [about_the_exit] = [story for title, story in by_title.items() if "rather than open" in title]
    merged = await seed.call("stories", "merge", by_title[older.title].id[:8], about_the_exit.id[:8])
    assert "become one story in a moment." in merged.stderr
    await seed.once()
    assert f"Related: {older.title}" in pointer()
    lives, gone, _ = seed.heads()
    assert "Merged into an earlier story:" in as_text(gone)
    assert corrected.title in as_text(gone), "it keeps its headline"
    assert corrected.title in as_text(lives), "the older message lists what joined it"


# -- changes and faults around the bot


async def test_an_unset_token_parks_the_message_and_it_is_sent_when_the_token_is_back(seed: World) -> None:
    token = seed.environ.pop("SLACK_BOT_TOKEN")
    report = await seed.poll("wire", FIRST)
    assert report.drained.parked >= 1
    assert seed.heads() == []
    seed.environ["SLACK_BOT_TOKEN"] = token
    report = await seed.once()
    assert report.drained.parked == 0
    assert sum("rather than open its servers" in as_text(head) for head in seed.heads()) == 1


async def test_an_edited_rule_is_taken_by_the_running_bot_and_applies_to_what_comes_after(seed: World) -> None:
    settings = app.load(seed.folder, seed.environ)
    async with seed.opened() as running:
        (seed.folder / "rules" / "desk.yaml").write_text(RULES.replace("name: BlackBerry in Pakistan", "name: Renamed"))
        await running.reload(app.load(seed.folder, seed.environ, settings))
        seed.publish("courier", SECOND)
        seed.clock.advance(timedelta(minutes=5))
        await running.once(everything=True, drain=timedelta(seconds=60))
    assert "Renamed" in as_text(seed.heads())
    assert "Configuration reloaded" in as_text(seed.heads("ops"))


async def test_a_message_follows_its_outlets_wording_and_a_material_edit_is_a_correction_in_its_thread(
    seed: World,
) -> None:
    await seed.poll("wire", FIRST)
    reworded = f"Explained: {FIRST.title}"
    await seed.poll("wire", replace(FIRST, title=reworded))
    (head,) = seed.heads()
    assert reworded in as_text(head)
    assert seed.replies() == []
    (story,) = await seed.stories()
    assert [decision.reason for decision in await seed.decisions(story)] == [Reason.FIRST_REPORT, Reason.RENAMED]

    await seed.poll("wire", replace(FIRST, title=FIRST.title.replace("Pakistan", "India")))
    (reply,) = seed.replies()
    assert "India" in as_text(reply)
    assert f'"url": "https://wire.example/{FIRST.id}"' in as_text(reply), "it links the article that changed"
    assert Reason.CORRECTION in {decision.reason for decision in await seed.decisions(story)}


async def test_a_rule_that_is_expected_to_match_and_is_silent_is_told_once_each_time(seed: World) -> None:
    (seed.folder / "rules" / "desk.yaml").write_text(
        RULES.replace("    notify: desk", "    expect: every 2 days\n    notify: desk")
    )

    def notices() -> list[str]:
        texts = [as_text(head) for head in seed.heads("ops")]
        return [text for text in texts if "A rule is silent" in text]

    await seed.once()
    await seed.once(minutes=24 * 60)
    assert not notices()
    await seed.once(minutes=25 * 60)
    await seed.once()
    assert ["BlackBerry in Pakistan" in text for text in notices()] == [True]
    await seed.poll("wire", FIRST)
    await seed.once(minutes=49 * 60)
    assert len(notices()) == 2
