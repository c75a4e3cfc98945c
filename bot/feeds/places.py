"""Sites that many people watch ("places"): short forms of their feeds, and how often their hosts may be polled.

    youtube:@channel → (expand_short_form) → a Feed with its real address → (place_of) its place: pace, outages

Pure; uses no network. The rules for a host also apply to feeds whose full address is configured. To add a place, add an
entry to ``_PLACES``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cache, lru_cache
from urllib.parse import quote

import msgspec

from bot.feeds.links import host_of
from bot.model.feeds import Feed
from bot.patterns import LazyPattern

_SHORT_FORM = LazyPattern(r"([a-z][a-z-]{2,20}):(?!//)(.*)\Z", re.DOTALL)


class Unfit(ValueError):
    """Raised if the text after a place's name has none of the place's forms. The message lists the valid forms."""


class Form(msgspec.Struct, frozen=True):
    """One way to write a feed of a place."""

    #: The text after the colon, for people.
    text: str
    #: Matches the text after the colon. Its groups fill the address and the owner; the group "words" is quoted.
    pattern: str
    address: str
    owner: str = ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A site that many people watch."""

    #: The word before the colon of a short form.
    name: str
    forms: tuple[Form, ...] = ()
    #: The host of its feeds, or "" if there are many.
    host: str = ""
    #: The shortest interval between two polls of one feed.
    every: timedelta = timedelta()
    #: The shortest interval between two polls by one process, over all feeds of the host.
    pace: timedelta = timedelta()
    #: Whether its feeds list articles of other sites.
    is_aggregator: bool = False
    #: The selectors of its feeds, if they are pages.
    selectors: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: Statuses that the place sends during its outages, although they have another meaning.
    outages: frozenset[int] = frozenset()
    #: Whether a short form may lead to a page that links to the feed.
    is_page: bool = False
    #: The beginning of the text that the place sends, with status 200, if it is polled too often.
    limit_text: bytes | None = None


def find_place(written: str) -> Place | None:
    """Return the place of a short form, or None for an address."""
    short_form = _SHORT_FORM.match(written.strip())
    return get_places().get(short_form[1]) if short_form else None


def expand_short_form(written: str) -> Feed:
    """Return the feed of a short form (tagged with the place and the short form) or of an address.

    Raises Unfit.

    >>> expand_short_form("github:django/django").url
    'https://github.com/django/django/releases.atom'
    """
    place = find_place(written)
    if place is None:
        return Feed(url=written)
    text = " ".join(written.partition(":")[2].split())
    for form in place.forms if text.isprintable() else ():
        if parts := re.fullmatch(form.pattern, text, re.ASCII):
            values = {**_DEFAULTS, **{name: value for name, value in parts.groupdict().items() if value}}
            values["words"] = quote(values["words"], safe="")
            return Feed(
                url=form.address.format_map(values),
                owner=form.owner.format_map(values).lower() or None,
                aggregator=place.is_aggregator or None,
                tags=(place.name, written.strip()),
                kind="page" if place.selectors else None,
                options=json.dumps(place.selectors),
            )
    raise Unfit(f"write {' or '.join(f'{place.name}:{form.text}' for form in place.forms)}")


@lru_cache(maxsize=10_000)
def place_of(url: str) -> Place:
    """Return the place to which the address's host belongs, or a place without name and rules."""
    return _places_by_host().get(host_of(url), _NO_PLACE)


