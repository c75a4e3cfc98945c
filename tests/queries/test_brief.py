"""The period and the order of a brief."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot import storage
from bot.app.runtime import App
from bot.channels.kit.rendering import plain_message
from bot.model.alerts import AlertAction, Reason
from bot.model.briefs import Brief, BriefEntry, BriefSection, SectionKind, shorten_brief
from bot.model.stories import JoinReason, StoryId
from bot.pipeline.briefs import Period, brief_message, brief_rows, read_brief
from bot.queries.brief import BRIEF, BriefParameters
from bot.queries.registry import QueryRunner, Refused
from bot.testing import messages
from tests.journeys.world import BOT, world
from tests.testbed import made
from tests.testbed.fakes import START
from tests.testbed.shown import listing_in

#: START is a Wednesday, 9:00 in UTC and 14:00 in Karachi.
EARLIER = START - timedelta(minutes=1)
DAYS_AGO = START - timedelta(days=3)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[App]:
    """A desk in Karachi without any story."""
    async with world(tmp_path) as desk:
        desk.configure("wire", bot=f"{BOT}timezone: Asia/Karachi\n")
        async with desk.opened() as opened:
            yield opened


async def brief_of(running: App, fill: Callable[[storage.Transaction], None]) -> Brief:
    """Return the brief of the desk's channel, after its database was filled."""
    await running.store.write(fill)
    return await QueryRunner(running).run(BRIEF, BriefParameters(channel="desk"))


def add_story(
    tx: storage.Transaction,
    name: str,
    *,
    near: str | None = None,
    posted_at: datetime | None = EARLIER,
    owner: str = "wire",
) -> None:
    """Add a story of one article, which may be about the same event as another story."""
    article = replace(made.article(name), title=f"The airline: {name}", owner=owner)
    tx.articles.add([article])
    story = made.story(name, article)
    [member] = story.members
    join = replace(member.join, reason=JoinReason.UNSURE, near=StoryId(near) if near else None)
    tx.stories.save(replace(story, members=(replace(member, join=join),)))
    if posted_at:
        tx.stories.save_alert(made.alert(name, posted_at=posted_at))


NOVEMBER, DECEMBER = datetime(2015, 11, 29, 19, tzinfo=UTC), datetime(2015, 12, 1, 19, tzinfo=UTC)
DAY = timedelta(days=1)
PERIODS = {
    ("24h", None): (START - DAY, START),
    ("monday", None): (NOVEMBER, START),
    ("wednesday", None): (DECEMBER, START),
    ("yesterday", "yesterday"): (DECEMBER - DAY, DECEMBER),
    ("2015-11-30", "2015-11-30"): (NOVEMBER, NOVEMBER + DAY),
    ("2015-11-30T08:00Z", "today"): (datetime(2015, 11, 30, 8, tzinfo=UTC), START),
}


async def test_a_day_is_a_day_of_the_zone_and_a_weekday_is_the_last_one(running: App) -> None:
    for (since, until), expected in PERIODS.items():
        brief = await QueryRunner(running).run(BRIEF, BriefParameters(since=since, until=until))
        assert (brief.since, brief.until) == expected, since


async def test_a_period_that_cannot_be_meant_is_refused(running: App) -> None:
    for parameters, words in (
        (BriefParameters(channel="dsek"), 'did you mean "desk"'),
        (BriefParameters(since="soon"), "is not a day or a duration"),
        (BriefParameters(since="today", until="yesterday"), "the period is empty"),
        (BriefParameters(since="90d"), "longer than 31 days"),
    ):
        with pytest.raises(Refused, match=words):
            await QueryRunner(running).run(BRIEF, parameters)


def test_a_short_brief_keeps_a_part_of_each_section_and_counts_the_rest() -> None:
    entries = tuple(BriefEntry(headline=str(number)) for number in range(30))
    sections = tuple(BriefSection(kind=kind, entries=entries) for kind in SectionKind)
    brief = shorten_brief(Brief(channel=None, since=START, until=START, sections=sections), 28)
    assert {section.kind.value: (len(section.entries), section.more) for section in brief.sections} == {
        "new": (7, 23),
        "changed": (3, 27),
        "surges": (3, 27),
        "held": (4, 26),
        "elsewhere": (4, 26),
    }


