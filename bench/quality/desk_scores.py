"""Load the labelled desks, and score what a channel showed of them.

A desk is the news under one narrow rule. Each article is labelled with its event and with its new facts. The scores:

hidden     events of which no article was shown under its own headline
beyond     messages and broadcast replies in addition to one per event
pairs      precision and recall of pairs of articles in one story
replies    replies that state something: right or wrong
news       articles with news whose news was reported
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from pathlib import Path

from tests.testbed import shared_data

#: Parts a, b and c are real data beside the repository; the others are of this folder, made for fitting.
DATA = shared_data.ROOT / "desks"
OWN = Path(__file__).with_name("own_desks")
OWN_PARTS = tuple(sorted(folder.name for folder in OWN.iterdir() if folder.is_dir()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One labelled article."""

    desk: str
    id: str
    at: datetime
    source: str
    language: str
    title: str
    text: str
    #: The event; None: the item does not belong to the rule.
    event: str | None
    kind: str
    #: For each new fact, strings; a right reply contains one of them.
    news: tuple[tuple[str, ...], ...]

    @property
    def link(self) -> str:
        """Its address, one site a source."""
        return f"https://{slug(self.source)}.example/{self.desk}/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    name: str
    #: The rule as its author wrote it, YAML.
    rule: str
    items: tuple[Item, ...]


@dataclass(slots=True, kw_only=True)
class Shown:
    """The messages of one channel about one desk."""

    #: Ids of items that were shown under their own headline, by a message or a broadcast reply.
    headlines: set[str] = field(default_factory=set)
    #: Messages and broadcast replies.
    messages: int = 0
    #: (item that caused it, text) of each reply that states something.
    replies: list[tuple[str, str]] = field(default_factory=list)
    #: Item -> its story at the end.
    stories: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of items: of one event and in one story, in one story, of one event."""

    right: int = 0
    joined: int = 0
    labelled: int = 0

    def __add__(self, other: Pairs) -> Pairs:
        return Pairs(self.right + other.right, self.joined + other.joined, self.labelled + other.labelled)

    @property
    def precision(self) -> float:
        return self.right / self.joined if self.joined else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.labelled if self.labelled else 1.0


@dataclass(slots=True, kw_only=True)
class Score:
    """Sums over desks; ratios are made of sums."""

    events: int = 0
    hidden: int = 0
    beyond: int = 0
    #: Of all items of a desk, and of those in two languages.
    pairs: Pairs = Pairs()
    across: Pairs = Pairs()
    replies_right: int = 0
    replies: int = 0
    told: int = 0
    with_news: int = 0
    #: For people: the hidden events and the wrong replies.
    remarks: list[str] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Count another desk in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def slug(source: str) -> str:
    """A source's name as part of a host name."""
    return re.sub(r"[^a-z0-9]+", "-", source.lower()).strip("-") or "source"


def load(part: str) -> tuple[Desk, ...]:
    """The desks of one part, by name. Raises FileNotFoundError where the data is absent."""
    of_part = (OWN if part in OWN_PARTS else DATA) / part
    return tuple(_desk(folder) for folder in sorted(of_part.iterdir()) if folder.is_dir())


def _desk(folder: Path) -> Desk:
    lines = (folder / "items.jsonl").read_text(encoding="utf-8").splitlines()
    items = tuple(_item(folder.name, json.loads(line)) for line in lines)
    return Desk(name=folder.name, rule=(folder / "rule.yaml").read_text(encoding="utf-8"), items=items)


def _item(desk: str, row: Mapping[str, object]) -> Item:
    new = row["new"]
    assert isinstance(new, list)
    return Item(
        desk=desk,
        id=str(row["id"]),
        at=datetime.fromisoformat(str(row["at"])),
        source=str(row["source"]),
        language=str(row["lang"]),
        title=str(row["title"]),
        text=str(row["text"]),
        event=None if row["story"] is None else str(row["story"]),
        kind=str(row["kind"]),
        news=tuple(tuple(fact["say"]) for fact in new),
    )


def says(say: str, text: str) -> bool:
    """Whether a text contains a string at the start of a word; after a digit at its end, no digit may follow."""
    tail = r"(?!\d|[.,]\d)" if say[-1].isdigit() else ""
    return re.search(r"(?<!\w)(?<!\d[.,])" + re.escape(say.lower()) + tail, text.lower()) is not None


def score(desk: Desk, shown: Shown) -> Score:
    """One desk's sums."""
    by_id = {item.id: item for item in desk.items}
    events = {item.event for item in desk.items if item.event}
    shown_events = {by_id[item_id].event for item_id in shown.headlines}
    result = Score(events=len(events), hidden=len(events - shown_events), beyond=shown.messages - len(events))
    result.remarks += [f"{desk.name}: hidden {event}" for event in sorted(events - shown_events)]
    result.pairs, result.across = _pairs(desk, shown.stories)
    with_news = {item.id for item in desk.items if item.news}
    right = set()
    for item_id, text in shown.replies:
        is_right = any(says(say, text) for fact in by_id[item_id].news for say in fact)
        result.replies += 1
        result.replies_right += is_right
        if is_right:
            right.add(item_id)
        else:
            result.remarks.append(f"{desk.name} {item_id}: false: {' '.join(text.split())}")
    result.with_news, result.told = len(with_news), len(right & with_news)
    return result


def _pairs(desk: Desk, stories: Mapping[str, str]) -> tuple[Pairs, Pairs]:
    every = across = Pairs()
    for one, other in combinations([item for item in desk.items if item.event], 2):
        is_right, story = one.event == other.event, stories.get(one.id)
        is_joined = story is not None and story == stories.get(other.id)
        pair = Pairs(is_right and is_joined, is_joined, is_right)
        every += pair
        across += pair if one.language != other.language else Pairs()
    return every, across
