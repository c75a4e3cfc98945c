"""The articles that a rule would match, lose and nearly match."""

from __future__ import annotations

from datetime import UTC, date, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from bot import rules
from bot.model.stories import Article
from bot.queries import backtest
from tests.pipeline.archives import FEED, Archive, article
from tests.rules.making import rule
from tests.testbed.fakes import START
from tests.testbed.made_settings import make_settings

DAY = timedelta(days=1)
ALL = {"product": ["BES", "BlackBerry"], "regulator": ["PTA"], "demand": ["backdoor*"]}


def compiled(**keys: Any) -> rules.CompiledRule:
    return rules.compile_rule(rule(**({"all": ALL} if not keys.keys() & {"all", "any", "query"} else {}) | keys))


def tried(
    *articles: Article, given: rules.CompiledRule | None = None, zone: tzinfo = UTC, **plan: Any
) -> backtest.BacktestReport:
    settings = make_settings(feeds=[FEED], timezone=zone)
    keys: dict[str, Any] = {"since": START - DAY, "until": START + 2 * DAY, "settings": settings} | plan
    return backtest.run_backtest(
        Archive(articles).archive(since=keys["since"]),
        backtest.BacktestPlan(tried=(given or compiled(),), **keys),
    )


HIT = article("BlackBerry quits after PTA sought backdoor into BES")
MISS = article("BlackBerry quits after a row with the PTA")
SMALL = article("BlackBerry quits after pta sought backdoor")
SHOUTING = article("PTA MEETING AT SCHOOL TONIGHT")
FAR = article("backdoor one two three law")
OTHERWISE = "written differently or too far apart"


def test_a_match_is_listed_with_the_words_it_fires_on() -> None:
    (result,) = tried(HIT, MISS).rules
    (hit,) = result.hits
    assert hit.title == HIT.title
    assert hit.why == 'product "BES", regulator "PTA", demand "backdoor"'


@pytest.mark.parametrize(
    ("missed", "given", "what", "why"),
    [
        (MISS, compiled(), "no demand", "2 of 3: no demand"),
        (SMALL, compiled(), OTHERWISE, 'PTA found as "pta"'),
        (HIT, compiled(none=["quits"]), "excluded", 'excluded by "quits"'),
        (FAR, compiled(query="backdoor NEAR/1 law"), OTHERWISE, "NEAR/1, found at 3"),
        (SHOUTING, compiled(any=["PTA"]), OTHERWISE, "weak: only PTA was found"),
    ],
    ids=[
        "one line is missing",
        "the wording is in another case",
        "it is excluded",
        "its words are too far apart",
        "its headline shouts",
    ],
)
def test_an_article_that_nearly_matches_is_listed_with_what_is_in_the_way(
    missed: Article, given: rules.CompiledRule, what: str, why: str
) -> None:
    (near,) = tried(missed, given=given).rules[0].near
    assert near.count == 1
    assert near.what == what
    assert why in near.examples[0].why


def test_near_misses_are_counted_whole_and_shown_newest_first() -> None:
    many = [article(f"BlackBerry and the PTA, part {number}", hours=number) for number in range(9)]
    (near,) = tried(*many).rules[0].near
    assert near.count == 9
    assert [hit.title[-1] for hit in near.examples] == ["8", "7", "6", "5", "4"]


def test_each_day_has_its_count_on_the_wall_clock_of_the_desk() -> None:
    late = replace(HIT, first_seen=START.replace(hour=20))
    (result,) = tried(late).rules
    assert result.by_day == {date(2015, 12, day): int(day == 2) for day in range(1, 5)}
    (result,) = tried(late, zone=ZoneInfo("Asia/Karachi")).rules
    assert result.by_day[date(2015, 12, 3)] == 1


def test_it_is_compared_with_the_other_version() -> None:
    other = compiled(all={"product": ["BlackBerry"], "regulator": ["PTA"], "row": ["row", "sought"]})
    (result,) = tried(HIT, MISS, SMALL, given=compiled(), other_versions={"a rule": other}).rules
    assert result.comparison is not None
    assert (result.comparison.both, result.comparison.starts) == (1, ())
    (stops,) = result.comparison.stops
    assert stops.title == MISS.title
    assert "no demand" in stops.why


def test_a_paused_rule_is_tried_and_one_that_is_over_is_not_found_after_its_end() -> None:
    assert len(tried(HIT, given=compiled(paused=True)).rules[0].hits) == 1
    assert tried(HIT, given=compiled(until=START)).rules[0].hits == ()
    assert len(tried(HIT, given=compiled(until=START + DAY)).rules[0].hits) == 1
