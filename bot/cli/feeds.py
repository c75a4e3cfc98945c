"""wirewatch feeds: find, add, import, export and test feeds."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace
from json import dumps
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from bot import app
from bot.app import wiring
from bot.cli import terminal
from bot.cli.options import DEFAULT_CONFIG, LEFT, UNUSABLE, ConfigDir, Json
from bot.config import feed_list, opml
from bot.durations import format_count
from bot.feeds import links, places, topics
from bot.fetch import parsing
from bot.fetch.finding import FeedFinder, FoundFeed
from bot.model import visible
from bot.model.errors import ConfigError, IsPage, ReadError
from bot.model.feeds import Feed
from bot.model.settings import FetchPolicy

feeds = typer.Typer(help="Find, add, import, export and test feeds.", no_args_is_help=True)

Address = Annotated[
    str,
    typer.Argument(help="A feed, a page, or a short form such as youtube:@channel.", metavar="ADDRESS"),
]

#: Maximum items shown for one feed.
SHOWN = 5


@feeds.command("test")
def look(address: Address, folder: ConfigDir = DEFAULT_CONFIG, json: Json = False) -> None:
    """Fetch and parse a feed or the feeds of a page; show the items.

    Fetches with the settings of bot.yaml and feeds.yaml. Stores nothing.

    Example: wirewatch feeds test https://www.bbc.co.uk/news
    """
    feeds_found = asyncio.run(_find(folder, address))
    if json:
        terminal.answer([_as_json(entry) for entry in feeds_found])
        return
    for entry in feeds_found:
        _show(entry)


@feeds.command()
def find(
    topic: Annotated[str, typer.Argument(help="A topic, or the address of a site.", metavar="TOPIC")],
    edition: Annotated[
        list[str] | None,
        typer.Option(help="Search this edition, a language and a country: en-PK. Repeatable.", metavar="EDITION"),
    ] = None,
    should_add: Annotated[bool, typer.Option("--add", help="Add the lines to feeds.yaml.")] = False,
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Propose searches for a topic, or the feeds of a site.

    Prints lines for feeds.yaml. The news search engines need no key. Without --edition, searches the US edition and
    the editions of the countries that the topic names, if their language is one of the topic's. The command visits a
    site to find its feeds, but no search engine.

    Example: wirewatch feeds find "lawful access Pakistan" --add
    """
    proposed = find_feeds(folder, topic, edition)
    if should_add:
        write_feeds(folder, proposed)
    terminal.write(feed_list.add_feeds("feeds:\n", proposed).text)


def find_feeds(folder: Path, topic: str, editions: list[str] | None = None) -> list[Feed]:
    """Return feeds for a topic, or a site's feeds. Raises ConfigError, FetchError and ReadError."""
    if "://" in topic or places.find_place(topic) is not None or (" " not in topic and "." in topic):
        return [_feed_of(found_feed, topic) for found_feed in asyncio.run(_find(folder, topic))]
    searches = topics.list_searches(topic, editions=editions or topics.find_editions(topic))
    try:
        for search in searches:
            places.expand_short_form(search)
    except places.Unfit as unfit:
        raise ConfigError(f"{topic}: {unfit}") from None
    return [Feed(url=search) for search in searches]


@feeds.command()
def add(address: Address, folder: ConfigDir = DEFAULT_CONFIG) -> None:
    """Find the feed of a page and add it to feeds.yaml.

    If a page has no feed, finds its list of headlines and adds selectors for it. Keeps the comments and the order of
    feeds.yaml.

    Example: wirewatch feeds add https://www.dawn.com
    """
    feeds_found = asyncio.run(_find(folder, address))
    best = feeds_found[0]
    _show(best)
    for other in feeds_found[1:]:
        what = f"item: {other.selectors['item']}" if other.selectors else other.reading.title or "without a title"
        terminal.say(visible.line(f"the page also has {other.url} ({what})"))
    if best.selectors:
        terminal.say(
            "the page has no feed, so these selectors are added; if they miss headlines, correct them in feeds.yaml"
        )
    write_feeds(folder, [_feed_of(best, address)])


def _feed_of(found_feed: FoundFeed, address: str) -> Feed:
    """Return a found feed as an entry of feeds.yaml. ``address`` is what the user wrote."""
    title = visible.dropped(found_feed.name or found_feed.reading.title or "")
    feed = Feed(url=address if places.find_place(address) else found_feed.url, name=title or None)
    return replace(feed, kind="page", options=dumps(dict(found_feed.selectors))) if found_feed.selectors else feed


