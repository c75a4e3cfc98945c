"""Stories as CSV and JSON for other tools."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot import storage
from bot.model.actions import Ruling, RulingKind
from bot.model.stories import StoryId
from bot.queries import export
from bot.queries.registry import QueryRunner
from tests.journeys.world import world
from tests.testbed import made
from tests.testbed.commands import call
from tests.testbed.fakes import START
from tests.web.made import add_long_story

BOM = "\N{BYTE ORDER MARK}"
HOSTILE = '=HYPERLINK("https://evil.example","x")'


def add_hostile_story(tx: storage.Transaction) -> None:
    article = replace(made.article("bad"), title=HOSTILE, outlet="+1|cmd", link="https://evil.example/a)b>c")
    tx.articles.add([article])
    tx.stories.save(replace(made.story("bad", article), headline=article.id))


async def fill(folder: Path) -> None:
    async with world(folder) as filled:
        filled.configure("wire")
        async with filled.opened() as running:
            await running.store.write(add_long_story)
            await running.store.write(add_hostile_story)
            ruling = Ruling(
                id="r1", at=START, by="Asma", kind=RulingKind.MERGE, story=StoryId("long"), other=StoryId("bad")
            )
            await running.store.write(lambda tx: tx.rulings.add(ruling))


async def test_each_form_has_a_row_per_story_with_facts_and_what_people_decided_and_no_formula_and_pages_have_no_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(tmp_path)
    config = ("--config", str(tmp_path))
    text = call("stories", "--format", "csv", *config, folder=tmp_path).stdout
    assert text.startswith(BOM), "Excel reads a file without it in the machine's old character set"
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(text.removeprefix(BOM)))}
    assert set(rows) == {"long", "bad"}
    assert rows["long"]["rules"] == "BlackBerry in Pakistan"
    assert rows["long"]["outlets"] == "; ".join(f"Paper {number}" for number in range(8))
    assert rows["long"]["facts"] == "Correction: penalty: $20 million → $2 million (Paper 7)"
    assert rows["long"]["decided"] == "merged (Asma)"
    assert rows["long"]["first_report"] < rows["long"]["last_report"]
    # No cell is run as a formula.
    cells = [cell for row in csv.reader(io.StringIO(text.removeprefix(BOM))) for cell in row]
    assert f"'{HOSTILE}" in cells
    assert "'+1|cmd" in cells
    assert [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@", "|", "%"))] == []
    stories = json.loads(call("stories", "--format", "json", *config, folder=tmp_path).stdout)
    assert {story["id"]: len(story["outlets"]) for story in stories} == {"long": 8, "bad": 1}
    monkeypatch.setattr(export, "PAGE", 1)
    async with world(tmp_path) as filled, filled.opened() as running:
        answers, ids = QueryRunner(running), list[str]()
        after: tuple[datetime, StoryId] | None = None
        while True:
            read = partial(export.read_page, parameters=export.ExportParameters(), cursor=after)
            exported, after = await answers.read(read)
            ids += [story.id for story in exported]
            if after is None:
                break
        assert ids == ["long", "bad"]
