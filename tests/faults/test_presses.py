"""A button press or a command on which our code raises is answered with an error, and others are carried out."""

from __future__ import annotations

from collections.abc import Sequence

from bot.app.wiring import Interactions
from bot.model.actions import Noise, Useful
from bot.model.channels import ChatMessage, ChatRequest, Person, Press
from bot.model.messages import MessageKind
from tests.faults import rows
from tests.journeys.world import World
from tests.testbed.faults import spoiling
from tests.testbed.shown import lead_of


async def ask(request: ChatRequest, channels: Sequence[str]) -> Sequence[ChatMessage]:
    raise LookupError("a bug")


async def test_a_press_or_a_command_that_raises_is_answered_with_an_error_and_others_are_stored(desk: World) -> None:
    desk.publish("wire", *rows.reports(1))
    await desk.once()
    (story,) = await desk.stories()
    spoiling.refuse(desk.address, "judgements", "INSERT", "NEW.\"by\" LIKE 'U1%'")
    async with desk.opened() as running:
        presses = Interactions(
            running.store, running.clock, live=running.live, on_decided=lambda decided: None, on_question=ask
        )
        sent = await running.store.read(lambda tx: tx.outbox.of_story(story.id))
        (receipt,) = [row.receipt for row in sent if row.message.kind is MessageKind.POST and row.receipt]
        for person, action in (("U1", Useful()), ("U2", Noise())):
            press = Press(
                id=f"press of {person}",
                person=Person(id=person),
                action=action,
                story=story.id,
                place=receipt.place,
                ref=receipt.ref,
            )
            answer = await presses.take(press, ["desk"])
            assert ("because of a bug" in answer.text) == (person == "U1")
        answers = await presses.ask(ChatRequest(id="q1", person=Person(id="U1"), words="feeds"), ["desk"])
        assert "because of a bug" in lead_of(answers[0].message)
    assert rows.run(desk, "SELECT verdict FROM judgements") == [("noise",)]
    assert await rows.pieces(desk) == []
