"""A hostile feed that lists a publisher's link first, through the whole application over loopback."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from testbed.fakes import START
from tests.journeys.world import Item, world

LINK = "https://wire.example/world/blackberry"
NEWS = Item(
    id="w1",
    title="BlackBerry quits Pakistan after PTA sought backdoor into BES",
    text="The Pakistan Telecommunication Authority had asked for unfettered access to BlackBerry Enterprise Servers.",
    at=START,
    link=LINK,
)
CATS = Item(id="s1", title="Cat pictures", text="Cats.", link=LINK)


async def test_a_feed_that_lists_anothers_link_first_silences_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        made.configure("squat", "wire")
        await made.once()
        for _ in range(3):
            made.publish("squat", CATS)
            await made.once()
        made.publish("wire", NEWS)
        await made.once()
        assert len(made.heads()) == 1
        made.publish("squat", replace(CATS, title="BlackBerry quits nothing, PTA sought no backdoor into BES"))
        await made.once()
        [post] = made.heads()
        assert "BlackBerry quits Pakistan after PTA sought backdoor into BES" in str(post)
        corrected = [reply for reply in made.replies() if "Cat pictures" in str(reply)]
        assert not corrected, "what one feed changes of its own is no correction of another's"


async def test_a_feed_that_copies_link_and_headline_over_another_text_silences_no_other_aggregator(
    tmp_path: Path,
) -> None:
    told = replace(NEWS, title="BlackBerry quits Pakistan", link="https://paper.example/world/blackberry")
    async with world(tmp_path) as made:
        made.configure("squat", "wire", "third")
        await made.once()
        made.publish("squat", replace(told, id="s1", text="Cats."))
        await made.once()
        assert not made.heads()
        made.publish("wire", told)
        made.publish("third", replace(told, id="t1", text="PTA asked for a backdoor into BES, people there say."))
        await made.once()
        assert len(made.heads()) == 1
        for words in ("PTA and a backdoor into BES: more", "PTA and a backdoor into BES: the end"):
            made.publish("wire", replace(told, text=words))
            await made.once()
        assert len(made.heads()) == 1
