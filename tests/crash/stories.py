"""Invented recalls that come in while processes are killed, and what the channel shows of them."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.journeys.world import Item

#: What is recalled.
GOODS = ("kettles", "heaters", "lamps", "toasters")
_SYLLABLES = "ba den ro mil ka vos ter lin gu phar zo net qui sal wex yor".split()
#: In the blocks of a message: the words before the headline of a related story, and that headline.
_RELATED = re.compile(r'Related: ".*?"text": "(?:[^"\\]|\\.)*"')


def new_words(rng: random.Random) -> Iterator[str]:
    """Names, no two alike: events that share some are one story to the bot, and rightly so."""
    seen: set[str] = set()
    while True:
        word = "".join(rng.choices(_SYLLABLES, k=4)).capitalize()
        if word not in seen:
            seen.add(word)
            yield word


def story(number: int, words: Iterator[str]) -> tuple[str, tuple[Item, ...]]:
    """One event: the words of its titles that no other has, and the article of each outlet (the report, its
    confirmation, a fact that changed)."""
    company, product, place, person = itertools.islice(words, 4)
    count, goods = 100 + number, GOODS[number % len(GOODS)]
    now = datetime.now(UTC)  # noqa: TID251 - the process under test lives in real time
    name = f"{product} {goods} in {place}"
    title = f"{company} recalls {count} {name}"
    first = f"{company} recalls {count} {product} {goods} sold in {place}. {person} of {company} said so."
    second = f"In {place}, {company} recalls its {product} {goods}, {count} of them, {person} said."
    third = f"{company} recalls 9{count} {product} {goods} in {place}, not {count}, {person} of {company} said."
    return name, (
        Item(id=f"n{number}", title=title, text=first, at=now),
        Item(id=f"s{number}", title=f"{title}, {person} says", text=second, at=now),
        Item(id=f"e{number}", title=f"{company} recalls 9{count} {name}", text=third, at=now),
    )


def poisoned(word: str, number: int, words: Iterator[str]) -> Item:
    """Return the report of one more event, whose headline has a poison.

    The poison is in a word that no other report has, as reports that share rare words are one story. Its number is in
    no other report either: a story that names this report as related would have the poison in its own message.
    """
    _, (report, *_) = story(10_000 + number, words)
    return replace(report, id=f"{word}{number}", title=f"{word}{next(words).lower()}: {report.title}")


def own_text(message: Mapping[str, Any]) -> str:
    """Return the text of a message without the headline that it names as related."""
    return _RELATED.sub("", json.dumps(message["blocks"], ensure_ascii=False))


def send_id(message: Mapping[str, Any]) -> str:
    return str(message["metadata"]["event_payload"]["send_id"])


def lost_and_doubled(messages: Sequence[Mapping[str, Any]], names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names of stories without a message, and the send ids of replies and the names that appear twice.

    A story that a message with several stories lists may have a separate message too, but only with news as its reply.
    """
    # An edit puts its own send id into the message that it edits.
    sends = Counter(send_id(message) for message in messages if "thread_ts" in message)
    threads = {message["thread_ts"] for message in messages if "thread_ts" in message}
    lists, posts, posts_with_news = Counter[str](), Counter[str](), Counter[str]()
    for message in messages:
        if "thread_ts" not in message:
            text = own_text(message)
            shown = [name for name in names if name in text]
            is_list = message["blocks"][0]["type"] == "header"
            (lists if is_list else posts).update(shown)
            posts_with_news.update(shown if message["ts"] in threads else ())
    doubled = [send for send, count in sends.items() if count > 1]
    doubled += [name for name in names if lists[name] > 1 or posts[name] > 1]
    doubled += [name for name in names if lists[name] and posts[name] > posts_with_news[name]]
    return [name for name in names if not lists[name] + posts[name]], doubled
