"""The exam of a language model: questions of each use whose answers are known, and the marks for the answers.

    exam.yaml → build_questions → Question(prompt, is_right) → examine (as many at once as the bot asks) → ExamResult

The pairs of reports decide how much the model's answers count: half of them report one event, and most of the others
are a look-alike or a later development of the same affair. So a model that always gives the same answer earns nothing.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import msgspec
import yaml

from bot.durations import format_duration
from bot.llm import prompts, weight
from bot.model.archive import Arrival
from bot.model.errors import BadAnswer, ModelError, ModelTimedOut, NotYetAnswered
from bot.model.language_models import (
    PROMPT_VERSIONS,
    ExamMark,
    ExamResult,
    LanguageModel,
    LanguageModelPolicy,
    PairAnswer,
    Prompt,
    Use,
    answer_logit,
)
from bot.model.rules import Match
from bot.model.stories import Article, ArticleId, Fact
from bot.stories import grouping, judge
from bot.stories.index import Index

#: The exam ends if the first answers all fail, because the model cannot be reached.
_MOST_FAILURES = 3


class ExamQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question, and a function that checks whether a valid answer is right."""

    prompt: Prompt
    is_right: Callable[[Any], bool]
    #: The right answer, and the question, for people.
    expected: str
    shown: str
    #: For a pair: the logit of the bot's own probability, and whether both report one event.
    words: float = 0.0
    is_same: bool = False


class ExamAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A model's answer to a question."""

    question: ExamQuestion
    #: The answer as the model wrote it, or "" if there is none.
    text: str
    is_right: bool
    #: Why the answer cannot be used, or None if it can.
    error: ModelError | None
    seconds: float
    tokens: int


