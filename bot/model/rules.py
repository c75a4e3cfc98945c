"""A watch rule: its keys in a rule file, the shorthand that each key accepts, and the rule's matches.

``Rule`` is both the declaration of the keys and the value that the engine and the alerts read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from bot import keys
from bot.keys import Derived, InvalidValue, Key, Parse


class Severity(StrEnum):
    """The urgency of a rule. Stories of severity high are posted even in quiet hours."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """The rank, from 0 (low) to 2 (high)."""
        return ("low", "normal", "high").index(self)


class Group(StrEnum):
    """How readily articles that match a rule join one story."""

    NORMAL = "normal"
    #: Only nearly certain articles join.
    STRICT = "strict"
    #: Each article opens a separate story, which only copies and the same page can join.
    OFF = "off"
    #: One thread: all that the rule matches while coverage lasts is one story, and each further event a reply.
    RULE = "rule"


class Thread(StrEnum):
    """The events that get a reply in a story's thread."""

    #: Changed values, corrections, and articles whose headline announces something new.
    NEWS = "news"
    #: Also each article that joins.
    ALL = "all"


class Where(StrEnum):
    """The part of an article that a line is matched against."""

    TITLE = "title"
    BODY = "body"
    #: The title and the first two sentences of the body.
    LEAD = "lead"
    ANYWHERE = "anywhere"


class ArticleForm(StrEnum):
    """The form of an article that is not a plain report."""

    OPINION = "opinion"
    PODCAST = "podcast"
    #: A page that is rewritten while an event continues.
    LIVE = "live"
    VIDEO = "video"
    #: Also an analysis, or a check of facts.
    EXPLAINER = "explainer"
    PICTURES = "pictures"
    #: A daily or weekly list of several events.
    BRIEFING = "briefing"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One labelled line of ``all``, ``any`` or ``none``. It matches if at least one of its terms matches."""

    label: str
    terms: tuple[str, ...]


def _parse_factor(value: object) -> float:
    written = keys.parse_text(str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value)
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]+)?)\s*[x×]?", written)
    if not match or not 1 < float(match[1]) <= 100:
        raise InvalidValue("factor", f'"{keys.shorten(written)}" is not a factor from 1.1 to 100', "write 3x")
    return float(match[1])


def _check_window(window: timedelta) -> timedelta:
    if window % timedelta(hours=1) or window > timedelta(days=2):
        raise InvalidValue("duration", "the window must be whole hours, at most 2 days", "write 6 hours")
    return window


@dataclass(frozen=True, slots=True, kw_only=True)
class SurgeLimits:
    """The limits above which the coverage of a rule is a surge."""

    __pydantic_config__: ClassVar = {"extra": "forbid", "alias_generator": keys.key_of}

    above: Annotated[
        Annotated[float, Parse(_parse_factor, type=["string", "number"], examples=["3x"])],
        Key("How many times the usual number of articles: 3x."),
    ] = 3.0
    in_: Annotated[
        Annotated[keys.Duration, Parse(_check_window, "after")],
        Key("The window in which articles are counted, in whole hours: 6 hours."),
    ] = timedelta(hours=6)
    at_least: Annotated[int, Key("The smallest number of independent articles in the window.", ge=2, le=10_000)] = 8


def _expand_limits(value: object) -> object:
    # A YAML file gives text, and a test or a plug-in a bool.
    if str(value).lower() == "true":
        return {}
    if not isinstance(value, Mapping | SurgeLimits):
        advice = "write true, or {above: 3x, in: 6 hours, at_least: 8}; for no surges, leave volume out"
        raise InvalidValue("volume", "true or a block of limits is expected here", advice)
    return value


class _OrTrue:
    """Marks a block of keys that can also be written as true, for the JSON Schema."""

    def __get_pydantic_json_schema__(self, schema: object, handler: Any) -> Mapping[str, object]:
        return {"anyOf": [{"const": True}, handler(schema)]}


#: The value of ``when: volume``.
ONLY_SURGES: Literal["volume"] = "volume"
#: The value of ``when`` of a rule whose stories are listed only in the brief of their channel.
ONLY_BRIEF: Literal["brief"] = "brief"


#: The search text of ``audit: true``, which stands for a text made from the terms of the rule.
FROM_TERMS = "*"


TERM_SCHEMA: dict[str, object] = {"type": keys.TEXT_TYPES}
_LINES_SCHEMA: dict[str, object] = {
    "anyOf": [
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"anyOf": [TERM_SCHEMA, {"type": "array", "minItems": 1, "items": TERM_SCHEMA}]},
        },
        {"type": "array", "minItems": 1, "items": TERM_SCHEMA},
        TERM_SCHEMA,
    ]
}


def parse_term_text(value: object) -> str:
    """Return one term as text. Raises InvalidValue, also for a term that YAML reads as a block of keys."""
    if isinstance(value, dict):
        raise _describe_block(value, "item")
    if isinstance(value, list):
        raise InvalidValue(
            "wrong-kind",
            "a list inside a list",
            'write alternative terms in one list; in "all", give each list a name: {who: [Ofcom, FCA], what: fine}',
        )
    written = keys.parse_text(value)
    if len(written) > 1 and written.startswith("-") and written[1] not in "- ":
        raise InvalidValue(
            "dash",
            "a space is missing after the dash",
            f'write "- {written[1:]}"; to exclude it instead, write "{written[1:]}" under none',
        )
    return written


def _describe_block(block: Mapping[object, object], what: str) -> InvalidValue:
    """Return the error for text that YAML reads as a block of keys: ``title: X`` or ``{a, b}`` without quotes."""
    (key, value), *further_pairs = block.items() or [("", "")]
    if further_pairs or not key:
        return InvalidValue("quote-needed", "a block in braces is not text", "quote text that has braces")
    message = f'"{keys.shorten(str(key))}:" is read as a key, because a colon and a space follow'
    advice = f"quote the whole {what}"
    if isinstance(value, str) and '"' not in f"{key}{value}":
        advice += f': "{key}: {value}"'
    return InvalidValue("colon-in-value", message, advice)


def _expand_lines(value: object) -> object:
    """Expand a plain list, so that each item becomes a line whose label is the item."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        return {item.strip() if isinstance(item, str) else str(n): [item] for n, item in enumerate(value)}
    return _expand_terms(value)


