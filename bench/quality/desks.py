"""Run the public command on the labelled desks, and score what a reader of the channels sees.

The bench writes a configuration with the rule of each desk, a channel per desk, and a feed per source of a desk. A
local server serves the feeds, and a local Slack receives the messages. Each round adds the next article of every desk,
polls all feeds, decides and sends. Prints for each desk and part: hidden events, messages in addition to one per event,
pairs of articles in one story, replies that state something, and reported news.

    python -m bench.quality.desks [--parts a b c] [--desks NAME ...] [--show] [--model YAML] [--languages NAME]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.sax.saxutils import escape

import structlog
import yaml
from rich.console import Console
from rich.table import Table

from bench.quality.desk_scores import Desk, Item, Score, Shown, load, score, slug
from bot import app
from bot.app import runtime
from bot.model.language_models import Completion
from tests.testbed.servers import slack
from tests.testbed.servers.feeds import FeedServer

#: Maximum time to send the messages of a round.
DRAIN = timedelta(minutes=2)
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

#: Replies that state nothing of the news itself: who else reports it, which rule matched.
_NO_STATEMENT = ("independent outlets", "another rule", "also matches")


@dataclass(slots=True)
class _Channel:
    """The messages of one channel so far."""

    shown: Shown = field(default_factory=Shown)
    #: ts of the messages that were seen in an earlier round.
    seen: set[str] = field(default_factory=set)


def feed(desk: str, source: str, items: Sequence[Item]) -> bytes:
    """The RSS document of one source of one desk, newest first."""
    site = f"https://{slug(source)}.example/"
    entries = "".join(
        f"<item><title>{escape(item.title)}</title><link>{escape(item.link)}</link>"
        f'<guid isPermaLink="false">{desk}-{item.id}</guid><pubDate>{format_datetime(item.at)}</pubDate>'
        f"<description>{escape(escape(item.text).replace(chr(10), '<br/><br/>'))}</description></item>"
        for item in reversed(items)
    )
    language = items[0].language if items else "en"
    head = f"<title>{escape(source)}</title><link>{site}</link><language>{language}</language>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{entries}</channel></rss>'.encode()


def configure(folder: Path, desks: Sequence[Desk], *, feeds_url: str, api_url: str, keys: Mapping[str, object]) -> None:
    """Write bot.yaml, feeds.yaml and a file of rules a desk."""
    channels = {
        desk.name: {
            "kind": "slack",
            "to": f"#{desk.name}",
            "token": "env:SLACK_BOT_TOKEN",
            "api_url": api_url,
            "pace": "0 seconds",
        }
        for desk in desks
    }
    bot = {
        "database": f"sqlite:///{folder}/desks.db",
        "channels": channels,
        "fetch": {"allow_private": ["127.0.0.0/8"]},
        # Each story needs a message of its own, so that it can be counted.
        "posts_per_hour": 3600,
        **keys,
    }
    feeds = [
        {
            "url": f"{feeds_url}/{desk.name}/{slug(source)}",
            "name": source,
            "tags": [desk.name],
            "full_text": "never",
        }
        for desk in desks
        for source in sorted({item.source for item in desk.items})
    ]
    (folder / "rules").mkdir()
    (folder / "bot.yaml").write_text(yaml.safe_dump(bot), encoding="utf-8")
    (folder / "feeds.yaml").write_text(yaml.safe_dump({"feeds": feeds}, allow_unicode=True), encoding="utf-8")
    for desk in desks:
        own = "\n".join(f"    {line}" for line in desk.rule.splitlines() if line.strip())
        more = f"    notify: {desk.name}\n    feeds: [{desk.name}]\n"
        text = "rules:\n  -" + own[3:] + "\n" + more
        (folder / "rules" / f"{desk.name}.yaml").write_text(text, encoding="utf-8")


async def run(
    desks: Sequence[Desk], keys: Mapping[str, object], environ: Mapping[str, str] = MappingProxyType({})
) -> tuple[Mapping[str, Shown], Sequence[Completion]]:
    """Return what each desk's channel showed after all items came, one a round, and the calls of a language model.

    ``keys`` are added to bot.yaml. All rounds run in one process.
    """
    async with AsyncExitStack() as stack:
        server = stack.enter_context(slack.serve())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        feeds = await stack.enter_async_context(FeedServer())
        for desk in desks:
            server.workspace.add_channel(desk.name)
            for source in {item.source for item in desk.items}:
                feeds.serve(f"/{desk.name}/{slug(source)}", feed(desk.name, source, []))
        configure(folder, desks, feeds_url=feeds.url(""), api_url=server.api_url, keys=keys)
        environment = app.Environment(environ={**os.environ, "SLACK_BOT_TOKEN": slack.TOKEN, **environ})
        bot = await stack.enter_async_context(runtime.opened(app.load(folder, environment.environ), environment))
        await bot.once(everything=True, drain=DRAIN)
        channels = {desk.name: _Channel() for desk in desks}
        for place in range(max(len(desk.items) for desk in desks)):
            still_open = [desk for desk in desks if place < len(desk.items)]
            for desk in still_open:
                source = desk.items[place].source
                so_far = [item for item in desk.items[: place + 1] if item.source == source]
                feeds.serve(f"/{desk.name}/{slug(source)}", feed(desk.name, source, so_far))
            await bot.once(everything=True, drain=DRAIN)
            for desk in still_open:
                _look(channels[desk.name], desk, place, server.workspace.messages(desk.name))
        stories = await bot.store.read(lambda tx: tx.stories.since(None))
        calls = await bot.store.read(lambda tx: tx.completions.since(_BEGINNING))
    home = {member.article.link: story.id for story in stories if story.merged_into is None for member in story.members}
    for desk in desks:
        channels[desk.name].shown.stories = {item.id: home[item.link] for item in desk.items if item.link in home}
    return {name: channel.shown for name, channel in channels.items()}, calls


def _look(channel: _Channel, desk: Desk, at: int, messages: Sequence[Mapping[str, Any]]) -> None:
    """Read what came in this round, and headlines that edits brought."""
    for message in messages:
        is_new = message["ts"] not in channel.seen
        channel.seen.add(message["ts"])
        lines = list(_texts(message.get("blocks") or [message.get("text", "")]))
        if "thread_ts" in message and not message.get("reply_broadcast"):
            text = " ".join(lines)
            if is_new and not any(phrase in lines[0].lower() for phrase in _NO_STATEMENT):
                channel.shown.replies.append((desk.items[at].id, text))
            continue
        channel.shown.messages += is_new
        head = _folded(" ".join(lines[:4]))
        # Its own headline is first; the headline of a related story comes last.
        places = {item.id: head.find(_folded(item.title)[:60]) for item in desk.items[: at + 1]}
        first = min((place for place in places.values() if place >= 0), default=None)
        same = [item for item, place in places.items() if place == first]
        if same:
            # If several items have one headline, a new message shows the latest.
            channel.shown.headlines.add(same[-1 if is_new else 0])


def _texts(value: object) -> Iterator[str]:
    """Every text of a message's blocks, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        text = value.get("text")
        if text is not None:
            yield from _texts(text)
        for key in ("elements", "fields"):
            yield from _texts(value.get(key) or [])
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _folded(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _row(table: Table, name: str, scored: Score) -> None:
    table.add_row(
        name,
        str(scored.events),
        str(scored.hidden),
        str(scored.beyond),
        f"{scored.pairs.precision:.2f}, {scored.pairs.recall:.2f}",
        f"{scored.across.precision:.2f}, {scored.across.recall:.2f}" if scored.across.labelled else "",
        f"{scored.replies_right} of {scored.replies}",
        f"{scored.told} of {scored.with_news}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=["a", "b", "c"], help="folders of the desks' data")
    parser.add_argument("--desks", nargs="+", help="only these")
    parser.add_argument("--show", action="store_true", help="print the hidden events and the wrong replies")
    parser.add_argument(
        "--model", help="bot.yaml's model, as YAML: {url: file:/tmp/answers.jsonl, name: x, uses: [facts]}"
    )
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    out = Console(width=130)
    for part in chosen.parts:
        desks = [desk for desk in load(part) if not chosen.desks or desk.name in chosen.desks]
        if not desks:
            continue
        table = Table(
            "desk",
            "events",
            "hidden",
            "beyond",
            "pairs P, R",
            "across languages",
            "replies right",
            "news told",
            title=f"part {part}",
        )
        more = {"model": yaml.safe_load(chosen.model)} if chosen.model else {}
        whole = Score()
        shown, calls = asyncio.run(run(desks, more))
        for desk in desks:
            scored = score(desk, shown[desk.name])
            whole.add(scored)
            _row(table, desk.name, scored)
        table.add_section()
        _row(table, "all", whole)
        out.print(table)
        if chosen.model:
            articles = sum(len(channel.stories) for channel in shown.values())
            out.print(f"{len(calls)} calls of the model, {len(calls) / (articles or 1):.2f} a matched article")
        if chosen.show:
            for remark in whole.remarks:
                out.print(remark, markup=False, highlight=False)


if __name__ == "__main__":
    main()
