"""Sites that many people watch ("places"): short forms of their feeds, and how often their hosts may be polled.

    youtube:@channel → (expand_short_form) → a Feed with its real address → (place_of) its host: etiquette, outages

Pure; uses no network. The rules for a host also apply to feeds whose full address is configured. To add a place, write
a function that makes its feeds, and add an entry to ``_PLACES``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, lru_cache
from urllib.parse import quote

from bot.feeds.links import host_of
from bot.model.feeds import Feed

_SHORT_FORM = re.compile(r"([a-z][a-z-]{2,20}):(?!//)(.*)\Z", re.DOTALL)


class Unfit(ValueError):
    """Raised if the text after a place's name has none of the place's forms. The message lists the valid forms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Etiquette:
    """How often feeds of one host may be polled."""

    #: The shortest interval between two polls of one feed.
    every: timedelta = timedelta()
    #: The shortest interval between two polls by one process, over all feeds of the host.
    pace: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A site that many people watch."""

    #: The word before the colon of a short form.
    name: str
    #: Form -> example, for the docs.
    forms: Mapping[str, str]
    #: Makes the feed. Its arguments are the text after the colon, and whether the feed has a token. Raises Unfit.
    feed: Callable[[str, bool], Feed]
    #: Etiquette by host.
    hosts: Mapping[str, Etiquette] = field(default_factory=dict)
    #: Etiquette of feeds with a token, if it differs.
    with_token: Etiquette | None = None
    #: Statuses that the place sends during its outages, although they have another meaning.
    outages: frozenset[int] = frozenset()
    #: Whether the short form leads to a page that links to the feed.
    is_page: bool = False
    #: The beginning of the text that the place sends, with status 200, if it is polled too often.
    limit_text: bytes | None = None


def find_place(written: str) -> Place | None:
    """Return the place of a short form, or None for an address."""
    short_form = _SHORT_FORM.match(written.strip())
    return get_places().get(short_form[1]) if short_form else None


def expand_short_form(written: str, *, has_token: bool = False) -> Feed:
    """Return the feed of a short form (tagged with the place and the short form) or of an address.

    Raises Unfit.

    >>> expand_short_form("github:django/django").url
    'https://github.com/django/django/releases.atom'
    """
    place = find_place(written)
    if place is None:
        return Feed(url=written)
    short_form = written.strip()
    feed = place.feed(short_form.partition(":")[2].strip(), has_token)
    return replace(feed, tags=(place.name, short_form))


@lru_cache(maxsize=10_000)
def place_of(url: str) -> Place:
    """Return the place to which the address's host belongs, or a place without name and rules."""
    return _places_by_host().get(host_of(url), _NO_PLACE)


def etiquette_of(feed: Feed) -> Etiquette:
    """Return how often the feed's host may be polled."""
    place = place_of(feed.url)
    if place.with_token is not None and feed.auth is not None:
        return place.with_token
    return place.hosts.get(host_of(feed.url), _NO_RULES)


def _require(parts: re.Match[str] | None, *, write: str) -> re.Match[str]:
    """Return the parts of a short form. Raises Unfit, with the valid forms (``write``), if it did not match."""
    if parts is None:
        raise Unfit(f"write {write}")
    return parts


def _quote(words: str, *, write: str) -> str:
    """Return the words of a search, quoted for an address. Raises Unfit."""
    text = " ".join(words.split())
    if not 2 <= len(text) <= 1_000 or not text.isprintable():
        raise Unfit(f"write {write}")
    return quote(text, safe="")


def _split_edition(text: str) -> tuple[tuple[str, str] | None, str]:
    """Return the language and country at the start of a search, or None, and the rest."""
    edition = re.match(r"([a-z]{2,3})-([A-Z]{2}):\s*", text)
    return ((edition[1], edition[2]), text[edition.end() :]) if edition else (None, text)


