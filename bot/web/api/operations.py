"""The operations of the API: one table, from which requests are served and the OpenAPI document is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot import model
from bot.answers import asked, documents
from bot.answers.answering import Answers

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, its parameters checked."""

    answers: Answers
    #: Of the path: the id or name in it; empty: it has none.
    of: str
    #: Of the operation's ``question``. The table pairs the two.
    question: Any
    #: The name of the token with which it is asked.
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be asked."""

    id: str
    path: str
    summary: str
    answer: type[documents.Document]
    run: Callable[[Call], Awaitable[documents.Document]]
    method: str = "GET"
    #: Of the query, or of the body where the method has one; None: nothing is asked beside the path.
    question: type[asked.Question] | None = None
    #: What the path names, for people; None: nothing.
    of: str | None = None
    #: What is asked for, or a rule that it names, may not be there.
    may_miss: bool = False
    scope: model.TokenScope = model.TokenScope.READ
    status: int = 200
    #: How many usual requests it counts for.
    cost: int = 1

    @property
    def has_body(self) -> bool:
        """Whether the question is in the body."""
        return self.method == "POST"

    @property
    def errors(self) -> tuple[int, ...]:
        """Which statuses it has for errors."""
        own = {
            400: self.question is not None,
            404: self.of is not None or self.may_miss,
            415: self.has_body,
        }
        own[422] = self.question is not None or self.of is not None
        return tuple(sorted([401, 403, 413, 421, 429, 503, *(status for status, has in own.items() if has)]))


#: What the two rulings about a story have in common.
_ruling = partial(
    Operation,
    method="POST",
    of="The story's id.",
    answer=documents.RulingDocument,
    scope=model.TokenScope.ACT,
    status=202,
    cost=10,
)
OPERATIONS = (
    Operation(
        id="stories",
        path="/stories",
        summary="Stories, the last to change first, each with its first 20 articles.",
        question=asked.StoriesQuestion,
        answer=documents.StoriesPage,
        may_miss=True,
        run=lambda call: call.answers.stories(call.question),
    ),
    Operation(
        id="story",
        path="/stories/{of}",
        summary="One story, with up to 1,000 articles; of a merged one, the story that it became.",
        of="The story's id.",
        answer=documents.StoryDocument,
        run=lambda call: call.answers.story(call.of),
    ),
    _ruling(
        id="split",
        path="/stories/{of}/split",
        summary="Take articles out of a story: they are about another event.",
        question=asked.SplitQuestion,
        run=lambda call: call.answers.split(call.of, call.question, by=call.by),
    ),
    _ruling(
        id="merge",
        path="/stories/{of}/merge",
        summary="Make two stories one: they are about the same event.",
        question=asked.MergeQuestion,
        run=lambda call: call.answers.merge(call.of, call.question, by=call.by),
    ),
    Operation(
        id="silences",
        path="/silences",
        summary="The silences in force, and what each kept back.",
        question=asked.SilencesQuestion,
        answer=documents.SilencesAnswer,
        run=lambda call: call.answers.silences(call.question),
    ),
    Operation(
        id="silence",
        path="/silences",
        summary="Post nothing about a story, a rule, an outlet, an entity or everything until an end.",
        method="POST",
        question=asked.SilenceQuestion,
        answer=documents.SilenceDocument,
        may_miss=True,
        run=lambda call: call.answers.silence(call.question, by=call.by),
        scope=model.TokenScope.ACT,
        status=201,
        cost=10,
    ),
    Operation(
        id="end_silence",
        path="/silences/{of}",
        summary="End a silence before its time.",
        method="DELETE",
        of="The silence's id.",
        answer=documents.SilenceDocument,
        run=lambda call: call.answers.end_silence(call.of, by=call.by),
        scope=model.TokenScope.ACT,
        cost=10,
    ),
    Operation(
        id="articles",
        path="/articles",
        summary="Articles of the archive, the last to come first.",
        question=asked.ArticlesQuestion,
        answer=documents.FoundPage,
        may_miss=True,
        run=lambda call: call.answers.articles(call.question),
    ),
    Operation(
        id="article",
        path="/articles/{of}",
        summary="One article with its text.",
        of="The article's id.",
        answer=documents.ArticleDocument,
        run=lambda call: call.answers.article(call.of),
    ),
    Operation(
        id="search",
        path="/search",
        summary="Articles by their words, the last to come first.",
        question=asked.SearchQuestion,
        answer=documents.FoundPage,
        may_miss=True,
        run=lambda call: call.answers.search(call.question),
        cost=2,
    ),
    Operation(
        id="rules",
        path="/rules",
        summary="The loaded rules.",
        question=asked.RulesQuestion,
        answer=documents.RulesPage,
        run=lambda call: call.answers.rules(call.question),
    ),
    Operation(
        id="rule",
        path="/rules/{of}",
        summary="One loaded rule: what it means, its YAML, its matches by day, its precision.",
        of="The rule's name.",
        answer=documents.RuleDocument,
        run=lambda call: call.answers.rule(call.of),
    ),
    Operation(
        id="feeds",
        path="/feeds",
        summary="The configured feeds and their health.",
        question=asked.FeedsQuestion,
        answer=documents.FeedsPage,
        run=lambda call: call.answers.feeds(call.question),
    ),
    Operation(
        id="explain",
        path="/explain",
        summary="Why rules match an article or a text, or what is missing.",
        question=asked.ExplainQuestion,
        answer=documents.ExplainAnswer,
        run=lambda call: call.answers.explain(call.question),
        may_miss=True,
        cost=2,
    ),
    Operation(
        id="try",
        path="/try",
        summary="What a rule would have matched and posted. Nothing is saved.",
        method="POST",
        question=asked.TryQuestion,
        answer=documents.TryAnswer,
        run=lambda call: call.answers.try_rule(call.question),
        cost=10,
    ),
)
