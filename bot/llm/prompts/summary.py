"""Two sentences that tell an article, each held to the sentence of the article that supports it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pydantic

from bot import model
from bot.facts import reading
from bot.language import lexicon
from bot.llm.prompts.wording import Answer, document, prompt, stands_in

VERSION = 1
#: Maximum characters of a sentence.
_LONGEST = 300
_INSTRUCTIONS = """\
You write the summary of a news article for an alert that is read on a phone: two sentences of at most 30 words each, \
in the article's language. The first says what happened and who did it; the second the most important detail, number \
or date that the first lacks. If the article has only enough for one, write one.

Each sentence has a `support`: the one sentence of the article's text that says the same, copied letter by letter. \
Every name, number and date of your sentence must stand in its support. Write numbers and names as the article does. \
Add nothing that the support does not say: no judgement, no advice, no background of your own. Keep "not", "may" and \
"reportedly" where the support has them."""


class Supported(Answer):
    """A sentence of a summary."""

    text: str
    #: The sentence of the article that supports it.
    support: str


class Summary(Answer):
    """An answer: a summary of one or two sentences."""

    sentences: tuple[Supported, ...] = pydantic.Field(strict=False)

    def problem(self, data: Mapping[str, Any]) -> str | None:
        """Check that each sentence is supported by a sentence of the article."""
        if not 1 <= len(self.sentences) <= 2:
            return "a summary has one or two sentences"
        article = data["article"]
        day = date.fromisoformat(article["published"][:10])
        for sentence in self.sentences:
            if not sentence.text.strip() or len(sentence.text) > _LONGEST:
                return f"a sentence has 1 to {_LONGEST} characters"
            if not stands_in(sentence.support, [article["headline"], article["text"]]):
                return "a supporting sentence is not in the article"
            if problem := _beyond(sentence, article["language"], day):
                return problem
        return None


def ask(article: model.Article) -> model.Prompt:
    """Ask for a summary of an article."""
    data = {"article": {**document(article), "language": lexicon.base(article.language)}}
    return prompt(model.Use.SUMMARY, VERSION, _INSTRUCTIONS, data, Summary, article=article.id)


def _beyond(sentence: Supported, language: str, day: date) -> str | None:
    """Return a name, number, date or certainty of a sentence that its support does not have."""
    claim, support = (
        reading.statement(" ".join(text.split()), 1, language, day) for text in (sentence.text, sentence.support)
    )
    if names := sorted(claim.names - support.names - support.folded):
        return f"a name is not in the supporting sentence: {names[0]}"
    for figure in claim.figures:
        if not any(own.number.is_same(figure.number) for own in support.figures):
            return f"a number is not in the supporting sentence: {figure.number.shown}"
    for when in claim.days:
        if not any(own.agrees_with(when) for own in support.days):
            return f"a date is not in the supporting sentence: {when.shown(day)}"
    for table in ("not", "may"):
        if claim.has(table) != support.has(table):
            return "the sentence is more or less certain than its support"
    return None
