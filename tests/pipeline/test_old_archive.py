"""An archive of the version before, with a squatted link and forged owners in it, under this version.

archives/schema_0008.sql is what that version had stored: The Wire's items, one of them silenced by a squatted link;
Squat's cats under two links of The Wire, and four items with links to four sites; Daily, which carries The Wire's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot import model, storage
from bot.feeds import outlets
from testbed.fakes import START, FakeClock
from tests.pipeline.newsroom import Item, Newsroom

ARCHIVE = Path(__file__).parent / "archives" / "schema_0008.sql"
WIRE = model.Feed(url="https://feeds.wire.example/world.xml", name="The Wire")
SQUAT = model.Feed(url="https://squat.example/rss", name="Squat")
DAILY = model.Feed(url="https://daily.example/feed", name="Daily")
FEEDS = {feed.url: feed for feed in (WIRE, SQUAT, DAILY)}
LINK = "https://www.wire.example/"
EXIT = "BlackBerry leaves Pakistan because the regulator asked for access to its servers, the company said on Monday."
WIRES = (
    Item(id="w1", link=f"{LINK}exit", title="BlackBerry to leave Pakistan", text=EXIT),
    Item(id="w2", link=f"{LINK}rain", title="Rain stops play", text="It rained."),
    Item(
        id="w3",
        link=f"{LINK}silenced",
        title="BlackBerry sues the regulator",
        text="BlackBerry went to court over the order.",
    ),
)
SQUATS = (
    Item(id="s1", link=f"{LINK}silenced", title="Cat pictures", text="Cats."),
    Item(id="s2", link=f"{LINK}claimed", title="Cat pictures of today", text="Cats again."),
    *(
        Item(
            id=f"f{name}",
            link=f"https://{name}.example/bank",
            title=f"BlackBerry bank in {name.title()} fined over its ledgers",
            text=f"The BlackBerry bank was fined in {name} over ledgers that it kept twice, the court of {name} found.",
        )
        for name in ("north", "south", "east", "west")
    ),
)
DAILIES = (
    Item(id="d1", link=f"{LINK}exit", title="BlackBerry to leave Pakistan - Daily", text="As reported elsewhere."),
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def room(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Newsroom]:
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(ARCHIVE.read_text("utf-8"))
    address = f"sqlite:///{file}"
    storage.open_store(address, clock=FakeClock()).close_now()  # upgrades it
    if request.param == "postgres":
        target = request.getfixturevalue("postgres_address")
        await storage.move(address, target, clock=FakeClock())
        address = target
    store = storage.open_store(address, clock=FakeClock())
    yield Newsroom(store, list(FEEDS.values()), now=START + timedelta(hours=1))
    await store.close()


async def _count(room: Newsroom) -> int:
    return await room.store.read(lambda tx: tx.articles.count())


async def test_nothing_comes_again_and_nothing_is_doubled(room: Newsroom) -> None:
    before, told = await _count(room), await room.told()
    for _ in range(2):
        # In one transaction and apart; what is read again is all of it.
        for said in ({WIRE.url: WIRES, SQUAT.url: SQUATS, DAILY.url: DAILIES}, {DAILY.url: DAILIES}, {WIRE.url: WIRES}):
            for poll in await room.together(said):
                assert (poll.new_count, poll.arrivals, poll.revisions) == (0, (), ())
    assert await _count(room) == before
    assert await room.told() == told


async def test_a_link_that_was_squatted_before_is_the_publishers_to_tell(room: Newsroom) -> None:
    claimed = Item(id="w4", link=f"{LINK}claimed", title="BlackBerry wins in court", text="BlackBerry won its case.")
    assert (await room.poll(WIRE, claimed)).new_count == 1
    await room.poll(SQUAT, Item(id="s2", link=f"{LINK}claimed", title=claimed.title, text=claimed.text))
    await room.together({WIRE.url: [claimed, *WIRES], SQUAT.url: SQUATS})
    assert [one for one in await room.told() if one[1] == claimed.title][:1] == [(WIRE.url, claimed.title)]
    assert claimed.title in await room.titles(WIRE)


async def test_owners_that_were_forged_by_links_are_one_owner(room: Newsroom) -> None:
    since = START - timedelta(days=14)

    async def corrected(feeds: dict[str, model.Feed]) -> tuple[int, set[str]]:
        def owner_of(feed: str, link: str) -> str | None:
            return outlets.owner_of(feeds[feed], link) if feed in feeds else None

        count = await room.store.write(lambda tx: tx.articles.correct_owners(owner_of, since=since))
        return count, {owner for story in await room.stories() for owner in story.owners}

    forged = {"wire.example", "north.example", "south.example", "east.example", "west.example"}
    assert await corrected({}) == (0, forged), "of feeds that are no longer listed nothing is known"
    assert await corrected(FEEDS) == (4, {"wire.example", "squat.example"})
    assert await corrected(FEEDS) == (0, {"wire.example", "squat.example"})
    declared = {**FEEDS, SQUAT.url: model.Feed(url=SQUAT.url, aggregator=True)}
    assert await corrected(declared) == (4, forged)
