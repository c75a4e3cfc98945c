"""Places that many people watch: their short forms of feeds, and how often their hosts may be polled.

    youtube:@channel → (expand_short_form) → a Feed with its real address → (place_of) its host: etiquette, outages

Pure; knows no network. The rules for a host also hold for feeds whose address is written out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, lru_cache
from types import MappingProxyType
from urllib.parse import quote

from bot import model

_NO_WAIT = timedelta()


class Unfit(ValueError):
    """What follows the place's name is none of its forms; the text says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Etiquette:
    """How often feeds of one host may be polled."""

    #: The shortest interval between two polls of one feed.
    every: timedelta = _NO_WAIT
    #: Between two polls of any feeds of the host, by one process.
    pace: timedelta = _NO_WAIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place that many people watch; the object ``PLACE`` of a module of this folder."""

    #: What is written before the colon.
    name: str
    #: Form -> an example of it, for the docs.
    forms: Mapping[str, str]
    #: What follows the colon, and whether the feed has a token -> the feed. Raises Unfit.
    feed: Callable[[str, bool], model.Feed]
    #: Host -> how often it may be polled, without and with a token.
    hosts: Mapping[str, tuple[Etiquette, Etiquette]] = field(default_factory=dict)
    #: Statuses that it answers during its outages, whatever they say.
    outages: frozenset[int] = frozenset()
    #: Its short form leads to a page that names the feed.
    is_page: bool = False
    #: The beginning of the text that it sends, with status 200, to those who poll too often.
    limit_text: bytes | None = None
    #: The hub that announces its news, which its feeds do not name; and what the hub calls the feed at an address.
    hub: str | None = None
    topic: Callable[[str], str] = str
    #: Its links hide the publisher's.
    hides_links: bool = False


def same_etiquette(**etiquette: timedelta) -> tuple[Etiquette, Etiquette]:
    """The same with and without a token."""
    both = Etiquette(**etiquette)
    return both, both


def match_form(found: re.Match[str] | None, *, form: str) -> re.Match[str]:
    """The parts of a form, which are names, in which nothing needs quoting. Raises Unfit where it is none."""
    if not found:
        raise Unfit(f"write {form}")
    return found


def quote_words(rest: str, *, form: str) -> str:
    """Words of a search, quoted for an address. Raises Unfit."""
    text = " ".join(rest.split())
    if not 2 <= len(text) <= 1_000 or not text.isprintable():
        raise Unfit(f"write {form}")
    return quote(text, safe="")


_SHORT = re.compile(r"([a-z][a-z-]{2,20}):(?!//)(.*)\Z", re.DOTALL)
_HOST_OF_URL = re.compile(r"https?://([^/:?#@]+)", re.IGNORECASE)
_NOTHING = Place(name="", forms={}, feed=lambda rest, has_token: model.Feed(url=rest))
_FREE = Etiquette()


@cache
def get_places() -> Mapping[str, Place]:
    """Name -> place, sorted."""
    places = (
        _BLUESKY,
        _GDELT,
        _GITHUB,
        _GOOGLE_NEWS,
        _MASTODON,
        _REDDIT,
        _RSSHUB,
        _TELEGRAM,
        _YOUTUBE,
    )
    return MappingProxyType({place.name: place for place in places})


def find_place(written: str) -> Place | None:
    """The place that a short form names; None: it is no short form, as a whole address."""
    found = _SHORT.match(written.strip())
    return get_places().get(found[1]) if found else None


def expand_short_form(written: str, *, has_token: bool = False) -> model.Feed:
    """The feed of a short form, tagged with its place and with what was written; of an address, that address.

    Raises Unfit.

    >>> expand("github:django/django").url
    'https://github.com/django/django/releases.atom'
    """
    place = find_place(written)
    if place is None:
        return model.Feed(url=written)
    short = written.strip()
    feed = place.feed(short.partition(":")[2].strip(), has_token)
    return replace(feed, tags=(place.name, short))


@lru_cache(maxsize=10_000)
def place_of(url: str) -> Place:
    """The place whose host the address has; one without any demands where there is none."""
    found = _HOST_OF_URL.match(url)
    return _by_host().get(found[1].lower(), _NOTHING) if found else _NOTHING


def etiquette_of(feed: model.Feed) -> Etiquette:
    """How often the feed's host may be polled."""
    found = _HOST_OF_URL.match(feed.url)
    both = place_of(feed.url).hosts.get(found[1].lower()) if found else None
    return both[feed.access is not None and feed.access.login is not None] if both else _FREE


