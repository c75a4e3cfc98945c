"""A headline and the sentences below it in another language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pydantic

from bot import model
from bot.facts import reading
from bot.language import lexicon
from bot.llm.prompts.wording import HEADLINE, SENTENCE, Answer, prompt
from bot.model import visible

VERSION = 1
#: A translation is at most so many times as long as the original, and so many characters beside.
_TIMES, _BESIDE = 4, 60
_INSTRUCTIONS = """\
You translate news. `texts` are a headline and sentences of one article in the language `from`. Give each in the \
language `to`, in the same order: nothing added, nothing left out. Keep names, numbers and dates as they are."""


class Translation(Answer):
    """The answer: each text once, in order."""

    texts: tuple[str, ...] = pydantic.Field(strict=False)

    def problem(self, data: Mapping[str, Any]) -> str | None:
        """A number must stand in the original, and no text may be much longer than that."""
        if len(self.texts) != len(data["texts"]):
            return "the answer does not translate each text once"
        day = date.fromisoformat(data["published"])
        for own, text in zip(data["texts"], self.texts, strict=True):
            if not text.strip() or len(text) > _TIMES * len(own) + _BESIDE:
                return "a text is empty or much longer than the original"
            before = reading.statement(own, 1, data["from"], day).figures
            for figure in reading.statement(text, 1, data["to"], day).figures:
                if not any(each.number.value == figure.number.value for each in before):
                    return f"a number is not in the original: {figure.number.shown}"
        return None


def ask(article: model.Article, texts: Sequence[str], *, to: str) -> model.Prompt | None:
    """``texts``: a headline and sentences of the article; None: it is in the language ``to``, or in an unknown one."""
    language = lexicon.base(article.language) if article.language else None
    if language is None or language == to:
        return None
    data = {
        "from": language,
        "to": to,
        "published": f"{article.when:%Y-%m-%d}",
        "texts": [visible.line(text, max(HEADLINE, SENTENCE)) for text in texts],
    }
    return prompt(model.Use.TRANSLATE, VERSION, _INSTRUCTIONS, data, Translation, article=article.id, beside=to)
