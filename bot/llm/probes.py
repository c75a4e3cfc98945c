"""Questions with known answers for `wirewatch model test`, about an invented story."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.llm import prompts
from bot.model.language_models import Prompt
from bot.model.stories import Article, ArticleId, Fact, Join, JoinReason, Member, Story, StoryId

_START = datetime(2015, 12, 2, 9, 0, tzinfo=UTC)
#: Name -> article. The first line is the headline, the rest is the text.
_TEXTS = {
    "exit": """\
BlackBerry to leave Pakistan rather than open its servers
BlackBerry will end its business in Pakistan by 30 November after the Pakistan Telecommunication Authority (PTA)
demanded unfettered access to its BES servers. The company calls the demand a backdoor. Some 5,000 companies use the
service.""",
    "again": """\
Canadian handset maker quits Pakistan over regulator's demand
BlackBerry is quitting Pakistan because the PTA wants to read the messages of its business customers. The firm said that
it does not support backdoors.""",
    "sindh": """\
Sindh lifts ban on BlackBerry Messenger after talks with PTA
The province of Sindh has lifted its ban on BlackBerry Messenger. The PTA said that access to chat records was agreed
with mobile operators in Karachi.""",
    "moved": """\
Pakistan gives BlackBerry until 30 December
The PTA has moved the deadline for BlackBerry from 30 November to 30 December, it said on Monday.""",
    "india": """\
India wants BlackBerry to open its servers too
The interior ministry of India has given BlackBerry 60 days to let it read the messages of business customers. In
Pakistan the company is leaving over such a demand.""",
    "school": """\
PTA meeting: please enter by the back door
The parent teacher association of Hill School meets on Friday. Please leave your BlackBerry at home.""",
}
#: The deadline in the article "exit", and the new deadline in "moved".
_MOVED = ("30 November", "30 December")
_ABOUT = "demands of authorities in Pakistan to read what is sent with BlackBerry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question, and a function that checks whether a text is the right answer."""

    prompt: Prompt
    #: Raises BadAnswer if the text fails the checks that apply to every answer.
    is_right: Callable[[str], bool]


def build_probes() -> tuple[Probe, ...]:
    """Return probes for every use of a model, with different right answers for the same use."""
    first = _story("exit")
    return (
        _same_event("again", first, "same"),
        _same_event("sindh", first, "other"),
        _same_event_and_facts("moved", first, _change(*_MOVED)),
        _same_event("india", first, "other"),
        _facts("moved", _change("30 November", "30 December"), right={1: _MOVED}),
        _facts("moved", _change("5,000", "30"), right={1: _MOVED}),
        _facts(
            "moved",
            _quote("The company calls the demand a backdoor."),
            _quote(_article("moved").text),
            right={2: _MOVED},
        ),
        _facts("again", _quote(_article("again").title), _quote(_article("again").text), right={}),
        _relevance("exit", "relevant"),
        _relevance("school", "irrelevant"),
        # Every summary that can be parsed is right, because the parser checks that each sentence is supported.
        _probe(prompts.summary_prompt(_article("exit")), bool),
        _translation(),
    )


def _article(name: str) -> Article:
    title, _, text = _TEXTS[name].partition("\n")
    at = _START + timedelta(hours=list(_TEXTS).index(name))
    return Article(
        id=ArticleId(name),
        feed="",
        outlet="Example Wire",
        owner="",
        link="",
        title=title,
        text=text.replace("\n", " "),
        published=at,
        first_seen=at,
        fingerprint=name,
    )


def _story(name: str) -> Story:
    article = _article(name)
    join = Join(story=StoryId(name), article=article.id, reason=JoinReason.OPENED)
    return Story(
        id=join.story,
        title=article.title,
        first_seen=article.first_seen,
        last_seen=article.first_seen,
        members=(Member(article=article, join=join, matches=()),),
    )


def _probe(prompt: Prompt, holds: Callable[[Any], bool]) -> Probe:
    return Probe(prompt=prompt, is_right=lambda text: holds(prompts.parse_answer(prompt, text)))


def _same_event(name: str, story: Story, verdict: str) -> Probe:
    return _probe(prompts.same_event_prompt(_article(name), [story]), lambda answer: answer.verdict == verdict)


def _same_event_and_facts(name: str, story: Story, right: Fact) -> Probe:
    """Return a probe that asks both questions and offers only the fact ``right``, which is new."""
    prompt = prompts.same_event_prompt(_article(name), [story], [right])
    return _probe(prompt, lambda answer: answer.choose(prompt, [right]) == (right,))


def _facts(name: str, *offered: Fact, right: Mapping[int, tuple[str, str]]) -> Probe:
    """Return a probe that offers updates. ``right``: number of each update to choose -> its old and new value."""

    def is_right(answer: prompts.NewFacts) -> bool:
        return {update.number: (update.before, update.after) for update in answer.updates} == right

    return _probe(prompts.facts_prompt(_article(name), _story("exit"), offered), is_right)


def _quote(sentence: str) -> Fact:
    return Fact(
        kind="sentence",
        label="new",
        before=None,
        after=sentence,
        sentence=sentence,
        article=ArticleId("moved"),
        outlet="Example Wire",
    )


def _change(old_value: str, new_value: str) -> Fact:
    return replace(_quote(_article("moved").text), kind="date", label="deadline", before=old_value, after=new_value)


def _relevance(name: str, verdict: str) -> Probe:
    return _probe(prompts.relevance_prompt(_article(name), "probe", _ABOUT), lambda answer: answer.verdict == verdict)


def _translation() -> Probe:
    article = replace(_article("moved"), language="en")
    texts = (article.title, article.text)
    prompt = prompts.translation_prompt(article, texts, to="de")
    assert prompt is not None  # The article is in another language.

    def is_translated(answer: prompts.Translation) -> bool:
        # Each text differs from the original and keeps its date.
        return all("30" in new and new != old for new, old in zip(answer.texts, texts, strict=True))

    return _probe(prompt, is_translated)
