"""The keys of a rule file, and the shorthand that each accepts."""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeVar

import pydantic

from bot import model
from bot.config import values
from bot.config.values import StrictShape

_TERM_SCHEMA = {
    "anyOf": [
        {"type": ["string", "number", "boolean"]},
        {"type": "object", "minProperties": 1, "maxProperties": 1, "description": "{EXACT}, or title: and body:"},
    ]
}
_LINES_SCHEMA: dict[str, object] = {
    "anyOf": [
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "anyOf": [_TERM_SCHEMA["anyOf"][0], {"type": "array", "minItems": 1, "items": _TERM_SCHEMA}]
            },
        },
        {"type": "array", "minItems": 1, "items": _TERM_SCHEMA},
        {"type": ["string", "number", "boolean"]},
    ]
}


_Some = TypeVar("_Some", dict[str, tuple[str, ...]], tuple[str, ...])


def parse_term_text(value: object) -> str:
    """Return one term as text; ``title: X`` written as a YAML mapping is the same as ``title:X``."""
    if isinstance(value, dict) and len(value) == 1:
        (field, inner), *_ = value.items()
        if field in ("title", "body") and isinstance(inner, str):
            return f"{field}:{inner}"
        raise values.InvalidValue(
            "colon-in-value",
            f'"{values.shorten(str(field))}:" is read as a key, because a colon and a space follow',
            "quote the whole item",
        )
    if isinstance(value, dict):
        raise values.InvalidValue(
            "quote-needed",
            "a block in braces is not a term",
            "{EXACT} holds one term; quote any other text with braces",
        )
    if isinstance(value, list):
        raise values.InvalidValue(
            "wrong-kind",
            "a list inside a list",
            'write the wordings of one line in one list; in "all", give each line a name: '
            "{who: [Ofcom, FCA], what: fine}",
        )
    written = values.parse_text(value)
    if len(written) > 1 and written.startswith("-") and written[1] not in "- ":
        raise values.InvalidValue(
            "dash",
            "a space is missing after the dash",
            f"write - {written[1:]}; or, to exclude it, {written[1:]} under none",
        )
    return written


def _label_of(value: object, index: int) -> str:
    try:
        return parse_term_text(value)
    except values.InvalidValue:
        return str(index)


