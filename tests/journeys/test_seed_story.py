"""The example that the product is tried on: BlackBerry, the PTA and the backdoor."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.journeys.world import RULES, Item, World, as_text, world
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
#: The same event in other words, which match every line of the rule.
IN_OTHER_WORDS = Item(
    id="o2",
    title="Pakistan lifts ban on BlackBerry Messenger in Sindh after police get backdoor access to chat logs",
    text="Sindh has lifted its ban on BlackBerry Messenger, the PTA said, after police were given access to chat logs "
    "of suspected kidnappers in Karachi.",
    at=START + timedelta(hours=5),
)


@pytest.fixture
async def seed(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "config") as setup:
        setup.configure("wire", "courier", "ledger", "observer", "gazette")
        await setup.once()
        yield setup


ARTICLES = {"wire": FIRST, "courier": SECOND, "ledger": THIRD, "observer": FOURTH}


async def test_four_outlets_give_one_message_that_lists_them_all_although_the_bot_restarts_before_each(
    seed: World,
) -> None:
    seed.restarts = True
    for outlet, item in ARTICLES.items():
        seed.publish(outlet, item)
        await seed.once()
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
    seed.publish("gazette", *LOOK_ALIKES)
    report = await seed.once()
    assert sum(feed.new for feed in report.passed.feeds) == 3
    await seed.once()
    assert not [method for method, _ in seed.slack.requests[count_before:] if method.startswith("chat.")]


async def test_four_outlets_and_two_rules_in_one_pass_give_one_message_that_names_them_all(seed: World) -> None:
    second = """\
  - name: Any backdoor demand
    query: backdoor* AND (demand* OR insist*)
    notify: desk
    must_match: ["PTA demands backdoor"]
    must_not_match: ["PTA meets"]
"""
    (seed.folder / "rules" / "desk.yaml").write_text(RULES + second)
    for outlet, item in ARTICLES.items():
        seed.publish(outlet, item)
    await seed.once()
    (message,) = seed.heads()
    shown = as_text(message["blocks"])
    assert all(outlet in shown for outlet in ARTICLES)
    assert "BlackBerry in Pakistan" in shown
    assert "Any backdoor demand" in shown
    assert (message["edits"], seed.replies()) == (0, [])
    (story,) = await seed.stories()
    assert len(story.members) == 4


@pytest.mark.parametrize(
    ("event", "hours"), [(OTHER_EVENT, 30), (IN_OTHER_WORDS, 5)], ids=["its own words", "words that hold every line"]
)
async def test_another_event_under_the_same_rule_with_the_same_names_opens_its_own_message(
    seed: World, event: Item, hours: int
) -> None:
    seed.publish("wire", FIRST)
    seed.publish("courier", SECOND)
    await seed.once()
    seed.publish("ledger", event)
    await seed.once(minutes=hours * 60)
    _, second = seed.heads()
    assert event.title in json.dumps(second["blocks"])
    assert sorted(len(story.members) for story in await seed.stories()) == [1, 2]


async def test_a_moved_deadline_is_told_in_the_thread_once(seed: World) -> None:
    first = Item(id="w2", title=FIRST.title, text=FIRST.text + " The deadline is 30 November.")
    seed.publish("wire", first)
    await seed.once()
    moved = Item(
        id="l2",
        title="BlackBerry exit from Pakistan delayed as PTA moves deadline",
        text="BlackBerry's exit from Pakistan over the backdoor demand is delayed. The PTA moved the deadline for its "
        "BES servers from 30 November to 30 December.",
    )
    seed.publish("ledger", moved)
    await seed.once()
    seed.publish("ledger", moved, Item(id="l3", title=moved.title + " again", text=moved.text))
    await seed.once()
    (reply,) = [r for r in seed.replies() if "30 December" in json.dumps(r)]
    assert reply["thread_ts"] == seed.heads()[0]["ts"]


async def test_a_first_poll_gathers_its_stories_and_posts_nothing_old(tmp_path: Path) -> None:
    async with world(tmp_path / "config") as setup:
        setup.configure("wire")
        old = Item(id="old", title=SECOND.title, text=SECOND.text, at=START - timedelta(days=90))
        setup.publish("wire", FIRST, OTHER_EVENT, old)
        await setup.once()
        (message,) = setup.heads()
        shown = json.dumps(message["blocks"])
        assert "Sindh" in shown
        assert "rather than open" in shown
        assert "quits Pakistan over" not in shown
