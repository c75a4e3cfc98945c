"""Where the grouping is not certain, somebody else may decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot import model, stories
from tests.stories import examples
from tests.stories.test_grouping import CREW, FERRY, WINDOW


class Second:
    """A second opinion that remembers what it was asked."""

    def __init__(self, story: model.StoryId | None = None, *, is_known: bool = True) -> None:
        self.asked: list[Sequence[model.StoryId]] = []
        self._opinion = stories.Opinion(story=story, detail="says somebody") if is_known else None

    def __call__(self, _: model.ArticleId, near: Sequence[model.StoryId]) -> stories.Opinion | None:
        self.asked.append(near)
        return self._opinion


ORDER = replace(examples.ORDER, title="Phone firm told to open its servers or shut them down")
#: An article, and one that is beside it: from nearly certain to nearly certain not.
BESIDE = {
    "sure": (examples.MESSENGER, examples.EXIT, model.JoinReason.SIMILAR),
    "unsure": (examples.MESSENGER, ORDER, model.JoinReason.UNSURE),
    "hardly": (examples.MESSENGER, CREW, model.JoinReason.OPENED),
}


@pytest.mark.parametrize(("first", "second", "alone"), BESIDE.values(), ids=list(BESIDE))
def test_what_is_not_certain_is_decided_by_the_second_opinion_and_without_one_as_ever(
    first: model.Article, second: model.Article, alone: model.JoinReason
) -> None:
    said = {}
    for name, opinion in {
        "same": Second(stories.grouping.story_id(first.id)),
        "other": Second(),
        "nothing": Second(is_known=False),
        "a story that was not named": Second(model.StoryId("x")),
    }.items():
        grouping = stories.Grouping(window=WINDOW)
        home = grouping.join(first).story

        said[name] = grouping.join(second, second=opinion).reason

        assert opinion.asked == [[home]]
    assert said == {
        "same": model.JoinReason.SIMILAR,
        "other": model.JoinReason.OPENED,
        "nothing": alone,
        "a story that was not named": alone,
    }


def test_of_a_copy_and_of_what_nothing_is_near_to_no_second_opinion_is_asked() -> None:
    opinion = Second()
    grouping = stories.Grouping(window=WINDOW)
    for each in (examples.EXIT, replace(examples.EXIT, id=model.ArticleId("copy"), link="", outlet="Mirror"), FERRY):
        grouping.join(each, second=opinion)

    assert opinion.asked == []
