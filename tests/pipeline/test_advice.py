"""A language model's answers in turns over a real store: looked up, waited for, and never asked for twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from bot import rules, storage
from bot.model.language_models import Completion, LanguageModelPolicy, Outcome, Prompt, Use
from bot.model.rules import Line, Rule
from bot.model.stories import Article, Story
from bot.pipeline import join
from bot.pipeline.advice import Advice
from bot.pipeline.turn import Turn
from tests.stories.examples import EXIT, MESSENGER, START, arrival, article
from tests.testbed.made import alert
from tests.testbed.made_settings import make_settings

RULE = "Phones"
WINDOW = timedelta(days=14)
TERMS = ("BlackBerry",)
PHONES = Rule(name=RULE, notify=("desk",), about="phones", all=(Line(label="what", terms=TERMS),))
SETTINGS = make_settings(
    rules=[rules.compile_rule(PHONES)],
    window=WINDOW,
)
POLICY = LanguageModelPolicy(url="http://127.0.0.1:1/v1", name="local-model", uses=frozenset({Use.SAME_EVENT}))
UNSURE = article(
    "BlackBerry customers are told to prepare",
    "Mobilink writes to users of its BES servers in Pakistan.",
    at=START + timedelta(hours=2),
    outlet="Post",
)
#: A second report of EXIT, under the same headline.
AGAIN = article(EXIT.title, "The firm will be gone in December, it said.", at=START + timedelta(hours=1), outlet="Twin")


@dataclass(slots=True)
class Wanted:
    """An advisor that only notes what it is to ask."""

    policy: LanguageModelPolicy = POLICY
    prompts: list[Prompt] = field(default_factory=list)

    def is_available(self, use: Use, now: datetime) -> bool:
        return True

    def has_failed(self, key: str) -> bool:
        return False

    def drop(self, keys: Iterable[str]) -> None:
        raise AssertionError(keys)

    def want(self, prompts: Iterable[Prompt]) -> None:
        self.prompts.extend(prompts)


@dataclass(slots=True)
class Process:
    """A process that decides; another one knows nothing of its memory."""

    store: storage.Store
    advisor: Wanted = field(default_factory=Wanted)
    updater: join.StoryUpdater = field(default_factory=join.StoryUpdater)
    advice: Advice = field(init=False)
    now: datetime = START + timedelta(hours=5)

    def __post_init__(self) -> None:
        self.advice = Advice(self.advisor)

    async def decide(self, *articles: Article) -> Sequence[Story]:
        """One turn; returns the stories after it."""
        self.now += timedelta(seconds=1)

        def work(tx: storage.Transaction) -> Sequence[Story]:
            arrivals = [arrival(article, RULE, *TERMS) for article in articles]
            for came in arrivals:
                tx.articles.add([came.article])
                tx.articles.add_matches(came.article.id, came.matches)
            turn = Turn(tx, SETTINGS, self.now)
            self.advice.begin(turn)
            self.updater.update(turn, arrivals, ())
            turn.write(tx)
            return tx.stories.since(None)

        stories = await self.store.write(work)
        self.advice.end()
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


def same(*numbers: int, words: str = "servers") -> dict[str, object]:
    return {"verdict": "same", "stories": numbers, "sentence": 0}


async def test_after_a_restart_an_answer_counts_although_the_story_has_changed_since_the_question(
    store: storage.Store,
) -> None:
    process = Process(store)
    await process.decide(EXIT)
    await process.decide(UNSURE)
    [asked] = process.advisor.prompts
    await process.answer(asked, {"verdict": "same", "stories": [1], "sentence": 0})
    await Process(store).decide(AGAIN)

    restarted = Process(store)
    [story] = await restarted.decide(UNSURE)

    assert [member.article.id for member in story.members] == [EXIT.id, AGAIN.id, UNSURE.id]
    assert restarted.advisor.prompts == []


async def test_an_open_question_stays_the_same_while_its_neighbours_change(store: storage.Store) -> None:
    process = Process(store)
    await process.decide(EXIT)
    for neighbours in ((), (AGAIN,), (MESSENGER,), ()):
        await process.decide(UNSURE, *neighbours)

    assert len({prompt.key for prompt in process.advisor.prompts if prompt.article == UNSURE.id}) == 1


@pytest.mark.parametrize("has_changed", [False, True])
async def test_the_news_of_an_article_is_asked_for_again_only_if_its_story_has_changed_since_the_question(
    store: storage.Store, has_changed: bool
) -> None:
    process = Process(store, Wanted(replace(POLICY, uses=frozenset({Use.SAME_EVENT, Use.FACTS}))))
    news = replace(UNSURE, text="Mobilink writes to 3,000 users of its BES servers in Pakistan.")
    await process.decide(EXIT)
    [story] = await process.decide(EXIT)
    await store.write(lambda tx: tx.stories.save_alert(alert(story.id, rules=(RULE,), posted_at=story.first_seen)))
    await process.decide(news)
    if has_changed:
        await process.decide(news, AGAIN)
    asked = process.advisor.prompts[0]
    assert "updates" in json.loads(asked.data)
    await process.answer(asked, same(1) | {"updates": []})

    [story] = await process.decide(news)

    assert news.id in [member.article.id for member in story.members]
    uses = [prompt.use for prompt in process.advisor.prompts if prompt.article == news.id]
    assert uses.count(Use.FACTS) == has_changed


async def test_an_article_waits_no_longer_than_wait_for_all_its_questions_together(store: storage.Store) -> None:
    uses = frozenset({Use.RELEVANCE, Use.SAME_EVENT})
    process = Process(store, Wanted(replace(POLICY, uses=uses)))
    await process.decide(EXIT)
    process.now += POLICY.wait
    await process.decide(EXIT)
    await process.decide(UNSURE)
    process.now += POLICY.wait * 0.8
    await process.answer(process.advisor.prompts[-1], {"sentence": 0, "reason": "", "verdict": "relevant"})
    assert len(await process.decide(UNSURE)) == 1
    assert [prompt.use for prompt in process.advisor.prompts[-2:]] == [Use.RELEVANCE, Use.SAME_EVENT]

    process.now += POLICY.wait * 0.2
    decided = [member.article.id for story in await process.decide(UNSURE) for member in story.members]
    assert UNSURE.id in decided
