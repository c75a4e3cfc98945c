"""The sender, a database file and a Slack that misbehaves: once each, in order."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from bot import outbox, storage
from testbed.fakes import FakeClock
from testbed.servers import slack
from tests.channels.context import Secrets, build
from tests.outbox.rows import edit, reply, row

HEADS = 15


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_misbehaving_slack_gets_every_message_once_and_each_thread_in_order(tmp_path: Path, seed: int) -> None:
    clock = FakeClock()
    store = storage.open_store(f"sqlite:///{tmp_path}/wirewatch.db", clock=clock)
    with slack.serve() as server:
        server.workspace.add_channel("policy-alerts")
        server.hang_seconds = 0.05
        server.misbehave(0.35, seed=seed)
        channel = build(
            "slack",
            secrets=Secrets(TOKEN=slack.TOKEN),
            clock=clock,
            to="#policy-alerts",
            token="env:TOKEN",
            api_url=server.api_url,
        )
        rows = [
            each
            for head in (f"h{number}" for number in range(HEADS))
            for each in (row(head), reply(f"{head}-1", head), edit(f"{head}-2", head), reply(f"{head}-3", head))
        ]
        await store.write(lambda tx: tx.outbox.add(rows))
        done = await outbox.Sender(store, {"desk": channel}, clock).drain(timedelta(hours=2))
        taken = server.workspace.messages("policy-alerts")
    await store.close()

    assert done == outbox.Drained(sent=4 * HEADS, left=0, parked=0)
    ids = [message["metadata"]["event_payload"]["send_id"] for message in taken]
    heads = {m["ts"]: send for m, send in zip(taken, ids, strict=True) if "thread_ts" not in m}
    # The head shows its edit now.
    assert Counter(heads.values()) == Counter(f"h{number}-2" for number in range(HEADS))
    threads: dict[str, list[str]] = {}
    for message, send in zip(taken, ids, strict=True):
        if "thread_ts" in message:
            threads.setdefault(heads[message["thread_ts"]].removesuffix("-2"), []).append(send)
    assert threads == {f"h{n}": [f"h{n}-1", f"h{n}-3"] for n in range(HEADS)}
