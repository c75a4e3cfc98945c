"""wirewatch search over an archive that a running bot has filled."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.journeys.world import RULES, world
from tests.testbed.commands import wirewatch
from tests.web.made import COVERAGE, HOSTILE


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search") / "config"

    async def fill() -> None:
        async with world(folder) as running:
            running.configure(*COVERAGE, "hostile", rules=RULES)
            for outlet, item in COVERAGE.items():
                running.publish(outlet, item)
            running.publish("hostile", *HOSTILE)
            await running.once()

    asyncio.run(fill())
    return folder.parent


def test_words_find_articles_with_whole_sentences_and_marked_words(filled: Path) -> None:
    done = wirewatch("search", 'backdoor "pulls out"', folder=filled)
    assert "[BlackBerry" not in done.stdout
    assert "BlackBerry [pulls out] of Pakistan as PTA insists on [backdoor]\n" in done.stdout
    assert (
        "BlackBerry [pulls out] of Pakistan since the regulator PTA insists on a [backdoor] into its BES servers."
        in (done.stdout)
    )


def test_json_has_the_place_where_the_next_page_begins(filled: Path) -> None:
    first = json.loads(wirewatch("search", "backdoor", "--number", "2", "--json", folder=filled).stdout)
    document = json.loads(
        wirewatch("search", "backdoor", "--after", str(first["after"]), "--json", folder=filled).stdout
    )
    assert len(first["articles"]) == 2
    assert document["after"] is None
    assert len({article["id"] for article in (*first["articles"], *document["articles"])}) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("NOT rain", "nothing has to match"),
        ('rain "', "a quote is not closed"),
    ],
)
def test_a_search_that_cannot_be_read_says_where(filled: Path, words: str, says: str) -> None:
    done = wirewatch("search", words, folder=filled, code=2)
    assert says in done.stderr
    assert "^" in done.stderr