_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_NO_PLACE = Place(name="")
#: Parts of patterns: the words of a search, the edition that may precede them, a server, a route of RSSHub.
_WORDS = "(?P<words>.{2,1000})"
_EDITION = "(?:(?P<language>[a-z]{2,3})-(?P<country>[A-Z]{2}): ?)?"
_SERVER = r"(?P<server>[\w-]{1,63}(?:\.[\w-]{1,63}){1,9})"
_ROUTE = r"/(?P<route>(?!/)[\w./~@:+,%=&!*()-]{1,500})(?P<query>\?[\w./~@:+,%=&?!*()-]{1,500})?"
#: Values of groups that matched nothing.
_DEFAULTS = {"language": "en", "country": "US", "words": "", "list": "releases", "query": ""}
_GOOGLE = "hl={language}-{country}&gl={country}&ceid={country}:{language}"
_PLACES = (
    Place(
        name="bing-news",
        forms=(
            Form("WORDS", _EDITION + _WORDS,
                 "https://www.bing.com/news/search?q={words}&format=rss&mkt={language}-{country}"),
        ),
        host="www.bing.com", every=15 * _MINUTE, pace=2 * _SECOND, is_aggregator=True,
    ),
    Place(
        name="bluesky",
        forms=(
            Form("HANDLE", r"@?(?P<account>did:(?:plc|web):[\w.:%-]{4,200}|[\w-]+(?:\.[\w-]+)+)",
                 "https://bsky.app/profile/{account}/rss", "bluesky:{account}"),
        ),
        host="bsky.app", pace=_SECOND,
    ),
    Place(
        name="gdelt",
        forms=(
            Form("WORDS", _WORDS, "https://api.gdeltproject.org/api/v2/doc/doc?query={words}"
                 "&mode=artlist&format=rss&sort=datedesc&maxrecords=250&timespan=1d"),
        ),
        host="api.gdeltproject.org", every=15 * _MINUTE, pace=6 * _SECOND, is_aggregator=True,
        limit_text=b"Please limit requests",
    ),
    Place(
        name="github",
        forms=(
            Form("OWNER/NAME", r"(?P<path>[\w.-]{1,100}/[\w.-]{1,100})(?:/(?P<list>releases|tags))?",
                 "https://github.com/{path}/{list}.atom", "github.com/{path}"),
        ),
        host="github.com", pace=_SECOND,
    ),
    Place(
        name="google-news",
        forms=(
            Form("topic/TOPIC", _EDITION + "topic/"
                 "(?P<topic>WORLD|NATION|BUSINESS|TECHNOLOGY|ENTERTAINMENT|SPORTS|SCIENCE|HEALTH)",
                 "https://news.google.com/rss/headlines/section/topic/{topic}?" + _GOOGLE),
            Form("topic/ID", _EDITION + "topic/(?P<topic>[A-Za-z0-9]{20,200})",
                 "https://news.google.com/rss/topics/{topic}?" + _GOOGLE),
            Form("WORDS", rf"{_EDITION}(?!topic/){_WORDS}", "https://news.google.com/rss/search?q={words}&" + _GOOGLE),
        ),
        host="news.google.com", every=10 * _MINUTE, pace=2 * _SECOND, is_aggregator=True,
    ),
    Place(
        name="mastodon",
        # Each account is an owner, because a server is not a publisher. So is each tag: anybody may post under it.
        forms=(
            Form("@NAME@SERVER", r"@?(?P<name>[\w.-]{1,60})@" + _SERVER,
                 "https://{server}/@{name}.rss", "{name}@{server}"),
            Form("#TAG@SERVER", r"#(?P<name>[\w.-]{1,60})@" + _SERVER,
                 "https://{server}/tags/{name}.rss", "#{name}@{server}"),
        ),
    ),
    Place(
        name="reddit",
        # A search finds posts of many subreddits, so its owner is Reddit.
        forms=(
            Form("r/NAME", r"(?P<path>r/\w{2,30}(?:\+\w{2,30}){0,50})/?",
                 "https://www.reddit.com/{path}/new/.rss", "reddit.com/{path}"),
            Form("u/NAME", r"u(?:ser)?/(?P<name>[\w-]{2,30})/?",
                 "https://www.reddit.com/user/{name}/submitted/.rss", "reddit.com/u/{name}"),
            Form("search/WORDS", "search/" + _WORDS,
                 "https://www.reddit.com/search.rss?q={words}&sort=new", "reddit.com"),
        ),
        host="www.reddit.com", every=30 * _MINUTE, pace=61 * _SECOND,
    ),
    Place(
        name="rsshub",
        # The owner is the site that the route reads, not the RSSHub server.
        forms=(
            Form("/ROUTE", _ROUTE, "https://rsshub.app/{route}{query}", "rsshub:{route}"),
            Form("https://SERVER/ROUTE", r"(?P<rsshub>https?://[\w.-]{1,200}(?::\d{1,5})?)" + _ROUTE,
                 "{rsshub}/{route}{query}", "rsshub:{route}"),
        ),
        host="rsshub.app", every=20 * _MINUTE, pace=5 * _SECOND, outages=frozenset((503,)),
    ),
    Place(
        name="telegram",
        forms=(Form("CHANNEL", r"@?(?P<channel>[A-Za-z]\w{3,31})", "https://t.me/s/{channel}", "t.me/{channel}"),),
        host="t.me", every=2 * _MINUTE, pace=_SECOND,
        # The preview page with a channel's last posts.
        selectors={
            "item": "div.tgme_widget_message", "title": "div.tgme_widget_message_text",
            "link": "a.tgme_widget_message_date", "date": "a.tgme_widget_message_date > time",
            "text": "div.tgme_widget_message_text",
        },
    ),
    Place(
        name="youtube",
        forms=(
            # A page that links to the channel's feed. A handle may have letters of any script.
            Form("@HANDLE", "@" + _WORDS, "https://www.youtube.com/@{words}"),
            Form("UC…", r"(?P<id>UC[\w-]{22})", "https://www.youtube.com/feeds/videos.xml?channel_id={id}"),
            Form("PL…", r"(?P<id>(?:PL|UU|OL|FL)[\w-]{10,60})",
                 "https://www.youtube.com/feeds/videos.xml?playlist_id={id}"),
        ),
        host="www.youtube.com", every=10 * _MINUTE, pace=_SECOND, outages=frozenset((404, 500)),
        is_page=True,
    ),
)  # fmt: skip


@cache
def get_places() -> Mapping[str, Place]:
    """Return the places by name, in alphabetical order."""
    return {place.name: place for place in _PLACES}


@cache
def _places_by_host() -> Mapping[str, Place]:
    return {place.host: place for place in _PLACES if place.host}
