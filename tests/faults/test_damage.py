"""One stored value is damaged: nothing ends or hangs, new reports are posted once, old ones are not posted again."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace
from sqlalchemy import Column, Integer, LargeBinary, Table, Text, insert
from sqlalchemy.types import TypeDecorator
from typer.testing import CliRunner

from bot import storage
from bot.cli.commands import app_of
from bot.model.archive import Arrival
from bot.model.rules import Severity
from bot.model.surges import Causes, Surge, Volume
from bot.storage import schema
from bot.storage.columns import EnumText, Flag, HashBytes, JsonColumn, StoredFloat, Timestamp, WholeNumber
from tests.faults import rows
from tests.journeys.world import World, world
from tests.testbed import made
from tests.testbed.fakes import START

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Bytes in a column of text that cannot be decoded.
UNDECODABLE = "CAST(X'66C328' AS TEXT)"
OLD, NEW = rows.reports(2), rows.reports(4)[2:]
TABLES = [table for table in schema.metadata.sorted_tables if table.name not in ("fresh_identities", "ledger")]
#: Held alerts, a brief of the first hours and messages that wait are damaged too.
RULES = rows.RULES + "  - {name: Held recalls, all: {what: [recalls]}, skip: [opinion], notify: ops, gather: 5 hours}\n"
SURGE = Surge(
    id="surge",
    rule="Recalls",
    version="1",
    severity=Severity.NORMAL,
    window=timedelta(hours=1),
    opened_at=START,
    since=START,
    now=Volume(count=9, usual=1.0),
    peak=Volume(count=9, usual=1.0),
    peak_at=START,
    causes=Causes(),
    shown_at=START,
    closed_at=START,
)


@dataclass
class Desk:
    """A desk with a row in each table, which can be put back into this state."""

    world: World
    _prepared_at: datetime = START
    _database: bytes = b""
    _messages: dict[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.world.folder / "wirewatch.db"

    async def prepare(self) -> None:
        rows.configure(self.world, "wire", rules=RULES)
        await self.world.once()
        self.world.publish("wire", *OLD)
        await self.world.once()
        assert rows.posted(self.world, OLD) == rows.ids(OLD)
        async with self.world.opened() as running:
            await running.store.write(_fill)
        with contextlib.closing(sqlite3.connect(self.file)) as database:
            database.execute("PRAGMA journal_mode = DELETE")
        self._prepared_at, self._database = self.world.clock.now(), self.file.read_bytes()
        self._messages = copy.deepcopy(self.world.slack.workspace.channels)

    def restore(self) -> None:
        """Put the database, the messages and the clock back."""
        # An exception of the last case may keep a statement alive, and its lock with it.
        gc.collect()
        for name in ("wirewatch.db-wal", "wirewatch.db-shm"):
            (self.world.folder / name).unlink(missing_ok=True)
        self.file.write_bytes(self._database)
        self.world.clock.set(self._prepared_at)
        self.world.slack.workspace.channels = copy.deepcopy(self._messages)

    async def check(self, *damage: str) -> None:
        """Run the SQL of a damage; then look at two passes and at the status."""
        self.restore()
        with contextlib.closing(sqlite3.connect(self.file)) as database, database:
            for statement in damage:
                assert database.execute(statement).rowcount == 1
        self.world.publish("wire", *OLD, *NEW)
        async with asyncio.timeout(60):
            for _ in range(2):
                await self.world.once()
        assert rows.posted(self.world, NEW) == rows.ids(NEW), damage
        assert rows.posted(self.world, OLD) == rows.ids(OLD), damage
        for (piece,) in rows.run(self.world, "SELECT id FROM quarantine WHERE stage = 'read'"):
            assert any(piece.partition(" ")[0] in notice for notice in rows.notices(self.world)), (damage, piece)
        command = ["status", "--config", str(self.world.folder)]
        shown = await asyncio.to_thread(CliRunner().invoke, app_of(["status"]), command, env=self.world.environ)
        assert shown.exception is None or isinstance(shown.exception, SystemExit), f"{damage}: {shown.exception!r}"
        assert shown.exit_code in (0, 1), f"{damage}: {shown.output}"


def _fill(tx: storage.Transaction) -> None:
    """Add a row to each table that the passes have left empty, and messages and articles that wait."""
    article = replace(made.article("waits", text="Acme recalls"), feed="https://waits.example/feed", first_seen=START)
    tx.articles.add([article])
    tx.decision_queue.add([Arrival(article=article, matches=(made.match("Recalls", "recalls"),), is_baseline=False)])
    tx.volume.save([SURGE])
    story = tx.connection.exec_driver_sql("SELECT min(id) FROM stories").scalar_one()
    for table in TABLES:
        if tx.connection.execute(table.select().limit(1)).first() is None:
            references = {"story": story, "article": article.id}
            values = {column.name: references.get(column.name, _sample(column)) for column in table.columns}
            tx.connection.execute(insert(table).values(values))


def _sample(column: Column[Any]) -> object:
    match column.type:
        case JsonColumn():
            return ()
        case Timestamp():
            return START
        case EnumText() as kind:
            return next(iter(kind.kind.__members__.values()))
        case Flag():
            return False
        case Integer() | WholeNumber() | StoredFloat():
            return 1
        case HashBytes() | LargeBinary():
            return b"0123456789abcdef"
        case _:
            return "sample"


def damages(table: Table) -> Iterator[str]:
    """Yield the SQL that damages the newest row, for each column. The kinds of damage take turns."""
    for number, column in enumerate(table.columns):
        match column.type:
            case JsonColumn():
                # What is JSON of another shape is refused by each column for itself.
                values = ["'[1]'", ("'{'", UNDECODABLE)[number % 2]]
            case Timestamp():
                values = [("'yesterday'", "9e300")[number % 2]]
            case EnumText():
                values = [("'from tomorrow'", UNDECODABLE)[number % 2]]
            case Text() | TypeDecorator(impl=Text()):
                values = [UNDECODABLE]
            case _ if column.autoincrement is True:
                values = []  # SQLite refuses other values
            case _:
                values = ["'abcd'"]
        for value in values:
            yield f"UPDATE {table} SET {column.name} = {value} WHERE rowid = (SELECT max(rowid) FROM {table})"


#: One for each kind of column, for the short run.
SAMPLES = [
    "UPDATE feeds SET retry_after = 'yesterday'",
    f"UPDATE outbox SET state = {UNDECODABLE} WHERE seq = 2",
    "UPDATE members SET probability = 'abc' WHERE n = 2",
    "UPDATE alerts SET alert = '{' WHERE rowid = 2",
    "UPDATE silences SET kind = 'from tomorrow'",
    "UPDATE decision_queue SET body = '[1]'",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def damaged(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with world(tmp_path_factory.mktemp("desk") / "config", restarts=True) as setup:
        desk = Desk(setup)
        await desk.prepare()
        yield desk


async def test_damaged_values_keep_no_new_report_from_being_posted_once(damaged: Desk) -> None:
    await damaged.check(*SAMPLES)


@pytest.mark.long
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_a_damaged_value_in_any_column_keeps_no_new_report_from_being_posted_once(
    damaged: Desk, table: Table
) -> None:
    for damage in damages(table):
        await damaged.check(damage)


@pytest.mark.long
async def test_a_damaged_value_of_any_key_keeps_no_new_report_from_being_posted_once(damaged: Desk) -> None:
    damaged.restore()
    keys = [key for (key,) in rows.run(damaged.world, "SELECT key FROM key_values")]
    values = ("'{'", "'2015-12-02T09:00:00'", "'yesterday 5'", UNDECODABLE)
    for number, key in enumerate(keys):
        # Each key has a form of its own, and each is a text.
        for value in (values[number % 4], values[(number + 2) % 4]):
            await damaged.check(f"UPDATE key_values SET value = {value} WHERE key = '{key}'")
