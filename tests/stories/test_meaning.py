"""Meaning beside words: what it joins, what it keeps apart, and what needs more than it."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.model.stories import Article, Join
from bot.stories import grouping
from bot.stories.index import Index
from tests.stories.examples import START, arrival, article

WINDOW = timedelta(days=14)


def at_angle(cosine: float) -> tuple[float, float]:
    """Return a vector whose cosine to (1, 0) is this."""
    return cosine, math.sqrt(1 - cosine**2)


def joined(first: Article, second: Article, cosine: float | None) -> Join:
    """Return how the second article joins; ``cosine`` is the likeness of their meanings."""
    index = Index(window=WINDOW)
    vectors = (None, None) if cosine is None else (at_angle(1.0), at_angle(cosine))
    for one, vector in zip((first, second), vectors, strict=True):
        join = grouping.join(index, replace(arrival(one, "Airport", "el-Fasher"), meaning=vector))
    return join


SEIZED = article("Militia seizes el-Fasher airport", outlet="Gazette")
#: Another report of the same event, in words that alone would open a story.
CAPTURED = article("Paramilitaries seize airfield near el-Fasher", outlet="Herald", at=START + timedelta(hours=1))


@pytest.mark.parametrize(("cosine", "is_joined"), [(0.97, True), (0.85, False), (None, False)])
def test_meaning_joins_a_report_in_other_words(cosine: float | None, is_joined: bool) -> None:
    join = joined(SEIZED, CAPTURED, cosine)
    assert (join.story == grouping.story_id(SEIZED.id)) is is_joined


def test_meaning_alone_does_not_join() -> None:
    """Two events of one affair are as alike in meaning as two reports of one event."""
    accused = article("Army accuses paramilitaries of looting near el-Fasher", outlet="Herald", at=CAPTURED.first_seen)
    assert joined(SEIZED, accused, 0.97).story == grouping.story_id(accused.id)


def test_shared_words_with_another_meaning_do_not_join() -> None:
    weather = article("Militia seizes el-Fasher airport road blocks", outlet="Herald", at=START + timedelta(hours=1))
    by_words = joined(SEIZED, weather, None)
    assert by_words.story == grouping.story_id(SEIZED.id)
    assert joined(SEIZED, weather, 0.8).story == grouping.story_id(weather.id)


@pytest.mark.parametrize(
    "title",
    [
        "How paramilitaries seized the airfield near el-Fasher",
        "Paramilitaries seize airfield near el-Fasher: what comes next?",
        "Opinion: Paramilitaries seize airfield near el-Fasher",
        "Live: Paramilitaries seize airfield near el-Fasher",
    ],
)
def test_comment_guides_questions_and_live_pages_join_only_when_nearly_certain(title: str) -> None:
    report = joined(SEIZED, CAPTURED, 0.944)
    assert report.story == grouping.story_id(SEIZED.id)
    assert report.probability is not None
    assert report.probability < grouping.BACKGROUND_FROM
    comment = replace(CAPTURED, title=title)
    assert joined(SEIZED, comment, 0.93).story == grouping.story_id(comment.id)
    # The other way round: a report does not vanish below a guide.
    assert joined(replace(comment, outlet="Gazette"), replace(CAPTURED, owner="Other"), 0.93).reason.value == "opened"


@pytest.mark.parametrize(
    ("title", "is_joined"),
    [
        pytest.param("Aldmoor recalls kettles that overheat", True, id="the same name"),
        pytest.param("Kettles that overheat are recalled", True, id="no name"),
        pytest.param("Brixley recalls kettles that overheat", False, id="another name and nothing else"),
    ],
)
def test_headlines_that_differ_only_in_names_do_not_join(title: str, is_joined: bool) -> None:
    first = article("Aldmoor recalls kettles that catch fire", outlet="Gazette")
    second = article(title, outlet="Herald", at=START + timedelta(hours=1))
    assert (joined(first, second, 0.95).story == grouping.story_id(first.id)) is is_joined


def test_the_agency_who_is_not_a_question() -> None:
    who = article("WHO says el-Fasher hospital was hit", outlet="Gazette")
    same = article("El-Fasher hospital was hit, WHO says", outlet="Herald", at=START + timedelta(hours=1))
    assert joined(who, same, 0.95).story == grouping.story_id(who.id)
