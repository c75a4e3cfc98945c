"""What a language model says of what the turn cannot decide: looked up in the store, never asked here.

turn: prompt → answer in the store? ─ yes → used
                      │ no: the article stays in the queue, and the prompt goes to the advisor after the turn
                      └ failed, or waited long enough: decided as without a model
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from bot import model, ports, stories
from bot.llm import prompts
from bot.llm.prompts import same_event
from bot.llm.prompts.wording import Answer

A = TypeVar("A", bound=Answer)

#: Articles that wait for an answer at the same time; further ones are decided at once.
MOST_WAITING = 50


class Advice:
    """Of one deciding process; ``begin`` opens each turn."""

    def __init__(self, advisor: ports.Advisor) -> None:
        self.advisor = advisor
        self._tx: ports.Transaction | None = None
        self._now = datetime.min.replace(tzinfo=UTC)
        #: Articles that wait -> since when, and those of this turn.
        self._since: dict[model.ArticleId, datetime] = {}
        self._held: set[model.ArticleId] = set()
        self._wanted: dict[str, model.Prompt] = {}
        self._is_over = False

    def is_for(self, use: model.Use) -> bool:
        """Whether the model is asked for this."""
        return use in self.advisor.policy.uses

    def begin(self, tx: ports.Transaction, now: datetime, *, is_over: bool = False) -> None:
        """A turn over what the store has; ``is_over``: nothing waits any longer."""
        self._tx, self._now, self._is_over = tx, now, is_over
        self._held, self._wanted = set(), {}

    @property
    def held(self) -> frozenset[model.ArticleId]:
        """The articles that this turn left undecided."""
        return frozenset(self._held)

    def end(self) -> None:
        """The turn is committed: what it left undecided is asked."""
        self._since = {article: self._since.get(article, self._now) for article in self._held}
        self.advisor.want(self._wanted.values())

    def second_opinion(
        self, article: model.Article, near: Sequence[model.StoryId], known: Mapping[model.StoryId, model.Story]
    ) -> stories.Opinion | None:
        """Whether the article tells the event of one of the nearest stories. Raises Undecided.

        ``known``: those that the store has; one that was opened in this very turn is asked about in the next.
        """
        if near[0] not in known:
            self._wait(article.id)
            return None
        shown = [known[story] for story in near if story in known]
        answer = self._answer(same_event.ask(article, shown), same_event.SameEvent, article)
        if answer is None or answer.verdict is same_event.Verdict.CANNOT_TELL:
            return None
        is_same = answer.verdict is same_event.Verdict.SAME
        said = "the same event" if is_same else "another event"
        return stories.Opinion(
            story=shown[answer.story - 1].id if is_same else None,
            detail=f'{self.advisor.policy.name} says {said}: "{answer.words}"',
        )

    def _answer(self, prompt: model.Prompt, form: type[A], article: model.Article) -> A | None:
        """None: there will be none. Raises Undecided."""
        assert self._tx is not None
        found = self._tx.completions.answers([prompt.key], by=self.advisor.policy.name)
        if prompt.key in found:
            return prompts.read(prompt, found[prompt.key], form)
        if not self.advisor.has_failed(prompt.key) and not prompts.speaks_to_a_model(article):
            self._wait(article.id, prompt)
        return None

    def _wait(self, article: model.ArticleId, prompt: model.Prompt | None = None) -> None:
        """Raises Undecided, unless the article must be decided now."""
        has_waited = self._now - self._since.get(article, self._now)
        if (
            self._is_over
            or has_waited >= self.advisor.policy.wait
            or len(self._held | {article}) > MOST_WAITING
            or not self.advisor.is_available(self._now)
        ):
            return
        self._held.add(article)
        if prompt is not None:
            self._wanted[prompt.key] = prompt
        raise stories.Undecided