def _expand_lines(value: object) -> object:
    """Expand a plain list: each item is a separate line, whose label is the item."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        return {_label_of(item, index): [item] for index, item in enumerate(value)}
    return _expand_terms(value)


def _expand_terms(value: object) -> object:
    if value is None:
        raise values.InvalidValue("no-value", "no value", "write one after the colon, or remove the key")
    if isinstance(value, dict):
        return {label: [terms] if isinstance(terms, str) else terms for label, terms in value.items()}
    return value


def _require_items(value: _Some) -> _Some:
    if not value:
        raise values.InvalidValue("no-value", "an empty list", "name what to look for, or remove the key")
    return value


_Term = Annotated[str, pydantic.PlainValidator(parse_term_text)]
_Lines = Annotated[
    dict[str, Annotated[tuple[_Term, ...], pydantic.AfterValidator(_require_items)]],
    pydantic.BeforeValidator(_expand_lines),
    pydantic.AfterValidator(_require_items),
    pydantic.WithJsonSchema(_LINES_SCHEMA),
]


def _expand_example(value: object) -> object:
    if isinstance(value, str):
        return {"title": value}
    if isinstance(value, dict) and not set(value) <= {"title", "body"} and len(value) == 1:
        (headline, _), *_ = value.items()
        raise values.InvalidValue(
            "colon-in-value",
            f'"{values.shorten(str(headline))}:" is read as a key, because a colon and a space follow',
            "quote the whole headline",
        )
    return value


class ExampleShape(StrictShape):
    """A headline, or a title and a body."""

    title: Annotated[str, pydantic.WithJsonSchema({"type": ["string", "number"]})] = pydantic.Field(
        "", description="The headline, as plain text."
    )
    body: Annotated[str, pydantic.WithJsonSchema({"type": ["string", "number"]})] = pydantic.Field(
        "", description="The text, as plain text."
    )


_Examples = Annotated[
    tuple[Annotated[ExampleShape, pydantic.BeforeValidator(_expand_example), values.OrText()], ...],
    pydantic.BeforeValidator(values.as_list),
]


class RuleShape(StrictShape):
    """One watch rule: what to match, which channels to notify, and how urgent it is."""

    OTHER_WORDS: ClassVar = {
        **dict.fromkeys(
            ("not", "exclude", "excludes", "excluded", "without", "unless", "except", "no", "ignore"), "none"
        ),
        **dict.fromkeys(("must", "and", "require", "required", "requires", "must_have"), "all"),
        **dict.fromkeys(("or", "keywords", "keyword", "terms", "words", "match", "include", "search", "either"), "any"),
        **dict.fromkeys(("channel", "channels", "to", "alert", "send", "send_to", "post_to"), "notify"),
        **dict.fromkeys(("title", "rule", "label", "id"), "name"),
        **dict.fromkeys(("priority", "urgency", "level", "importance"), "severity"),
        **dict.fromkeys(("comment", "description", "why"), "note"),
        **dict.fromkeys(("example", "examples", "test", "tests", "matches"), "must_match"),
        **dict.fromkeys(("disabled", "off"), "paused"),
        **dict.fromkeys(("sources", "source", "only", "outlets", "tags"), "feeds"),
        **dict.fromkeys(("expires", "ends", "end", "expiry"), "until"),
        **dict.fromkeys(("schedule", "digest", "at"), "when"),
        **dict.fromkeys(("in", "field", "fields"), "where"),
        **dict.fromkeys(("people", "mentions", "ping"), "mention"),
    }

    name: Annotated[values.Text, pydantic.Field(max_length=200)] = pydantic.Field(
        ..., description="The rule's name in messages; unique over all files.", examples=["BlackBerry in Pakistan"]
    )
    notify: Annotated[values.Texts, pydantic.Field(min_length=1)] = pydantic.Field(
        (),
        description="One channel of bot.yaml, or a list of them. Without it, the routes of bot.yaml decide.",
        examples=["alerts"],
    )
    all: _Lines | None = pydantic.Field(
        None,
        description=(
            "Every line must match, in any of its wordings: labelled lines, or a plain list in which every item must "
            "match."
        ),
    )
    any: _Lines | None = pydantic.Field(None, description="At least one line must match.")
    none: _Lines | None = pydantic.Field(None, description="No line may match.")
    query: Annotated[values.Text, pydantic.WithJsonSchema({"type": "string"})] | None = pydantic.Field(
        None, description="Instead of all and any: a query with AND OR NOT NEAR, best as a block: query: |."
    )
    stem: bool = pydantic.Field(
        False,
        description=(
            "true: each term also matches the other English forms of its last word: fine also finds fines and fined. "
            "Terms in CAPITALS, in braces and with * or ? stay as they are."
        ),
    )
    where: model.Where = pydantic.Field(
        model.Where.ANYWHERE, description="The part of the article that is searched: title, body, or anywhere (both)."
    )
    feeds: values.Texts = pydantic.Field(
        (), description="Only these feeds, by name, address or tag. Without it, every feed."
    )
    severity: model.Severity = pydantic.Field(
        model.Severity.NORMAL, description="low, normal or high; high passes quiet hours."
    )
    mention: values.Texts = pydantic.Field(
        (),
        description="People whom a story's first message mentions, by their names in people of a channel. Without it, "
        "the mention of bot.yaml.",
    )
    group: model.Group = pydantic.Field(
        model.Group.NORMAL,
        description="How readily articles share a story: normal, strict (nearly certain only) or off (each alone).",
    )
    min_outlets: Annotated[int, pydantic.Field(ge=1, le=100)] = pydantic.Field(
        1, description="The number of independent owners that must carry a story before it is posted."
    )
    cooldown: values.Duration | None = pydantic.Field(
        None, description="After a post, the rule's next story in that channel waits this long: 2 hours."
    )
    gather: values.Duration | None = pydantic.Field(
        None,
        description="A story's first post waits this long, so that it names several outlets: 90 seconds. Not with "
        "severity high. Without it, the gather of bot.yaml.",
    )
    when: values.When = pydantic.Field(
        None, description="now, or digest 08:00: all stories of a day in one message at that time."
    )
    thread: model.Thread | None = pydantic.Field(
        None,
        description="Replies in a story's thread: claims (changed values, corrections), news (also quotes of what is "
        "new) or all (also each article that joins). Without it, the thread of the channel.",
    )
    remind: values.Leads | None = pydantic.Field(
        None,
        description=(
            "How long before a story's deadline its thread gets a reminder: 2 days, or a list: [7 days, 1 day]."
        ),
    )
    until: values.Until | None = pydantic.Field(
        None,
        description="The last day on which the rule applies (2026-12-31), or the time it ends (2026-12-31 18:00).",
    )
    paused: bool = pydantic.Field(False, description="true: the rule still matches, but posts nothing.")
    expect: values.Rhythm | None = pydantic.Field(
        None, description="every 2 days: the operator is notified when nothing has matched for that long."
    )
    note: values.Text | None = pydantic.Field(None, description="For colleagues: why this rule exists.")
    about: Annotated[values.Text, pydantic.Field(max_length=500)] | None = pydantic.Field(
        None,
        description=(
            "The topic of the articles, in plain words. A language model (model, with uses: relevance) judges "
            "each match; a rejected article is listed and not posted. Without effect where severity is high."
        ),
    )
    must_match: _Examples = pydantic.Field(
        (), description="Headlines (or title and body) that the rule must match; checked at every load."
    )
    must_not_match: _Examples = pydantic.Field(
        (), description="Headlines (or title and body) that the rule must not match; checked at every load."
    )


class SetsShape(StrictShape):
    """A named list of terms."""

    sets: dict[str, Annotated[tuple[_Term, ...], pydantic.WithJsonSchema({"type": "array", "items": _TERM_SCHEMA})]] = (
        pydantic.Field({}, description="Terms under a name: blackberry_server: [BES, …], used as $blackberry_server.")
    )


class RulesShape(SetsShape):
    """The rules of one team, and the sets of terms that they share."""

    rules: tuple[RuleShape, ...] = pydantic.Field(..., description="The watch rules.")
