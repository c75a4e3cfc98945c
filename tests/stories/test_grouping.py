"""Articles become stories."""

from __future__ import annotations

from datetime import timedelta

from bot import model, stories
from tests.stories.examples import article

WINDOW = timedelta(days=200)


def test_an_article_with_nothing_like_it_opens_a_story() -> None:
    grouping = stories.Grouping(window=WINDOW)

    join = grouping.join(article("Comet seen over Quetta", "Astronomers watched a bright comet pass."))

    assert join.reason is model.JoinReason.OPENED


def test_a_second_report_of_the_same_event_joins() -> None:
    grouping = stories.Grouping(window=WINDOW)
    first = grouping.join(article("BlackBerry quits Pakistan", "BlackBerry leaves Pakistan over a PTA demand."))

    second = grouping.join(
        article("BlackBerry to exit Pakistan", "The PTA wanted access to BlackBerry servers.", outlet="Herald")
    )

    assert second.story == first.story
    assert second.reason is model.JoinReason.SIMILAR
