"""Ask a language model about queued articles before they are decided, and for translations of messages.

    queue ─▶ prepare: which question does the article need? ─▶ asker (a few at once) ─▶ completions
                 │ none, or an answer, or no answer in time            │ an answer that comes later
                 ▼                                                     ▼
              decide (reads ``answers``)                      late_answers: an edit or a merge

A turn never waits: it reads answers as data. An answer counts only for the stories that its question offered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice

from bot.llm import prompts
from bot.model import visible
from bot.model.archive import Arrival, QueuedWork
from bot.model.language_models import Advisor, Prompt, Use
from bot.model.messages import Outgoing
from bot.model.rules import Group, Severity
from bot.model.stories import Article, ArticleId, Fact, Join, JoinReason, Story, StoryId
from bot.pipeline.answers import ArticleAnswers, LateAnswer
from bot.pipeline.join import StoryUpdater, alone, modes_and_severity
from bot.pipeline.translation import parse_stored, with_translation
from bot.pipeline.turn import Turn
from bot.stories import grouping, opinions
from bot.stories.index import Index
from bot.stories.opinions import Opinion
from bot.stories.profile import Profile

#: Maximum number of articles that wait for an answer. Further articles are decided without an answer.
MAX_WAITING = 50
#: How long an answer is used after the decision, and how long to wait for the translation of a posted message.
LATE = timedelta(minutes=10)
#: Maximum open stories that are searched for one that certainly has another event.
MAX_STRANGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """A question about an article that is not decided yet."""

    article: Article
    #: None if the article only waits for other articles.
    prompt: Prompt | None
    #: Offered story -> its probability by the article's words.
    chances: Mapping[StoryId, float] = field(default_factory=dict)
    #: Facts that the answer chooses from, and the number of those that are posted without an answer.
    offered: tuple[Fact, ...] = ()
    stated_count: int = 0
    #: The story in which they may be new.
    nearest: StoryId | None = None
    #: Articles without a decision that would open an offered story.
    waits_for: frozenset[ArticleId] = frozenset()


class Asking:
    """The questions of one deciding process, and the answers to them."""

    def __init__(self, advisor: Advisor) -> None:
        self.advisor = advisor
        #: Whether to decide without the answers that are missing.
        self.is_over = False
        #: Ready article -> the answers about it.
        self.answers: dict[ArticleId, ArticleAnswers] = {}
        #: Waiting article -> the end of its wait, and its question about event or facts.
        self._until: dict[ArticleId, datetime] = {}
        self._questions: dict[ArticleId, _Question] = {}
        #: Waiting article -> the same question, asked again because the answer does not name the likeliest story.
        self._second: dict[ArticleId, _Question] = {}
        #: Key of the prompt of a decided article -> its question, and the end of the wait for a late answer.
        self._late: dict[str, tuple[_Question, datetime]] = {}
        #: Key of a prompt for a translation -> its story, and the end of the wait for it.
        self._translations: dict[str, tuple[StoryId, datetime]] = {}
        self._wanted: dict[str, Prompt] = {}

    @property
    def waiting_count(self) -> int:
        """The number of articles that wait for an answer."""
        return len(self._until)

    @property
    def is_waiting(self) -> bool:
        """Whether articles or translations of messages wait for an answer."""
        return bool(self._until or self._translations)

    @property
    def has_open_questions(self) -> bool:
        """Whether an answer that is not about a queued article may still come."""
        return bool(self._late or self._translations)

    def send(self) -> None:
        """Send the prompts of new questions. Call this in the event loop."""
        wanted, self._wanted = self._wanted, {}
        self.advisor.want(wanted.values())

    def prepare(self, turn: Turn, queued: QueuedWork, updater: StoryUpdater) -> Sequence[int]:
        """Prepare the questions about queued articles. Return the numbers of the entries that can be decided now.

        The answers about these articles are in ``answers``. An article that waits is, for the articles after it, a
        candidate as the story that it would open.
        """
        index = updater.open_stories(turn)
        numbers = dict(zip(queued.keys, queued.numbers, strict=True))
        ready = [numbers[revision.article.id] for revision in queued.revisions]
        arrivals = {arrival.article.id: arrival for arrival in queued.arrivals}
        self._until = {article: until for article, until in self._until.items() if article in arrivals}
        self._questions = {article: asked for article, asked in self._questions.items() if article in arrivals}
        self._second = {article: asked for article, asked in self._second.items() if article in arrivals}
        self.answers = {}
        guests: dict[StoryId, Arrival] = {}
        for article in grouping.order(arrival.article for arrival in arrivals.values()):
            arrival = arrivals[article.id]
            answers = ArticleAnswers()
            if article.id not in index.joins and not prompts.instructs_a_model(article):
                found = self._look(turn, arrival, index, updater, guests)
                if found is None:
                    guest = grouping.story_id(article.id)
                    guests[guest] = arrival
                    join = Join(story=guest, article=article.id, reason=JoinReason.OPENED)
                    index.add(index.profile(arrival), join)
                    continue
                answers = found
            self._until.pop(article.id, None)
            self.answers[article.id] = answers
            ready.append(numbers[article.id])
        for story in guests:
            index.drop(story)
        return ready

    def _look(
        self, turn: Turn, arrival: Arrival, index: Index, updater: StoryUpdater, guests: Mapping[StoryId, Arrival]
    ) -> ArticleAnswers | None:
        """Return the answers about an article, or None if it waits for them."""
        article, now = arrival.article, turn.now
        until = self._until.get(article.id, now + self.advisor.policy.wait)
        may_wait = not self.is_over and now < until and (article.id in self._until or len(self._until) < MAX_WAITING)

        rejected, missing = self._judge_relevance(turn, arrival)
        if missing and may_wait:
            self._until[article.id] = until
            self._wanted.update({prompt.key: prompt for prompt in missing})
            return None
        matches = tuple(match for match in arrival.matches if match.rule not in rejected)
        if rejected and not matches:
            return ArticleAnswers(rejected=rejected)
        question = self._questions.get(article.id) or self._build(
            turn, replace(arrival, matches=matches), index, updater, guests
        )
        if question is None:
            return ArticleAnswers(rejected=rejected)
        self._questions[article.id] = question
        is_undecided = not question.waits_for.isdisjoint(guest.article.id for guest in guests.values())
        text, is_missing = self._find_answer(turn, question, may_wait=may_wait)
        if is_missing or (may_wait and is_undecided):
            self._until[article.id] = until
            return None
        answers = self._read(question, text)
        same = answers.opinion.same if answers.opinion else ()
        named = [story for story in same if story in question.chances]
        if named and question.nearest not in named:
            second = self._second.get(article.id)
            if second is None and may_wait:
                second = self._ask_again(turn, arrival, index, updater, question, named)
            if second is not None:
                self._second[article.id] = second
                text, is_missing = self._find_answer(turn, second, may_wait=may_wait)
                if is_missing:
                    self._until[article.id] = until
                    return None
                answers = _confirm(answers, self._read(second, text))
        return replace(answers, rejected=rejected)

    def _find_answer(self, turn: Turn, question: _Question, *, may_wait: bool) -> tuple[str | None, bool]:
        """Return the answer, or None if there is none, and whether to wait for it."""
        prompt = question.prompt
        if prompt is None:
            return None, False
        texts = self._stored(turn, prompt)
        is_missing = self._is_open(prompt, texts, turn.now)
        if is_missing and may_wait:
            self._wanted[prompt.key] = prompt
        elif is_missing:
            # A call that has begun may still be useful; one that has not is dropped.
            self._late[prompt.key] = question, turn.now + LATE
            self.advisor.drop([prompt.key])
        return texts.get(prompt.key), is_missing and may_wait

    def _ask_again(
        self,
        turn: Turn,
        arrival: Arrival,
        index: Index,
        updater: StoryUpdater,
        question: _Question,
        named: Sequence[StoryId],
    ) -> _Question | None:
        """Return the question with its stories in the reverse order, and with facts that may be new in the named story.

        A single wrong answer would hide the article in the message of another event. A model that guesses names another
        story when it is asked again.
        """
        joined = {
            grouping.story_id(other): index.joins[other].story for other in question.waits_for & index.joins.keys()
        }
        ids = dict.fromkeys(joined.get(id_, id_) for id_ in (*named, *question.chances))
        near = [story for story in map(turn.story, ids) if story is not None]
        if not near:
            return None
        control = self._control(turn, index.profile(arrival), index, ())
        return self._same_event_question(turn, arrival.article, near, updater, control, question.chances, again=True)

    def _same_event_question(
        self,
        turn: Turn,
        article: Article,
        near: Sequence[Story],
        updater: StoryUpdater,
        control: Story | None,
        chances: Mapping[StoryId, float],
        *,
        again: bool = False,
    ) -> _Question:
        """Return a question about the event of an article, and about its facts in the first story of ``near``."""
        has_facts = Use.FACTS in self.advisor.policy.uses
        stated, further = updater.offer(turn, near[0], article) if has_facts else ((), ())
        offered = (*stated, *further)
        prompt = prompts.same_event_prompt(article, near, offered, control=control, again=again)
        # Words say nothing about a story in another language, and a question that is asked again begins with a story
        # that an answer has named.
        are_comparable = article.language in {member.article.language for member in near[0].members}
        is_unlikely = not again and are_comparable and chances[near[0].id] < opinions.UNLIKELY_BELOW
        return _Question(
            article=article,
            prompt=replace(prompt, unlikely=near[0].id if is_unlikely else None),
            chances=chances,
            offered=offered,
            stated_count=len(stated),
            nearest=near[0].id,
        )

    def _judge_relevance(self, turn: Turn, arrival: Arrival) -> tuple[dict[str, str], list[Prompt]]:
        """Return the matched rules that the article is not about, with the reasons, and the prompts without an answer.

        Rules of severity high are not asked about.
        """
        article, rejected = arrival.article, {}
        rules = [turn.rules[match.rule] for match in arrival.matches if match.rule in turn.rules]
        asked = {
            rule.name: prompts.relevance_prompt(article, rule.name, rule.about)
            for rule in rules
            if rule.about and rule.severity is not Severity.HIGH and Use.RELEVANCE in self.advisor.policy.uses
        }
        texts = self._stored(turn, *asked.values())
        for rule, prompt in asked.items():
            answer = parse_stored(prompt, texts.get(prompt.key), prompts.Relevance)
            if answer is not None and answer.verdict == "irrelevant":
                quote = prompts.quote(article, answer.sentence)
                reason = visible.line(answer.reason, prompts.REASON_LENGTH)
                rejected[rule] = f'{self.advisor.policy.name}: "{quote}": {reason}'
        return rejected, [prompt for prompt in asked.values() if self._is_open(prompt, texts, turn.now)]

    def _build(
        self, turn: Turn, arrival: Arrival, index: Index, updater: StoryUpdater, guests: Mapping[StoryId, Arrival]
    ) -> _Question | None:
        """Return the question that the article needs, or None if it needs none."""
        article, uses = arrival.article, self.advisor.policy.uses
        modes, is_high = modes_and_severity(turn, arrival)
        profile = index.profile(arrival)
        candidates = grouping.find_candidates(index, profile)
        asks_event = Use.SAME_EVENT in uses and modes <= {Group.NORMAL}
        offered = grouping.choose_offered(candidates) if asks_event else []
        stories = {**turn.stories(each.id for each in candidates), **{id_: alone(guests[id_]) for id_ in guests}}
        near = [stories[candidate.id] for candidate in offered if candidate.id in stories]
        facts: tuple[Sequence[Fact], Sequence[Fact]] = ((), ())
        if near:
            control = self._control(turn, profile, index, guests)
            chances = {candidate.id: candidate.chance for candidate in offered}
            question = self._same_event_question(turn, article, near, updater, control, chances)
            waits_for = frozenset(guests[story.id].article.id for story in near if story.id in guests)
            return replace(question, waits_for=waits_for)
        join = grouping.place(candidates, profile, None, modes=modes, is_high=is_high)
        named = {join.story, *join.merges} & guests.keys()
        story = stories.get(join.story)
        if not named and story and join.copy_of is None and Use.FACTS in uses:
            facts = updater.offer(turn, story, article)
        if not named and not any(facts):
            return None
        new_facts = (*facts[0], *facts[1])
        return _Question(
            article=article,
            prompt=prompts.facts_prompt(article, story, new_facts) if story and new_facts else None,
            offered=new_facts,
            stated_count=len(facts[0]),
            nearest=join.story,
            waits_for=frozenset(guests[id_].article.id for id_ in named),
        )

    def _control(self, turn: Turn, profile: Profile, index: Index, guests: Collection[StoryId]) -> Story | None:
        """Return an old open story, all in the article's language, that shares no word with the article.

        It certainly has another event, so a model that names it is unfit: see ``UseRecord``.
        """
        strange_stories = (
            story.id
            for story in islice(index.stories.values(), MAX_STRANGE)
            if story.languages == {profile.language}
            and story.id not in guests
            and profile.weights.keys().isdisjoint(story.words)
        )
        return turn.story(next(strange_stories, None))

    def _read(self, question: _Question, text: str | None) -> ArticleAnswers:
        prompt, article = question.prompt, question.article
        if prompt is None:
            return ArticleAnswers()
        if prompt.use is Use.FACTS:
            chosen = parse_stored(prompt, text, prompts.NewFacts)
            choice = chosen.choose(question.offered) if chosen else None
            return ArticleAnswers(choice=choice, choice_in=question.nearest)
        answer = parse_stored(prompt, text, prompts.SameEvent)
        if answer is None:
            return ArticleAnswers()
        asked = [StoryId(story) for story in prompt.beside.split()]
        opinion = self._opinion(article, answer, asked)
        return ArticleAnswers(
            opinion=opinion, choice=answer.choose(prompt, question.offered), choice_in=question.nearest
        )

    def _opinion(self, article: Article, answer: prompts.SameEvent, asked: Sequence[StoryId]) -> Opinion | None:
        if answer.verdict == "cannot_tell":
            return None
        same = answer.named(asked)
        verdict = "the same event" if same else "a different event"
        detail = f'{self.advisor.policy.name}: {verdict}: "{prompts.quote(article, answer.sentence)}"'
        return Opinion(asked=frozenset(asked), same=same, detail=detail)

    def late_answers(self, turn: Turn) -> Sequence[LateAnswer]:
        """Return the answers that came after the decision of their article, or after the message that shows them."""
        now, late = turn.now, []
        texts = turn.tx.completions.answers([*self._late, *self._translations], by=self.advisor.policy.name)
        for key, (question, until) in list(self._late.items()):
            if key in texts:
                answers = self._read(question, texts[key])
                named = answers.opinion.same if answers.opinion else ()
                stated = {fact.sentence for fact in question.offered[: question.stated_count]}
                late.append(
                    LateAnswer(
                        article=question.article.id,
                        # Nobody asks again after a decision, so only the likeliest story counts.
                        same={story: question.chances.get(story, 0.0) for story in named if story == question.nearest},
                        # Without an answer in time, the stated facts were posted.
                        facts=tuple(fact for fact in answers.choice or () if fact.sentence not in stated),
                        story=answers.choice_in,
                    )
                )
            if key in texts or now >= until or self.advisor.has_failed(key):
                del self._late[key]
        for key, (story, until) in list(self._translations.items()):
            if key in texts:
                late.append(LateAnswer(story=story, translation=key))
            if key in texts or now >= until or self.advisor.has_failed(key):
                del self._translations[key]
        return late

    def translate(self, turn: Turn, row: Outgoing, story: StoryId) -> Outgoing:
        """Return a story's message with the model's translation. If there is none yet, ask for it."""

        def look_up(prompt: Prompt) -> str | None:
            texts = self._stored(turn, prompt)
            if self._is_open(prompt, texts, turn.now) and not self.is_over:
                self._wanted[prompt.key] = prompt
                self._translations[prompt.key] = story, turn.now + LATE
            return texts.get(prompt.key)

        return with_translation(turn, row, self.advisor.policy, look_up)

    def end_waiting(self) -> None:
        """Stop to wait for translations."""
        self._translations.clear()

    def _stored(self, turn: Turn, *asked: Prompt) -> Mapping[str, str]:
        """Return prompt key -> stored answer."""
        if not asked:
            return {}
        return turn.tx.completions.answers([prompt.key for prompt in asked], by=self.advisor.policy.name)

    def _is_open(self, prompt: Prompt, texts: Mapping[str, str], now: datetime) -> bool:
        """Return whether an answer to the prompt is missing and may still come."""
        if prompt.key in texts or self.advisor.has_failed(prompt.key):
            return False
        return self.advisor.is_available(prompt.use, now)


def _confirm(answers: ArticleAnswers, second: ArticleAnswers) -> ArticleAnswers:
    """Return the answers with those to the second question."""
    if answers.opinion is None or second.opinion is None:
        return answers
    opinion = replace(answers.opinion, confirmed=frozenset(second.opinion.same))
    return replace(answers, opinion=opinion, choice=second.choice, choice_in=second.choice_in)
