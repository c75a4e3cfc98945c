"""What a language model says of what the turn cannot decide: looked up in the store, never asked here.

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

#: Articles and facts that wait for an answer at the same time; further ones are decided at once.
MOST_WAITING = 50
#: The message is out: nobody is kept waiting.
_FOR_WORDS = timedelta(minutes=10)


class Advice:
    """The answers that one deciding process uses; ``begin`` opens each turn."""

    def __init__(self, advisor: ports.Advisor) -> None:
        self.advisor = advisor
        self._tx: ports.Transaction | None = None
        self._now = datetime.min.replace(tzinfo=UTC)
        #: Key in the queue of what waits -> since when; and what this turn leaves there.
        self._since: dict[str, datetime] = {}
        self._held: set[str] = set()
        #: Key -> prompt that this turn wants answered.
        self._wanted: dict[str, model.Prompt] = {}
        #: Summaries and translations that are in the queue already.
        self._queued: set[str] = set()
        #: Of articles that waited in the turn before, and of this turn: what was asked then, whatever its story has
        #: become meanwhile.
        self._asked: dict[str, model.Prompt] = {}
        self._asking: dict[str, model.Prompt] = {}
        self._is_over = False

    def is_for(self, use: model.Use) -> bool:
        """Whether the model is asked for this."""
        return use in self.advisor.policy.uses

    def begin(self, tx: ports.Transaction, now: datetime, *, is_over: bool = False) -> None:
        """A turn over what the store has; ``is_over``: nothing waits any longer."""
        self._tx, self._now, self._is_over = tx, now, is_over
        self._held, self._wanted, self._queued, self._asking = set(), {}, set(), {}

    @property
    def held(self) -> frozenset[str]:
        """The keys of what this turn left in the queue."""
        return frozenset(self._held)

    def end(self) -> None:
        """The turn is committed: what it left undecided is asked."""
        self._since = {key: self._since.get(key, self._now) for key in self._held}
        self._asked = {key: prompt for key, prompt in self._asking.items() if key in self._held}
        self.advisor.want(self._wanted.values())

    def second_opinion(
        self,
        article: model.Article,
        near: Sequence[model.StoryId],
        known: Mapping[model.StoryId, model.Story],
        urgent: Collection[str],
    ) -> stories.Opinion | None:
        """Whether the article tells the event of one of the nearest stories. Raises Undecided.

        ``known``: those that the store has; one that was opened in this very turn is asked about in the next.
        ``urgent``: the rules of severity high, whose stories no answer merges.
        """
        prompt = self._asked.get(article.id)
        if prompt is None:
            if prompts.speaks_to_a_model(article):
                return None
            if not set(near) <= known.keys():
                self._wait(article.id)
                return None
            prompt = same_event.ask(article, [known[story] for story in near])
        self._asking[article.id] = prompt
        answer = self._answer(prompt, same_event.SameEvent, key=article.id)
        if answer is None or answer.verdict is same_event.Verdict.CANNOT_TELL:
            return None
        named = answer.named(prompt.beside.split())
        said = "the same event" if named else "another event"
        detail = f'{self.advisor.policy.name} says {said}: "{answer.words}"'
        unmergeable = frozenset(story.id for story in known.values() if not set(urgent).isdisjoint(story.rules))
        return stories.Opinion(stories=named, detail=detail, owner=article.owner, unmergeable=unmergeable)

    def irrelevant(self, article: model.Article, rule: str, about: str) -> str | None:
        """Why the article is not what the rule is about; None: it is, as far as is known. Raises Undecided."""
        if prompts.speaks_to_a_model(article):
            return None
        answer = self._answer(relevance.ask(article, rule, about), relevance.Relevance, key=article.id)
        if answer is None or answer.verdict is not relevance.Verdict.IRRELEVANT:
            return None
        return f'{self.advisor.policy.name} says "{answer.words}": {answer.reason.strip()}'

    def to_confirm(
        self,
        article: model.Article,
        story: model.Story,
        found: Sequence[model.Fact],
        further: Sequence[model.Fact] = (),
    ) -> model.Pending | None:
        """The facts of an article, with the prompt that asks which of them, and of ``further``, are new.

        None: it is not asked about this article.
        """
        if prompts.speaks_to_a_model(article):
            return None
        offered = (*found, *further)
        prompt = facts.ask(article, story, offered)
        return model.Pending(story=story.id, prompt=prompt, facts=tuple(found), offered=offered)

    def confirmed(self, pending: model.Pending) -> tuple[model.Fact, ...]:
        """The facts that may be told: those that the model chooses; without an answer those found without it.

        Raises Undecided.
        """
        answer = self._answer(pending.prompt, facts.Facts, key=pending.key)
        if answer is None:
            return pending.facts
        return tuple(fact for number, fact in enumerate(pending.offered, start=1) if number in answer.chosen)

    def worded(
        self, tx: ports.Transaction, row: model.Outgoing, story: model.Story, *, to: str | None
    ) -> model.Outgoing:
        """The message with the model's words; where there are none yet, it leaves as it is, and is edited later.

        ``to``: the language that its channel wants beside the original. While the summary is waited for, the sentences
        that it would replace are not translated.
        """
        waits_for = ""

        def look_up(prompt: model.Prompt, form: type[A]) -> A | None:
            nonlocal waits_for
            pending = model.Pending(story=story.id, prompt=prompt, unless=waits_for)
            with suppress(stories.Undecided):
                if not waits_for:
                    return self._answer(prompt, form, key=pending.key, patience=_FOR_WORDS)
            waits_for = waits_for or prompt.key
            if pending.key not in self._queued:
                self._queued.add(pending.key)
                tx.decision_queue.add((), (), [pending])
            return None

        return rewording.worded(row, story, look_up, policy=self.advisor.policy, to=to)

    def has_words(self, pending: model.Pending) -> bool:
        """Whether a summary or translation that was asked for has come; False: it will not. Raises Undecided."""
        assert self._tx is not None
        if pending.unless in self._wanted:
            self._queued.add(pending.key)
            self._held.add(pending.key)
            raise stories.Undecided
        if pending.unless and self._tx.completions.answers([pending.unless], by=self.advisor.policy.name):
            # The summary may be the same sentences, and is to be translated then.
            return False
        self._queued.add(pending.key)
        form = prompts.FORMS[pending.prompt.use]
        return self._answer(pending.prompt, form, key=pending.key, patience=_FOR_WORDS) is not None

    def _answer(self, prompt: model.Prompt, form: type[A], *, key: str, patience: timedelta | None = None) -> A | None:
        """None: there will be none. Raises Undecided; ``key``: of what waits then, as long as ``patience``."""
        assert self._tx is not None
        found = self._tx.completions.answers([prompt.key], by=self.advisor.policy.name)
        if prompt.key in found:
            with suppress(ports.BadAnswer):
                # An earlier version may have believed it.
                return prompts.read(prompt, found[prompt.key], form)
            return None
        if not self.advisor.has_failed(prompt.key):
            self._wait(key, prompt, patience)
        return None

    def _wait(self, key: str, prompt: model.Prompt | None = None, patience: timedelta | None = None) -> None:
        """Raises Undecided, unless it must be decided now."""
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