#: Texts after the colon of short forms. Their characters need no quoting in an address.
_BLUESKY_ACCOUNT = re.compile(r"did:(?:plc|web):[\w.:%-]{4,200}|[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+", re.ASCII)
_GITHUB_ADVISORIES = re.compile(
    r"advisories(?:/(composer|erlang|actions|go|maven|npm|nuget|other|pip|pub|rubygems|rust|swift)"
    r"(?:/([\w.@/-]{1,200}))?)?",
    re.ASCII,
)
_GITHUB_REPOSITORY = re.compile(r"([\w.-]{1,100}/[\w.-]{1,100})(?:/(releases|tags|advisories))?", re.ASCII)
_GOOGLE_NEWS_TOPIC = re.compile(
    r"topic/(?:(WORLD|NATION|BUSINESS|TECHNOLOGY|ENTERTAINMENT|SPORTS|SCIENCE|HEALTH)|([A-Za-z0-9]{20,200}))", re.ASCII
)
_MASTODON_ACCOUNT = re.compile(r"(#?)([\w.-]{1,60})@([a-zA-Z0-9-]{1,63}(?:\.[a-zA-Z0-9-]{1,63}){1,9})", re.ASCII)
_REDDIT_PATH = re.compile(r"(?:r/(\w{2,30}(?:\+\w{2,30}){0,50})|u(?:ser)?/([\w-]{2,30}))/?", re.ASCII)
_RSSHUB_ROUTE = re.compile(r"(https?://[\w.-]{1,200}(?::\d{1,5})?)?(/(?!/)[\w./~@:+,%=&?!*()-]{1,500})", re.ASCII)
_TELEGRAM_CHANNEL = re.compile(r"[A-Za-z]\w{3,31}", re.ASCII)
_YOUTUBE_ID = re.compile(r"(UC[\w-]{22})|((?:PL|UU|OL|FL)[\w-]{10,60})", re.ASCII)


def _bing_news_feed(text: str, has_token: bool) -> Feed:
    edition, words = _split_edition(text)
    market = f"&mkt={'-'.join(edition)}" if edition else ""
    query = _quote(words, write="bing-news:words, or bing-news:en-PK:words for another edition")
    return Feed(url=f"https://www.bing.com/news/search?q={query}&format=rss{market}", aggregator=True)


def _bluesky_feed(name: str, has_token: bool) -> Feed:
    write = "bluesky:name.bsky.social, or the account's did:plc:…"
    account = _require(_BLUESKY_ACCOUNT.fullmatch(name.removeprefix("@")), write=write)[0]
    account = account if account.startswith("did:") else account.lower()
    return Feed(url=f"https://bsky.app/profile/{account}/rss", owner=f"bluesky:{account}")


def _gdelt_feed(words: str, has_token: bool) -> Feed:
    query = _quote(words, write='gdelt:words of a search, such as gdelt:"BlackBerry" sourcecountry:pakistan')
    parameters = "mode=artlist&format=rss&sort=datedesc&maxrecords=250&timespan=1d"
    return Feed(url=f"https://api.gdeltproject.org/api/v2/doc/doc?query={query}&{parameters}", aggregator=True)


def _github_feed(path: str, has_token: bool) -> Feed:
    write = "github:owner/name, github:owner/name/tags, github:owner/name/advisories or github:advisories/pip/package"
    api = "https://api.github.com"
    if path == "advisories" or path.startswith("advisories/"):
        parts = _require(_GITHUB_ADVISORIES.fullmatch(path), write=write)
        query = f"&ecosystem={parts[1]}" if parts[1] else ""
        query += f"&affects={parts[2]}" if parts[2] else ""
        url = f"{api}/advisories?sort=published&direction=desc&per_page=100{query}"
        return Feed(url=url, owner="github.com", kind="advisories")
    parts = _require(_GITHUB_REPOSITORY.fullmatch(path), write=write)
    owner = f"github.com/{parts[1]}"
    if parts[2] == "advisories":
        url = f"{api}/repos/{parts[1]}/security-advisories?per_page=50"
        return Feed(url=url, owner=owner, kind="advisories")
    return Feed(url=f"https://github.com/{parts[1]}/{parts[2] or 'releases'}.atom", owner=owner)


def _google_news_feed(text: str, has_token: bool) -> Feed:
    write = "google-news:words, google-news:topic/TECHNOLOGY, or google-news:en-PK:words for another edition"
    edition, text = _split_edition(text)
    language, country = edition or ("en", "US")
    if text.startswith("topic/"):
        topic = _require(_GOOGLE_NEWS_TOPIC.fullmatch(text), write=write)
        path = f"headlines/section/topic/{topic[1]}?" if topic[1] else f"topics/{topic[2]}?"
    else:
        path = f"search?q={_quote(text, write=write)}&"
    parameters = f"hl={language}-{country}&gl={country}&ceid={country}:{language}"
    return Feed(url=f"https://news.google.com/rss/{path}{parameters}", aggregator=True)


