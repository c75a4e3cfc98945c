"""The parameters of the API and of the tools, with their bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import pydantic

from bot import model
from bot.queries import trials
from bot.queries.errors import Mistake, Refused, Why
from bot.rules import search

#: Maximum and default number of entries on a page.
MOST, USUAL = 100, 20


def _whole(value: object) -> object:
    # pydantic also accepts "1.0" and " 1 ", which the schema does not allow.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or (isinstance(value, str) and not (value.isascii() and value.isdigit())):
        raise ValueError("a whole number is needed")
    return value


Whole = pydantic.BeforeValidator(_whole)
#: Matches most accepted values; for other values, the answer explains what is wrong.
_DURATION = r"[1-9][0-9]{0,2} ?(s|sec|second|m|min|minute|h|hr|hour|d|day|w|week)s?"
_DAY = r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
# A longer name would not fit into the head of a request, where one character may be written as twelve.
Name = Annotated[str, pydantic.Field(min_length=1, max_length=300)]
When = Annotated[
    str,
    pydantic.Field(
        min_length=1,
        max_length=40,
        examples=["30d", "2026-11-30"],
        json_schema_extra={"pattern": f"^({_DAY}|{_DURATION})$"},
    ),
]


_Wordings = Annotated[list[Annotated[str, pydantic.Field(max_length=2_000)]], pydantic.Field(max_length=1_000)]


class Question(pydantic.BaseModel):
    """The parameters of one question; unknown parameters are refused."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


_AFTER = "The `after` of the previous page."


class PagedQuestion(Question):
    """The parameters of an answer in pages."""

    limit: Annotated[int, pydantic.Field(ge=1, le=MOST, description="Entries of a page, at most."), Whole] = USUAL
    after: Annotated[
        str | None,
        pydantic.Field(
            min_length=1, max_length=100, description=_AFTER, json_schema_extra={"pattern": "^[0-9]{1,18}$"}
        ),
    ] = None


class StoriesQuestion(PagedQuestion):
    """A selection of stories."""

    since: Annotated[When | None, pydantic.Field(description="Only what changed since this day or for this long.")] = (
        None
    )
    rule: Annotated[Name | None, pydantic.Field(description="Only with an article that this rule matched.")] = None
    after: Annotated[
        str | None,
        pydantic.Field(
            min_length=1,
            max_length=100,
            description=_AFTER,
            json_schema_extra={"pattern": "^[0-9]{1,16}-[^\\x00]{1,80}$"},
        ),
    ] = None


class StoryQuestion(Question):
    """The id of one story."""

    id: Name


class ArticlesQuestion(PagedQuestion):
    """A selection of articles."""

    outlet: Annotated[Name | None, pydantic.Field(description="Only outlets with these words in their names.")] = None
    rule: Annotated[Name | None, pydantic.Field(description="Only articles that this rule matched.")] = None
    since: Annotated[When | None, pydantic.Field(description="Seen since this day or for this long.")] = None
    until: Annotated[When | None, pydantic.Field(description="Seen before this day or longer ago.")] = None


class SearchQuestion(ArticlesQuestion):
    """A selection of articles by their words."""

    q: Annotated[
        str,
        pydantic.Field(
            min_length=1,
            max_length=search.MAX_CHARACTERS,
            description='Words or a query: AND OR NOT NEAR/5 "a phrase" prefix* title: outlet names under source:. '
            "At most 100 terms and 5 regular expressions.",
            examples=["blackberry backdoor"],
        ),
    ]


class RulesQuestion(PagedQuestion):
    """A page of the rules."""


class FeedsQuestion(PagedQuestion):
    """A selection of feeds."""

    health: Annotated[model.FeedHealth | None, pydantic.Field(description="Only feeds of this health.")] = None


class ExplainQuestion(Question):
    """The rules to explain for one article: an archived article by its address, or any text as a headline."""

    rule: Annotated[Name | None, pydantic.Field(description="A rule's name or a part of it; without it, all.")] = None
    url: Annotated[
        str | None, pydantic.Field(min_length=1, max_length=4_000, description="An article of the archive.")
    ] = None
    text: Annotated[
        str | None, pydantic.Field(min_length=1, max_length=5_000, description="Any text; without `url`.")
    ] = None


class TryQuestion(Question):
    """The rules to try, and over how many days."""

    rule: Annotated[
        str,
        pydantic.Field(
            min_length=1,
            max_length=trials.MOST_CHARACTERS,
            description="A rule in YAML, a list of rules, a whole rule file, or a bare query.",
            examples=["name: Any backdoor\nquery: backdoor*\nnotify: alerts\n"],
        ),
    ]
    days: Annotated[int, pydantic.Field(ge=1, le=trials.MOST_DAYS), Whole] = trials.DAYS


