"""A feed behind a login, from its server to a Slack message, and its secret in no log and no message."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.servers.feeds import FeedServer, Reply
from tests.journeys.test_squatted_link import NEWS
from tests.journeys.world import rss, world

SECRET = "open-sesame-9271"


async def test_a_private_feeds_news_is_posted_and_its_secret_stays_with_its_server(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with world(tmp_path) as made, FeedServer() as stranger:
        made.configure("wire")
        made.environ["WIRE_TOKEN"] = SECRET
        address = made.outlets.url("/wire.xml")
        feed = f'feeds:\n  - {{url: "{address}", owner: wire, auth: {{bearer: env:WIRE_TOKEN}}}}\n'
        (made.folder / "feeds.yaml").write_text(feed)
        await made.once()
        made.publish("wire", NEWS)
        await made.once()
        [post] = made.heads()
        assert NEWS.title in str(post)
        assert {request.headers["authorization"] for request in made.outlets.seen("/wire.xml")} == {f"Bearer {SECRET}"}
        # The server sends us elsewhere, and what answers there fails.
        made.outlets.serve("/wire.xml", Reply.redirect(stranger.url("/wire.xml"), status=301))
        stranger.serve("/wire.xml", Reply(body=rss("wire", NEWS)))
        for _ in range(4):
            await made.once()
        del made.environ["WIRE_TOKEN"]
        stranger.serve("/wire.xml", Reply(status=401))
        await made.once()
        assert stranger.requests
        assert not [request for request in stranger.requests if "authorization" in request.headers]
        told = "".join(map(str, [*made.heads("ops"), *made.heads(), *made.replies()]))
        captured = capfd.readouterr()
        assert SECRET not in told + captured.out + captured.err
        assert not holding(tmp_path, SECRET.encode())


def holding(folder: Path, text: bytes) -> list[Path]:
    """The database's files with the text."""
    files = list(folder.glob("wirewatch.db*"))
    assert files
    return [path for path in files if text in path.read_bytes()]
