"""When did we know, and whom did we tell: asked of a bot that ran for some days."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import ledger
from testbed.fakes import START
from tests.journeys.world import BOT, Item, World, world

TITLE = "BlackBerry quits Pakistan after PTA sought backdoor into BES"
DAY_MINUTES = 24 * 60


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[World]:
    """One story on the first day, and three more days without news."""
    async with world(tmp_path) as made:
        made.configure("wire", "courier", bot=BOT)
        await made.once()
        made.publish("wire", Item(id="w1", title=TITLE, text="The PTA asked for a backdoor.", at=START))
        await made.once()
        for _ in range(3):
            await made.once(minutes=DAY_MINUTES)
        yield made


async def run(told: World, *words: str, code: int = 0) -> str:
    done = await asyncio.to_thread(CliRunner().invoke, ledger.ledger, [*words, "--config", str(told.folder)])
    assert done.exit_code == code, done.output
    return done.output


def alter(told: World, statement: str) -> None:
    with closing(sqlite3.connect(told.folder / "wirewatch.db")) as connection:
        connection.execute(statement)
        connection.commit()


async def test_the_export_tells_the_way_from_the_feed_to_the_reader(told: World) -> None:
    rows = json.loads(await run(told, "export", "--since", "20000d", "--json"))
    watched = [row for row in rows if row["kind"] in ("started", "stopped")]
    assert [row["kind"] for row in watched] == ["started", "stopped"] * 5, "a process for each pass"
    assert {row["how"] for row in watched[1::2]} == {"in order"}
    rows = [row for row in rows if row not in watched]
    kinds = [row["kind"] for row in rows]
    assert kinds == ["fetched", "fetched", "fetched", "matched", "decided", "sent"], "polls without news are no rows"
    known, decided, sent = rows[3:]
    (message,) = told.heads()
    assert (known["rule"], known["link"]) == ("BlackBerry in Pakistan", "https://wire.example/w1")
    assert known["at"] == (START + timedelta(minutes=10)).isoformat()
    assert (decided["channel"], decided["action"], decided["reason"]) == ("desk", "post", "first report")
    assert (sent["channel"], sent["receipt"], sent["stories"]) == ("desk", message["ts"], [decided["story"]])
    assert {row["sealed_with"] for row in rows} == {"2015-12-02"}


async def test_the_export_for_people_is_a_line_a_row(told: World) -> None:
    lines = (await run(told, "export", "--since", "20000d")).splitlines()
    assert len(lines) == 6 + 2 * 5
    (known,) = [line for line in lines if " matched " in line]
    assert known.startswith("2015-12-02 09:10:00 matched   article=")
    assert 'rule="BlackBerry in Pakistan"' in known
    assert await run(told, "export", "--since", "1d", "--json") == "[]\n"


async def test_an_untouched_ledger_holds_and_its_last_seal_is_printed(told: World) -> None:
    said = await run(told, "verify")
    assert "The ledger holds: 3 sealed days with 14 rows." in said
    assert "Last seal: 2015-12-04 " in said
    assert json.loads(await run(told, "verify", "--json"))["holds"] is True


async def test_each_seal_is_posted_to_the_operator_and_shows_a_tail_that_was_cut(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        made.configure("wire", bot=BOT + "ledger: {{post_seal: true}}\n")
        for _ in range(4):
            await made.once(minutes=DAY_MINUTES)
        posted = [str(message["text"]) for message in made.heads("ops")]
        seals = json.loads(await run(made, "verify", "--json"))["seals"]
        assert len(posted) == len(seals) == 3
        for text, each in zip(posted, seals, strict=True):
            assert f"Ledger of {each['day']} sealed" in text
            assert text.endswith(each["seal"])
        last = seals[-1]["seal"]
        assert "1 day sealed since" in await run(made, "verify", "--expect", seals[1]["seal"], "--expect", last)
        for table in ("ledger", "seals"):
            alter(made, f"DELETE FROM {table} WHERE day = '{seals[-1]['day']}'")
        assert "The ledger holds" in await run(made, "verify")
        assert f"No day of this ledger has the seal {last}" in await run(made, "verify", "--expect", last, code=1)
        assert json.loads(await run(made, "verify", "--json", "--expect", last, code=1))["missing"] == [last]
        assert "64 digits" in await run(made, "verify", "--expect", "today", code=2)


async def test_days_that_somebody_deletes_as_if_by_retention_are_named(told: World) -> None:
    alter(told, "UPDATE seals SET is_kept = 0 WHERE day = '2015-12-02'")
    alter(told, "DELETE FROM ledger WHERE day = '2015-12-02'")
    alter(told, "DELETE FROM decisions WHERE day = '2015-12-02'")
    assert "does not hold from 2015-12-02 on" in await run(told, "verify", code=1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decisions SET decision = replace(decision, 'first report', 'digest')",
        "UPDATE decisions SET decision = '{'",
        "DELETE FROM ledger WHERE row LIKE '%\"sent\"%'",
        "INSERT INTO ledger (at, day, row) VALUES (0, '2015-12-02', '{}')",
        # Out of sight of every export, under the text that was sealed.
        "UPDATE ledger SET at = 0 WHERE row LIKE '%\"matched\"%'",
        "UPDATE decisions SET at = 0",
    ],
)
async def test_a_ledger_that_was_changed_exits_1_with_the_day(told: World, statement: str) -> None:
    alter(told, statement)
    assert "does not hold from 2015-12-02 on" in await run(told, "verify", code=1)
    assert json.loads(await run(told, "verify", "--json", code=1))["broken"]["day"] == "2015-12-02"


async def test_a_channel_that_is_closed_is_told_as_parked(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        made.configure("wire")
        await made.once()
        (desk,) = [each for each in made.slack.workspace.channels.values() if each.name == "policy-alerts"]
        desk.is_archived = True
        made.publish("wire", Item(id="w1", title=TITLE, text="The PTA asked for a backdoor.", at=START))
        await made.once()
        await made.once()
        rows = json.loads(await run(made, "export", "--since", "20000d", "--json"))
    parked = [(row["kind"], row["channel"], row["reason"]) for row in rows if row["kind"] == "parked"]
    assert [row[:2] for row in parked] == [("parked", "desk")]
    assert "no channel #policy-alerts is seen by the app" in parked[0][2]