class DraftQuestion(Question):
    """The parts of a rule that somebody describes."""

    name: Name
    notify: Annotated[_Wordings, pydantic.Field(description="Names of channels.")]
    query: Annotated[
        str | None, pydantic.Field(max_length=trials.MOST_CHARACTERS, description="A query; without `all`.")
    ] = None
    all: Annotated[
        dict[Name, _Wordings] | None,
        pydantic.Field(description="Label -> wordings; an article must mention one wording of each label."),
    ] = None
    none: Annotated[_Wordings | None, pydantic.Field(description="Wordings that exclude an article.")] = None
    must_match: Annotated[_Wordings | None, pydantic.Field(description="Headlines that it must match.")] = None
    must_not_match: Annotated[_Wordings | None, pydantic.Field(description="Headlines that it must not match.")] = None


class SilencesQuestion(Question):
    """A selection of silences."""

    ended: Annotated[
        Literal["yes", "no"], pydantic.Field(description="Whether to include silences that have ended.")
    ] = "no"


class SilenceQuestion(Question):
    """A silence to create: its subject, its channels, its end and its reason."""

    kind: Literal["story", "rule", "outlet", "entity", "everything"]
    name: Annotated[
        str,
        pydantic.Field(
            max_length=300, description="The name of the rule, outlet or entity, or the story's id; empty: everything."
        ),
    ] = ""
    lasts: Annotated[
        str | None,
        pydantic.Field(
            alias="for",
            min_length=1,
            max_length=40,
            examples=["2 hours", "3d"],
            json_schema_extra={"pattern": f"^{_DURATION}$"},
            description="How long; this or `until`. A silence of a story needs neither.",
        ),
    ] = None
    until: Annotated[
        str | None,
        pydantic.Field(
            min_length=1,
            max_length=40,
            examples=["2026-12-31", "2026-12-31 18:00"],
            description="The last day, or a time, in the zone of bot.yaml.",
        ),
    ] = None
    reason: Annotated[str, pydantic.Field(min_length=1, max_length=300)]
    channels: Annotated[
        list[Annotated[str, pydantic.Field(min_length=1, max_length=300)]],
        pydantic.Field(max_length=100, description="Only in these channels; empty: in all channels."),
    ] = []


class SplitQuestion(Question):
    """The articles that are about another event: their ids or links."""

    articles: Annotated[
        list[Annotated[str, pydantic.Field(min_length=1, max_length=1_000)]],
        pydantic.Field(min_length=1, max_length=100),
    ]


class MergeQuestion(Question):
    """The id of the other story that is about the same event."""

    other: Name


Q = TypeVar("Q", bound=Question)


def read(kind: type[Q], values: object) -> Q:
    """Parse the parameters of a question. Raises Refused with every mistake in them."""
    try:
        return kind.model_validate(values)
    except pydantic.ValidationError as error:
        names = [field.alias or name for name, field in kind.model_fields.items()]
        mistakes = [_mistake(details, names) for details in error.errors(include_url=False, include_input=False)]
    text = "; ".join(f"{item.where}: {item.message}" if item.where else item.message for item in mistakes)
    raise Refused(Why.MALFORMED, text, *mistakes)


def _mistake(details: Any, names: list[str]) -> Mistake:
    where = ".".join(map(str, details["loc"]))
    return Mistake(where=where, message=_message(details["type"], details.get("ctx", {}), names) or details["msg"])


def _message(kind: str, context: Mapping[str, Any], names: list[str]) -> str:
    """Return what is wrong in our own words, or an empty string to use pydantic's message."""
    match kind:
        case "extra_forbidden":
            return f"there is no such parameter; there are {', '.join(names)}"
        case "missing":
            return "it is needed"
        case "string_too_short":
            return "it may not be empty"
        case "string_too_long":
            return f"at most {context['max_length']:,} characters"
        case "too_long":
            return f"at most {context['max_length']:,} entries"
        case "too_short":
            return f"at least {model.format_count(context['min_length'], 'entry')}"
        case "greater_than_equal":
            return f"at least {context['ge']}"
        case "less_than_equal":
            return f"at most {context['le']}"
        case "enum" | "literal_error":
            return f"one of {context['expected']}"
        case "value_error":
            return str(context["error"])
        case "int_type":
            return "a whole number is needed"
        case "string_type":
            return "a text is needed"
        case "list_type":
            return "a list is needed"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "a JSON object is needed"
        case _:
            return ""
