"""Put a language model's summary and translation into the message of a story."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from bot import model, ports
from bot.llm import prompts
from bot.llm.prompts import summary, translation
from bot.llm.prompts.wording import Answer
from bot.model import visible

_KINDS = (model.MessageKind.POST, model.MessageKind.EDIT)
#: A message has room for four sentences of 700 characters: the number of original sentences next to a translation, and
#: the length of the translation without our own words.
_ORIGINAL_SENTENCES, _TRANSLATION_LENGTH = 3, 640
A = TypeVar("A", bound=Answer)


class LookUp(Protocol):
    """Returns the answer to a prompt, or None if there is none now."""

    def __call__(self, prompt: model.Prompt, form: type[A], /) -> A | None: ...


def worded(
    row: model.Outgoing,
    story: model.Story,
    look_up: LookUp,
    *,
    policy: model.LanguageModelPolicy,
    to: str | None,
) -> model.Outgoing:
    """Return the message with the model's summary, and its translation if ``to`` names a language.

    The message stays unchanged without an answer, and if the article contains instructions to a model.
    """
    if row.message.kind not in _KINDS or len(row.message.briefs) != 1:
        return row
    (brief,) = row.message.briefs
    source = (brief.summary or (brief.title,))[0]
    article = next((member.article for member in story.members if member.article.id == source.article), None)
    if article is None or prompts.speaks_to_a_model(article):
        return row
    sentences = [sentence.text for sentence in brief.summary]
    shown = brief.summary
    if brief.summary and model.Use.SUMMARY in policy.uses:
        answer = look_up(summary.ask(article), summary.Summary)
        if answer is not None:
            sentences = [sentence.text.strip() for sentence in answer.sentences]
            texts = [*sentences[:-1], f"{sentences[-1]} [summary by {policy.name}]"]
            shown = tuple(replace(source, spans=(model.Span(text=text),)) for text in texts)
    if to is not None and model.Use.TRANSLATE in policy.uses:
        prompt = translation.ask(article, [brief.title.text, *sentences], to=to)
        translated = look_up(prompt, translation.Translation) if prompt else None
        if translated is not None:
            title, *texts = translated.texts
            text = visible.line(" — ".join(filter(None, (f"{to}: {title}", " ".join(texts)))), _TRANSLATION_LENGTH)
            span = model.Span(text=f"{text} [translated by {policy.name}]")
            # Without a link it becomes a separate paragraph.
            shown = (*shown[:_ORIGINAL_SENTENCES], replace(source, spans=(span,), link=""))
    return replace(row, message=replace(row.message, briefs=(replace(brief, summary=shown),)))


def stored(tx: ports.Transaction, *, by: str) -> Callable[[model.Prompt, type[A]], A | None]:
    """Return a look-up of stored answers, which requests nothing."""

    def look_up(prompt: model.Prompt, form: type[A]) -> A | None:
        text = tx.completions.answers([prompt.key], by=by).get(prompt.key)
        try:
            return None if text is None else prompts.read(prompt, text, form)
        except ports.BadAnswer:
            # An earlier version accepted it.
            return None

    return look_up
