"""Many rows at once are stored as one by one, on every store."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import BindParameter, Connection, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from bot import storage
from bot.storage.bulk import BulkInsert
from bot.storage.columns import Timestamp, digest
from bot.storage.schema import articles, sightings
from testbed.fakes import START

COLUMNS = {column.name: None for column in articles.columns}


def row(name: str, **said: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "id": name, "feed": "https://a.example/feed", "outlet": "A", "owner": "a.example", "link": "",
        "title": name, "title_key": digest(name), "first_seen": START, "fingerprint": "", "version": 1,
        "is_full_text": False, "has_text": True, "tags": "[]", "links": "[]", "left_out": "[]", "text": "",
    }  # fmt: skip
    return COLUMNS | usual | said


ROWS = (
    row("plain"),
    row("odd", title="a\x00b \ud83d!", author="A. Khan", link_key=digest("l"), published=START - timedelta(days=1)),
)


async def test_each_value_is_made_ready_as_its_column_would(store: storage.SqlStore) -> None:
    def work(connection: Connection) -> None:
        BulkInsert(insert(articles)).write(connection, ROWS)
        at_once = connection.execute(select(articles).order_by(articles.c.id)).all()
        connection.execute(delete(articles))
        for one in ROWS:
            connection.execute(insert(articles), one)
        assert at_once == connection.execute(select(articles).order_by(articles.c.id)).all()
        assert [found.title for found in at_once] == ["ab \ufffd!", "plain"]

    await store.run(work)


async def test_other_parameters_of_the_statement_find_their_places(store: storage.SqlStore) -> None:
    stale: BindParameter[object] = bindparam("stale", type_=Timestamp)
    new = insert(sightings)
    see = BulkInsert(
        new.on_conflict_do_update(
            index_elements=[sightings.c.key],
            set_={"seen_at": new.excluded.seen_at},
            where=sightings.c.seen_at <= stale,
        ),
        stale,
    )

    def seen(day: int, *, stale: int) -> dict[str, object]:
        at = {"seen_at": START + timedelta(days=day), "stale": START + timedelta(days=stale)}
        return {"key": digest("k"), "feed": "https://a.example/feed", "article": "plain", **at}

    def work(connection: Connection) -> None:
        BulkInsert(insert(articles)).write(connection, ROWS)
        for one in (seen(0, stale=0), seen(1, stale=-1), seen(2, stale=0)):
            see.write(connection, [one])
        assert connection.execute(select(sightings.c.seen_at)).scalar_one() == START + timedelta(days=2)
        see.write(connection, [seen(3, stale=1)])
        assert connection.execute(select(sightings.c.seen_at)).scalar_one() == START + timedelta(days=2)

    await store.run(work)


async def test_a_row_without_a_value_for_a_column_is_refused_and_none_are_written(store: storage.SqlStore) -> None:
    def work(connection: Connection) -> None:
        with pytest.raises(KeyError, match="outlet"):
            BulkInsert(insert(articles)).write(
                connection, [ROWS[0], {name: value for name, value in ROWS[1].items() if name != "outlet"}]
            )
        assert connection.execute(select(articles)).all() == []
        BulkInsert(insert(articles)).write(connection, [])

    await store.run(work)
