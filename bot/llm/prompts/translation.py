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
#: Maximum length of a translation: so many times the original's length, plus so many characters.
_TIMES = 4
_BESIDE = 60
_INSTRUCTIONS = """\
You translate news. `texts` are a headline and sentences of one article in the language `from`. Give each in the \
language `to`, in the same order: nothing added, nothing left out. Keep names, numbers and dates as they are."""


class Translation(Answer):
    """An answer: the translated texts, in order."""

    texts: tuple[str, ...] = pydantic.Field(strict=False)

    def problem(self, data: Mapping[str, Any]) -> str | None:
        """Check that each text has only numbers of its original and is not much longer."""
        if len(self.texts) != len(data["texts"]):
            return "the answer does not translate each text once"
        day = date.fromisoformat(data["published"])
        for original, text in zip(data["texts"], self.texts, strict=True):
            if not text.strip() or len(text) > _TIMES * len(original) + _BESIDE:
                return "a text is empty or much longer than the original"
            original_figures = reading.statement(original, 1, data["from"], day).figures
            for figure in reading.statement(text, 1, data["to"], day).figures:
                if not any(own.number.value == figure.number.value for own in original_figures):
                    return f"a number is not in the original: {figure.number.shown}"
        return None


def ask(article: model.Article, texts: Sequence[str], *, to: str) -> model.Prompt | None:
    """Ask for a translation of an article's headline and sentences.

    Returns None if the article's language is unknown or is the language ``to``.
    """
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
