"""A channel with a template gets one document for each story; a message that the template leaves out is not sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.model.messages import SendState
from bot.queries.stories import MessageDocument, describe_message
from tests.journeys.test_later_messages import CITY_RULES, event
from tests.journeys.world import BOT, world
from tests.testbed.servers import faulty

TICKETS = """\
  tickets:
    kind: webhook
    url: env:TICKETS_URL
    template: |
      {% if kind == "post" %}{"title": {{ title | tojson }}, "id": {{ stories[0].id | tojson }}}{% endif %}
"""


async def test_what_the_template_leaves_out_and_what_the_service_refuses_is_kept_with_the_reason(
    tmp_path: Path,
) -> None:
    service = faulty.Always(faulty.Answer(201))
    with faulty.serve(service) as server:
        async with world(tmp_path) as desk:
            desk.environ["TICKETS_URL"] = server.url
            bot = BOT.replace("operator: ops", f"{TICKETS.replace('{', '{{').replace('}', '}}')}operator: ops")
            rules = CITY_RULES.replace("notify: desk", "notify: tickets")
            desk.configure("wire", "echo", bot=bot, rules=rules)
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

            service.given = faulty.Answer(400, {"errors": ["title: too long"]})
            desk.publish("wire", event(2))
            await desk.once()
            [piece] = await desk.read(lambda tx: tx.quarantine.all())
            assert len(server.requests) == 2
            assert "title: too long" in piece.error
            assert "plain text" not in piece.error
