"""What may be asked, and within which bounds: the parameters of the API and of the tools."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from bot import model
from bot.answers import playground

#: Of one page.
MOST, USUAL = 100, 20


def _whole(value: object) -> object:
    # pydantic would take "1.0" and " 1 " too, which the schema does not allow.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or (isinstance(value, str) and not (value.isascii() and value.isdigit())):
        raise ValueError("a whole number is needed")
    return value


Whole = pydantic.BeforeValidator(_whole)
# Longer ones would not fit into the head of a request, where a character may be written with twelve.
Name = Annotated[str, pydantic.Field(min_length=1, max_length=300)]
When = Annotated[str, pydantic.Field(min_length=1, max_length=40, examples=["30d", "2026-11-30"])]


class Question(pydantic.BaseModel):
    """Parameters; one that is not known is refused."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class PagedQuestion(Question):
    """Of an answer in pages."""

    limit: Annotated[int, pydantic.Field(ge=1, le=MOST, description="Entries of a page, at most."), Whole] = USUAL
    after: Annotated[
        str | None,
        pydantic.Field(min_length=1, max_length=100, description="Where the page before ended: its `after`."),
    ] = None


class StoriesQuestion(PagedQuestion):
    """Which stories."""

    since: Annotated[When | None, pydantic.Field(description="Only what changed since this day or for this long.")] = (
        None
    )
    rule: Annotated[Name | None, pydantic.Field(description="Only with an article that this rule matched.")] = None


class ArticlesQuestion(PagedQuestion):
    """Which articles."""

    outlet: Annotated[Name | None, pydantic.Field(description="Only outlets with these words in their names.")] = None
    rule: Annotated[Name | None, pydantic.Field(description="Only articles that this rule matched.")] = None
    since: Annotated[When | None, pydantic.Field(description="Seen since this day or for this long.")] = None
    until: Annotated[When | None, pydantic.Field(description="Seen before this day or longer ago.")] = None


class SearchQuestion(ArticlesQuestion):
    """Which articles, by their words."""

    q: Annotated[
        str,
        pydantic.Field(
            min_length=1,
            max_length=10_000,
            description="Words or a query in the rule language; at most 2,000 characters and 100 terms.",
            examples=["blackberry backdoor"],
        ),
    ]


class RulesQuestion(PagedQuestion):
    """Which rules."""


class FeedsQuestion(PagedQuestion):
    """Which feeds."""

    health: Annotated[model.FeedHealth | None, pydantic.Field(description="Only feeds of this health.")] = None


class ExplainQuestion(Question):
    """Which rules on which article: one in the archive by its address, or any text as if it were a headline."""

    rule: Annotated[Name | None, pydantic.Field(description="A rule's name or a part of it; without it, all.")] = None
    url: Annotated[
        str | None, pydantic.Field(min_length=1, max_length=4_000, description="An article of the archive.")
    ] = None
    text: Annotated[
        str | None, pydantic.Field(min_length=1, max_length=5_000, description="Any text; without `url`.")
    ] = None


class TryQuestion(Question):
    """Which rules over how many days."""

    rule: Annotated[
        str,
        pydantic.Field(
            min_length=1,
            max_length=playground.MOST_CHARACTERS,
            description="A rule in YAML, a list of rules, a whole rule file, or a bare query.",
            examples=["name: Any backdoor\nquery: backdoor*\nnotify: alerts\n"],
        ),
    ]
    days: Annotated[int, pydantic.Field(ge=1, le=playground.MOST_DAYS), Whole] = playground.DAYS


class SilencesQuestion(Question):
    """Which silences."""

    ended: Annotated[
        Literal["yes", "no"], pydantic.Field(description="Whether those that have ended are listed too.")
    ] = "no"


class SilenceQuestion(Question):
    """About what nothing is to be posted, for how long, and why."""

    kind: Literal["rule", "outlet", "entity"]
    name: Annotated[str, pydantic.Field(min_length=1, max_length=300)]
    lasts: Annotated[str, pydantic.Field(alias="for", min_length=1, max_length=40, examples=["2 hours", "3d"])]
    reason: Annotated[str, pydantic.Field(min_length=1, max_length=300)]


class SplitQuestion(Question):
    """Which articles are another event: their ids or links."""

    articles: Annotated[
        list[Annotated[str, pydantic.Field(min_length=1, max_length=1_000)]],
        pydantic.Field(min_length=1, max_length=100),
    ]


class MergeQuestion(Question):
    """Which other story is the same event: its id."""

    other: Name
