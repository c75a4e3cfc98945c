"""Questions to a language model over a real store: asked before the turn, waited for, and never asked twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot import rules, storage
from bot.model.archive import QueuedWork
from bot.model.language_models import Completion, LanguageModelPolicy, Outcome, Prompt, Use
from bot.model.rules import Line, Rule
from bot.model.stories import Article, JoinReason, Story
from bot.pipeline import join
from bot.pipeline.ask import Asking
from bot.pipeline.turn import Turn
from tests.stories.examples import EXIT, START, arrival, article
from tests.testbed.made_settings import make_settings

RULE = "Phones"
TERMS = ("BlackBerry",)
PHONES = Rule(name=RULE, notify=("desk",), all=(Line(label="what", terms=TERMS),))
SETTINGS = make_settings(rules=[rules.compile_rule(PHONES)], window=timedelta(days=14))
POLICY = LanguageModelPolicy(url="http://127.0.0.1:1/v1", name="local-model", uses=frozenset({Use.SAME_EVENT}))
UNSURE = article(
    "BlackBerry customers are told to prepare",
    "Mobilink writes to users of its BES servers in Pakistan.",
    at=START + timedelta(hours=2),
    outlet="Post",
)
#: A report of the event of UNSURE, under the same headline, that opens a story while UNSURE waits.
TWIN = article(UNSURE.title, "Letters are in the post.", at=START + timedelta(hours=1), outlet="Twin")
#: A report under the same rule that hardly shares words with UNSURE.
FAR = article("Sindh lifts its ban on Messenger", "BlackBerry users in Karachi write again.", outlet="Dawn")
SAME = {"sentence": 0, "verdict": "same", "stories": [1]}
OTHER = {"sentence": 0, "verdict": "other", "stories": []}


@dataclass(slots=True)
class Wanted:
    """An advisor that only records what to ask."""

    policy: LanguageModelPolicy = POLICY
    prompts: list[Prompt] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def is_available(self, use: Use, now: datetime) -> bool:
        return True

    def has_failed(self, key: str) -> bool:
        return False

    def drop(self, keys: Iterable[str]) -> None:
        self.dropped.extend(keys)

    def want(self, prompts: Iterable[Prompt]) -> None:
        known_keys = {prompt.key for prompt in self.prompts}
        self.prompts.extend(prompt for prompt in prompts if prompt.key not in known_keys)


@dataclass(slots=True)
class Process:
    """A process that decides; another one knows nothing of its memory."""

    store: storage.Store
    advisor: Wanted = field(default_factory=Wanted)
    updater: join.StoryUpdater = field(default_factory=join.StoryUpdater)
    asking: Asking = field(init=False)
    now: datetime = START + timedelta(hours=5)

    def __post_init__(self) -> None:
        self.asking = Asking(self.advisor)

    async def decide(self, *articles: Article) -> Sequence[Story]:
        """Prepare questions and decide what need not wait. Return the stories that were not merged."""
        self.now += timedelta(seconds=1)

        def work(tx: storage.Transaction) -> Sequence[Story]:
            arrivals = {number: arrival(article, RULE, *TERMS) for number, article in enumerate(articles)}
            for came in arrivals.values():
                tx.articles.add([came.article])
                tx.articles.add_matches(came.article.id, came.matches)
            turn = Turn(tx, SETTINGS, self.now)
            keys = tuple(article.id for article in articles)
            late_answers = self.asking.late_answers(turn)
            queued = QueuedWork(numbers=tuple(arrivals), keys=keys, arrivals=tuple(arrivals.values()))
            ready = self.asking.prepare(turn, queued, self.updater)
            turn.answers = self.asking.answers
            self.updater.update(turn, [arrivals[number] for number in ready], (), late_answers=late_answers)
            turn.write(tx)
            return [story for story in tx.stories.since(None) if story.merged_into is None]

        stories = await self.store.write(work)
        self.asking.send()
        return stories

    async def answer(self, prompt: Prompt, answer: object) -> None:
        completion = Completion(
            key=prompt.key,
            use=prompt.use,
            version=prompt.version,
            outcome=Outcome.ANSWERED,
            article=prompt.article,
            beside=prompt.beside,
            at=self.now,
            model=POLICY.name,
            answer=json.dumps(answer),
        )
        await self.store.write(lambda tx: tx.completions.add(completion))


async def asked_about_unsure(store: storage.Store) -> tuple[Process, Prompt]:
    process = Process(store)
    await process.decide(EXIT)
    assert len(await process.decide(UNSURE)) == 1
    [prompt] = process.advisor.prompts
    return process, prompt


async def test_a_question_marks_the_likeliest_story_if_its_words_make_it_improbable(store: storage.Store) -> None:
    process, likely = await asked_about_unsure(store)
    await process.decide(FAR)
    unlikely = process.advisor.prompts[-1]

    assert likely.unlikely is None
    assert unlikely.article == FAR.id
    assert unlikely.unlikely in unlikely.beside.split()


async def test_an_answer_says_nothing_about_a_story_that_was_not_in_its_question(store: storage.Store) -> None:
    process, prompt = await asked_about_unsure(store)
    await process.answer(prompt, OTHER)
    process.asking.is_over = True
    await process.decide(TWIN)
    process.asking.is_over = False

    stories = await process.decide(UNSURE)

    assert sorted(len(story.members) for story in stories) == [1, 2]


async def test_an_article_waits_no_longer_than_wait_and_a_late_answer_merges_its_story(store: storage.Store) -> None:
    process, prompt = await asked_about_unsure(store)
    process.now += POLICY.wait
    assert len(await process.decide(UNSURE)) == 2
    assert process.advisor.dropped == [prompt.key]

    await process.answer(prompt, SAME)

    [story] = await process.decide()
    assert len(story.members) == 2
    assert [member.join.reason for member in story.members] == [JoinReason.OPENED, JoinReason.MERGED]
    assert process.advisor.prompts == [prompt]


async def test_a_late_answer_that_names_no_story_changes_nothing(store: storage.Store) -> None:
    process, prompt = await asked_about_unsure(store)
    process.now += POLICY.wait
    await process.decide(UNSURE)

    await process.answer(prompt, OTHER)

    assert len(await process.decide()) == 2


async def test_an_answer_that_names_a_story_far_from_the_words_is_asked_again_with_the_stories_in_another_order(
    store: storage.Store,
) -> None:
    process = Process(store)
    process.asking.is_over = True
    await process.decide(EXIT)
    await process.decide(FAR)
    process.asking.is_over = False
    assert len(await process.decide(UNSURE)) == 2
    [first] = [prompt for prompt in process.advisor.prompts if prompt.article == UNSURE.id]
    titles = [story["reports"][0]["headline"] for story in json.loads(first.data)["stories"]]
    await process.answer(first, SAME | {"stories": [titles.index(FAR.title) + 1]})

    assert len(await process.decide(UNSURE)) == 2
    second = process.advisor.prompts[-1]
    titles_again = [story["reports"][0]["headline"] for story in json.loads(second.data)["stories"]]
    assert titles_again == titles[::-1]

    await process.answer(second, SAME | {"stories": [titles_again.index(FAR.title) + 1]})
    stories = await process.decide(UNSURE)

    assert sorted((story.title, len(story.members)) for story in stories) == [(EXIT.title, 1), (FAR.title, 2)]


async def test_of_two_articles_that_arrive_together_the_second_is_asked_about_the_first_and_waits_for_it(
    store: storage.Store,
) -> None:
    process = Process(store)
    await process.decide(EXIT)
    await process.decide(UNSURE, TWIN)
    [prompt] = process.advisor.prompts
    assert prompt.article == TWIN.id

    await process.answer(prompt, OTHER)
    stories = await process.decide(UNSURE, TWIN)

    assert sorted(len(story.members) for story in stories) == [1, 2]
