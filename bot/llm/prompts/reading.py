"""Reads an answer: its form, and what its use asks of it, such as that quoted words stand in the data."""

from __future__ import annotations

import json
from typing import TypeVar

import pydantic

from bot import model, ports
from bot.llm.prompts import facts, relevance, same_event, summary, translation
from bot.llm.prompts.wording import Answer

A = TypeVar("A", bound=Answer)

#: The answer type of each use.
FORMS: dict[model.Use, type[Answer]] = {
    model.Use.SAME_EVENT: same_event.SameEvent,
    model.Use.FACTS: facts.Facts,
    model.Use.SUMMARY: summary.Summary,
    model.Use.RELEVANCE: relevance.Relevance,
    model.Use.TRANSLATE: translation.Translation,
}


def read(prompt: model.Prompt, text: str, form: type[A] | None = None) -> A:
    """Parse and check the answer to a prompt; ``form`` is the type of its use. Raises BadAnswer with the problem."""
    kind = FORMS[prompt.use]
    assert form is None or form is kind
    try:
        answer = kind.model_validate_json(text)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        details = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
        raise ports.BadAnswer(f"the answer does not match the schema: {details}") from None
    if problem := answer.problem(json.loads(prompt.data)):
        raise ports.BadAnswer(problem)
    return answer  # type: ignore[return-value]  # the form of its use
