"""The log leads from a feed to the message."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from tests.journeys.world import world
from tests.web.made import COVERAGE


async def test_a_polls_id_leads_from_the_feed_to_the_decision_and_the_story_on_to_the_message(tmp_path: Path) -> None:
    async with world(tmp_path / "config") as made:
        made.configure("wire", "courier")
        await made.once()
        made.publish("wire", COVERAGE["wire"])
        with capture_logs() as lines:
            await made.once()
    polled = {line["feed"].rpartition("/")[2]: line for line in lines if line["event"] == "feed polled"}
    (decided,) = [line for line in lines if line["event"] == "decided"]
    (sent,) = [line for line in lines if line["event"] == "message sent"]
    assert decided["poll"] == polled["wire.xml"]["poll"] != polled["courier.xml"]["poll"]
    assert sent["story"] == decided["story"]
    assert sent["channel"] == decided["channel"] == "desk"