def _mastodon_feed(name: str, has_token: bool) -> Feed:
    write = "mastodon:@name@server.example or mastodon:#tag@server.example"
    parts = _require(_MASTODON_ACCOUNT.fullmatch(name.removeprefix("@")), write=write)
    path = f"tags/{parts[2]}" if parts[1] else f"@{parts[2]}"
    # Each account is an owner, because a server is not a publisher. So is each tag: anybody may post under it.
    owner = f"{parts[1]}{parts[2]}@{parts[3]}".lower()
    return Feed(url=f"https://{parts[3].lower()}/{path}.rss", owner=owner)


def _reddit_feed(text: str, has_token: bool) -> Feed:
    write = "reddit:r/name, reddit:r/one+other, reddit:u/name or reddit:search/words"
    if text.startswith("search/"):
        # A search finds posts of many subreddits, so the owner is Reddit, not a subreddit.
        path, end, owner = "search", ".rss", "reddit.com"
        query = f"?q={_quote(text.removeprefix('search/'), write=write)}&sort=new"
    else:
        parts = _require(_REDDIT_PATH.fullmatch(text), write=write)
        path, end = (f"r/{parts[1]}/new" if parts[1] else f"user/{parts[2]}/submitted"), "/.rss"
        query, owner = "", f"reddit.com/{text.strip('/')}"
    if not has_token:
        return Feed(url=f"https://www.reddit.com/{path}{end}{query}", owner=owner)
    # The API returns JSON. Without raw_json, its titles would be HTML.
    query = f"{query}&raw_json=1" if query else "?raw_json=1"
    return Feed(url=f"https://oauth.reddit.com/{path}{query}", owner=owner, kind="reddit")


def _rsshub_feed(route: str, has_token: bool) -> Feed:
    parts = _require(
        _RSSHUB_ROUTE.fullmatch(route), write="rsshub:/route/of/rsshub, or rsshub:https://your.server/route"
    )
    # The owner is the site that the route reads, not the RSSHub server.
    owner = f"rsshub:{parts[2].partition('?')[0].strip('/')}"
    return Feed(url=f"{parts[1] or 'https://rsshub.app'}{parts[2]}", owner=owner)


def _telegram_feed(name: str, has_token: bool) -> Feed:
    write = "telegram:channel, the name of a public channel"
    channel = _require(_TELEGRAM_CHANNEL.fullmatch(name.removeprefix("@")), write=write)[0]
    # Selectors for the preview page with a channel's last posts.
    selectors = {
        "item": "div.tgme_widget_message",
        "title": "div.tgme_widget_message_text",
        "link": "a.tgme_widget_message_date",
        "date": "a.tgme_widget_message_date > time",
        "text": "div.tgme_widget_message_text",
    }
    owner = f"t.me/{channel.lower()}"
    return Feed(url=f"https://t.me/s/{channel}", owner=owner, kind="page", options=json.dumps(selectors))


def _youtube_feed(name: str, has_token: bool) -> Feed:
    write = "youtube:@channel, youtube:UC… (a channel's id) or youtube:PL… (a playlist's id)"
    if name.startswith("@"):
        # Return the address of a page that links to the channel's feed. A handle may have letters of any script.
        return Feed(url=f"https://www.youtube.com/@{_quote(name[1:], write=write)}")
    parts = _require(_YOUTUBE_ID.fullmatch(name), write=write)
    query = f"channel_id={parts[1]}" if parts[1] else f"playlist_id={parts[2]}"
    return Feed(url=f"https://www.youtube.com/feeds/videos.xml?{query}")


