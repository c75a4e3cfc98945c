"""A language model's summary in the place of the article's own sentences, in messages that tell one story."""

from __future__ import annotations

from dataclasses import replace

from bot import model, ports
from bot.llm import prompts
from bot.llm.prompts import summary

_KINDS = (model.MessageKind.POST, model.MessageKind.EDIT)


def prompt_for(row: model.Outgoing, story: model.Story) -> model.Prompt | None:
    """Asks for a summary of the article whose sentences the message has; None: it is not asked about."""
    if row.message.kind not in _KINDS or len(row.message.briefs) != 1 or not row.message.briefs[0].summary:
        return None
    teller = row.message.briefs[0].summary[0].article
    article = next((member.article for member in story.members if member.article.id == teller), None)
    return None if article is None or prompts.speaks_to_a_model(article) else summary.ask(article)


def with_summary(row: model.Outgoing, answer: summary.Summary, *, by: str) -> model.Outgoing:
    """The message with the summary, which says that the model named ``by`` wrote it."""
    (brief,) = row.message.briefs
    own = brief.summary[0]
    texts = [each.text.strip() for each in answer.sentences]
    texts[-1] += f" [summary by {by}]"
    told = tuple(replace(own, spans=(model.Span(text=text),)) for text in texts)
    return replace(row, message=replace(row.message, briefs=(replace(brief, summary=told),)))


def reworded(
    tx: ports.Transaction, policy: model.LanguageModelPolicy, row: model.Outgoing, story: model.Story
) -> model.Outgoing:
    """The message with the summary that the store has; as it is, where it has none."""
    if model.Use.SUMMARY not in policy.uses:
        return row
    prompt = prompt_for(row, story)
    found = tx.completions.answers([prompt.key], by=policy.name).get(prompt.key) if prompt else None
    if prompt is None or found is None:
        return row
    try:
        return with_summary(row, prompts.read(prompt, found, summary.Summary), by=policy.name)
    except ports.BadAnswer:
        # An earlier version believed it.
        return row
