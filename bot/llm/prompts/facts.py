"""Does an article say what is about to be told as new in its story?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import pydantic

from bot import model
from bot.llm.prompts.wording import SENTENCE, Answer, document, prompt, shown, stands_in
from bot.model import visible

VERSION = 1
_INSTRUCTIONS = """\
You check updates before a news desk posts them. `story` is what was reported so far, `article` is a new article of \
it, and `updates` are what a program wants to post as new. With `before`, it wants to post that `after` has replaced \
`before`; without, it wants to quote `sentence` as new.

Judge each update by its number:
- verdict "confirmed": the article states it as a fact of this story's event, and the story did not report it yet. \
With `before`: both values are of the same thing, and the article says or shows that the one has replaced the other.
- verdict "rejected": the story reported it already, or it is background, an opinion, an advertisement, part of \
another event, or a value of something else.
- `words`: the shortest passage of the article or of the update's sentence that decides, copied letter by letter."""


class Verdict(StrEnum):
    """Whether an update may be posted."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class Judged(Answer):
    """The verdict on one update."""

    #: Of the update, from 1.
    number: int
    verdict: Verdict = pydantic.Field(strict=False)
    #: The words that decide.
    words: str


class Facts(Answer):
    """The answer: each update once."""

    updates: tuple[Judged, ...] = pydantic.Field(strict=False)

    def problem(self, data: Mapping[str, Any]) -> str | None:
        """Each update must be judged once, by words that are there."""
        asked = {each["number"]: each["sentence"] for each in data["updates"]}
        if sorted(each.number for each in self.updates) != sorted(asked):
            return "the answer does not judge each update once"
        article = data["article"]
        for each in self.updates:
            if not stands_in(each.words, [article["headline"], article["text"], asked[each.number]]):
                return "the words that decide are not in the article"
        return None

    @property
    def confirmed(self) -> frozenset[int]:
        """The numbers of the updates that may be posted."""
        return frozenset(each.number for each in self.updates if each.verdict is Verdict.CONFIRMED)


def ask(article: model.Article, story: model.Story, found: Sequence[model.Fact]) -> model.Prompt:
    """``story``: with the article or without; ``found``: what the article is said to bring, counted from 1."""
    before = [member.article for member in story.members if member.article.id != article.id]
    data = {
        "story": shown(before),
        "article": document(article),
        "updates": [
            {
                "number": number,
                "what": visible.line(fact.label, SENTENCE),
                "before": visible.line(fact.before, SENTENCE) if fact.before else None,
                "after": visible.line(fact.after, SENTENCE) if fact.before else None,
                "sentence": visible.line(fact.sentence, SENTENCE),
            }
            for number, fact in enumerate(found, start=1)
        ],
    }
    return prompt(model.Use.FACTS, VERSION, _INSTRUCTIONS, data, Facts, article=article.id, beside=story.id)
