"""Messages that leave later: what a full hour held back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tests.faults import rows
from tests.journeys.world import BOT, World, watching

RULES = f"{rows.RULES}  - {{name: Alarms, any: [alarm*], notify: desk, severity: high}}\n"


def head_texts(desk: World) -> list[str]:
    return [json.dumps(head["blocks"], ensure_ascii=False) for head in desk.heads()]


async def test_what_comes_later_is_added_to_the_same_message_which_lives_on_with_high_severity_first(
    tmp_path: Path,
) -> None:
    async with watching(tmp_path, "wire", "echo", rules=RULES, bot=f"{BOT}posts_per_hour: 2\n") as setup:
        items = rows.reports(5)
        await setup.poll("wire", *items[:4])
        assert len(setup.heads()) == 3
        for story in await setup.stories():
            explained = await setup.call("explain", "--url", story.members[0].article.link, "--json")
            assert json.loads(explained.stdout)[0]["story"]["decisions"][-1]["action"] == "post"

        loud = [replace(item, title=item.title.replace("recalls", "alarm over")) for item in rows.reports(3, skip=5)]
        await setup.poll("wire", *loud, items[4])
        heads = head_texts(setup)
        assert len(heads) == 5, "two posts, two of severity high, which are counted apart, and one for the rest"
        [gathered] = [text for text in heads if "More stories" in text]
        titles = [item.title for item in items if item.title in gathered]
        alarms = [item.title for item in loud if item.title in gathered]
        assert (len(titles), len(alarms)) == (3, 1)
        assert all(gathered.index(alarms[0]) < gathered.index(title) for title in titles)

        # It is edited as its stories grow.
        grown = next(item for item in items if item.title in gathered)
        before = gathered
        repeated = replace(grown, id="again", title=f"{grown.title}, says the mayor")
        await setup.poll("echo", repeated)
        [gathered] = [text for text in head_texts(setup) if "More stories" in text]
        assert gathered != before
        assert repeated.title in gathered
        assert len(setup.heads()) == 5
        assert all(title in gathered for title in (*titles, *alarms))
