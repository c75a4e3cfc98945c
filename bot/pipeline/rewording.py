"""A language model's summary and translation in messages that tell one story, as far as there are any."""

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
#: Of a message with room for four sentences of 700 characters: sentences of the article beside a translation, and
#: characters of the translation without our own words.
_ORIGINAL, _TRANSLATION = 3, 640
A = TypeVar("A", bound=Answer)


class LookUp(Protocol):
    """Finds the answer to a prompt; None: there is none now."""

    def __call__(self, prompt: model.Prompt, form: type[A], /) -> A | None: ...


def worded(
    row: model.Outgoing,
    story: model.Story,
    look_up: LookUp,
    *,
    policy: model.LanguageModelPolicy,
    to: str | None,
) -> model.Outgoing:
    """The message with the model's summary, and with the translation ``to`` a language; None: none is wanted.

    As it is, where there is no answer, and where the article gives orders to a model.
    """
    if row.message.kind not in _KINDS or len(row.message.briefs) != 1:
        return row
    (brief,) = row.message.briefs
    teller = (brief.summary or (brief.title,))[0]
    article = next((member.article for member in story.members if member.article.id == teller.article), None)
    if article is None or prompts.speaks_to_a_model(article):
        return row
    sentences = [each.text for each in brief.summary]
    told = brief.summary
    if brief.summary and model.Use.SUMMARY in policy.uses:
        short = look_up(summary.ask(article), summary.Summary)
        if short is not None:
            sentences = [each.text.strip() for each in short.sentences]
            shown = [*sentences[:-1], f"{sentences[-1]} [summary by {policy.name}]"]
            told = tuple(replace(teller, spans=(model.Span(text=text),)) for text in shown)
    if to is not None and model.Use.TRANSLATE in policy.uses:
        prompt = translation.ask(article, [brief.title.text, *sentences], to=to)
        found = look_up(prompt, translation.Translation) if prompt else None
        if found is not None:
            title, *rest = found.texts
            text = visible.line(" — ".join(filter(None, (f"{to}: {title}", " ".join(rest)))), _TRANSLATION)
            span = model.Span(text=f"{text} [translated by {policy.name}]")
            # Without the link it is a paragraph of its own.
            told = (*told[:_ORIGINAL], replace(teller, spans=(span,), link=""))
    return replace(row, message=replace(row.message, briefs=(replace(brief, summary=told),)))


def stored(tx: ports.Transaction, *, by: str) -> Callable[[model.Prompt, type[A]], A | None]:
    """Looks up what the store has, and asks for nothing."""

    def look_up(prompt: model.Prompt, form: type[A]) -> A | None:
        text = tx.completions.answers([prompt.key], by=by).get(prompt.key)
        try:
            return None if text is None else prompts.read(prompt, text, form)
        except ports.BadAnswer:
            # An earlier version believed it.
            return None

    return look_up
