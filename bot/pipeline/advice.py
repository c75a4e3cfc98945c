"""A language model's answers, as a turn of deciding uses them: looked up in the store, never requested here.

turn: prompt → answer in the store? ─ yes → used
                      │ no: the article stays in the queue, and the prompt goes to the advisor after the turn
                      └ failed, or waited long enough: decided as without a model
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bot import model, ports, stories
from bot.llm import prompts
from bot.llm.prompts import facts, relevance, same_event
from bot.llm.prompts.wording import Answer
from bot.pipeline import rewording

A = TypeVar("A", bound=Answer)

#: Maximum articles and facts that wait for an answer; further ones are decided without.
MOST_WAITING = 50
#: How long to wait for wording. The message is already posted, so nobody waits.
_WORDING_WAIT = timedelta(minutes=10)


class Advice:
    """The answers that one deciding process uses; ``begin`` starts a turn, ``end`` follows its commit."""

    def __init__(self, advisor: ports.Advisor) -> None:
        self.advisor = advisor
        self._tx: ports.Transaction | None = None
        self._now = datetime.min.replace(tzinfo=UTC)
        #: Queue key of waiting work -> since when; and the keys that this turn leaves in the queue.
        self._since: dict[str, datetime] = {}
        self._held: set[str] = set()
        #: Key -> prompt that this turn wants answered.
        self._wanted: dict[str, model.Prompt] = {}
        #: Keys of summaries and translations that are already in the queue.
        self._queued: set[str] = set()
        #: The prompts of articles that waited in the previous turn, and in this one. A prompt stays the same even if
        #: its story has changed.
        self._asked: dict[str, model.Prompt] = {}
        self._asking: dict[str, model.Prompt] = {}
        self._is_over = False

    def is_for(self, use: model.Use) -> bool:
        """Return whether the model has this task."""
        return use in self.advisor.policy.uses

    def begin(self, tx: ports.Transaction, now: datetime, *, is_over: bool = False) -> None:
        """Begin a turn; ``is_over``: do not wait for answers any more."""
        self._tx, self._now, self._is_over = tx, now, is_over
        self._held, self._wanted, self._queued, self._asking = set(), {}, set(), {}

    @property
    def held(self) -> frozenset[str]:
        """The keys that this turn leaves in the queue."""
        return frozenset(self._held)

    def end(self) -> None:
        """Request the missing answers, after the turn is committed."""
        self._since = {key: self._since.get(key, self._now) for key in self._held}
        self._asked = {key: prompt for key, prompt in self._asking.items() if key in self._held}
        self.advisor.want(self._wanted.values())

    def second_opinion(
        self,
        article: model.Article,
        near_ids: Sequence[model.StoryId],
        stored: Mapping[model.StoryId, model.Story],
        urgent: Collection[str],
    ) -> stories.Opinion | None:
        """Return whether the article reports the event of one of the nearest stories. Raises Undecided.

        ``stored``: the nearest stories in the store; a story that this turn opens is compared in the next turn.
        ``urgent``: the rules of severity high, whose stories no answer may merge.
        """
        prompt = self._asked.get(article.id)
        if prompt is None:
            if prompts.speaks_to_a_model(article):
                return None
            if not set(near_ids) <= stored.keys():
                self._wait(article.id)
                return None
            prompt = same_event.ask(article, [stored[story] for story in near_ids])
        self._asking[article.id] = prompt
        answer = self._answer(prompt, same_event.SameEvent, key=article.id)
        if answer is None or answer.verdict is same_event.Verdict.CANNOT_TELL:
            return None
        same = answer.named(prompt.beside.split())
        verdict = "the same event" if same else "a different event"
        detail = f'{self.advisor.policy.name}: {verdict}: "{answer.words}"'
        unmergeable = frozenset(story.id for story in stored.values() if not set(urgent).isdisjoint(story.rules))
        return stories.Opinion(stories=same, detail=detail, owner=article.owner, unmergeable=unmergeable)

    def irrelevant(self, article: model.Article, rule: str, about: str) -> str | None:
        """Return why the article is not about the rule's subject, or None if it may be. Raises Undecided."""
        if prompts.speaks_to_a_model(article):
            return None
        answer = self._answer(relevance.ask(article, rule, about), relevance.Relevance, key=article.id)
        if answer is None or answer.verdict is not relevance.Verdict.IRRELEVANT:
            return None
        return f'{self.advisor.policy.name}: "{answer.words}": {answer.reason.strip()}'

    def to_confirm(
        self,
        article: model.Article,
        story: model.Story,
        new_facts: Sequence[model.Fact],
        further: Sequence[model.Fact] = (),
    ) -> model.Pending | None:
        """Return the facts of an article with the prompt that chooses the new ones among them and ``further``.

        Return None if the model is not asked about this article.
        """
        if prompts.speaks_to_a_model(article):
            return None
        offered = (*new_facts, *further)
        prompt = facts.ask(article, story, offered)
        return model.Pending(story=story.id, prompt=prompt, facts=tuple(new_facts), offered=offered)

    def confirmed(self, pending: model.Pending) -> tuple[model.Fact, ...]:
        """Return the facts to post: the model's choice, or without an answer all of them. Raises Undecided."""
        answer = self._answer(pending.prompt, facts.Facts, key=pending.key)
        if answer is None:
            return pending.facts
        return tuple(fact for number, fact in enumerate(pending.offered, start=1) if number in answer.chosen)

    def worded(
        self, tx: ports.Transaction, row: model.Outgoing, story: model.Story, *, to: str | None
    ) -> model.Outgoing:
        """Return the message with the model's wording if it is available; else it is edited later.

        ``to``: the language that the channel wants in addition to the original. While the summary is missing, the
        sentences that it would replace are not translated.
        """
        waits_for = ""

        def look_up(prompt: model.Prompt, form: type[A]) -> A | None:
            nonlocal waits_for
            pending = model.Pending(story=story.id, prompt=prompt, unless=waits_for)
            with suppress(stories.Undecided):
                if not waits_for:
                    return self._answer(prompt, form, key=pending.key, patience=_WORDING_WAIT)
            waits_for = waits_for or prompt.key
            if pending.key not in self._queued:
                self._queued.add(pending.key)
                tx.decision_queue.add((), (), [pending])
            return None

        return rewording.worded(row, story, look_up, policy=self.advisor.policy, to=to)

    def has_words(self, pending: model.Pending) -> bool:
        """Return whether a requested summary or translation has arrived, or False if it will not. Raises Undecided."""
        assert self._tx is not None
        if pending.unless in self._wanted:
            self._queued.add(pending.key)
            self._held.add(pending.key)
            raise stories.Undecided
        if pending.unless and self._tx.completions.answers([pending.unless], by=self.advisor.policy.name):
            # The summary may consist of the same sentences, which are then translated with it.
            return False
        self._queued.add(pending.key)
        form = prompts.FORMS[pending.prompt.use]
        return self._answer(pending.prompt, form, key=pending.key, patience=_WORDING_WAIT) is not None

    def _answer(self, prompt: model.Prompt, form: type[A], *, key: str, patience: timedelta | None = None) -> A | None:
        """Return the answer, or None if there will be none. Raises Undecided while ``key`` may wait."""
        assert self._tx is not None
        answers = self._tx.completions.answers([prompt.key], by=self.advisor.policy.name)
        if prompt.key in answers:
            with suppress(ports.BadAnswer):
                # An earlier version may have accepted it.
                return prompts.read(prompt, answers[prompt.key], form)
            return None
        if not self.advisor.has_failed(prompt.key):
            self._wait(key, prompt, patience)
        return None

    def _wait(self, key: str, prompt: model.Prompt | None = None, patience: timedelta | None = None) -> None:
        """Raise Undecided, unless it must be decided now."""
        has_waited = self._now - self._since.get(key, self._now)
        if (
            self._is_over
            or has_waited >= (patience or self.advisor.policy.wait)
            or len(self._held | {key}) > MOST_WAITING
            or not self.advisor.is_available(self._now)
        ):
            return
        self._held.add(key)
        if prompt is not None:
            self._wanted[prompt.key] = prompt
        raise stories.Undecided
