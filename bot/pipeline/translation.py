"""Put a language model's stored translation of a headline and its sentences into a message."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from bot import storage
from bot.llm import prompts
from bot.llm.prompts import Answer
from bot.model import visible
from bot.model.errors import BadAnswer
from bot.model.language_models import LanguageModelPolicy, Prompt, Use
from bot.model.messages import MessageKind, Outgoing, Span
from bot.pipeline.turn import Turn

_KINDS = (MessageKind.POST, MessageKind.EDIT)
#: Maximum original sentences next to a translation, and maximum characters of the translation without its note
#: "translated by". A message has room for four sentences of 700 characters.
_ORIGINAL_SENTENCES, _TRANSLATION_LENGTH = 3, 640
A = TypeVar("A", bound=Answer)


def with_translation(
    turn: Turn, row: Outgoing, policy: LanguageModelPolicy, look_up: Callable[[Prompt], str | None]
) -> Outgoing:
    """Return the row with a translation of its message, if the channel wants one.

    ``look_up`` returns the stored answer to a prompt, or None if there is none. Return the row unchanged if there is no
    answer or the article contains instructions to a model.
    """
    to = turn.settings.policy(row.channel).translate
    if to is None or Use.TRANSLATE not in policy.uses or row.message.kind not in _KINDS or len(row.message.briefs) != 1:
        return row
    (brief,) = row.message.briefs
    story = turn.story(brief.story)
    source = (brief.summary or (brief.title,))[0]
    members = story.members if story else ()
    article = next((member.article for member in members if member.article.id == source.article), None)
    if article is None or prompts.instructs_a_model(article):
        return row
    prompt = prompts.translation_prompt(
        article, [brief.title.text, *(sentence.text for sentence in brief.summary)], to=to
    )
    translated = parse_stored(prompt, look_up(prompt), prompts.Translation) if prompt else None
    if translated is None:
        return row
    title, *texts = translated.texts
    text = visible.line(" — ".join(filter(None, (f"{to}: {title}", " ".join(texts)))), _TRANSLATION_LENGTH)
    span = Span(text=f"{text} [translated by {policy.name}]")
    # Remove the link, so that the translation becomes a separate paragraph.
    shown = (*brief.summary[:_ORIGINAL_SENTENCES], replace(source, spans=(span,), link=""))
    return replace(row, message=replace(row.message, briefs=(replace(brief, summary=shown),)))


def stored_answers(tx: storage.Transaction, *, by: str) -> Callable[[Prompt], str | None]:
    """Return a function that looks up stored answers of the model with the name ``by``."""
    return lambda prompt: tx.completions.answers([prompt.key], by=by).get(prompt.key)


def parse_stored(prompt: Prompt, text: str | None, form: type[A]) -> A | None:
    """Return the parsed answer, or None if ``text`` is None or not valid for this version of the prompt."""
    with suppress(BadAnswer):
        return None if text is None else prompts.parse_answer(prompt, text, form)
    return None
