"""Story updates from the YAML files of this folder: a story, a later article, and what is new in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import yaml

from bot.model.stories import Article, ArticleId, Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    kind: str
    before: str | None
    after: str

    def is_said_by(self, fact: Fact) -> bool:
        return (
            fact.kind == self.kind
            and self.after.casefold() in f"{fact.label}: {fact.after}".casefold()
            and (self.before is None or self.before in (fact.before or ""))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    id: str
    is_material: bool
    earlier: tuple[Article, ...]
    article: Article
    wanted: tuple[Wanted, ...]


def load(name: str) -> list[Update]:
    rows = yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text("utf-8"))
    return [_update(row) for row in rows]


def _update(row: dict[str, Any]) -> Update:
    language = row.get("language", "en")
    earlier = [_article(f"{row['id']}-{number}", item, language) for number, item in enumerate(row["earlier"])]
    return Update(
        id=row["id"],
        is_material=row["material"],
        earlier=tuple(earlier),
        article=_article(f"{row['id']}-later", row["later"], language),
        wanted=tuple(
            Wanted(kind=item["kind"], before=item.get("before"), after=str(item["after"]))
            for item in row.get("new", ())
        ),
    )


def _article(name: str, row: dict[str, Any], language: str) -> Article:
    return article(row["title"], row["text"], name=name, outlet=row["outlet"], day=row["day"], language=language)


def article(
    title: str,
    text: str,
    *,
    name: str = "later",
    outlet: str = "Wire",
    day: date = date(2015, 12, 2),
    language: str = "en",
) -> Article:
    when = datetime.combine(day, time(9), UTC)
    return Article(
        id=ArticleId(name),
        feed=f"https://{outlet}.example/feed".replace(" ", "-").lower(),
        outlet=outlet,
        owner=outlet,
        link=f"https://news.example/{name}",
        title=title,
        text=text,
        language=language,
        published=when,
        first_seen=when,
        fingerprint=name,
    )