@feeds.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="An OPML file.", metavar="FILE")], folder: ConfigDir = DEFAULT_CONFIG
) -> None:
    """Add the feeds of an OPML file to feeds.yaml.

    Reports entries that cannot be read, and adds all others.

    Example: wirewatch feeds import subscriptions.opml
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        terminal.fail(f"cannot read {file}: {error.strerror}", UNUSABLE)
    reading = opml.read_opml(content)
    for problem in reading.problems:
        terminal.say(visible.line(f"{file}: {problem}"))
    if not reading.feeds:
        terminal.fail(f"{file} contains no feed", LEFT)
    write_feeds(folder, reading.feeds)


@feeds.command()
def export(folder: ConfigDir = DEFAULT_CONFIG) -> None:
    """Print the feeds of feeds.yaml as OPML.

    Example: wirewatch feeds export > subscriptions.opml
    """
    settings = app.load(folder, os.environ)
    terminal.write(opml.write_opml(settings.feeds))


def write_feeds(folder: Path, new_feeds: Sequence[Feed]) -> None:
    path = folder / "feeds.yaml"
    new_feeds = [replace(feed, aggregator=True) if _is_aggregator(feed) else feed for feed in new_feeds]
    try:
        old_text = path.read_text(encoding="utf-8") if path.exists() else "feeds:\n"
        addition = feed_list.add_feeds(old_text, new_feeds)
        if addition.added:
            _replace(path, addition.text)
    except OSError as error:
        terminal.fail(f"cannot write {path}: {error.strerror}", UNUSABLE)
    for feed in addition.already_listed:
        terminal.say(f"already there: {feed.url}")
    terminal.say(f"{path}: {len(addition.added)} added, {len(addition.already_listed)} already there")


def _replace(path: Path, text: str) -> None:
    """Replace the file atomically and keep its permissions. Never write through a link at the temporary file's path."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644), "wb") as new:
        new.write(text.encode())
        if path.exists():
            os.fchmod(new.fileno(), stat.S_IMODE(path.stat().st_mode))
    part.replace(path)


def _is_aggregator(feed: Feed) -> bool:
    return feed.aggregator is None and feed.owner is None and links.is_known_aggregator(feed.url)


async def _find(folder: Path, address: str) -> list[FoundFeed]:
    """Return the feed at an address. If the address is a page, return its linked feeds, or else its lists of headlines.

    Raises ConfigError, FetchError and, if nothing is found, ReadError.
    """
    if " " in address.strip() and "://" not in address and not places.find_place(address):
        raise ConfigError(f'"{address}" is not an address; to search for words: wirewatch feeds find "{address}"')
    environment = app.Environment(environ=os.environ)
    policy, configured = _settings(folder, environment)
    try:
        place = places.expand_short_form(address) if places.find_place(address) else None
    except places.Unfit as unfit:
        raise ConfigError(f"{address}: {unfit}") from None
    url = (
        place.url
        if place
        else address
        if urlsplit(address).scheme in ("http", "https", "imap", "imaps")
        else f"https://{address}"
    )
    if place:
        configured = {url: place, **configured}
    fetcher, documents = wiring.fetcher_of(policy, environment), parsing.make_reader(policy)
    try:
        await documents.prepare()
        look = FeedFinder(fetcher, documents, configured, environment.clock)
        try:
            return [await look.find(url)]
        except IsPage as page:
            offered, problems = await look.find_offered(page.feeds, page=url)
            for problem in problems:
                terminal.say(problem)
            offered = offered or await look.find_list(url)
            if not offered:
                raise ReadError(f"{url}: {page}") from None
            return offered
    finally:
        await documents.close()
        await fetcher.close()


def _settings(folder: Path, environment: app.Environment) -> tuple[FetchPolicy, Mapping[str, Feed]]:
    """Return the fetch settings and the feeds by address. If the configuration has errors, return the defaults."""
    try:
        settings = app.load(folder, environment.environ)
        return settings.bot.fetch, {feed.url: feed for feed in settings.feeds}
    except ConfigError:
        if (folder / "bot.yaml").is_file():
            terminal.say(f"{folder} has errors, so its fetch settings are ignored; `wirewatch check` shows the errors")
        return FetchPolicy(), {}


def _show(feed: FoundFeed) -> None:
    reading = feed.reading
    terminal.row(reading.title or "(without a title)", style="bold")
    terminal.row(f"  {feed.url}")
    for key, path in (feed.selectors or {}).items():
        terminal.row(f"  {key}: {path}", style="dim")
    if feed.page:
        terminal.row(f"  named by {feed.page}", style="dim")
    terminal.row(f"  {format_count(len(reading.entries), 'item')}")
    for entry in reading.entries[:SHOWN]:
        date = f"{entry.published:%Y-%m-%d %H:%M}  " if entry.published else "undated  "
        terminal.row(f"  - {date}{entry.title or '(without a title)'}")
    for remark in reading.remarks:
        terminal.row(f"  note: {remark}", style="yellow")


def _as_json(feed: FoundFeed) -> dict[str, object]:
    return {
        "url": feed.url,
        "page": feed.page,
        "selectors": feed.selectors,
        "title": feed.reading.title,
        "remarks": list(feed.reading.remarks),
        "items": [
            {
                "title": entry.title,
                "link": entry.link,
                "published": entry.published.isoformat() if entry.published else None,
            }
            for entry in feed.reading.entries
        ],
    }
