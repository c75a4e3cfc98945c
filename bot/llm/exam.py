"""The exam of a language model: questions of each use whose answers are known, and the marks for the answers.

    exam.yaml → build_questions → Question(prompt, is_right) → examine (as many at once as the bot asks) → ExamMark

Half of the questions about one event have the answer "same". Most have several stories on offer, among them look-alikes
of one company, and some are in two languages. So a model that always gives the same answer fails.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import yaml

from bot.llm import prompts
from bot.model.durations import format_duration
from bot.model.errors import ModelError
from bot.model.language_models import LanguageModel, LanguageModelPolicy, Prompt, Use
from bot.model.stories import Article, ArticleId, Fact, Join, JoinReason, Member, Story, StoryId


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamQuestion:
    """A question, and a function that checks whether a valid answer is right."""

    prompt: Prompt
    is_right: Callable[[Any], bool]
    #: The right answer, for people.
    expected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamAnswer:
    """A model's answer to a question."""

    question: ExamQuestion
    #: The answer as the model wrote it, or "" if there is none.
    text: str
    is_right: bool
    #: Why the answer cannot be used, or "" if it can.
    error: str
    seconds: float
    tokens: int


def build_questions(uses: Collection[Use]) -> tuple[ExamQuestion, ...]:
    """Return the questions for these uses of a model."""
    document = yaml.safe_load(resources.files("bot.llm").joinpath("exam.yaml").read_text(encoding="utf-8"))
    articles = {name: _article(name, *values) for name, values in document["articles"].items()}
    build: Mapping[Use, Callable[..., ExamQuestion]] = {
        Use.SAME_EVENT: _same_event,
        Use.FACTS: _facts,
        Use.RELEVANCE: _relevance,
        Use.TRANSLATE: _translation,
    }
    questions = [
        build[use](articles, *(row if isinstance(row, list) else [row]))
        for use in Use
        if use in uses
        for row in document[use.value]
    ]
    return tuple(questions)


async def examine(
    model: LanguageModel,
    policy: LanguageModelPolicy,
    questions: Sequence[ExamQuestion],
    on_answer: Callable[[ExamAnswer], None],
) -> list[ExamAnswer]:
    """Ask the questions, as many at once as the bot asks and with its timeout. Report each answer as it comes."""
    slots = asyncio.Semaphore(policy.at_once)

    async def ask(question: ExamQuestion) -> ExamAnswer:
        async with slots:
            answer = await _ask(model, policy, question)
        on_answer(answer)
        return answer

    return await asyncio.gather(*map(ask, questions))


async def _ask(model: LanguageModel, policy: LanguageModelPolicy, question: ExamQuestion) -> ExamAnswer:
    begun, text, error, tokens, is_right = time.perf_counter(), "", "", 0, False
    try:
        async with asyncio.timeout(policy.timeout.total_seconds()):
            answered = await model.ask(question.prompt)
        text, tokens = answered.text, answered.tokens_in + answered.tokens_out
        is_right = question.is_right(prompts.parse_answer(question.prompt, text))
    except ModelError as failure:
        error, tokens = str(failure), tokens or failure.tokens_in + failure.tokens_out
    except TimeoutError:
        error = f"the model gave no answer within {format_duration(policy.timeout)}"
    seconds = time.perf_counter() - begun
    return ExamAnswer(question=question, text=text, is_right=is_right, error=error, seconds=seconds, tokens=tokens)


def _article(name: str, when: str, language: str, title: str, text: str) -> Article:
    at = datetime.strptime(f"2024-03-{when}", "%Y-%m-%d %H").replace(tzinfo=UTC)
    return Article(
        id=ArticleId(name),
        feed="",
        outlet=f"Example Wire {language}",
        owner="",
        link="",
        title=title,
        text=text,
        published=at,
        first_seen=at,
        fingerprint=name,
        language=language,
    )


def _story(articles: Mapping[str, Article], names: Sequence[str]) -> Story:
    story, members = StoryId("+".join(names)), [articles[name] for name in names]
    return Story(
        id=story,
        title=members[0].title,
        first_seen=members[0].first_seen,
        last_seen=members[-1].first_seen,
        members=tuple(
            Member(article=article, join=Join(story=story, article=article.id, reason=JoinReason.OPENED), matches=())
            for article in members
        ),
    )


def _same_event(
    articles: Mapping[str, Article], name: str, offered: Sequence[Sequence[str]], same: Sequence[int]
) -> ExamQuestion:
    stories = [_story(articles, names) for names in offered]
    prompt = prompts.same_event_prompt(articles[name], stories)
    right = {stories[number - 1].id for number in same}

    def is_right(answer: prompts.SameEvent) -> bool:
        return answer.verdict == ("same" if same else "other") and {*answer.named(prompt.beside.split())} == right

    return ExamQuestion(prompt=prompt, is_right=is_right, expected="same" if same else "other")


def _facts(
    articles: Mapping[str, Article], name: str, story: Sequence[str], sentences: Sequence[str], right: Sequence[int]
) -> ExamQuestion:
    offered = [
        Fact(
            kind="sentence",
            label="new",
            before=None,
            after=sentence,
            sentence=sentence,
            article=ArticleId(name),
            outlet=articles[name].outlet,
        )
        for sentence in sentences
    ]
    prompt = prompts.facts_prompt(articles[name], _story(articles, story), offered)

    def is_right(answer: prompts.NewFacts) -> bool:
        chosen = {update.number for update in answer.updates}
        return bool(chosen) == bool(right) and chosen <= {*right}

    expected = f"new: {', '.join(map(str, right))}" if right else "nothing new"
    return ExamQuestion(prompt=prompt, is_right=is_right, expected=expected)


def _relevance(articles: Mapping[str, Article], name: str, about: str, verdict: str) -> ExamQuestion:
    prompt = prompts.relevance_prompt(articles[name], "exam", about)
    return ExamQuestion(prompt=prompt, is_right=lambda answer: answer.verdict == verdict, expected=verdict)


def _translation(articles: Mapping[str, Article], name: str, to: str) -> ExamQuestion:
    texts = (articles[name].title, *articles[name].text.split(". ")[:2])
    prompt = prompts.translation_prompt(articles[name], texts, to=to)
    assert prompt is not None  # The article is in another language.

    def is_right(answer: prompts.Translation) -> bool:
        return all(new != old for new, old in zip(answer.texts, texts, strict=True))

    return ExamQuestion(prompt=prompt, is_right=is_right, expected=f"a translation into {to}")
