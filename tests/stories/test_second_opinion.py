"""Where the grouping is not certain, somebody else may decide."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot import stories
from bot.model.archive import Arrival
from bot.model.rules import Group
from bot.model.stories import Article, ArticleId, Join, JoinReason, Member, StoryId
from bot.stories import opinions
from bot.stories.grouping import story_id
from tests.stories import examples
from tests.stories.examples import START, arrival, article, join
from tests.stories.test_grouping import CREW, DAY, FERRY, WINDOW


class Second:
    """A second opinion that remembers what it was asked."""

    def __init__(
        self,
        *said: StoryId,
        is_known: bool = True,
        owner: str = "Gazette",
        unmergeable: frozenset[StoryId] = frozenset(),
    ) -> None:
        self.asked: list[Sequence[StoryId]] = []
        opinion = stories.Opinion(stories=said, detail="says somebody", owner=owner, unmergeable=unmergeable)
        self._opinion = opinion if is_known else None

    def __call__(self, _: ArticleId, near: Sequence[StoryId]) -> stories.Opinion | None:
        self.asked.append(near)
        return self._opinion


ORDER = replace(examples.ORDER, title="Phone firm told to open its servers or shut them down")
#: An article, and one that is beside it: from nearly certain to nearly certain not.
BESIDE = {
    "sure": (examples.MESSENGER, examples.EXIT, JoinReason.SIMILAR),
    "unsure": (examples.MESSENGER, ORDER, JoinReason.UNSURE),
    "hardly": (examples.MESSENGER, CREW, JoinReason.OPENED),
}


@pytest.mark.parametrize(("first", "second", "alone"), BESIDE.values(), ids=list(BESIDE))
def test_what_is_not_certain_is_decided_by_the_second_opinion_and_without_one_as_ever(
    first: Article, second: Article, alone: JoinReason
) -> None:
    said = {}
    for name, opinion in {
        "same": Second(story_id(first.id)),
        "other": Second(),
        "nothing": Second(is_known=False),
        "a story that was not named": Second(StoryId("x")),
    }.items():
        grouping = stories.Grouping(window=WINDOW)
        home = grouping.join(first).story

        said[name] = grouping.join(second, second=opinion).reason

        assert opinion.asked == [[home]]
    assert said == {
        "same": JoinReason.SIMILAR,
        "other": JoinReason.OPENED,
        "nothing": alone,
        "a story that was not named": alone,
    }


def test_of_a_copy_and_of_what_nothing_is_near_to_no_second_opinion_is_asked() -> None:
    opinion = Second()
    grouping = stories.Grouping(window=WINDOW)
    for each in (examples.EXIT, replace(examples.EXIT, id=ArticleId("copy"), link="", outlet="Mirror"), FERRY):
        grouping.join(each, second=opinion)

    assert opinion.asked == []


def test_under_a_rule_with_many_stories_it_is_asked_about_those_that_the_bot_no_longer_joins() -> None:
    grouping = stories.Grouping(window=WINDOW)
    home = join(grouping, examples.EXIT, "phones", "BlackBerry").story
    for number in range(40):
        other = article(f"BlackBerry opens shop {number} in {'abcdefgh'[number % 8] * 5}ville", at=START + DAY / 50)
        join(grouping, other, "phones", "BlackBerry", modes={"phones": Group.OFF})
    title = "BlackBerry pulls out of the country over mail servers"
    too = article(title, "The phone firm will be gone in December, it said.", at=START + DAY / 20, outlet="Mirror")
    opinion = Second(home)

    decided = join(grouping, too, "phones", "BlackBerry", second=opinion)

    assert [home in asked for asked in opinion.asked] == [True]
    assert decided.story == home
    assert re.search(r"by its words [1-6]?\d% sure", decided.detail)


URDU = "پاکستان میں بلیک بیری کی سروس"
RULE = ("BlackBerry in Pakistan", "BlackBerry")
#: Two events in German, and articles in languages that the stories of these lack: only an opinion can place them.
PATCH, BILL, ENGLISH, FRENCH = (
    replace(article(title, outlet=outlet, at=START + at * DAY / 24), language=language)
    for at, (language, outlet, title) in enumerate(
        (
            ("de", "Gazette", "Acme schließt eine Lücke in seinen Routern, BlackBerry prüft"),
            ("de", "Tribune", "Minister tritt wegen seines Gesetzes zurück, sagt BlackBerry"),
            ("en", "Gazette", "What a week for BlackBerry"),
            ("fr", "Mirror", "La semaine de BlackBerry"),
        )
    )
)


def opened(grouping: stories.Grouping) -> tuple[StoryId, StoryId]:
    """The ids of the two stories."""
    patch, bill = (join(grouping, each, *RULE, second=Second()).story for each in (PATCH, BILL))
    return patch, bill


@pytest.mark.parametrize(("owner", "is_merged"), [("Mirror", True), ("Gazette", False)])
def test_two_stories_are_merged_when_the_opinion_names_both_for_articles_of_two_owners(
    owner: str, *, is_merged: bool
) -> None:
    grouping = stories.Grouping(window=WINDOW)
    patch, bill = opened(grouping)
    join(grouping, ENGLISH, *RULE, second=Second(bill, patch))

    decided = join(grouping, FRENCH, *RULE, second=Second(bill, patch, owner=owner))

    assert decided.merges == ((bill,) if is_merged else ())
    assert (grouping.join(BILL).story == patch) is is_merged


def test_after_a_restart_it_is_known_which_stories_an_opinion_named_together() -> None:
    grouping = stories.Grouping(window=WINDOW)
    both = opened(grouping)
    join(grouping, ENGLISH, *RULE, second=Second(*both))
    members = [
        Member(article=each, join=grouping.join(each), matches=tuple(arrival(each, *RULE).matches))
        for each in (PATCH, BILL, ENGLISH)
    ]
    again = stories.Grouping(window=WINDOW)
    again.load(
        replace(examples.story(PATCH), id=story, members=tuple(each for each in members if each.join.story == story))
        for story in both
    )

    decided = join(again, FRENCH, *RULE, second=Second(*both, owner="Mirror"))

    assert decided.merges == (both[1],)


def test_an_opinion_merges_two_stories_that_share_no_language() -> None:
    grouping = stories.Grouping(window=WINDOW)
    english = replace(examples.EXIT, language="en")
    home = join(grouping, english, *RULE).story
    urdu = replace(article(URDU, at=START + DAY / 3), language="ur")
    other = join(grouping, urdu, RULE[0]).story
    german = replace(article("BlackBerry geht aus Pakistan", at=START + DAY / 2), language="de")

    decided = join(grouping, german, *RULE, second=Second(home, other))

    assert (decided.story, decided.merges) == (home, (other,))


def test_stories_that_people_took_apart_are_not_merged_whatever_the_opinion_is(monkeypatch: pytest.MonkeyPatch) -> None:
    # In so small an index the bot is surer than it would be.
    monkeypatch.setattr(opinions, "ASKED_BELOW", 0.97)
    still = article("Divers off Manora look for the ferry crew", "A ship of the navy is near.", at=START + DAY / 5)
    lost = article(
        "Questions in Karachi about a ferry", "Its crew had asked the port of Manora for a tug.", at=START + DAY / 4
    )
    ferry, crew = examples.story(FERRY), examples.story(CREW)
    grouping = stories.Grouping(window=WINDOW)
    grouping.load([examples.story(FERRY, CREW)])
    grouping.split(ferry, crew)
    grouping.join(still, second=Second(crew.id, ferry.id))
    opinion = Second(crew.id, ferry.id, owner="Mirror")

    decided = grouping.join(lost, second=opinion)

    assert [set(asked) for asked in opinion.asked] == [{ferry.id, crew.id}]
    assert (decided.story, decided.merges) == (crew.id, ())


@pytest.mark.parametrize(
    ("rule", "days", "is_asked"),
    [(RULE[0], 1, True), ("another rule", 1, False), (RULE[0], 9, False)],
    ids=["its rule", "another rule", "long after"],
)
def test_an_article_is_asked_about_the_late_stories_of_its_rule_in_other_languages(
    rule: str, days: int, *, is_asked: bool
) -> None:
    grouping = stories.Grouping(window=WINDOW)
    home = join(grouping, examples.EXIT, *RULE).story
    late = replace(article(URDU, at=START + days * DAY), language="ur")
    opinion = Second(home)

    decided = join(grouping, late, rule, second=opinion)

    assert opinion.asked == ([[home]] if is_asked else [])
    assert (decided.story == home) is is_asked


def test_without_an_opinion_an_article_in_another_language_opens_a_story() -> None:
    for opinion in (None, Second(is_known=False), Second()):
        grouping = stories.Grouping(window=WINDOW)
        join(grouping, examples.EXIT, *RULE)
        late = replace(article(URDU, at=START + DAY), language="ur")

        decided = join(grouping, late, RULE[0], second=opinion)

        assert (decided.story, decided.reason) == (story_id(late.id), JoinReason.OPENED)


class Slow:
    """A second opinion that is pending for the articles that ``pending`` has."""

    def __init__(self, pending: set[ArticleId], **answers: Sequence[StoryId]) -> None:
        self.pending = pending
        self.answers = answers
        self.asked: dict[str, list[StoryId]] = {}

    def __call__(self, article: ArticleId, near: Sequence[StoryId]) -> stories.Opinion | None:
        if near:
            self.asked.setdefault(article, [*near])
        if article in self.pending or not near:
            raise stories.Undecided
        return stories.Opinion(stories=tuple(self.answers[article]), detail="says somebody")


#: Both of the event of EXIT, in words that leave them unsure.
ORDERED, REPEATED = (
    replace(ORDER, id=ArticleId(name), outlet=name, title=title, link=f"https://{at}.example/", text=text)
    for at, (name, title, text) in enumerate(
        (
            ("ordered", ORDER.title, ORDER.text),
            ("repeated", "Phone makers fear for their servers in Asia", ""),
        )
    )
)


def batch(grouping: stories.Grouping, second: Slow, *articles: Article) -> dict[str, Join]:
    arrivals = [Arrival(article=each, matches=(), is_baseline=False) for each in articles]
    return {join.article: join for join in grouping.join_batch(arrivals, second=second)}


@pytest.mark.parametrize("is_same", [True, False])
def test_an_article_is_compared_with_the_one_whose_opinion_is_pending_and_joins_wherever_that_one_went(
    *, is_same: bool
) -> None:
    grouping = stories.Grouping(window=WINDOW)
    home = grouping.join(examples.MESSENGER).story
    ordered = story_id(ORDERED.id)
    second = Slow({ORDERED.id, REPEATED.id}, ordered=[home] if is_same else [], repeated=[ordered])

    assert batch(grouping, second, ORDERED, REPEATED) == {}
    assert ordered not in second.asked["ordered"]
    assert ordered in second.asked["repeated"]
    second.pending = {ORDERED.id}
    assert batch(grouping, second, REPEATED, ORDERED) == {}
    second.pending = set()
    joins = batch(grouping, second, REPEATED, ORDERED)

    assert {join.story for join in joins.values()} == {home if is_same else ordered}
    assert joins["repeated"].reason is JoinReason.SIMILAR


def test_a_copy_of_an_article_whose_opinion_is_pending_waits_for_it_and_is_not_asked_about() -> None:
    grouping = stories.Grouping(window=WINDOW)
    home = grouping.join(examples.MESSENGER).story
    mirror = replace(ORDERED, id=ArticleId("mirror"), outlet="Mirror", link="https://2.example/")
    second = Slow({ORDERED.id}, ordered=[home])

    assert batch(grouping, second, ORDERED, mirror) == {}
    second.pending = set()
    joins = batch(grouping, second, mirror, ORDERED)

    assert "mirror" not in second.asked
    assert {join.story for join in joins.values()} == {home}
    assert joins["mirror"].copy_of == ORDERED.id


def test_an_article_that_has_waited_long_enough_for_another_is_decided_without_it() -> None:
    grouping = stories.Grouping(window=WINDOW)
    grouping.join(examples.MESSENGER)
    mirror = replace(ORDERED, id=ArticleId("mirror"), outlet="Mirror", link="https://2.example/")

    class Impatient(Slow):
        def __call__(self, article: ArticleId, near: Sequence[StoryId]) -> stories.Opinion | None:
            return super().__call__(article, near) if near else None

    joins = batch(grouping, Impatient({ORDERED.id}), ORDERED, mirror)

    assert {name: join.story for name, join in joins.items()} == {"mirror": story_id(mirror.id)}
    assert joins["mirror"].merges == ()
    assert joins["mirror"].near != story_id(ORDERED.id)


def test_a_story_that_an_article_opened_long_ago_stays_open_while_that_article_waits_again() -> None:
    grouping = stories.Grouping(window=WINDOW)
    home = story_id(ORDERED.id)
    grouping.load([replace(examples.story(examples.MESSENGER), id=home)])

    assert batch(grouping, Slow({ORDERED.id}), ORDERED) == {}
    again = replace(examples.MESSENGER, id=ArticleId("again"), outlet="Mirror", link="https://3.example/")
    assert grouping.join(again).story == home


def test_an_opinion_that_names_a_story_that_has_been_merged_joins_the_story_that_remains() -> None:
    grouping = stories.Grouping(window=WINDOW)
    patch, bill = opened(grouping)

    class Merging(Second):
        def __call__(self, article: ArticleId, near: Sequence[StoryId]) -> stories.Opinion | None:
            return stories.Opinion(stories=(bill,), detail="says somebody")

    grouping.merge(bill, patch)

    assert join(grouping, ENGLISH, *RULE, second=Merging()).story == patch
