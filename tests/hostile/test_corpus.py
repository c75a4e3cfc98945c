"""Hostile documents through the public commands: read in time or refused, in bounded memory, without harm to others."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from tests.hostile.commands import SECRET, Done, World, world
from tests.hostile.corpus import DOCUMENTS

pytestmark = [
    pytest.mark.long,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="the canary listens on 127.0.0.2"),
    pytest.mark.timeout(600),
]
#: Processor time for one document if the command takes a second for good ones; a slower machine may take longer.
SECONDS = 8.0
#: Memory of one process. The limit of a reader process is 300 MB above its start.
MEMORY = 400_000_000
GOOD_FEEDS = 5
#: Some twenty documents each, of every sort: together they seldom take what one may.
PASSES = 20
BATCHES = [[*DOCUMENTS][at::PASSES] for at in range(PASSES)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def usual_seconds(tmp_path_factory: pytest.TempPathFactory) -> float:
    """The processor seconds of a command over the good feeds alone."""
    return await _pass_over(tmp_path_factory.mktemp("usual"), [])


async def _pass_over(folder: Path, names: Sequence[str]) -> float:
    """Poll these documents and good feeds once. Return the processor seconds."""
    async with world(folder) as hostile_world:
        good = {hostile_world.serve_good(number): "good" for number in range(GOOD_FEEDS)}
        bad = hostile_world.serve([(name, DOCUMENTS[name]) for name in names])
        hostile_world.configure({**bad, **good})
        done = await hostile_world.run("once", "--now", "--json")
        _check(hostile_world, done)
    assert done.code == 0, done.output
    report = json.loads(done.output[done.output.index('{\n  "feeds"') :])
    errors = {feed["url"]: feed["error"] or "" for feed in report["feeds"]}
    assert errors.keys() == {*bad, *good}
    assert [errors[url] for url in good] == [""] * GOOD_FEEDS
    broke = {bad[url]: errors[url] for url in bad if "our bug" in errors[url] or "ended over this one" in errors[url]}
    assert not broke
    return done.seconds


def _check(hostile_world: World, done: Done) -> None:
    assert "Traceback" not in done.output, done.output[-3_000:]
    assert not hostile_world.caught, hostile_world.caught
    # Linux counts for a command what the process that starts it held before, so a test process that grew hides less.
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert done.memory < max(MEMORY, ours + 1), f"{done.memory / 1e6:.0f} MB"
    assert SECRET not in done.output
    assert SECRET.encode() not in hostile_world.archive()


async def test_a_document_that_is_tried_shows_no_file_and_asks_nothing_private(tmp_path: Path) -> None:
    async with world(tmp_path) as hostile_world:
        [url] = hostile_world.serve([("tried", DOCUMENTS["outside: an entity from a file"])])
        done = await hostile_world.run("feeds", "test", url)
        _check(hostile_world, done)
        assert done.code in (0, 1, 2)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("names", BATCHES, ids=lambda names: names[0])
async def test_each_document_is_read_or_refused_in_time_and_good_feeds_are_read_beside_it(
    tmp_path: Path, usual_seconds: float, names: list[str]
) -> None:
    allowed_seconds = usual_seconds + SECONDS * max(1.0, usual_seconds)
    slow = names if await _pass_over(_make_folder(tmp_path / "together"), names) > allowed_seconds else []
    # Find the documents that take so long alone.
    alone = {name: await _pass_over(_make_folder(tmp_path / str(place)), [name]) for place, name in enumerate(slow)}
    assert {name: seconds for name, seconds in alone.items() if seconds > allowed_seconds} == {}


def _make_folder(folder: Path) -> Path:
    folder.mkdir()
    return folder
