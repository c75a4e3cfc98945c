"""Each way in for strangers' bytes keeps its promises; ``make fuzz`` continues for ten minutes."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.feeds.items import prepare_items
from bot.model.feeds import Feed
from tests.feeds.documents import KINDS, URL, of_kind, read
from tests.hostile import fuzz, items, markup, text
from tests.hostile.doors import DOORS, SECRET
from tests.hostile.making import Site, Targets

GOOD = {"title": "Regulator writes order", "link": "https://news.example.org/good", "id": "good"}
BAD: dict[str, Mapping[str, str]] = {
    **{f"date: {name}": {"date": date} for name, date in items.DATES.items()},
    **{f"id: {name}": {"id": guid} for name, guid in items.GUIDS.items()},
    **{f"link: {name}": {"link": link} for name, link in items.ADDRESSES.items()},
    **{f"title: {name}": {"title": words[:20_000]} for name, words in items.WORDS.items()},
}
#: Sorts of documents that are read in a moment; the others take their turn in test_once.py.
QUICK = ("entities", "outside", "links", "charset", "characters in a title", "page")


@pytest.mark.parametrize("name", DOORS)
def test_made_up_bytes_break_no_promise(name: str, tmp_path: Path) -> None:
    result = fuzz.run(name, DOORS[name], seconds=10, seed=1, folder=tmp_path, limit=25)
    assert not result.broken
    assert not list(tmp_path.glob("*.current"))


def test_a_hostile_document_is_bounded_shows_no_file_and_asks_nobody(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        address = f"http://127.0.0.1:{canary.getsockname()[1]}/private"
        targets = Targets(address, str(tmp_path / "secret"))
        for name, make in {**markup.DOCUMENTS, **text.DOCUMENTS}.items():
            if name.partition(":")[0] in QUICK:
                reply = make(targets)
                assert not isinstance(reply, Site)
                DOORS["rss"].run(reply.body)
        with pytest.raises(BlockingIOError):
            canary.accept()


@pytest.mark.parametrize("kind", KINDS)
def test_one_hostile_item_leaves_the_others_of_its_document(kind: str) -> None:
    lost = []
    for name, values in BAD.items():
        reading = read(of_kind(kind, values, GOOD), url=URL, kind=KINDS[kind])
        prepared = prepare_items(Feed(url=URL), reading)[1]
        if not any(item.title == GOOD["title"] and item.link == GOOD["link"] for item in prepared):
            lost.append(name)
    assert lost == []
