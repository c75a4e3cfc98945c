"""Is an article that a rule matched about what the rule is for?"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pydantic

from bot import model
from bot.llm.prompts.wording import Answer, document, prompt, stands_in

VERSION = 1
#: Maximum characters of a reason, which analysts see.
_LONGEST = 200
_INSTRUCTIONS = """\
You sort matches of a news watch. `about` says in an analyst's words what the watch is for. `article` matched the \
watch by its words, which may have another meaning there.

Is the article about it?
- verdict "relevant": at least a part of the article is news of what `about` says.
- verdict "irrelevant": the words of the article mean something else, or it only mentions the subject in passing.
- verdict "cannot_tell": the text does not say enough to decide.
- `words`: the shortest passage of the article's headline or text that decides, copied letter by letter.
- `reason`: why, in English, in at most 20 words."""


class Verdict(StrEnum):
    """Whether an article is about the subject of a rule."""

    RELEVANT = "relevant"
    IRRELEVANT = "irrelevant"
    CANNOT_TELL = "cannot_tell"


class Relevance(Answer):
    """An answer about relevance."""

    verdict: Verdict = pydantic.Field(strict=False)
    #: The deciding words of the article.
    words: str
    reason: str

    def problem(self, data: Mapping[str, Any]) -> str | None:
        """Check an answer "irrelevant", which holds an article back."""
        if self.verdict is not Verdict.IRRELEVANT:
            return None
        if not self.reason.strip() or len(self.reason) > _LONGEST:
            return f"a reason has 1 to {_LONGEST} characters"
        article = data["article"]
        if not stands_in(self.words, [article["headline"], article["text"]]):
            return "the deciding words are not in the article"
        return None


def ask(article: model.Article, rule: str, about: str) -> model.Prompt:
    """Ask whether an article is about the subject of a rule; ``about`` describes it in plain words."""
    data = {"about": about, "article": document(article)}
    return prompt(model.Use.RELEVANCE, VERSION, _INSTRUCTIONS, data, Relevance, article=article.id, beside=rule)
