"""Ask a language model about the articles of a turn, and for translations of messages.

    article ─▶ about its rules? ─▶ likeliest stories, one pair after another ─▶ place ─▶ new in its story? ─▶ decided
                     └────────────────────┴── no answer yet ──┴──────────────────────────────┘
                                              └─▶ the article waits for its turn, and so do later ones of its rules

A turn never waits: it reads answers as data, and leaves an article whose question is open in the queue. After ``wait``,
the article is decided without the answers that are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TypeVar

import msgspec
import structlog
from msgspec.structs import replace

from bot.llm import prompts, weight
from bot.llm.questions import Question, Questions, State
from bot.model import visible
from bot.model.archive import Arrival
from bot.model.errors import BadAnswer
from bot.model.language_models import LanguageModelPolicy, Prompt, Use
from bot.model.messages import Edit, Message, Outgoing, Span, post_of
from bot.model.rules import Group, Severity
from bot.model.stories import Article, Fact, Join, StoryId
from bot.pipeline.turn import Turn
from bot.stories import facts, grouping
from bot.stories.grouping import Candidate, WeighedAnswer
from bot.stories.index import Index
from bot.stories.profile import Profile

log = structlog.get_logger("wirewatch")

#: Maximum open stories that are searched for one that shares no word with an article.
_MOST_STRANGE = 200
#: Maximum original sentences next to a translation, and maximum characters of the translation without its note
#: "translated by". A message has room for four sentences of 700 characters.
_ORIGINAL_SENTENCES, _TRANSLATION_LENGTH = 3, 640
F = TypeVar("F", bound=prompts.Answer)


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """Where an article belongs, with what a language model has answered about it."""

    join: Join | None
    #: Rule -> why the article is not about its subject. If all rules are rejected, ``join`` is None.
    rejected: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: The sentence that is new in the story; empty without such a sentence or without an answer.
    new_facts: tuple[Fact, ...] = ()


class Consultation:
    """The questions about the articles of one turn."""

    def __init__(
        self,
        questions: Questions,
        turn: Turn,
        index: Index,
        arrivals: Iterable[Arrival],
        find_candidates: Callable[[Turn, Index, Arrival, Profile], Sequence[Candidate]],
    ) -> None:
        self._questions = questions
        self._find_candidates = find_candidates
        self._turn = turn
        self._index = index
        #: The story that an article of this turn opens -> the article.
        self._opened = {grouping.story_id(arrival.article.id): arrival.article for arrival in arrivals}
        #: Rules of articles that wait. Later articles with such a rule wait too, because they may belong together.
        self._blocked: set[str] = set()

    def consult(self, arrival: Arrival, modes: set[Group]) -> Advice | None:
        """Return where an article belongs, or None if it waits for its turn. Adds nothing to the index."""
        article, rules = arrival.article, {match.rule for match in arrival.matches}
        may_ask = not prompts.instructs_a_model(article)
        had_waited = self._questions.has_waited(article.id)
        may_wait = may_ask and self._questions.may_wait(article.id, self._turn.now)
        is_blocked = may_wait and not rules.isdisjoint(self._blocked)
        advice: Advice | None = None
        # Ask the first question of a blocked article in its first turn, so that the answer is there in time.
        if not (is_blocked and had_waited):
            try:
                advice = self._advise(arrival, modes, may_ask=may_ask, may_wait=may_wait)
            except Exception:
                # The article is decided without the answers.
                log.critical("asking about an article raised an unexpected error", article=article.id, exc_info=True)
                advice = self._advise(arrival, modes, may_ask=False, may_wait=False)
        if advice is None or is_blocked:
            self._blocked |= rules
            return None
        self._questions.decided(article.id)
        return advice

    def _advise(self, arrival: Arrival, modes: set[Group], *, may_ask: bool, may_wait: bool) -> Advice | None:
        """Return where an article belongs, or None if a question about it is open and it may wait."""
        article, uses = arrival.article, self._questions.policy.uses
        rejected = self._reject(arrival, may_wait=may_wait) if may_ask and Use.RELEVANCE in uses else {}
        if rejected is None:
            return None
        matches = tuple(match for match in arrival.matches if match.rule not in rejected)
        if rejected and not matches:
            return Advice(join=None, rejected=rejected)
        arrival = replace(arrival, matches=matches)
        profile = self._index.profile(arrival)
        candidates: Sequence[Candidate] | None = self._find_candidates(self._turn, self._index, arrival, profile)
        if may_ask and Use.SAME_EVENT in uses:
            self._ask_known(article, profile, candidates or ())
            candidates = self._weigh(article, profile, candidates or (), modes, may_wait=may_wait)
        if candidates is None:
            return None
        join = grouping.place(candidates, profile, modes=modes)
        new_facts = self._find_new(article, join, may_wait=may_wait) if may_ask and Use.FACTS in uses else ()
        return None if new_facts is None else Advice(join=join, rejected=rejected, new_facts=new_facts)

    def _reject(self, arrival: Arrival, *, may_wait: bool) -> dict[str, str] | None:
        """Return the matched rules that the article is not about, with the reasons, or None if it waits.

        Rules of severity high are not asked about.
        """
        article, rejected = arrival.article, dict[str, str]()
        rules = [self._turn.rules[match.rule] for match in arrival.matches if match.rule in self._turn.rules]
        for rule in rules:
            if not rule.about or rule.severity is Severity.HIGH:
                continue
            question = self._find(prompts.relevance_prompt(article, rule.name, rule.about))
            if question.is_pending and may_wait:
                return None
            answer = _parse(question, prompts.Relevance)
            if answer is not None and answer.verdict == "irrelevant":
                quote = prompts.quote(article, answer.sentence)
                reason = visible.line(answer.reason, prompts.REASON_LENGTH)
                rejected[rule.name] = f'{self._questions.policy.name}: "{quote}": {reason}'
        return rejected

    def _weigh(
        self, article: Article, profile: Profile, candidates: Sequence[Candidate], modes: set[Group], *, may_wait: bool
    ) -> Sequence[Candidate] | None:
        """Return the candidates with the model's answers, or None if the article waits for one.

        Ask about one story at a time.
        """
        weight_now, by = self._questions.weight, self._questions.policy.name
        answers: dict[StoryId, WeighedAnswer] = {}
        given_up: set[StoryId] = set()
        weighed = candidates
        while candidate := grouping.choose_asked(
            weighed, profile, reach=weight.reach(weight_now), modes=modes, given_up=given_up
        ):
            first = self._first_report(candidate.id)
            answer = None
            if first is not None and not prompts.instructs_a_model(first):
                question = self._find(prompts.pair_prompt(first, article, story=candidate.id))
                if question.is_pending and may_wait:
                    return None
                answer = _parse(question, prompts.SameEvent)
            if answer is None:
                given_up.add(candidate.id)
            else:
                answers[candidate.id] = WeighedAnswer(by, answer.yes, weight.evidence(answer.yes, weight_now))
            weighed = grouping.weigh_answers(candidates, answers)
        return weighed

    def _ask_known(self, article: Article, profile: Profile, candidates: Sequence[Candidate]) -> None:
        """Now and then ask about a pair whose answer the words know, to watch the model. Nobody waits for it."""
        known_pair: tuple[StoryId, bool] | None = None
        if candidates and candidates[0].is_certain and self._questions.wants_known(is_same=True):
            known_pair = candidates[0].id, True
        elif self._questions.wants_known(is_same=False):
            strange_stories = (
                story.id
                for story in islice(self._index.stories.values(), _MOST_STRANGE)
                if profile.weights.keys().isdisjoint(story.words) and not story.is_roundup
            )
            strange = next(strange_stories, None)
            known_pair = (strange, False) if strange is not None else None
        first = self._first_report(known_pair[0]) if known_pair is not None else None
        if known_pair is not None and first is not None:
            prompt = prompts.pair_prompt(first, article, story=known_pair[0], known=known_pair[1])
            self._find(prompt)

    def _find(self, prompt: Prompt) -> Question:
        return self._questions.find(self._turn.tx, prompt, self._turn.now)

    def _first_report(self, event: StoryId) -> Article | None:
        """Return the first report of a story or of an event of a thread, which may have been opened in this turn."""
        reports = self._reports(event)
        return reports[0] if reports else self._opened.get(event)

    def _reports(self, event: StoryId) -> Sequence[Article]:
        """Return the stored reports of a story or of an event of a thread."""
        story = self._turn.story(self._index.threads.thread_of(event) or event)
        return [member.article for member in story.events.get(event, ())] if story is not None else []

    def _find_new(self, article: Article, join: Join, *, may_wait: bool) -> tuple[Fact, ...] | None:
        """Return the sentence of the article that is new in its posted story, if any, or None if the article waits."""
        if join.copy_of is not None:
            return ()
        reports = self._reports(join.story)
        offered = facts.list_sentences(article)
        posted = self._index.threads.thread_of(join.story) or join.story
        if not reports or not offered or not self._turn.is_posted(posted):
            return ()
        prompt = prompts.facts_prompt(
            article, offered, story=join.story, first=reports[0].title, newest=reports[-1].title
        )
        question = self._find(prompt)
        if question.is_pending and may_wait:
            return None
        answer = _parse(question, prompts.NewFact)
        return (offered[answer.sentence - 1],) if answer is not None and answer.sentence else ()


def translate(questions: Questions, turn: Turn, row: Outgoing, story: StoryId) -> Outgoing:
    """Return the row with a translation of its message, if the channel wants one. If there is none yet, ask for it."""
    return with_translation(
        turn, row, questions.policy, lambda prompt: questions.translate(turn.tx, prompt, story, turn.now)
    )


def with_stored_translation(turn: Turn, row: Outgoing, policy: LanguageModelPolicy) -> Outgoing:
    """Return the row with a translation of its message, if the channel wants one and it is stored."""
    return with_translation(
        turn, row, policy, lambda prompt: turn.tx.completions.answers([prompt.key], by=policy.name).get(prompt.key)
    )


def with_translation(
    turn: Turn, row: Outgoing, policy: LanguageModelPolicy, look_up: Callable[[Prompt], str | None]
) -> Outgoing:
    """Return the row with a translation of its message, if the channel wants one and ``look_up`` returns an answer.

    Return the row unchanged if the article contains instructions to a model.
    """
    to = turn.settings.policy(row.channel).translate
    post = post_of(row.message)
    if to is None or Use.TRANSLATE not in policy.uses or post is None:
        return row
    view = post.story
    story = turn.story(view.id)
    source = (view.summary or (view.title,))[0]
    members = story.members if story else ()
    article = next((member.article for member in members if member.article.id == source.article), None)
    if article is None or prompts.instructs_a_model(article):
        return row
    prompt = prompts.translation_prompt(
        article, [view.title.text, *(sentence.text for sentence in view.summary)], to=to
    )
    if prompt is None:
        return row
    translated = _parse_text(prompt, look_up(prompt), prompts.Translation)
    if translated is None:
        return row
    title, *texts = translated.texts
    text = visible.line(" — ".join(filter(None, (f"{to}: {title}", " ".join(texts)))), _TRANSLATION_LENGTH)
    span = Span(text=f"{text} [translated by {policy.name}]")
    # Remove the link, so that the translation becomes a separate paragraph.
    summary = (*view.summary[:_ORIGINAL_SENTENCES], replace(source, spans=(span,), link=""))
    post = replace(post, story=replace(view, summary=summary))
    message: Message = replace(row.message, content=post) if isinstance(row.message, Edit) else post
    return replace(row, message=message)


def _parse(question: Question, form: type[F]) -> F | None:
    """Return the answer to a question, or None if there is none."""
    return _parse_text(question.prompt, question.text, form) if question.state is State.ANSWERED else None


def _parse_text(prompt: Prompt, text: str | None, form: type[F]) -> F | None:
    with suppress(BadAnswer):
        return None if text is None else prompts.parse_answer(prompt, text, form)
    return None
