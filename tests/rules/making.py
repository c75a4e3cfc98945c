"""Articles, feeds and rules for the tests of this folder."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot import model, rules
from bot.text import tokens

NOW = datetime(2015, 12, 2, 9, 0, tzinfo=UTC)
FEED = model.Feed(url="https://news.example/feed.xml", name="Example News", tags=("pakistan",))


def article(title: str = "", text: str = "", **fields: Any) -> model.Article:
    plain = model.Article(
        id=model.ArticleId("a"),
        feed=FEED.url,
        outlet="Example News",
        owner="news.example",
        link="https://www.news.example/2015/12/story.html",
        title=title,
        text=text,
        first_seen=NOW,
        fingerprint="",
    )
    return replace(plain, **fields)


def lines(given: dict[str, list[str]] | list[str]) -> tuple[model.Line, ...]:
    if isinstance(given, list):
        return tuple(model.Line(label=term, terms=(term,)) for term in given)
    return tuple(model.Line(label=label, terms=tuple(terms)) for label, terms in given.items())


def rule(**keys: Any) -> model.Rule:
    """A rule as YAML has it: lists and dicts."""
    for key in ("all", "any", "none"):
        if key in keys:
            keys[key] = lines(keys[key])
    for key in ("must_match", "must_not_match"):
        if key in keys:
            keys[key] = tuple(
                model.Example(title=each) if isinstance(each, str) else model.Example(**each) for each in keys[key]
            )
    if "sets" in keys:
        keys["sets"] = tuple((name, tuple(terms)) for name, terms in keys["sets"].items())
    return model.Rule(**{"name": "a rule", "notify": ("alerts",)} | keys)


def rule_set(*given: model.Rule) -> rules.RuleSet:
    return rules.RuleSet([rules.compile_rule(each) for each in given])


def matched(given: model.Rule, found: model.Article) -> tuple[model.Match, ...]:
    return rule_set(given).match(found, FEED, now=NOW)


def has(query: str, title: str = "", text: str = "", **fields: Any) -> bool:
    """Whether a query matches."""
    return bool(matched(rule(query=query), article(title, text, **fields)))


def item_has(term: str, title: str = "", text: str = "") -> bool:
    """Whether a list item matches."""
    return bool(matched(rule(any=[term]), article(title, text)))


def words_found(query: str, title: str = "", text: str = "") -> list[str]:
    found = matched(rule(query=query), article(title, text))
    return [evidence.text for match in found for evidence in match.evidence]


def squeezed(string: str) -> str:
    return re.sub(r"\s+", " ", string).strip()


def rules_text(string: str) -> str:
    """As the parser normalises it."""
    return tokens.normalise(string)
