"""Look up a language model's answers for a turn of deciding. A turn reads stored answers and sends no requests.

turn: prompt → answer in the store? ─ yes → used
                      │ no: the article stays in the queue, and the prompt goes to the advisor after the turn
                      └ failed, or waited long enough: decided as if there were no model
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from bot import storage
from bot.llm import prompts
from bot.llm.prompts import Answer
from bot.model import visible
from bot.model.archive import Arrival, Pending
from bot.model.errors import BadAnswer
from bot.model.language_models import PROMPT_VERSIONS, Advisor, LanguageModelPolicy, Prompt, Use
from bot.model.messages import MessageKind, Outgoing, Span
from bot.model.rules import Severity
from bot.model.stories import Article, ArticleId, Fact, Join, JoinReason, Member, Story, StoryId
from bot.pipeline.turn import Turn, Undecided
from bot.stories.grouping import story_id
from bot.stories.opinions import Opinion

_KINDS = (MessageKind.POST, MessageKind.EDIT)
#: Maximum original sentences next to a translation, and maximum characters of the translation without its note
#: "translated by". A message has room for four sentences of 700 characters.
_ORIGINAL_SENTENCES, _TRANSLATION_LENGTH = 3, 640
A = TypeVar("A", bound=Answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """A question about the event of a waiting article."""

    prompt: Prompt
    #: The nearest story, as it was when the question was asked.
    nearest: Story
    #: Facts of the article. If it reports the nearest story's event, the answer also says which of the facts are new.
    offered: Sequence[Fact]


class AnswerLookup(Protocol):
    """A function that returns the answer to a prompt, or None if no answer is available."""

    def __call__(self, prompt: Prompt, form: type[A], /) -> A | None: ...


def with_model_words(turn: Turn, row: Outgoing, policy: LanguageModelPolicy, look_up: AnswerLookup) -> Outgoing:
    """Return the row with the model's summary in its message, and with a translation if the channel wants one.

    Return the row unchanged if there is no answer or the article contains instructions to a model.
    """
    if row.message.kind not in _KINDS or len(row.message.briefs) != 1:
        return row
    (brief,) = row.message.briefs
    story = turn.story(brief.story)
    source = (brief.summary or (brief.title,))[0]
    members = story.members if story else ()
    article = next((member.article for member in members if member.article.id == source.article), None)
    if article is None or prompts.instructs_a_model(article):
        return row
    sentences = [sentence.text for sentence in brief.summary]
    shown = brief.summary
    if brief.summary and Use.SUMMARY in policy.uses:
        answer = look_up(prompts.summary_prompt(article), prompts.Summary)
        if answer is not None:
            sentences = [sentence.text.strip() for sentence in answer.sentences]
            texts = [*sentences[:-1], f"{sentences[-1]} [summary by {policy.name}]"]
            shown = tuple(replace(source, spans=(Span(text=text),)) for text in texts)
    to = turn.settings.policy(row.channel).translate
    if to is not None and Use.TRANSLATE in policy.uses:
        prompt = prompts.translation_prompt(article, [brief.title.text, *sentences], to=to)
        translated = look_up(prompt, prompts.Translation) if prompt else None
        if translated is not None:
            title, *texts = translated.texts
            text = visible.line(" — ".join(filter(None, (f"{to}: {title}", " ".join(texts)))), _TRANSLATION_LENGTH)
            span = Span(text=f"{text} [translated by {policy.name}]")
            # Remove the link, so that the translation becomes a separate paragraph.
            shown = (*shown[:_ORIGINAL_SENTENCES], replace(source, spans=(span,), link=""))
    return replace(row, message=replace(row.message, briefs=(replace(brief, summary=shown),)))


def stored_answers(tx: storage.Transaction, *, by: str) -> Callable[[Prompt, type[A]], A | None]:
    """Return a function that looks up stored answers of the model with the name ``by``."""

    def look_up(prompt: Prompt, form: type[A]) -> A | None:
        return _parsed(prompt, tx.completions.answers([prompt.key], by=by).get(prompt.key), form)

    return look_up


def _parsed(prompt: Prompt, text: str | None, form: type[A]) -> A | None:
    """Return the parsed answer, or None if ``text`` is None or not valid for this version of the prompt."""
    with suppress(BadAnswer):
        return None if text is None else prompts.parse_answer(prompt, text, form)
    return None


def _article_ids(story: Story) -> set[ArticleId]:
    return {member.article.id for member in story.members}


#: Maximum number of queue items that wait for an answer. Further items are decided without an answer.
MOST_WAITING = 50
#: How long to wait for a summary or translation. The wait may be long, because the message is posted without it.
_WORDING_WAIT = timedelta(minutes=10)


class Advice:
    """The language model's answers for one deciding process.

    Call ``begin`` before each turn, and ``end`` after its commit.
    """

    def __init__(self, advisor: Advisor) -> None:
        self.advisor = advisor
        #: The current turn, which ``begin`` sets.
        self._turn: Turn
        #: Whether to decide without the answers that are missing.
        self.is_over = False
        #: Queue key of waiting work -> start of the wait.
        self._since: dict[str, datetime] = {}
        #: Queue keys that this turn leaves in the queue.
        self._held: set[str] = set()
        #: Prompt key -> prompt for which this turn needs an answer.
        self._wanted: dict[str, Prompt] = {}
        #: Keys of summaries and translations that are already in the queue.
        self._queued: set[str] = set()
        #: Waiting article -> its question. The question stays the same even if the nearest story changes.
        self._asked: dict[str, _Question] = {}

    def begin(self, turn: Turn, *, is_of_queue: bool = True) -> None:
        """Begin a turn, which uses these answers. ``is_of_queue``: it decides about the queue, where work may wait."""
        self._turn, turn.advice = turn, self
        if is_of_queue:
            self._held, self._wanted, self._queued = set(), {}, set()

    @property
    def held(self) -> frozenset[str]:
        """The queue keys that this turn leaves in the queue."""
        return frozenset(self._held)

    def end(self) -> None:
        """Request the missing answers. Call this after the turn is committed."""
        self._since = {key: self._since.get(key, self._turn.now) for key in self._held}
        self._asked = {key: question for key, question in self._asked.items() if key in self._held}
        self.advisor.want(self._wanted.values())

    def opinion(
        self,
        article: Article,
        near_ids: Sequence[StoryId],
        stored: Mapping[StoryId, Story],
        offer: Callable[[Story], Sequence[Fact]],
    ) -> Opinion | None:
        """Return the model's opinion on which of the nearest stories report the article's event. Raises Undecided.

        Return None if the model has no opinion. ``stored`` contains the nearest stories in the store. A story that this
        turn opens is compared in the next turn. The same prompt asks which facts of ``offer`` are new in the nearest
        story.
        """
        answer, offered = self._earlier_answer(article)
        if answer is None:
            question = self._asked.get(article.id)
            if question is None:
                if prompts.instructs_a_model(article):
                    return None
                if not set(near_ids) <= stored.keys():
                    self._wait(article.id)
                    return None
                near = [stored[story] for story in near_ids]
                facts = offer(near[0])
                prompt = prompts.same_event_prompt(article, near, facts)
                question = self._asked[article.id] = _Question(prompt=prompt, nearest=near[0], offered=facts)
            answer, offered = self._answer(question.prompt, prompts.SameEvent, key=article.id), question.prompt.beside
        if answer is None or answer.verdict == "cannot_tell":
            return None
        asked = [StoryId(story) for story in offered.split()]
        same = answer.named(asked)
        verdict = "the same event" if same else "a different event"
        detail = f'{self.advisor.policy.name}: {verdict}: "{prompts.quote(article, answer.sentence)}"'
        return Opinion(asked=frozenset(asked), same=same, detail=detail)

    def _earlier_answer(self, article: Article) -> tuple[prompts.SameEvent | None, str]:
        """Return an earlier answer about the article's event, and the ids of the stories in its prompt.

        After a restart between prompt and decision, the nearest stories, and so the prompt, may have changed. Use the
        earlier answer even then, instead of a second request.
        """
        for call in reversed(self._turn.tx.completions.about(article.id)):
            is_current = (call.use, call.version) == (Use.SAME_EVENT, PROMPT_VERSIONS[Use.SAME_EVENT])
            if is_current and call.answer is not None and call.model == self.advisor.policy.name:
                return prompts.SameEvent.model_validate_json(call.answer), call.beside
        return None, ""

    def sort_by_relevance(self, arrivals: Sequence[Arrival]) -> tuple[Sequence[Arrival], Sequence[Member]]:
        """Ask the model about rules with ``about``. Return the relevant arrivals, and members for rejected articles.

        Rejected matches are deleted. An article without remaining matches is rejected: it becomes the member of a
        separate story without channels, and its join has the reason. Arrivals that wait for the model are omitted.
        """
        relevant, rejected = [], []
        for arrival in arrivals:
            article = arrival.article
            try:
                reasons = self._irrelevant_rules(arrival)
            except Undecided:
                continue
            remaining = tuple(match for match in arrival.matches if match.rule not in reasons)
            if reasons:
                self._turn.reject_matches(article.id, list(reasons))
            if remaining:
                relevant.append(replace(arrival, matches=remaining))
            elif reasons:
                join = Join(
                    story=story_id(article.id),
                    article=article.id,
                    reason=JoinReason.NOT_ABOUT,
                    detail="; ".join(f"{rule}: {reason}" for rule, reason in reasons.items()),
                )
                rejected.append(Member(article=article, join=join, matches=(), is_baseline=arrival.is_baseline))
        return relevant, rejected

    def _irrelevant_rules(self, arrival: Arrival) -> Mapping[str, str]:
        """Return each matched rule that the article is not about, with the reason. Do not check rules of severity high.

        If an answer is missing, request all missing answers and raise Undecided.
        """
        article, reasons, waits = arrival.article, {}, False
        for match in arrival.matches:
            rule = self._turn.rules.get(match.rule)
            if rule is None or not rule.about or rule.severity is Severity.HIGH:
                continue
            if prompts.instructs_a_model(article):
                continue
            prompt = prompts.relevance_prompt(article, rule.name, rule.about)
            try:
                answer = self._answer(prompt, prompts.Relevance, key=article.id)
            except Undecided:
                waits = True
                continue
            if answer is not None and answer.verdict == "irrelevant":
                reasons[rule.name] = (
                    f'{self.advisor.policy.name}: "{prompts.quote(article, answer.sentence)}": {answer.reason.strip()}'
                )
        if waits:
            raise Undecided
        return reasons

    def confirm(
        self, article: Article, story: Story, new_facts: Sequence[Fact], further: Sequence[Fact]
    ) -> Sequence[Fact]:
        """Return the facts that the model chooses from ``new_facts`` and from ``further`` (facts that may be new).

        If the answer is still missing, return none, and queue a task that adds the facts later. If the article contains
        instructions to a model, return ``new_facts``.
        """
        if prompts.instructs_a_model(article):
            return new_facts
        chosen = self._chosen_with_event(article, story)
        if chosen is not None:
            return chosen
        offered = (*new_facts, *further)
        prompt = prompts.facts_prompt(article, story, offered)
        pending = Pending(story=story.id, prompt=prompt, facts=tuple(new_facts), offered=offered)
        try:
            return self.confirmed(pending)
        except Undecided:
            self._turn.defer(pending)
            return ()

    def _chosen_with_event(self, article: Article, story: Story) -> Sequence[Fact] | None:
        """Return the new facts that the answer about the article's event names.

        Return None if there is no usable answer, or if the question was not about exactly the articles of ``story``.
        """
        question = self._asked.get(article.id)
        if question is None or _article_ids(question.nearest) != _article_ids(story):
            return None
        answer = _parsed(question.prompt, self._stored(question.prompt.key), prompts.SameEvent)
        return answer.choose(question.prompt, question.offered) if answer is not None else None

    def confirmed(self, pending: Pending) -> tuple[Fact, ...]:
        """Return the facts that the model chose, or all pending facts if there is no answer. Raises Undecided."""
        answer = self._answer(pending.prompt, prompts.NewFacts, key=pending.key)
        if answer is None:
            return pending.facts
        return answer.choose(pending.offered)

    def worded(self, row: Outgoing, story: StoryId) -> Outgoing:
        """Return a story's message with the model's summary and translation. If one is missing, queue the task.

        While the summary is missing, do not translate the sentences that it would replace.
        """
        waits_for = ""

        def look_up(prompt: Prompt, form: type[A]) -> A | None:
            nonlocal waits_for
            pending = Pending(story=story, prompt=prompt, unless=waits_for)
            with suppress(Undecided):
                if not waits_for:
                    return self._answer(prompt, form, key=pending.key, patience=_WORDING_WAIT)
            waits_for = waits_for or prompt.key
            if pending.key not in self._queued:
                self._queued.add(pending.key)
                self._turn.defer(pending)
            return None

        return with_model_words(self._turn, row, self.advisor.policy, look_up)

    def has_words(self, pending: Pending) -> bool:
        """Return whether a requested summary or translation has arrived. Raises Undecided if it may still arrive."""
        if pending.unless in self._wanted:
            self._queued.add(pending.key)
            self._held.add(pending.key)
            raise Undecided
        if pending.unless and self._stored(pending.unless) is not None:
            # The summary has arrived. The edit that adds it to the message also handles the translation.
            return False
        self._queued.add(pending.key)
        form = prompts.FORMS[pending.prompt.use]
        return self._answer(pending.prompt, form, key=pending.key, patience=_WORDING_WAIT) is not None

    def _answer(self, prompt: Prompt, form: type[A], *, key: str, patience: timedelta | None = None) -> A | None:
        """Return the answer, or None if there will be no answer. Raises Undecided while ``key`` may wait."""
        text = self._stored(prompt.key)
        if text is None and not self.advisor.has_failed(prompt.key):
            self._wait(key, prompt, patience)
        return _parsed(prompt, text, form)

    def _stored(self, key: str) -> str | None:
        """Return the stored answer to a prompt."""
        return self._turn.tx.completions.answers([key], by=self.advisor.policy.name).get(key)

    def _wait(self, key: str, prompt: Prompt | None = None, patience: timedelta | None = None) -> None:
        """Raise Undecided and keep ``key`` in the queue, unless it must be decided now."""
        now = self._turn.now
        has_waited = now - self._since.get(key, now)
        if (
            self.is_over
            or has_waited >= (patience or self.advisor.policy.wait)
            or len(self._held | {key}) > MOST_WAITING
            or (prompt is not None and not self.advisor.is_available(prompt.use, now))
        ):
            return
        self._held.add(key)
        if prompt is not None:
            self._wanted[prompt.key] = prompt
        raise Undecided
