"""The period and the order of a brief."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import storage
from bot.model.alerts import AlertAction, Decision, Reason
from bot.model.briefs import Brief, BriefEntry, BriefSection, SectionKind, shorten_brief
from bot.model.stories import StoryId
from bot.queries.brief import BRIEF, BriefParameters
from bot.queries.registry import Answers, Refused
from tests.journeys.world import BOT, RULES, world
from tests.testbed import made
from tests.testbed.fakes import START

#: START is a Wednesday, 9:00 in UTC and 14:00 in Karachi.
KARACHI = "timezone: Asia/Karachi\n"


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("24h", None, (START - timedelta(days=1), START)),
        ("monday", None, (datetime(2015, 11, 29, 19, tzinfo=UTC), START)),
        ("wednesday", None, (datetime(2015, 12, 1, 19, tzinfo=UTC), START)),
        ("yesterday", "yesterday", (datetime(2015, 11, 30, 19, tzinfo=UTC), datetime(2015, 12, 1, 19, tzinfo=UTC))),
        ("2015-11-30", "2015-11-30", (datetime(2015, 11, 29, 19, tzinfo=UTC), datetime(2015, 11, 30, 19, tzinfo=UTC))),
        ("2015-11-30T08:00Z", "today", (datetime(2015, 11, 30, 8, tzinfo=UTC), START)),
    ],
)
async def test_a_day_is_a_day_of_the_zone_and_a_weekday_is_the_last_one(
    since: str, until: str | None, expected: tuple[datetime, datetime], tmp_path: Path
) -> None:
    async with world(tmp_path) as desk:
        desk.configure("wire", bot=BOT + KARACHI)
        async with desk.opened() as running:
            brief = await Answers(running).ask(BRIEF, BriefParameters(since=since, until=until))
    assert (brief.since, brief.until) == expected


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"channel": "dsek"}, 'did you mean "desk"'),
        ({"since": "soon"}, "is not a day or a duration"),
        ({"since": "today", "until": "yesterday"}, "the period is empty"),
        ({"since": "90d"}, "longer than 31 days"),
    ],
)
async def test_a_period_that_cannot_be_meant_is_refused(parameters: dict[str, str], words: str, tmp_path: Path) -> None:
    async with world(tmp_path) as desk:
        desk.configure("wire")
        async with desk.opened() as running:
            with pytest.raises(Refused, match=words):
                await Answers(running).ask(BRIEF, BriefParameters(**parameters))


async def test_the_widest_story_comes_first_and_what_was_held_comes_with_its_reason(tmp_path: Path) -> None:
    def fill(tx: storage.Transaction) -> None:
        outlets = {"narrow": 1, "wide": 3, "held": 1}
        for name, count in outlets.items():
            articles = [
                replace(made.article(f"{name}{n}"), owner=f"owner {n}", outlet=f"outlet {n}") for n in range(count)
            ]
            tx.articles.add(articles)
            tx.stories.save(made.story(name, *articles))
        tx.stories.save_alert(*(made.alert(name, posted_at=START) for name in ("narrow", "wide")))
        hold = Decision(
            at=START,
            story=StoryId("held"),
            channel="desk",
            action=AlertAction.HOLD,
            reason=Reason.MIN_OUTLETS,
            detail="1 of 2 independent outlets",
        )
        tx.stories.decide([hold])

    async with world(tmp_path) as desk:
        desk.configure("wire", rules=RULES)
        async with desk.opened() as running:
            await running.store.write(fill)
            brief = await Answers(running).ask(BRIEF, BriefParameters(channel="desk"))
    new, held = (section.entries for section in brief.sections)
    assert [entry.story for entry in new] == ["wide", "narrow"]
    assert new[0].details[0] == "outlet 0 and 2 more"
    assert [entry.details[-1] for entry in held] == ["held: 1 of 2 independent outlets"]


def test_a_short_brief_keeps_a_part_of_each_section_and_counts_the_rest() -> None:
    entries = tuple(BriefEntry(headline=str(number)) for number in range(30))
    sections = tuple(BriefSection(kind=kind, entries=entries) for kind in SectionKind)
    brief = shorten_brief(Brief(channel=None, since=START, until=START, sections=sections), 20)
    assert {section.kind.value: (len(section.entries), section.more) for section in brief.sections} == {
        "new": (5, 25),
        "changed": (6, 24),
        "deadlines": (3, 27),
        "surges": (2, 28),
        "held": (3, 27),
        "feeds": (1, 29),
    }
