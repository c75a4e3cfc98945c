"""A channel with a template gets one document for each story; a message that the template leaves out is not sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.model.messages import SendState
from bot.queries.stories import MessageDocument, describe_message
from tests.journeys.test_later_messages import CITY_RULES, event
from tests.journeys.world import BOT, World, world
from tests.testbed.servers import faulty

TICKETS = """\
  tickets:
    kind: webhook
    url: env:TICKETS_URL
    template: |
      {% if kind == "post" %}{"title": {{ title | tojson }}, "id": {{ stories[0].id | tojson }}}{% endif %}
"""


def configure(desk: World, url: str, keys: str = "") -> None:
    desk.environ["TICKETS_URL"] = url
    bot = BOT.replace("operator: ops", f"{TICKETS.replace('{', '{{').replace('}', '}}')}operator: ops")
    desk.configure("wire", "echo", bot=bot + keys, rules=CITY_RULES.replace("notify: desk", "notify: tickets"))


async def test_a_message_for_which_the_template_writes_nothing_is_left_out(tmp_path: Path) -> None:
    with faulty.serve(faulty.Always(faulty.Answer(201))) as server:
        async with world(tmp_path) as desk:
            configure(desk, server.url)
            await desk.once()
            desk.publish("wire", event(1))
            await desk.once()
            again = replace(event(1), id="again", title=f"{event(1).title}, says the mayor")
            desk.publish("echo", again)
            await desk.once()
            [story] = await desk.stories()
            counts = await desk.read(lambda tx: tx.outbox.counts())
            rows = await desk.read(lambda tx: tx.outbox.of_story(story.id))
    assert (counts["tickets", SendState.SENT], counts["tickets", SendState.LEFT_OUT]) == (1, 1)
    assert len(server.requests) == 1
    assert [describe_message(MessageDocument.of(row)) for row in rows][1] == (
        "edit to tickets, left out: the channel's template writes nothing for this message"
    )


async def test_a_document_that_the_service_refuses_is_kept_with_its_answer(tmp_path: Path) -> None:
    refusal = faulty.Answer(400, {"errors": ["title: too long"]})
    with faulty.serve(faulty.Always(refusal)) as server:
        async with world(tmp_path) as desk:
            configure(desk, server.url)
            await desk.once()
            desk.publish("wire", event(1))
            await desk.once()
            pieces = await desk.read(lambda tx: tx.quarantine.all())
    assert len(server.requests) == 1
    [piece] = pieces
    assert "title: too long" in piece.error
    assert "plain text" not in piece.error
