"""What is kept under single keys comes back as it was, and no file but one spells a key."""

from __future__ import annotations

import ast
from datetime import timedelta
from pathlib import Path

from bot import ports, storage
from bot.ports import keys
from testbed.fakes import START

BOT = Path(__file__).parents[2] / "bot"
#: The accessors, and the bridge that hands a channel its own keys.
_MAY = {"ports/keys.py", "app/environment.py"}


def test_no_other_file_reads_or_writes_a_key_by_hand() -> None:
    found = set()
    for path in BOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(
                    value=ast.Attribute(attr="key_values"), attr="get" | "put" | "drop" | "beginning"
                ) if ast.unparse(node.value) == "tx.key_values":
                    found.add(str(path.relative_to(BOT)))
    assert found <= _MAY


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
