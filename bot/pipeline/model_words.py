"""Put a language model's stored answers into messages: summaries, translations, and sentences of briefs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, TypeVar

from bot import storage
from bot.llm import prompts
from bot.llm.prompts import Answer
from bot.model import visible
from bot.model.briefs import ModelSentence
from bot.model.errors import BadAnswer
from bot.model.language_models import LanguageModelPolicy, Prompt, Use
from bot.model.messages import MessageKind, Outgoing, Span
from bot.model.stories import Article, StoryId
from bot.pipeline.turn import Turn

_KINDS = (MessageKind.POST, MessageKind.EDIT)
#: Maximum original sentences next to a translation, and maximum characters of the translation without its note
#: "translated by". A message has room for four sentences of 700 characters.
_ORIGINAL_SENTENCES, _TRANSLATION_LENGTH = 3, 640
A = TypeVar("A", bound=Answer)


class AnswerLookup(Protocol):
    """A function that returns the answer to a prompt, or None if no answer is available."""

    def __call__(self, prompt: Prompt, form: type[A], /) -> A | None: ...


def with_model_words(turn: Turn, row: Outgoing, policy: LanguageModelPolicy, look_up: AnswerLookup) -> Outgoing:
    """Return the row with the model's summary in its message, and with a translation if the channel wants one.

    Return the row unchanged if there is no answer or the article contains instructions to a model.
    """
    if row.message.kind not in _KINDS or len(row.message.briefs) != 1:
        return row
    (brief,) = row.message.briefs
    story = turn.story(brief.story)
    source = (brief.summary or (brief.title,))[0]
    members = story.members if story else ()
    article = next((member.article for member in members if member.article.id == source.article), None)
    if article is None or prompts.instructs_a_model(article):
        return row
    sentences = [sentence.text for sentence in brief.summary]
    shown = brief.summary
    if brief.summary and Use.SUMMARY in policy.uses:
        answer = look_up(prompts.summary_prompt(article), prompts.Summary)
        if answer is not None:
            sentences = [sentence.text.strip() for sentence in answer.sentences]
            texts = [*sentences[:-1], f"{sentences[-1]} [summary by {policy.name}]"]
            shown = tuple(replace(source, spans=(Span(text=text),)) for text in texts)
    to = turn.settings.policy(row.channel).translate
    if to is not None and Use.TRANSLATE in policy.uses:
        prompt = prompts.translation_prompt(article, [brief.title.text, *sentences], to=to)
        translated = look_up(prompt, prompts.Translation) if prompt else None
        if translated is not None:
            title, *texts = translated.texts
            text = visible.line(" — ".join(filter(None, (f"{to}: {title}", " ".join(texts)))), _TRANSLATION_LENGTH)
            span = Span(text=f"{text} [translated by {policy.name}]")
            # Remove the link, so that the translation becomes a separate paragraph.
            shown = (*shown[:_ORIGINAL_SENTENCES], replace(source, spans=(span,), link=""))
    return replace(row, message=replace(row.message, briefs=(replace(brief, summary=shown),)))


def read_summary_sentence(
    tx: storage.Transaction, policy: LanguageModelPolicy, article: Article, story: StoryId
) -> ModelSentence | None:
    """Return the first sentence of the model's stored summary of an article, or None if there is no valid summary."""
    if Use.SUMMARY not in policy.uses or prompts.instructs_a_model(article):
        return None
    answer = stored_answers(tx, by=policy.name)(prompts.summary_prompt(article), prompts.Summary)
    if answer is None:
        return None
    first = answer.sentences[0]
    return ModelSentence(
        text=first.text.strip(),
        quote=prompts.quote(article, first.support),
        outlet=article.outlet,
        link=article.link,
        story=story,
        model=policy.name,
    )


def stored_answers(tx: storage.Transaction, *, by: str) -> Callable[[Prompt, type[A]], A | None]:
    """Return a function that looks up stored answers of the model with the name ``by``."""

    def look_up(prompt: Prompt, form: type[A]) -> A | None:
        return parse_stored(prompt, tx.completions.answers([prompt.key], by=by).get(prompt.key), form)

    return look_up


def parse_stored(prompt: Prompt, text: str | None, form: type[A]) -> A | None:
    """Return the parsed answer, or None if ``text`` is None or not valid for this version of the prompt."""
    with suppress(BadAnswer):
        return None if text is None else prompts.parse_answer(prompt, text, form)
    return None