class Exam(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an exam, and its answers."""

    result: ExamResult
    answers: Sequence[ExamAnswer]


def build_questions(uses: Collection[Use]) -> tuple[ExamQuestion, ...]:
    """Return the questions for these uses of a model."""
    document = yaml.safe_load(resources.files("bot.llm").joinpath("exam.yaml").read_text(encoding="utf-8"))
    articles = {name: _article(name, *values) for name, values in document["articles"].items()}
    build: Mapping[Use, Callable[..., ExamQuestion]] = {
        Use.FACTS: _facts,
        Use.RELEVANCE: _relevance,
        Use.TRANSLATE: _translation,
    }
    questions = _pairs(document["pairs"]) if Use.SAME_EVENT in uses else []
    questions += [build[use](articles, *row) for use in build if use in uses for row in document[use.value]]
    return tuple(questions)


async def examine(
    model: LanguageModel,
    policy: LanguageModelPolicy,
    *,
    served: str,
    now: datetime,
    on_answer: Callable[[ExamAnswer], None] = lambda answer: None,
) -> Exam:
    """Ask the questions, as many at once as the bot asks and with its timeout. Report each answer as it comes.

    Raises ModelError if the model cannot be reached.
    """
    slots, answers = asyncio.Semaphore(policy.at_once), list[ExamAnswer]()

    async def ask(question: ExamQuestion) -> None:
        async with slots:
            if (error := _find_failure(answers)) is not None:
                raise error
            answer = await _ask(model, policy, question)
        answers.append(answer)
        on_answer(answer)

    try:
        async with asyncio.TaskGroup() as group:
            for question in build_questions(policy.uses):
                group.create_task(ask(question))
    except* ModelError as errors:
        failure = errors.exceptions[0]
        while isinstance(failure, BaseExceptionGroup):
            failure = failure.exceptions[0]
        raise failure from None
    return Exam(result=_mark(answers, policy, served=served, now=now), answers=answers)


def _find_failure(answers: Sequence[ExamAnswer]) -> ModelError | None:
    """Return the error of the last answer if no answer has come yet and enough calls have failed."""
    errors = [answer.error for answer in answers]
    is_dead = len(errors) >= _MOST_FAILURES and all(error and not isinstance(error, BadAnswer) for error in errors)
    return errors[-1] if is_dead else None


def _mark(answers: Sequence[ExamAnswer], policy: LanguageModelPolicy, *, served: str, now: datetime) -> ExamResult:
    marks = {}
    for use in sorted(policy.uses):
        of_use = [answer for answer in answers if answer.question.prompt.use is use]
        marks[use] = ExamMark(
            asked=len(of_use),
            right=sum(answer.is_right for answer in of_use),
            refused=sum(answer.error is not None for answer in of_use),
            seconds=round(statistics.median(answer.seconds for answer in of_use), 2),
        )
    pairs = [
        PairAnswer(
            words=answer.question.words,
            answer=answer_logit(prompts.parse_answer(answer.question.prompt, answer.text, prompts.SameEvent).yes),
            is_same=answer.question.is_same,
        )
        for answer in answers
        if answer.question.prompt.use is Use.SAME_EVENT and answer.error is None
    ]
    return ExamResult(
        at=now,
        url=policy.url,
        model=policy.name,
        served=served,
        versions=PROMPT_VERSIONS,
        marks=marks,
        pairs=tuple(pairs),
        weight=round(weight.fit_weight(pairs), 3),
    )


async def _ask(model: LanguageModel, policy: LanguageModelPolicy, question: ExamQuestion) -> ExamAnswer:
    begun, text, tokens, is_right = time.perf_counter(), "", 0, False
    error: ModelError | None = None
    try:
        async with asyncio.timeout(policy.timeout.total_seconds()):
            answered = await model.ask(question.prompt)
        text, tokens = answered.text, answered.tokens_in + answered.tokens_out
        is_right = question.is_right(prompts.parse_answer(question.prompt, text))
    except NotYetAnswered as failure:
        error = BadAnswer(str(failure))
    except ModelError as failure:
        error, tokens = failure, tokens or failure.tokens_in + failure.tokens_out
    except TimeoutError:
        error = ModelTimedOut(f"the model gave no answer within {format_duration(policy.timeout)}")
    seconds = time.perf_counter() - begun
    return ExamAnswer(question=question, text=text, is_right=is_right, error=error, seconds=seconds, tokens=tokens)


def _article(name: str, when: str, language: str, title: str, text: str) -> Article:
    at = datetime.strptime(f"2024-03-{when}", "%Y-%m-%d %H").replace(tzinfo=UTC)
    return Article(
        id=ArticleId(name),
        feed="",
        outlet=f"Example Wire {language}",
        owner=name,
        link=f"https://exam.example/{name}",
        title=title,
        text=text,
        published=at,
        first_seen=at,
        fingerprint=name,
        language=language,
    )


def _pairs(affairs: Sequence[Mapping[str, Any]]) -> list[ExamQuestion]:
    """Return the pairs of each affair: its reports of one event, and these with its reports of other events."""
    reports: dict[str, Article] = {}
    rows: list[tuple[str, str, bool]] = []
    for number, affair in enumerate(affairs):
        for kind in ("same", "other"):
            for place, (language, title, text) in enumerate(affair[kind]):
                name = f"{kind} {number}.{place}"
                reports[name] = _article(name, f"{1 + number:02} {6 + place}", language, title, text)
        same, other = ([name for name in reports if name.startswith(f"{kind} {number}.")] for kind in ("same", "other"))
        rows += [(same[0], same[1], True), (same[2], same[0], True)]
        rows += [(same[0], other[0], False), (other[1], same[1], False)]
    probabilities = _judge_words(reports)
    return [_pair(reports[first], reports[second], probabilities, is_same=is_same) for first, second, is_same in rows]


def _pair(
    first: Article, second: Article, words: Mapping[tuple[ArticleId, ArticleId], float], *, is_same: bool
) -> ExamQuestion:
    return ExamQuestion(
        prompt=prompts.pair_prompt(first, second, story=first.id),
        is_right=lambda answer: (answer.yes >= 0.5) is is_same,
        expected="the same event" if is_same else "another event",
        shown=f"{first.title} | {second.title}",
        words=words.get((first.id, second.id), judge.logit(0.0)),
        is_same=is_same,
    )


def _judge_words(reports: Mapping[str, Article]) -> Mapping[tuple[ArticleId, ArticleId], float]:
    """Return the logit of the bot's own probability that two reports report one event, for pairs of the exam."""
    index = Index(window=timedelta(days=60))
    matches = (Match(rule="exam", evidence=()),)
    profiles = [
        index.profile(Arrival(article=report, matches=matches, is_baseline=False)) for report in reports.values()
    ]
    for profile in profiles:
        index.add(profile, grouping.place((), profile))
    firsts = {grouping.story_id(profile.id): profile.id for profile in profiles}
    return {
        (firsts[candidate.id], profile.id): judge.log_odds(candidate.probability)
        for profile in profiles
        for candidate in grouping.find_candidates(index, profile)
    }


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
    first, newest = articles[story[0]].title, articles[story[-1]].title
    prompt = prompts.facts_prompt(articles[name], offered, story="exam", first=first, newest=newest)
    return ExamQuestion(
        prompt=prompt,
        is_right=lambda answer: answer.sentence in (right or [0]),
        expected=f"sentence {' or '.join(map(str, right))}" if right else "nothing new",
        shown=articles[name].title,
    )


def _relevance(articles: Mapping[str, Article], name: str, about: str, verdict: str) -> ExamQuestion:
    prompt = prompts.relevance_prompt(articles[name], "exam", about)
    return ExamQuestion(
        prompt=prompt,
        is_right=lambda answer: answer.verdict == verdict,
        expected=verdict,
        shown=f"{articles[name].title} | {about}",
    )


def _translation(articles: Mapping[str, Article], name: str, to: str) -> ExamQuestion:
    texts = (articles[name].title, *articles[name].text.split(". ")[:2])
    prompt = prompts.translation_prompt(articles[name], texts, to=to)
    assert prompt is not None  # The article is in another language.

    def is_right(answer: prompts.Translation) -> bool:
        return all(new != old for new, old in zip(answer.texts, texts, strict=True))

    return ExamQuestion(
        prompt=prompt, is_right=is_right, expected=f"a translation into {to}", shown=articles[name].title
    )