@cache
def _by_host() -> Mapping[str, Place]:
    return {host: place for place in get_places().values() for host in place.hosts}


_BLUESKY_FORM = "bluesky:name.bsky.social, or the account's did:plc:…"


def _bluesky_feed(rest: str, has_token: bool) -> model.Feed:
    found = match_form(
        re.fullmatch(
            r"did:(?:plc|web):[\w.:%-]{4,200}|[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+", rest.removeprefix("@"), re.ASCII
        ),
        form=_BLUESKY_FORM,
    )
    account = found[0] if found[0].startswith("did:") else found[0].lower()
    return model.Feed(url=f"https://bsky.app/profile/{account}/rss", owner=f"bluesky:{account}")


_BLUESKY = Place(
    name="bluesky",
    forms={
        "bluesky:HANDLE": "bluesky:bbcnews.bsky.social",
        "bluesky:did:plc:…": "bluesky:did:plc:z72i7hdynmk6r22z27h6tvur",
    },
    feed=_bluesky_feed,
    hosts={"bsky.app": same_etiquette(pace=timedelta(seconds=1))},
)


def _gdelt_feed(rest: str, has_token: bool) -> model.Feed:
    query = quote_words(rest, form='gdelt:words of a search, such as gdelt:"BlackBerry" sourcecountry:pakistan')
    asked = "mode=artlist&format=rss&sort=datedesc&maxrecords=250&timespan=1d"
    return model.Feed(url=f"https://api.gdeltproject.org/api/v2/doc/doc?query={query}&{asked}", aggregator=True)


_GDELT = Place(
    name="gdelt",
    forms={
        'gdelt:WORDS ("…", OR in brackets, sourcelang:, domain:)': 'gdelt:"BlackBerry" (Pakistan OR Islamabad)',
    },
    feed=_gdelt_feed,
    hosts={"api.gdeltproject.org": same_etiquette(every=timedelta(minutes=15), pace=timedelta(seconds=6))},
    limit_text=b"Please limit requests",
)


_GITHUB_FORM = (
    "github:owner/name, github:owner/name/tags, github:owner/name/advisories or github:advisories/pip/package"
)
_GITHUB_NAME = r"[\w.-]{1,100}"
_GITHUB_ECOSYSTEM = "composer|erlang|actions|go|maven|npm|nuget|other|pip|pub|rubygems|rust|swift"
_GITHUB_API = "https://api.github.com"


def _github_feed(rest: str, has_token: bool) -> model.Feed:
    if rest == "advisories" or rest.startswith("advisories/"):
        found = match_form(
            re.fullmatch(rf"advisories(?:/({_GITHUB_ECOSYSTEM})(?:/([\w.@/-]{{1,200}}))?)?", rest, re.ASCII),
            form=_GITHUB_FORM,
        )
        asked = f"&ecosystem={found[1]}" if found[1] else ""
        asked += f"&affects={found[2]}" if found[2] else ""
        return model.Feed(
            url=f"{_GITHUB_API}/advisories?sort=published&direction=desc&per_page=100{asked}",
            owner="github.com",
            kind="advisories",
        )
    found = match_form(
        re.fullmatch(rf"({_GITHUB_NAME}/{_GITHUB_NAME})(?:/(releases|tags|advisories))?", rest, re.ASCII),
        form=_GITHUB_FORM,
    )
    if found[2] == "advisories":
        return model.Feed(
            url=f"{_GITHUB_API}/repos/{found[1]}/security-advisories?per_page=50",
            owner=f"github.com/{found[1]}",
            kind="advisories",
        )
    return model.Feed(
        url=f"https://github.com/{found[1]}/{found[2] or 'releases'}.atom", owner=f"github.com/{found[1]}"
    )


_GITHUB = Place(
    name="github",
    forms={
        "github:OWNER/NAME (its releases; also /tags)": "github:django/django",
        "github:OWNER/NAME/advisories": "github:django/django/advisories",
        "github:advisories/ECOSYSTEM/PACKAGE (or only advisories)": "github:advisories/pip/django",
    },
    feed=_github_feed,
    hosts={
        "github.com": same_etiquette(pace=timedelta(seconds=1)),
        "api.github.com": (
            Etiquette(every=timedelta(minutes=15), pace=timedelta(seconds=2)),
            Etiquette(pace=timedelta(seconds=1)),
        ),
    },
)