def _expand_terms(value: object) -> object:
    if value is None:
        raise InvalidValue("no-value", "no value", "write one after the colon, or remove the key")
    if isinstance(value, dict):
        return {label: [terms] if isinstance(terms, str) else terms for label, terms in value.items()}
    return value


def _require_items(items: tuple[str, ...]) -> tuple[str, ...]:
    if not items:
        raise InvalidValue("no-value", "an empty list", "write the terms to look for, or remove the key")
    return items


def _to_lines(terms_by_label: Mapping[str, tuple[str, ...]]) -> tuple[Line, ...]:
    _require_items(tuple(terms_by_label))
    return tuple(Line(label=label, terms=terms) for label, terms in terms_by_label.items())


Term = Annotated[str, Parse(parse_term_text)]


_TermsByLabel = Annotated[
    dict[str, Annotated[tuple[Term, ...], Parse(_require_items, "after")]],
    Parse(_expand_lines, "before"),
    Parse(_to_lines, "after"),
]


Lines = Annotated[tuple[Line, ...], keys.As(_TermsByLabel), keys.Schema(**_LINES_SCHEMA)]


def _without_duplicates(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


Names = Annotated[keys.Texts, Parse(_without_duplicates, "after")]
Forms = Annotated[tuple[ArticleForm, ...], Parse(keys.as_list, "before"), keys.OrText()]


def _parse_when(value: object) -> Literal["brief", "volume"] | None:
    match keys.parse_text(value):
        case "now":
            return None
        case "volume":
            return ONLY_SURGES
        case "brief":
            return ONLY_BRIEF
        case written:
            advice = "write now, brief or volume; a channel's key brief sets the time of its brief"
            raise InvalidValue("when", f'"{written}" is not a time to post', advice)


def _parse_end(value: object, info: Any) -> datetime:
    return keys.end_of_date(keys.parse_until(value), info.context)


_UNTIL_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2})?$"
When = Annotated[Literal["brief", "volume"] | None, Parse(_parse_when, type="string", enum=["now", "brief", "volume"])]
Surges = Annotated[SurgeLimits, Parse(_expand_limits, "before"), _OrTrue()]
End = Annotated[datetime, Parse(_parse_end, info=True, type="string", pattern=_UNTIL_PATTERN, examples=["2026-12-31"])]
Query = Annotated[str, Parse(keys.parse_text, type="string")]


def _expand_audit(value: object) -> object:
    """Return the search texts as a list. ``true`` stands for a text that is made from the terms of the rule."""
    # A YAML file gives text, and a test or a plug-in a bool.
    items = value if isinstance(value, list | tuple) else [value]
    if len(items) == 1 and str(items[0]).lower() == "false":
        return []
    return [FROM_TERMS if str(item).lower() == "true" else item for item in items]


