"""A model's answer counts only if it has the required form and quotes the text that it was shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from bot.llm import prompts
from bot.model.errors import BadAnswer
from bot.model.language_models import Prompt
from bot.model.stories import Fact
from tests.stories.examples import article

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
SAME_EVENT = prompts.pair_prompt(FIRST, MOVED, story="s1")
FACTS = prompts.facts_prompt(MOVED, OFFERED, story="s1", first=FIRST.title, newest=FIRST.title)
RELEVANCE = prompts.relevance_prompt(FIRST, "BlackBerry", "demands of the authorities in Pakistan")
IRRELEVANT = {"verdict": "irrelevant", "sentence": 2, "reason": "It is about an old order."}
ENGLISH = {"texts": ["BlackBerry leaves Pakistan", "The PTA demanded a backdoor, which affects 5,000 firms."]}


GOOD: list[tuple[Prompt, Mapping[str, Any]]] = [
    (SAME_EVENT, {"yes": 0.97}),
    (SAME_EVENT, {"yes": 0.0}),
    (FACTS, {"sentence": 1}),
    (FACTS, {"sentence": 0}),
    (RELEVANCE, IRRELEVANT),
    (TRANSLATION, ENGLISH),
]
BAD: list[tuple[Prompt, str, Any]] = [
    (SAME_EVENT, "fields are missing", {}),
    (SAME_EVENT, "no probability", {"yes": 1.5}),
    (SAME_EVENT, "a word", {"yes": "yes"}),
    (FACTS, "a sentence that was not shown", {"sentence": 99}),
    (FACTS, "a sentence of its own", {"sentence": "BlackBerry stays."}),
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
