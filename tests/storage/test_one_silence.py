"""A database of the version that had mutes and snoozes, under this one: what was quiet stays quiet."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import model, storage
from bot.model import Reason, SilenceKind, Verdict
from bot.storage import columns, connections, schema
from testbed.fakes import START, FakeClock
from testbed.servers.postgres import Server
from tests.alerts.builders import posted
from tests.pipeline.test_actions import outgoing
from tests.storage import earlier as databases

HOUR = timedelta(hours=1)
_JUDGEMENTS = ("id", "at", "by", "name", "channel", "story", "verdict", "rule", "message", "until")


def micros(hours: float) -> int:
    return round((START + hours * HOUR).timestamp() * 1_000_000)


def judgement(
    number: int, story: str, verdict: str, rule: str = "", *, at: float = 0, until: float | None = None
) -> dict[str, object]:
    end = None if until is None else micros(until)
    values = (f"j{number}", micros(at), "U1", "amina", "desk", story, verdict, rule, "head", end)
    return dict(zip(_JUDGEMENTS, values, strict=True))


def _fill(connection: sa.Connection) -> None:
    """Two muted stories, one of them by a mute of a story that was merged into it; a snoozed and a woken rule."""
    stories = [("s0", None), ("s1", None), ("old", "s0"), ("loud", None)]
    for name, merged_into in stories:
        row = {"id": name, "title": name, "first_seen": START, "last_seen": START, "merged_into": merged_into}
        connection.execute(sa.insert(schema.stories), row)
    alerts = [posted(story=model.StoryId(name)) for name, _ in stories]
    for alert in alerts:
        document = json.loads(columns.ALERT.dump(alert))
        document["is_muted"] = alert.story in ("s0", "s1", "old")
        state = model.AlertState.MERGED if alert.story == "old" else model.AlertState.POSTED
        row = {
            "story": alert.story,
            "channel": "desk",
            "state": state,
            "alert": json.dumps(document, separators=(",", ":")),
        }
        connection.execute(sa.insert(schema.alerts), row)
    held = replace(
        posted(story=model.StoryId("loud")), channel="policy", state=model.AlertState.HELD, held_until=START + 20 * HOUR
    )
    document = {**json.loads(columns.ALERT.dump(held)), "reason": "snoozed"}
    row = {
        "story": "loud",
        "channel": "policy",
        "state": model.AlertState.HELD,
        "held_until": held.held_until,
        "alert": json.dumps(document),
    }
    connection.execute(sa.insert(schema.alerts), row)
    rows = [
        judgement(1, "s1", "useful", "exit"),
        judgement(2, "s1", "muted", at=1),
        judgement(3, "old", "muted", at=2),
        judgement(4, "loud", "muted", at=2),
        judgement(5, "loud", "unmuted", at=3),
        judgement(6, "s1", "snoozed", "exit", at=4, until=28),
        judgement(7, "s1", "snoozed", "law", at=4, until=28),
        judgement(8, "s1", "woken", "law", at=5),
        judgement(9, "s1", "claimed", at=6),
    ]
    connection.execute(sa.insert(sa.table("judgements", *map(sa.column, _JUDGEMENTS))), rows)
    sent = outgoing("edit", kind=model.MessageKind.EDIT)
    message = json.loads(columns.MESSAGE.dump(sent.message))
    shown = {"id": "j2", "at": START.isoformat(), "by": "U1", "channel": "desk", "story": "s1", "message": "head"}
    message["judgements"] = [{**shown, "verdict": "muted", "until": None}, {**shown, "verdict": "claimed"}]
    message["reason"] = "muted"
    row = {
        "id": "edit",
        "channel": "desk",
        "thread": "head",
        "kind": model.MessageKind.EDIT,
        "story": "s1",
        "state": model.SendState.PENDING,
        "created_at": START,
        "due_at": START,
        "attempts": 0,
        "is_plain": False,
        "is_top_level": False,
        "message": json.dumps(message, separators=(",", ":")),
    }
    connection.execute(sa.insert(schema.outbox), row)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "postgres":
        server: Server = request.getfixturevalue("postgres_server")
        address = server.new_database()
    engine = sa.create_engine(connections.parse(address).url)
    with engine.begin() as connection:
        databases.create(connection, "0018")
        _fill(connection)
    engine.dispose()
    return address


async def test_mutes_and_snoozes_in_force_become_silences_in_force(earlier: str) -> None:
    store = storage.open_store(earlier, clock=FakeClock())
    silences = await store.read(lambda tx: tx.silences.active(START + 6 * HOUR))
    found = {(each.kind, each.name, each.channels, each.at, each.until, each.by) for each in silences}
    assert found == {
        (SilenceKind.STORY, "s1", ("desk",), START + HOUR, None, "amina"),
        (SilenceKind.STORY, "s0", ("desk",), START + 2 * HOUR, None, "amina"),
        (SilenceKind.RULE, "exit", ("desk",), START + 4 * HOUR, START + 28 * HOUR, "amina"),
    }
    await store.close()


async def test_opinions_claims_holds_and_messages_of_the_earlier_version_can_be_read(earlier: str) -> None:
    store = storage.open_store(earlier, clock=FakeClock())

    def read(tx: storage.Transaction) -> tuple[list[Verdict], model.Message, list[model.Alert]]:
        verdicts = [each.verdict for each in tx.judgements.since(None)]
        [row] = tx.outbox.unsent()
        return verdicts, row.message, list(tx.stories.held_until(START + 20 * HOUR))

    verdicts, message, held = await store.read(read)
    assert verdicts == [Verdict.USEFUL, Verdict.CLAIMED]
    assert ([each.verdict for each in message.judgements], message.reason) == ([Verdict.CLAIMED], Reason.SILENCED)
    assert [(alert.story, alert.reason) for alert in held] == [("loud", Reason.SILENCED)]
    await store.close()
