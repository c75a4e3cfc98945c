"""The whole application with documents read in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import ports
from bot.reading.threads import Threads
from tests.journeys.world import BOT, Item, world

WITH_A_READER = BOT.replace("readers: 0", "readers: 1")
FIRST = Item(
    id="1", title="BlackBerry quits Pakistan over backdoor", text="The PTA had asked for unfettered access to BES."
)


@pytest.mark.parametrize("bot", [BOT, WITH_A_READER])
async def test_a_feed_is_posted_the_same_wherever_it_is_read(tmp_path: Path, bot: str) -> None:
    async with world(tmp_path / "config") as made:
        made.configure("wire", "courier", bot=bot)
        made.publish("wire", FIRST)
        report = await made.once()
        found = {feed.url.rpartition("/")[2]: (feed.new, feed.matched, feed.error) for feed in report.passed.feeds}
        assert found == {"wire.xml": (1, 1, None), "courier.xml": (0, 0, None)}
        [head] = made.heads()
        assert FIRST.title in str(head)


async def test_a_bug_of_ours_over_one_document_is_its_feed_s_failure_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Threads.read

    async def with_a_bug(self: Threads, body: ports.Body, feed: object, *, is_first: bool) -> object:
        if "wire" in body.url:
            raise RuntimeError("a bug")
        return await read(self, body, feed, is_first=is_first)  # type: ignore[arg-type]

    monkeypatch.setattr(Threads, "read", with_a_bug)
    async with world(tmp_path / "config") as made:
        made.configure("wire", "courier")
        for outlet in ("wire", "courier"):
            made.publish(outlet, FIRST)
        report = await made.once()
        errors = {feed.url.rpartition("/")[2]: feed.error for feed in report.passed.feeds}
        assert errors["courier.xml"] is None
        assert "our bug" in (errors["wire.xml"] or "")
