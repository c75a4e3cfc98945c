"""What is kept under single keys comes back as it was."""

from __future__ import annotations

from datetime import timedelta

from bot import ports, storage
from bot.ports import keys
from testbed.fakes import START


async def test_each_family_comes_back_as_it_was_put(store: storage.SqlStore) -> None:
    life = keys.Life(process="host 7", since=START, until=START + timedelta(seconds=5))

    def work(tx: ports.Transaction) -> None:
        assert keys.TICK.get(tx) is None
        keys.TICK.put(tx, START)
        assert keys.TICK.get(tx) == START
        keys.TICK.clear(tx)
        assert keys.TICK.get(tx) is None
        assert keys.channel_trouble("desk").get(tx) == ""
        keys.channel_trouble("desk").put(tx, "is_archived")
        assert keys.channel_trouble("desk").get(tx) == "is_archived"
        assert keys.buttons_trouble("desk").get(tx) == ""
        assert keys.owner(tx) is None
        keys.put_owner(tx, "host 7", START)
        assert keys.owner(tx) == ("host 7", START)
        keys.clear_owner(tx)
        assert keys.owner(tx) is None
        keys.put_alive(tx, life)
        assert keys.alive(tx) == {"host 7": life}
        assert keys.is_alive(tx, "host 7")
        keys.drop_alive(tx, "host 7")
        assert not keys.is_alive(tx, "host 7")

    await store.write(work)