Audit = Annotated[keys.Texts, Parse(_expand_audit, "before"), _OrTrue()]
PlainText = Annotated[str, keys.Schema(type=["string", "number"])]


def _expand_example(value: object) -> object:
    if isinstance(value, str):
        return {"title": value}
    if isinstance(value, dict) and not set(value) <= {"title", "body"} and len(value) == 1:
        raise _describe_block(value, "headline")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A headline, or a title and a body."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    title: Annotated[PlainText, Key("The headline, as plain text.")] = ""
    body: Annotated[PlainText, Key("The text, as plain text.")] = ""


Examples = Annotated[
    tuple[Annotated[Example, Parse(_expand_example, "before"), keys.OrText()], ...], Parse(keys.as_list, "before")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One watch rule: what to match, which channels to notify, and how urgent it is."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    ADVICE: ClassVar[Mapping[str, str]] = {
        "enabled": "to switch the rule off, write paused: true",
        "active": "to switch the rule off, write paused: true",
        "language": "a rule applies to every language; to choose, name feeds or their tags: feeds: [urdu]",
        "languages": "a rule applies to every language; to choose, name feeds or their tags: feeds: [urdu]",
        **dict.fromkeys(("cooldown", "throttle", "rate_limit", "limit"), "to post less, write posts_per_hour: 5"),
        "regex": "write a regular expression as a term in slashes, any: ['/back.?door/']",
    }
    OTHER_WORDS: ClassVar[Mapping[str, str]] = {
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
        **dict.fromkeys(("schedule", "digest", "brief", "at"), "when"),
        **dict.fromkeys(("in", "field", "fields"), "where"),
        **dict.fromkeys(("forms", "formats", "leave_out", "skip_forms"), "skip"),
        **dict.fromkeys(("people", "mentions", "ping"), "mention"),
        **dict.fromkeys(("surge", "surges", "spike", "burst"), "volume"),
    }

    name: Annotated[
        keys.Text,
        Parse(keys.check_length(200), "after"),
        Key("The rule's name in messages; unique over all files.", example="BlackBerry in Pakistan"),
    ]
    notify: Annotated[
        Names,
        Key("One channel of bot.yaml, or a list of them. Without it, the routes of bot.yaml decide.", example="alerts"),
    ] = ()
    all: Annotated[
        Lines,
        Key(
            "A plain list in which every item must match, or labelled lines. At least one term of each line must match."
        ),
    ] = ()
    any: Annotated[Lines, Key("At least one line must match.")] = ()
    none: Annotated[Lines, Key("No line may match.")] = ()
    query: Annotated[
        Query | None,
        Key("A query with AND, OR, NOT and NEAR, instead of all and any. Best written as a block: query: |."),
    ] = None
    stem: Annotated[
        bool,
        Key(
            "true: each term also matches other English forms of its last word, so fine also finds fines and fined. "
            "This does not apply to terms in CAPITALS, in braces, or with * or ?."
        ),
    ] = False
    where: Annotated[
        Where,
        Key(
            "The part of the article that is searched: title, body, lead (the title or the first two sentences) or "
            "anywhere (title and body)."
        ),
    ] = Where.ANYWHERE
    skip: Annotated[
        Forms,
        Key(
            "Articles of these forms do not match: opinion, podcast, live, video, explainer, pictures, briefing. The "
            "outlet's own marks decide: a section of the address, a label in the headline or text, a tag.",
            example="opinion",
        ),
    ] = ()
    feeds: Annotated[Names, Key("Only these feeds, by name, address or tag. Without it, every feed.")] = ()
    severity: Annotated[
        Severity, Key("low, normal or high. Stories of severity high are posted even in quiet hours.")
    ] = Severity.NORMAL
    mention: Annotated[
        Names,
        Key(
            "People whom a story's first message mentions, by their names in the key people of a channel. Default: the "
            "mention of bot.yaml."
        ),
    ] = ()
    group: Annotated[
        Group,
        Key(
            "How readily articles join one story: normal, strict (only if nearly certain), off (each alone), or rule "
            "(all that the rule matches while coverage lasts is one thread, with a reply for each further event)."
        ),
    ] = Group.NORMAL
    quiet: Annotated[
        keys.Duration | None,
        Key(
            "With group: rule: a thread ends when nothing has matched for this long: 3 days. Default: the window of "
            "stories in bot.yaml."
        ),
    ] = None
    min_outlets: Annotated[
        int,
        Key(
            "The number of independent owners that must carry a story before it is posted. Outlets that only repeat "
            "one other outlet's report count as one.",
            ge=1,
            le=100,
        ),
    ] = 1
    official: Annotated[
        Literal["say"] | None,
        Key('say: a message without an article of a primary source (primary: true) says "no official source yet".'),
    ] = None
    posts_per_hour: Annotated[
        int | None,
        Key(
            "Maximum number of the rule's new posts per hour in each channel. Further stories are gathered into one "
            "message, not lost.",
            ge=1,
            le=3600,
        ),
    ] = None
    gather: Annotated[
        keys.Duration | None,
        Key(
            "A story's first post waits this long, so that it can name several outlets: 90 seconds. Stories of "
            "severity high never wait. Default: the gather of bot.yaml."
        ),
    ] = None
    when: Annotated[
        When,
        Key(
            "now, or brief to list the stories only in the brief of the channel (its key brief), or volume to post "
            "only surges (see the key volume)."
        ),
    ] = None
    volume: Annotated[
        Surges | None,
        Key(
            "Also post a message about each surge: coverage far above what is usual. {above: 3x, in: 6 hours, "
            "at_least: 8}, or true for these values."
        ),
    ] = None
    thread: Annotated[
        Thread | None,
        Key(
            "Events that get a reply in a story's thread: news (changed values, corrections, reversals, repetitions) "
            "or all (also each article that joins). Default: the thread of the channel."
        ),
    ] = None
    #: The moment at which the rule stops applying.
    until: Annotated[
        End | None,
        Key("The last day on which the rule applies (2026-12-31), or the time at which it ends (2026-12-31 18:00)."),
    ] = None
    paused: Annotated[bool, Key("true: the rule matches nothing until you remove this key.")] = False
    expect: Annotated[
        keys.Rhythm | None,
        Key("Notify the operator when nothing has matched for this long: every 2 days."),
    ] = None
    #: Search texts, each perhaps after its edition (“de-DE: …”).
    audit: Annotated[
        Audit,
        Key(
            "Once a day, also ask Google News, Bing News and GDELT, and list what no feed had. true: search for the "
            "rule's terms. Otherwise a search text, or a list of them, each with its edition if it is not en-US: "
            '"de-DE: Chatkontrolle".'
        ),
    ] = ()
    note: Annotated[keys.Text | None, Key("A note for colleagues, such as why this rule exists.")] = None
    about: Annotated[
        Annotated[keys.Text, Parse(keys.check_length(500), "after")] | None,
        Key(
            "The topic of the articles, in plain words. A language model (model, with uses: relevance) judges each "
            "match; a rejected article is listed and not posted. This has no effect if severity is high."
        ),
    ] = None
    must_match: Annotated[
        Examples, Key("Headlines (or title and body) that the rule must match; checked at every load.")
    ] = ()
    must_not_match: Annotated[
        Examples, Key("Headlines (or title and body) that the rule must not match; checked at every load.")
    ] = ()
    #: Names and terms of the sets that the rule uses.
    sets: Annotated[tuple[tuple[str, tuple[str, ...]], ...], Derived()] = ()
    #: Hash of the keys that decide what the rule matches and where it posts.
    version: Annotated[str, Derived()] = ""

    def has_ended(self, now: datetime) -> bool:
        """Return whether ``until`` is over."""
        return self.until is not None and self.until <= now

    @property
    def surge_limits(self) -> SurgeLimits | None:
        """The limits of the rule's surges, or None if it does not report surges."""
        return self.volume or (SurgeLimits() if self.when == ONLY_SURGES else None)

    @property
    def lines(self) -> tuple[tuple[str, Line], ...]:
        """The lines of all, any and none, each with its key."""
        return tuple(
            (key, line) for key, lines in (("all", self.all), ("any", self.any), ("none", self.none)) for line in lines
        )


def highest_severity(rules: Iterable[Rule]) -> Severity:
    """Return the highest severity among the rules, or normal if there are none."""
    return max((rule.severity for rule in rules), key=lambda severity: severity.rank, default=Severity.NORMAL)


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One passage of an article that a rule matched."""

    #: The label of the rule's line, such as “regulator”; for a query the term itself.
    label: str
    #: The term as the rule writes it.
    term: str
    #: title, body, url, site, author, tag, lang or source.
    field: str
    #: The article's own words.
    text: str
    #: Offsets into the field, in characters.
    start: int
    end: int


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A match of a rule with an article, and the matched words."""

    rule: str
    evidence: tuple[Evidence, ...]