async def test_every_story_that_may_be_of_one_event_is_in_its_one_entry_which_is_as_wide_as_all_of_them(
    running: App,
) -> None:
    near = {"one": None, "two": "one", "three": "two", "four": "two", "five": "four"}

    def fill(tx: storage.Transaction) -> None:
        articles = [replace(made.article(f"wide{n}"), owner=f"wide owner {n}", outlet=f"wide {n}") for n in range(3)]
        tx.articles.add(articles)
        tx.stories.save(made.story("wide", *articles))
        tx.stories.save_alert(made.alert("wide", posted_at=EARLIER))
        for name, nearest in near.items():
            add_story(tx, name, near=nearest, owner=f"owner of {name}")

    [section] = (await brief_of(running, fill)).sections
    event, wide = section.entries
    assert {event.headline, *(part.headline for part in event.parts)} == {f"The airline: {name}" for name in near}
    assert (wide.parts, wide.details[0]) == ((), "wide 0 and 2 more")


@pytest.mark.parametrize("newest", ["new", "held"])
async def test_an_event_with_news_in_an_earlier_story_has_one_entry_in_the_brief(newest: str, running: App) -> None:
    fact = messages.NEW_FACT.facts[0]

    def fill(tx: storage.Transaction) -> None:
        add_story(tx, "earlier", posted_at=DAYS_AGO)
        add_story(tx, newest, near="earlier", posted_at=EARLIER if newest == "new" else None)
        reply = replace(made.decision("earlier", AlertAction.REPLY), at=EARLIER, facts=(fact,))
        hold = replace(made.decision("held", AlertAction.HOLD), at=EARLIER, reason=Reason.MIN_OUTLETS, detail="1 of 2")
        tx.stories.decide([reply, *([hold] if newest == "held" else [])])

    brief = await brief_of(running, fill)
    text = plain_message(brief_message(running.settings, brief))
    [section] = brief.sections
    [entry] = section.entries
    assert {entry.headline, *(part.headline for part in entry.parts)} == {
        "The airline: earlier",
        f"The airline: {newest}",
    }
    assert text.count("15 December → 30 December") == 1
    assert ("held: 1 of 2" in text) == (newest == "held")


async def test_news_in_an_earlier_story_is_what_an_outlet_changed_from_old_to_new(running: App) -> None:
    def fill(tx: storage.Transaction) -> None:
        add_story(tx, "s", posted_at=DAYS_AGO)
        edit = replace(
            messages.CORRECTION.facts[0],
            before="Ferry fire kills 12 people near Varnholm",
            after="Ferry fire kills 31 people near Varnholm",
            outlet="Herald",
        )
        reply = made.decision("s", AlertAction.REPLY)
        tx.stories.decide([replace(reply, at=EARLIER, reason=Reason.CORRECTION, facts=(edit,))])

    brief = await brief_of(running, fill)
    text = plain_message(brief_message(running.settings, brief))
    [section] = brief.sections
    assert section.kind is SectionKind.CHANGED
    assert "headline corrected: kills 12 people → kills 31 people (Herald)" in text


async def test_a_brief_without_a_page_is_as_few_messages_as_the_channel_allows_and_names_no_command(
    running: App,
) -> None:
    entries = tuple(
        BriefEntry(story=StoryId(str(n)), headline=f"Headline {n}", link=f"https://a.example/{n}", is_unseen=True)
        for n in range(90)
    )
    brief = Brief(
        channel="desk", since=EARLIER, until=START, sections=(BriefSection(kind=SectionKind.NEW, entries=entries),)
    )
    shown_messages = [listing_in(row.message) for row in brief_rows(running.settings, brief)]
    fits = running.settings.policy("desk").shows_all_stories
    shown = [[entry for section in message.sections for entry in section.entries] for message in shown_messages]
    assert [entry for listed in shown for entry in listed] == list(entries)
    for message, listed, following in zip(shown_messages[1:], shown[1:], shown[2:], strict=False):
        longer = replace(message.sections[0], entries=(*listed, following[0]))
        assert not fits(replace(message, sections=(longer,)))
    assert all(map(fits, shown_messages))
    assert not any("wirewatch" in plain_message(message) for message in shown_messages)


@pytest.mark.parametrize("is_of_brief", [True, False])
async def test_what_is_posted_at_the_very_time_of_a_brief_is_in_one_brief(is_of_brief: bool, running: App) -> None:
    reason = Reason.BRIEF if is_of_brief else Reason.FIRST_REPORT

    settings = running.settings

    def count_new(tx: storage.Transaction) -> list[int]:
        add_story(tx, "s", posted_at=None)
        tx.stories.save_alert(replace(made.alert("s", posted_at=START), reason=reason))
        periods = [Period(channel="desk", since=since, until=since + DAY) for since in (START - DAY, START)]
        return [
            read_brief(tx, settings, period, now=period.until, waiting=()).count(SectionKind.NEW) for period in periods
        ]

    counts = await running.store.write(count_new)
    assert counts == ([1, 0] if is_of_brief else [0, 1])