_GOOGLE_NEWS_FORM = "google-news:words, google-news:topic/TECHNOLOGY, or google-news:en-PK:words for another edition"
_GOOGLE_NEWS_TOPICS = "WORLD|NATION|BUSINESS|TECHNOLOGY|ENTERTAINMENT|SPORTS|SCIENCE|HEALTH"


def _google_news_feed(rest: str, has_token: bool) -> model.Feed:
    named = re.match(r"([a-z]{2,3})-([A-Z]{2}):\s*", rest)
    language, country = named.groups() if named else ("en", "US")
    rest = rest[named.end() :] if named else rest
    edition = f"hl={language}-{country}&gl={country}&ceid={country}:{language}"
    if rest.startswith("topic/"):
        found = match_form(
            re.fullmatch(rf"topic/(?:({_GOOGLE_NEWS_TOPICS})|([A-Za-z0-9]{{20,200}}))", rest, re.ASCII),
            form=_GOOGLE_NEWS_FORM,
        )
        path = f"headlines/section/topic/{found[1]}?" if found[1] else f"topics/{found[2]}?"
    else:
        path = f"search?q={quote_words(rest, form=_GOOGLE_NEWS_FORM)}&"
    return model.Feed(url=f"https://news.google.com/rss/{path}{edition}", aggregator=True)


_GOOGLE_NEWS = Place(
    name="google-news",
    forms={
        "google-news:WORDS (quotation marks, OR, -, site:, when:1d)": 'google-news:"BlackBerry" Pakistan when:7d',
        "google-news:topic/TOPIC": "google-news:topic/TECHNOLOGY",
        "google-news:LANGUAGE-COUNTRY:…": "google-news:en-PK:BlackBerry",
    },
    feed=_google_news_feed,
    hosts={"news.google.com": same_etiquette(every=timedelta(minutes=10), pace=timedelta(seconds=2))},
    hides_links=True,
)


_MASTODON_FORM = "mastodon:@name@server.example or mastodon:#tag@server.example"
_MASTODON_HOST = r"[a-zA-Z0-9-]{1,63}(?:\.[a-zA-Z0-9-]{1,63}){1,9}"


def _mastodon_feed(rest: str, has_token: bool) -> model.Feed:
    found = match_form(
        re.fullmatch(rf"(#?)([\w.-]{{1,60}})@({_MASTODON_HOST})", rest.removeprefix("@"), re.ASCII), form=_MASTODON_FORM
    )
    path = f"tags/{found[2]}" if found[1] else f"@{found[2]}"
    # A server is no publisher: each account is an owner. Under a tag anybody may post, from servers of his own.
    return model.Feed(url=f"https://{found[3].lower()}/{path}.rss", owner=f"{found[1]}{found[2]}@{found[3]}".lower())


_MASTODON = Place(
    name="mastodon",
    forms={
        "mastodon:@NAME@SERVER": "mastodon:@Mozilla@mozilla.social",
        "mastodon:#TAG@SERVER": "mastodon:#infosec@mastodon.social",
    },
    feed=_mastodon_feed,
)


_REDDIT_FORM = "reddit:r/name, reddit:r/one+other, reddit:u/name or reddit:search/words"


def _reddit_feed(rest: str, has_token: bool) -> model.Feed:
    if rest.startswith("search/"):
        # It has posts of many subreddits, whose links are all Reddit's: they count as one owner.
        path, owner = "search", "reddit.com"
        asked = f"?q={quote_words(rest.removeprefix('search/'), form=_REDDIT_FORM)}&sort=new"
    else:
        found = match_form(
            re.fullmatch(r"(?:r/(\w{2,30}(?:\+\w{2,30}){0,50})|u(?:ser)?/([\w-]{2,30}))/?", rest, re.ASCII),
            form=_REDDIT_FORM,
        )
        path = f"r/{found[1]}/new" if found[1] else f"user/{found[2]}/submitted"
        owner, asked = f"reddit.com/{rest.strip('/')}", "?"
    if not has_token:
        end = ".rss" if path == "search" else "/.rss"
        return model.Feed(url=f"https://www.reddit.com/{path}{end}{asked.rstrip('?')}", owner=owner)
    # The API: JSON, whose titles would be HTML without raw_json.
    url = f"https://oauth.reddit.com/{path}{asked}&raw_json=1".replace("?&", "?")
    return model.Feed(url=url, owner=owner, kind="reddit")


