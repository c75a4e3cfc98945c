"""A model's answer counts only if it has the required form and quotes the text that it was shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.llm import prompts
from bot.model.errors import BadAnswer
from bot.model.language_models import Prompt
from bot.model.stories import Fact
from tests.stories.examples import article, story

FIRST = article(
    "BlackBerry to leave Pakistan rather than open its servers",
    "BlackBerry will end its business in Pakistan after the PTA demanded unfettered access. The order dates from July.",
)
MOVED = article(
    "Pakistan moves BlackBerry deadline from 30 November to 30 December",
    "The PTA has moved the deadline for BlackBerry. Mobilink will pay back 3,000 customers.",
    outlet="Mirror",
)
GERMAN = replace(
    article("BlackBerry verlässt Pakistan", "Die PTA forderte eine Backdoor, was 5.000 Firmen betrifft."), language="de"
)


def fact(sentence: str, before: str | None = None, after: str | None = None) -> Fact:
    return Fact(
        kind="date" if before else "sentence",
        label="deadline" if before else "new",
        before=before,
        after=after or sentence,
        sentence=sentence,
        article=MOVED.id,
        outlet=MOVED.outlet,
    )


OFFERED = [fact(MOVED.title, "30 November", "30 December"), fact("Mobilink will pay back 3,000 customers.")]
TRANSLATION = prompts.translation_prompt(GERMAN, (GERMAN.title, GERMAN.text), to="en")
assert TRANSLATION is not None
SAME_EVENT = prompts.same_event_prompt(MOVED, [story(FIRST)])
BOTH = prompts.same_event_prompt(MOVED, [story(FIRST)], OFFERED)
FACTS = prompts.facts_prompt(MOVED, story(FIRST), OFFERED)
RELEVANCE = prompts.relevance_prompt(FIRST, "BlackBerry", "demands of the authorities in Pakistan")
SAME = {"verdict": "same", "stories": [1], "sentence": 1}
IRRELEVANT = {"verdict": "irrelevant", "sentence": 2, "reason": "It is about an old order."}
ENGLISH = {"texts": ["BlackBerry leaves Pakistan", "The PTA demanded a backdoor, which affects 5,000 firms."]}


def chosen(number: int, before: str = "", after: str = "") -> dict[str, Any]:
    return {"updates": [{"number": number, "before": before, "after": after}]}


GOOD: list[tuple[Prompt, Mapping[str, Any]]] = [
    (SAME_EVENT, SAME),
    (SAME_EVENT, {"verdict": "cannot_tell", "stories": [], "sentence": 0}),
    (BOTH, SAME | chosen(1)),
    (BOTH, SAME),
    (FACTS, chosen(1)),
    (FACTS, chosen(1, "July", "30 December")),
    (FACTS, {"updates": []}),
    (RELEVANCE, IRRELEVANT),
    (TRANSLATION, ENGLISH),
]
BAD: list[tuple[Prompt, str, Any]] = [
    (SAME_EVENT, "fields are missing", {"verdict": "same"}),
    (SAME_EVENT, "a verdict that does not exist", {**SAME, "verdict": "irrelevant"}),
    (SAME_EVENT, "a story that was not shown", {**SAME, "stories": [7]}),
    (SAME_EVENT, "a sentence that was not shown", {**SAME, "sentence": 7}),
    (SAME_EVENT, "the same event of no story", {**SAME, "stories": []}),
    (SAME_EVENT, "another event of a story", {**SAME, "verdict": "other"}),
    (SAME_EVENT, "it cannot tell and names a story", {**SAME, "verdict": "cannot_tell"}),
    (BOTH, "a choice in another form", SAME | {"updates": [1]}),
    (FACTS, "an update that was not offered", chosen(99)),
    (FACTS, "an old value that is in no report", chosen(1, "1 May", "30 December")),
    (FACTS, "a new value that is not in the sentence", chosen(1, "July", "1 May")),
    (FACTS, "a new value that is a part of another", chosen(1, "July", "0 December")),
    (FACTS, "a new value alone", chosen(1, "", "30 December")),
    (FACTS, "a value that stays", chosen(1, "BlackBerry", "BlackBerry")),
    (RELEVANCE, "a sentence that was not shown", {**IRRELEVANT, "sentence": 7}),
    (RELEVANCE, "no reason", {**IRRELEVANT, "reason": " "}),
    (RELEVANCE, "the verdict as its reason", {**IRRELEVANT, "reason": "cannot_tell"}),
    (RELEVANCE, "fields are missing", {"verdict": "irrelevant"}),
    (TRANSLATION, "another number", {"texts": [ENGLISH["texts"][0], ENGLISH["texts"][1].replace("5,000", "50,000")]}),
    (TRANSLATION, "one text less", {"texts": ENGLISH["texts"][:1]}),
    (TRANSLATION, "an empty text", {"texts": [ENGLISH["texts"][0], " "]}),
    (TRANSLATION, "a much longer text", {"texts": [ENGLISH["texts"][0], "Firms are affected. " * 40]}),
    *((prompt, "not JSON", "It is the same event.") for prompt in (SAME_EVENT, FACTS, RELEVANCE, TRANSLATION)),
]


@pytest.mark.parametrize(("prompt", "answer"), GOOD)
def test_an_answer_in_the_form_that_quotes_what_was_shown_is_used(prompt: Prompt, answer: Mapping[str, Any]) -> None:
    assert prompts.parse_answer(prompt, json.dumps(answer))


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [pytest.param(prompt, answer, id=f"{prompt.use.value}: {name}") for prompt, name, answer in BAD],
)
def test_an_answer_that_does_not_hold_is_refused(prompt: Prompt, answer: Any) -> None:
    with pytest.raises(BadAnswer):
        prompts.parse_answer(prompt, answer if isinstance(answer, str) else json.dumps(answer))


def test_an_answer_about_the_event_chooses_updates_for_the_nearest_story_alone() -> None:
    def choose(answer: Mapping[str, Any]) -> tuple[Fact, ...] | None:
        parsed = prompts.parse_answer(BOTH, json.dumps(answer), prompts.SameEvent)
        return parsed.choose(BOTH, OFFERED)

    assert choose(SAME | chosen(2)) == (OFFERED[1],)
    [fact] = choose(SAME | chosen(1, "July", "30 December")) or ()
    assert (fact.before, fact.after) == ("July", "30 December")
    assert choose(SAME | {"updates": []}) == ()
    assert choose(SAME) is None
    assert choose(SAME | chosen(1, "1 May", "30 December")) is None
    assert choose({**SAME, "verdict": "other", "stories": []} | chosen(2)) is None