_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_NO_RULES = Etiquette()
_NO_PLACE = Place(name="", forms={}, feed=lambda address, has_token: Feed(url=address))
_PLACES = (
    Place(
        name="bing-news",
        forms={
            "bing-news:WORDS (quotation marks, OR, -, site:)": 'bing-news:"BlackBerry" Pakistan',
            "bing-news:LANGUAGE-COUNTRY:…": "bing-news:en-PK:BlackBerry",
        },
        feed=_bing_news_feed,
        hosts={"www.bing.com": Etiquette(every=15 * _MINUTE, pace=2 * _SECOND)},
    ),
    Place(
        name="bluesky",
        forms={
            "bluesky:HANDLE": "bluesky:bbcnews.bsky.social",
            "bluesky:did:plc:…": "bluesky:did:plc:z72i7hdynmk6r22z27h6tvur",
        },
        feed=_bluesky_feed,
        hosts={"bsky.app": Etiquette(pace=_SECOND)},
    ),
    Place(
        name="gdelt",
        forms={
            'gdelt:WORDS ("…", OR in brackets, sourcelang:, domain:)': 'gdelt:"BlackBerry" (Pakistan OR Islamabad)',
        },
        feed=_gdelt_feed,
        hosts={"api.gdeltproject.org": Etiquette(every=15 * _MINUTE, pace=6 * _SECOND)},
        limit_text=b"Please limit requests",
    ),
    Place(
        name="github",
        forms={
            "github:OWNER/NAME (its releases; also /tags)": "github:django/django",
            "github:OWNER/NAME/advisories": "github:django/django/advisories",
            "github:advisories/ECOSYSTEM/PACKAGE (or only advisories)": "github:advisories/pip/django",
        },
        feed=_github_feed,
        hosts={
            "github.com": Etiquette(pace=_SECOND),
            "api.github.com": Etiquette(every=15 * _MINUTE, pace=2 * _SECOND),
        },
        with_token=Etiquette(pace=_SECOND),
    ),
    Place(
        name="google-news",
        forms={
            "google-news:WORDS (quotation marks, OR, -, site:, when:1d)": 'google-news:"BlackBerry" Pakistan when:7d',
            "google-news:topic/TOPIC": "google-news:topic/TECHNOLOGY",
            "google-news:LANGUAGE-COUNTRY:…": "google-news:en-PK:BlackBerry",
        },
        feed=_google_news_feed,
        hosts={"news.google.com": Etiquette(every=10 * _MINUTE, pace=2 * _SECOND)},
    ),
    Place(
        name="mastodon",
        forms={
            "mastodon:@NAME@SERVER": "mastodon:@Mozilla@mozilla.social",
            "mastodon:#TAG@SERVER": "mastodon:#infosec@mastodon.social",
        },
        feed=_mastodon_feed,
    ),
    Place(
        name="reddit",
        forms={
            "reddit:r/NAME (or several: r/one+other)": "reddit:r/pakistan+technology",
            "reddit:u/NAME": "reddit:u/reuters",
            "reddit:search/WORDS": "reddit:search/BlackBerry Pakistan",
        },
        feed=_reddit_feed,
        hosts={
            "www.reddit.com": Etiquette(every=30 * _MINUTE, pace=61 * _SECOND),
            "oauth.reddit.com": Etiquette(every=2 * _MINUTE, pace=_SECOND),
        },
    ),
    Place(
        name="rsshub",
        forms={
            "rsshub:/ROUTE": "rsshub:/apnews/topics/apf-topnews",
            "rsshub:https://SERVER/ROUTE": "rsshub:https://rsshub.example.org/apnews/topics/apf-topnews",
        },
        feed=_rsshub_feed,
        hosts={"rsshub.app": Etiquette(every=20 * _MINUTE, pace=5 * _SECOND)},
        outages=frozenset((503,)),
    ),
    Place(
        name="telegram",
        forms={"telegram:CHANNEL": "telegram:telegram"},
        feed=_telegram_feed,
        hosts={"t.me": Etiquette(every=2 * _MINUTE, pace=_SECOND)},
    ),
    Place(
        name="youtube",
        forms={
            "youtube:@handle": "youtube:@BBCNews",
            "youtube:UC…": "youtube:UC16niRr50-MSBwiO3YDb3RA",
            "youtube:PL…": "youtube:PLS3XGZxi7cBVbnkqlYIcVvXWcUXZC6LpN",
        },
        feed=_youtube_feed,
        hosts={"www.youtube.com": Etiquette(every=10 * _MINUTE, pace=_SECOND)},
        outages=frozenset((404, 500)),
        is_page=True,
    ),
)


@cache
def get_places() -> Mapping[str, Place]:
    """Return the places by name, in alphabetical order."""
    return {place.name: place for place in _PLACES}


@cache
def _places_by_host() -> Mapping[str, Place]:
    return {host: place for place in _PLACES for host in place.hosts}
