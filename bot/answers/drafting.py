"""A rule that somebody describes → its YAML, and what ``wirewatch check`` says of it. Saves nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bot import config, model, rules
from bot.answers import asked, pasted, playground


def yaml_of(draft: asked.DraftQuestion) -> str:
    """The rule as an item of a rule file's list."""
    parts = [f"name: {_quoted(draft.name)}"]
    if draft.query is not None:
        parts.append("\n".join(["query: |", *(f"  {line}" for line in draft.query.strip().splitlines())]))
    if draft.all:
        lines = (f"  {_quoted(label)}: {_list(terms)}" for label, terms in draft.all.items())
        parts.append("\n".join(["all:", *lines]))
    for key, terms in (
        ("none", draft.none),
        ("notify", draft.notify),
        ("must_match", draft.must_match),
        ("must_not_match", draft.must_not_match),
    ):
        if terms:
            parts.append(f"{key}: {_list(terms)}")
    first, *others = "\n".join(parts).split("\n")
    return "\n".join([f"- {first}", *(f"  {line}" for line in others)]) + "\n"


def checked(draft: asked.DraftQuestion, settings: config.Settings) -> tuple[str, tuple[model.Problem, ...]]:
    """The YAML with its problems. Takes processor time: not for the event loop."""
    written = yaml_of(draft)
    if len(written) > playground.MOST_CHARACTERS:
        text = f"the rule has {len(written):,} characters; a draft may have {playground.MOST_CHARACTERS:,}"
        return written, (model.Problem(severity="error", file=pasted.NAME, code="too-long", message=text),)
    _, problems = pasted.parse_pasted(written, settings, rules.Steps(playground.MOST_STEPS_OF_EXAMPLES))
    return written, problems


def _list(terms: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, terms))}]"


def _quoted(text: str) -> str:
    """In double quotes, where YAML takes every escape of JSON."""
    return json.dumps(text, ensure_ascii=False)
