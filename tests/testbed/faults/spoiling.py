"""Spoil stored rows with SQL, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from bot.storage import connections
from bot.storage.schema import decision_queue, outbox
from tests.testbed import faults

#: A time without a zone, which cannot be compared with others.
ZONELESS = "2015-12-02T09:00:00"
#: Table -> its key, the column to spoil, the word in it, and its value afterwards on SQLite and PostgreSQL.
_SPOILED = {
    decision_queue.name: (
        "n",
        "body",
        faults.ARTICLE,
        f"json_set(NEW.body, '$.article.first_seen', '{ZONELESS}')",
        f"jsonb_set(NEW.body::jsonb, '{{article,first_seen}}', '\"{ZONELESS}\"')::text",
    ),
    outbox.name: ("seq", "message", faults.ROW, "'{'", "'{'"),
}


def run(database: str, statement: str, **values: object) -> list[tuple[Any, ...]]:
    """Run one statement, also while a bot is running, and return its rows."""
    address = connections.parse(database)
    engine = create_engine(address.url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def add_triggers(database: str) -> None:
    """Spoil each row with a poison in it as soon as it is written."""
    for table, (key, column, word, *values) in _SPOILED.items():
        spoil = [f"UPDATE {table} SET {column} = {value} WHERE {key} = NEW.{key}" for value in values]
        _create_trigger(database, f"spoil_{table}", f"AFTER INSERT ON {table}", f"NEW.{column} LIKE '%{word}%'", *spoil)


def _create_trigger(database: str, name: str, event: str, when: str, on_sqlite: str, on_postgres: str) -> None:
    """Run one statement for each row for which ``when`` (SQL on NEW) holds."""
    if connections.parse(database).is_sqlite:
        run(database, f"CREATE TRIGGER {name} {event} WHEN {when} BEGIN {on_sqlite}; END")
        return
    body = f"AS $$ BEGIN {on_postgres}; RETURN NEW; END $$"
    run(database, f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {body}")
    run(database, f"CREATE TRIGGER {name} {event} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {name}()")


def quarantined_words(database: str) -> list[str]:
    """Return the poison in each piece in quarantine, or the piece's kind and id if it has none."""
    words = []
    for kind, piece, stage, body in run(database, "SELECT kind, id, stage, body FROM quarantine ORDER BY n"):
        # An item that could not be parsed is not kept.
        titles = faults.UNPARSED if (kind, stage) == ("item", "parse") else body
        if kind == "message":
            ((titles,),) = run(database, f"SELECT message FROM {outbox.name} WHERE id = :id", id=piece)
        elif kind == "row":
            [[row]] = json.loads(body).values()
            stories = run(database, "SELECT title FROM stories WHERE id = :id", id=row.get("story"))
            titles = stories[0][0] if stories else body
        words.append(next((word for word in faults.POISONS if word in titles), f"{kind} {piece}"))
    return words


def refuse(database: str, table: str, event: str, when: str) -> None:
    """Make each INSERT or UPDATE of a table raise for rows for which ``when`` (SQL on NEW) holds."""
    refusals = ("SELECT RAISE(ABORT, 'a bug')", "RAISE EXCEPTION 'a bug'")
    _create_trigger(database, f"refuse_{table}", f"BEFORE {event} ON {table}", when, *refusals)


def allow(database: str, table: str) -> None:
    """Take back ``refuse``."""
    on_table = "" if connections.parse(database).is_sqlite else f" ON {table}"
    run(database, f"DROP TRIGGER refuse_{table}{on_table}")