_REDDIT = Place(
    name="reddit",
    forms={
        "reddit:r/NAME (or several: r/one+other)": "reddit:r/pakistan+technology",
        "reddit:u/NAME": "reddit:u/reuters",
        "reddit:search/WORDS": "reddit:search/BlackBerry Pakistan",
    },
    feed=_reddit_feed,
    hosts={
        "www.reddit.com": same_etiquette(every=timedelta(minutes=30), pace=timedelta(seconds=61)),
        "oauth.reddit.com": same_etiquette(every=timedelta(minutes=2), pace=timedelta(seconds=1)),
    },
)


_RSSHUB_FORM = "rsshub:/route/of/rsshub, or rsshub:https://your.server/route"


def _rsshub_feed(rest: str, has_token: bool) -> model.Feed:
    found = match_form(
        re.fullmatch(r"(https?://[\w.-]{1,200}(?::\d{1,5})?)?(/(?!/)[\w./~@:+,%=&?!*()-]{1,500})", rest, re.ASCII),
        form=_RSSHUB_FORM,
    )
    base = found[1] or "https://rsshub.app"
    # A route's owner is the place that it reads, not the server.
    return model.Feed(url=f"{base}{found[2]}", owner=f"rsshub:{found[2].partition('?')[0].strip('/')}")


_RSSHUB = Place(
    name="rsshub",
    forms={
        "rsshub:/ROUTE": "rsshub:/apnews/topics/apf-topnews",
        "rsshub:https://SERVER/ROUTE": "rsshub:https://rsshub.example.org/apnews/topics/apf-topnews",
    },
    feed=_rsshub_feed,
    hosts={"rsshub.app": same_etiquette(every=timedelta(minutes=20), pace=timedelta(seconds=5))},
    outages=frozenset((503,)),
)


#: What the preview page calls things.
_TELEGRAM_SELECTORS = {
    "item": "div.tgme_widget_message",
    "title": "div.tgme_widget_message_text",
    "link": "a.tgme_widget_message_date",
    "date": "a.tgme_widget_message_date > time",
    "text": "div.tgme_widget_message_text",
}


def _telegram_feed(rest: str, has_token: bool) -> model.Feed:
    found = match_form(
        re.fullmatch(r"[A-Za-z]\w{3,31}", rest.removeprefix("@"), re.ASCII),
        form="telegram:channel, the name of a public channel",
    )
    return model.Feed(
        url=f"https://t.me/s/{found[0]}",
        owner=f"t.me/{found[0].lower()}",
        kind="page",
        options=json.dumps(_TELEGRAM_SELECTORS),
    )


_TELEGRAM = Place(
    name="telegram",
    forms={"telegram:CHANNEL": "telegram:telegram"},
    feed=_telegram_feed,
    hosts={"t.me": same_etiquette(every=timedelta(minutes=2), pace=timedelta(seconds=1))},
)


_YOUTUBE_FORM = "youtube:@channel, youtube:UC… (a channel's id) or youtube:PL… (a playlist's id)"


def _youtube_feed(rest: str, has_token: bool) -> model.Feed:
    if rest.startswith("@"):
        # A page, which names the channel's feed; a handle may have letters of any script.
        handle = quote_words(rest[1:], form=_YOUTUBE_FORM)
        return model.Feed(url=f"https://www.youtube.com/@{handle}")
    found = match_form(re.fullmatch(r"(UC[\w-]{22})|((?:PL|UU|OL|FL)[\w-]{10,60})", rest, re.ASCII), form=_YOUTUBE_FORM)
    what = f"channel_id={found[1]}" if found[1] else f"playlist_id={found[2]}"
    return model.Feed(url=f"https://www.youtube.com/feeds/videos.xml?{what}")


_YOUTUBE = Place(
    name="youtube",
    forms={
        "youtube:@handle": "youtube:@BBCNews",
        "youtube:UC…": "youtube:UC16niRr50-MSBwiO3YDb3RA",
        "youtube:PL…": "youtube:PLS3XGZxi7cBVbnkqlYIcVvXWcUXZC6LpN",
    },
    feed=_youtube_feed,
    hosts={"www.youtube.com": same_etiquette(every=timedelta(minutes=10), pace=timedelta(seconds=1))},
    outages=frozenset((404, 500)),
    is_page=True,
    # https://developers.google.com/youtube/v3/guides/push_notifications
    hub="https://pubsubhubbub.appspot.com/subscribe",
    topic=lambda url: url.replace("/feeds/", "/xml/feeds/"),
)
