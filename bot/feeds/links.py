"""Find the canonical link of an article, and the publisher to which an address belongs.

The canonical link is without tracking and redirects. Sends no request: resolves a redirect only if
the link contains its target (search results, social networks, mail gateways). Short links and Google News links stay
unchanged.

A publisher is the outlet that readers know, its owner, and the site of a feed. A feed's site comes from its address,
which the operator wrote, and never from the feed's content.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from urllib.parse import parse_qs, unquote_plus, urljoin, urlsplit, urlunsplit

import url_normalize
from publicsuffixlist import PublicSuffixList

from bot.model import visible
from bot.model.feeds import Feed, FeedState
from bot.patterns import LazyPattern

#: Maximum characters of an address. Longer addresses are broken or hide data; real feeds have up to 1,500 characters.
MAX_LENGTH = 4_000
#: Maximum nested redirects; more than in any real link.
_MAX_STEPS = 20

#: Characters to remove: browsers drop line ends and tabs inside an address (WHATWG URL, 4.4), and the other characters
#: are never valid.
_JUNK = LazyPattern("[\x00-\x1f\x7f\ud800-\udfff]")
#: Links that ``url_normalize`` (60 µs) would not change: no escape, no capital in the host, no default port, no dot
#: segment, no second “=” in a parameter. Most links of feeds match. They may contain tracking.
_PLAIN = LazyPattern(
    r"(?P<address>https?://(?P<host>[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+)"
    r"(?::(?!(?:80|443)/)[1-9][0-9]{0,3})?(?=/)"
    r"(?:/[A-Za-z0-9_~,:@!$'()*+;=&-][A-Za-z0-9_~,.:@!$'()*+;=&-]*)*/?)"
    r"(?:\?(?P<query>[A-Za-z0-9_~,.:/?@!$'()*+;-]*(?:=[A-Za-z0-9_~,.:/?@!$'()*+;-]*)?"
    r"(?:&[A-Za-z0-9_~,.:/?@!$'()*+;-]*(?:=[A-Za-z0-9_~,.:/?@!$'()*+;-]*)?)*))?(?:#(?P<fragment>[A-Za-z0-9_/!-]*))?\Z"
)
#: A label that is too long for a host name (RFC 1035 section 2.3.4), so that ``url_normalize`` refuses the link.
_LONG_LABEL = LazyPattern(r"[^./]{64}")


def canonical_link(url: str, base: str | None = None) -> str:
    """Return the article's own address, or an empty string if ``url`` is not an http(s) address.

    >>> canonical_link("HTTP://www.Example.COM:80/news/1?utm_source=rss&id=7#top")
    'http://www.example.com/news/1?id=7'
    """
    quick = canonicalise_plain(url)
    return canonicalise_by_parts(url, base) if quick is None else quick


def canonicalise_by_parts(url: str, base: str | None = None) -> str:
    """Return the canonical form of any link, part by part."""
    link = _absolute(url, base)
    # Repeat the steps, because a redirect may lead to another.
    for _ in range(_MAX_STEPS):
        target = redirect_target(link) if link else None
        simpler = _simplify((_absolute(target, None) if target else "") or link)
        if simpler == link:
            break
        link = simpler
    return link


def link_key(link: str) -> str:
    """Return a canonical link without scheme and ``www.``, so that its variants have the same key.

    Return an empty string if the link does not identify an article, because it is empty or a site's front page.
    """
    key = link.partition("://")[2].removeprefix("www.")
    return key if key.partition("/")[2] else ""


def canonicalise_plain(link: str) -> str | None:
    """Return the canonical form of a link if only tracking or a fragment must be removed, else None."""
    parts = _PLAIN.match(link)
    if parts is None or len(link) > MAX_LENGTH:
        return None
    address, host, query = parts["address"], parts["host"], parts["query"]
    if "xn--" in host or _LONG_LABEL.search(host):
        return None
    if may_redirect(host) and redirect_target(link) is not None:
        return None
    kept = strip_tracking(query, host) if query else ""
    return f"{address}{'?' if kept else ''}{kept}{_kept_fragment(parts['fragment'] or '')}"


def _absolute(url: str, base: str | None) -> str:
    url = _JUNK.sub("", url.strip())
    try:
        if base and not url.lower().startswith(("http://", "https://")):
            url = urljoin(base, url)
        elif url.startswith("//"):
            url = f"https:{url}"
        elif url.lower().startswith("www."):
            url = f"http://{url}"
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or len(url) > MAX_LENGTH:
            return ""
        _ = parts.port
    except ValueError:  # “Invalid IPv6 URL”, “Port out of range”
        return ""
    return url


def _simplify(link: str) -> str:
    if not link:
        return link
    # Normalise without the fragment, because the library rewrites “#!”, which names a page of a script-driven site.
    bare, _, fragment = link.partition("#")
    try:
        parts = urlsplit(url_normalize.url_normalize(bare) or "")
    except (ValueError, UnicodeError):
        # Keep the link, because a host that IDNA refuses may exist.
        parts = urlsplit(bare)
    # Leave out credentials.
    host = parts.netloc.rpartition("@")[2].removesuffix(":")
    query = strip_tracking(parts.query, host)
    return urlunsplit((parts.scheme, host, parts.path or "/", query, "")) + _kept_fragment(fragment)


def _kept_fragment(fragment: str) -> str:
    """Return the fragment with its “#” if it names a page of a script-driven site, else an empty string."""
    return f"#{fragment}" if fragment.startswith(("!", "/")) else ""


#: Redirects: their hosts (with subdomains), their paths, and the parameters that may contain the target, best first.
_WRAPPERS: tuple[tuple[LazyPattern[str], LazyPattern[str], tuple[str, ...]], ...] = tuple(
    (LazyPattern(rf"(?:^|\.)(?:{host})\Z"), LazyPattern(path), tuple(names.split()))
    for host, path, names in (
        (r"google\.[a-z.]{2,6}", r"^/(?:url|imgres|alerts/share)\b", "url q imgrefurl"),
        (r"news\.google\.[a-z.]{2,6}", r"^/news/url\b", "url"),
        (r"feedproxy\.google\.com|feeds\.feedburner\.com", r"", "url"),
        (r"facebook\.com|instagram\.com|threads\.com", r"^/(?:l\.php|flx/warn/?)?\Z", "u"),
        (r"bing\.com", r"^/news/apiclick\.aspx", "url"),
        (r"duckduckgo\.com", r"^/l/", "uddg"),
        (r"youtube\.com", r"^/redirect\b", "q"),
        (r"out\.reddit\.com", r"", "url"),
        (r"t\.umblr\.com", r"^/redirect", "z"),
        (r"linkedin\.com", r"^/(?:redir/redirect|safety/go|redirect)", "url"),
        (r"vk\.com", r"^/away(?:\.php)?", "to"),
        (r"slack-redir\.net", r"^/link", "url"),
        (r"safelinks\.protection\.outlook\.com", r"", "url"),
        (r"yandex\.(?:ru|com)", r"^/(?:clck/)?jsredir", "url"),
        (r"medium\.com", r"^/r/", "url"),
        (r"steamcommunity\.com", r"^/linkfilter", "url u"),
        (r"disq\.us|disqus\.com", r"^/url", "url"),
    )
)


_HINT = LazyPattern(
    r"(?:^|\.)(?:google|feedburner|facebook|instagram|threads|bing|duckduckgo|youtube|reddit|umblr|linkedin|vk|slack-redir"
    r"|outlook|yandex|medium|steamcommunity|disq(?:us)?)\.",
)


def may_redirect(host: str) -> bool:
    """Return False only if ``redirect_target`` returns None for every link to this host (in lower case). Fast."""
    return _HINT.search(host) is not None


def redirect_target(link: str) -> str | None:
    """Return the target that ``link`` contains (which may be a redirect too), or None if it contains none."""
    parts = urlsplit(link)
    host = (parts.hostname or "").lower()
    if not parts.query:
        return None
    for hosts, path, names in _WRAPPERS:
        if hosts.search(host) and path.search(parts.path):
            # An unescaped target has lost its fragment, because urlsplit took it for the link's.
            values = parse_qs(parts.query, max_num_fields=100)
            return next((web for name in names for value in values.get(name, ()) if (web := _web_address(value))), None)
    return None


def _web_address(value: str) -> str | None:
    return value if value.lower().startswith(("http://", "https://")) else None


# Sources: Firefox's query stripping list, ClearURLs' global rules, AdGuard's TrackParamFilter (general_url), and the
# parameters that publishers append to the links in their feeds.
_TRACKING_PREFIXES = tuple(
    """
    utm_ mtm_ pk_ piwik_ matomo_ at_campaign at_medium at_custom hsa_ itm_ ns_ oly_ vero_ mkt_ _hs __hs fb_action_ stm_
    guce_ mc_cid mc_eid int_cmp trk_ wt_mc wt.mc_ wt_z
    """.split()
)
_TRACKING_NAMES = frozenset(
    """
    fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid ysclid twclid ttclid igshid igsh li_fat_id epik rb_clickid
    _ga _gl _openstat s_cid icid ncid cmpid cmp ocid smid smtyp spm scm xtor sref sr_share srnd ref_src ref_url
    feature_src trkcampaign soc_src soc_trk tsrc guccounter mbid ito cvid emci emdi vgo_ee ftag taid cndid esrc bxid
    __twitter_impression __source s_campaign nr_email_referer traffic_source fromrss via_rss
    """.split()
)
#: Parameter -> values with which it is tracking; with other values it identifies the article.
_TRACKING_VALUES = {
    "ref": frozenset(("rss", "feed", "rssfeed", "rss_feed", "home", "twitter", "facebook", "hvper.com")),
    "source": frozenset(("rss", "feed", "rssfeed", "googlenews", "newsletter", "twitter", "facebook")),
    "src": frozenset(("rss", "feed", "rss_feed", "twitter", "facebook")),
    "from": frozenset(("rss", "feed", "rssfeed")),
    "via": frozenset(("rss", "feed")),
    "cid": frozenset(("rss", "public-rss_20151202")),
    "feature": frozenset(("youtu.be", "share", "emb_title", "rss")),
    "amp": frozenset(("", "1", "true")),
    "outputtype": frozenset(("amp", "valid-amp")),
    "output": frozenset(("amp", "rss")),
    "format": frozenset(("amp",)),
    "view": frozenset(("amp",)),
    "mode": frozenset(("amp",)),
    "rss": frozenset(("", "1", "yes", "true")),
    "m": frozenset(("1",)),
}
_NEED_HOST = {"m": LazyPattern(r"blogspot\.|blogger\.")}


def strip_tracking(query: str, host: str) -> str:
    """Return ``query`` without tracking. Keep the order of parameters, which matters to some servers."""
    if not query:
        return ""
    return "&".join(part for part in query.split("&") if part and not _is_tracking(part, host))


def _is_tracking(part: str, host: str) -> bool:
    name, _, value = part.partition("=")
    name = unquote_plus(name).casefold()
    if name in _TRACKING_VALUES:
        needed = _NEED_HOST.get(name)
        return unquote_plus(value).casefold() in _TRACKING_VALUES[name] and (
            needed is None or bool(needed.search(host))
        )
    return name in _TRACKING_NAMES or name.startswith(_TRACKING_PREFIXES)


#: Hosts that serve the feeds of many publishers under one domain, so two feeds of a host are not from one site.
_SHARED_HOSTS = frozenset(
    (
        "acast.com anchor.fm beehiiv.com bitbucket.org blogs.com bsky.app buttondown.com buttondown.email "
        "buzzsprout.com campaign-archive.com canalblog.com captivate.fm codeberg.org dailymotion.com dev.to "
        "dreamwidth.org feed43.com feedblitz.com feedburner.com fetchrss.com fireside.fm flipboard.com "
        "ghost.io github.com gitlab.com hashnode.dev hypotheses.org kill-the-newsletter.com libsyn.com "
        "livejournal.com mailchi.mp mastodon.social medium.com megaphone.fm micro.blog mstdn.social note.com "
        "omnycontent.com openrss.org over-blog.com paper.li podbean.com politepol.com rss.app rss.com "
        "rsshub.app simplecast.com soundcloud.com sourceforge.net spreaker.com substack.com t.me telegra.ph "
        "tistory.com transistor.fm tumblr.com typepad.com vimeo.com weebly.com wordpress.com write.as "
        "youtube.com"
    ).split()
)
#: Services whose feeds list other publishers' headlines, chosen by editors or searches. Services on which anybody may
#: post links with comments are not listed: they count as publishers.
_AGGREGATORS = frozenset(
    (
        "allsides.com bing.com drudgereport.com ground.news memeorandum.com news.google.com newsnow.co.uk techmeme.com"
    ).split()
)
#: Finds the host of nearly every link, ten times as fast as parsing the whole address.
_PLAIN_HOST = LazyPattern(r"https?://([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,9})(?::[0-9]{1,5})?/")


def outlet_of(feed: Feed, feed_title: str | None) -> str:
    """Return the feed's configured name, else its title with the host of its address, else the host.

    The host is added because the feed chooses its title: otherwise any feed could pass for any outlet.
    """
    if feed.name:
        return feed.name
    title = " ".join((feed_title or "").split())
    host = host_of(feed.url).removeprefix("www.") or visible.masked(feed.url)
    return f"{title} ({host})" if title and title.casefold() != host else host


def feed_name(state: FeedState, feeds: Mapping[str, Feed]) -> str:
    """Return the name that users see for a feed: the outlet of its articles, else its address."""
    feed = feeds.get(state.url) or Feed(url=state.url)
    return outlet_of(feed, state.title) if feed.name or state.title else visible.masked(state.url)


def owner_of(feed: Feed, link: str) -> str:
    """Return the feed's ``owner:``, else the owner of its site. For a declared aggregator, use the site of the link.

    A site's owner is its group in owners.tsv, else its registrable domain.
    """
    if feed.owner:
        return feed.owner
    if feed.aggregator and (domain := registrable_domain(link)):
        return group_of(host_of(link)) or domain
    return _owner_of_site(feed.url)


def owner_of_domain(domain: str) -> str:
    """Return the owner of a publisher's domain."""
    return group_of(domain) or domain


# Cached, because it is called for each article and has one result per feed.
@functools.lru_cache(maxsize=10_000)
def _owner_of_site(url: str) -> str:
    return group_of(host_of(url)) or site_of(url)


@functools.lru_cache(maxsize=10_000)
def site_of(url: str) -> str:
    """Return the registrable domain of a feed's address.

    If the domain does not identify a publisher, return the address without its scheme. This applies to hosts that serve
    feeds of many publishers, to IP addresses, and to hosts without a domain.

    >>> site_of("https://rss.example.co.uk/world.xml"), site_of("https://feeds.feedburner.com/Example")
    ('example.co.uk', 'feeds.feedburner.com/Example')
    """
    domain = registrable_domain(url)
    if domain in _SHARED_HOSTS or "." not in domain or ":" in domain or domain.replace(".", "").isdigit():
        host, slash, path = url.partition("://")[2].partition("/")
        return f"{host.rpartition('@')[2].removeprefix('www.')}{slash}{path}"
    return domain


def belongs_to(link: str, url: str) -> bool:
    """Return whether a link leads to the site of the feed at ``url``, or to another site of the same owner group."""
    if registrable_domain(link) == site_of(url):
        return True
    group = group_of(host_of(url))
    return group is not None and group == group_of(host_of(link))


def is_known_aggregator(url: str) -> bool:
    """Return whether the feed at ``url`` comes from a service that lists the articles of other publishers."""
    # Compare the endings of the host, because loading the public suffix list takes a tenth of a second.
    labels = host_of(url).split(".")
    return "/alerts/feeds/" in url or any(".".join(labels[at:]) in _AGGREGATORS for at in range(len(labels)))


def registrable_domain(link: str) -> str:
    """Return the registrable domain of an address, or its host if that is an IP address or a bare name.

    >>> registrable_domain("https://www.bbc.co.uk/news/1")
    'bbc.co.uk'
    """
    return _domain_of(host_of(link))


# Limit the cache, because a hostile feed may list many hosts.
@functools.lru_cache(maxsize=10_000)
def _domain_of(host: str) -> str:
    if not host or host.replace(".", "").isdigit() or ":" in host:
        return host
    return _suffixes().privatesuffix(host) or host


@functools.cache
def _suffixes() -> PublicSuffixList:
    # Built once, on first use. Includes the list's private part, so that two blogs of blogspot.com have two owners.
    return PublicSuffixList()


def host_of(link: str) -> str:
    """Return the host name of an address in lower case, or an empty string if there is none.

    >>> host_of("https://me:secret@Feeds.Example.org:8443/x")
    'feeds.example.org'
    """
    if plain := _PLAIN_HOST.match(link):
        return plain[1]
    try:
        return (urlsplit(link).hostname or "").rstrip(".")
    except ValueError:
        return ""


#: Maximum labels of a domain that is searched in owners.tsv.
_MOST_LABELS = 8


@cache
def _owner_table() -> dict[str, str]:
    lines = resources.files("bot.feeds").joinpath("owners.tsv").read_text("utf-8").splitlines()
    pairs = (line.partition("\t") for line in lines if line and not line.startswith("#"))
    return {domain: owner for domain, _, owner in pairs}


# Limit the cache, because a hostile feed may list many hosts.
@lru_cache(maxsize=10_000)
def group_of(domain: str) -> str | None:
    """Return the owner of a domain, else of the nearest domain above it, or None if owners.tsv has neither."""
    labels = domain.casefold().strip(".").split(".")[-_MOST_LABELS:]
    for at in range(len(labels) - 1):
        owner = _owner_table().get(".".join(labels[at:]))
        if owner is not None:
            return owner
    return None


#: Minimum links of a document from which ``links_elsewhere`` draws a conclusion.
_FEWEST = 5
#: Minimum number of other sites. A single one may be the publisher's second domain (feeds.bbci.co.uk and bbc.co.uk).
_SITES = 3


def links_elsewhere(feed: Feed, links: Sequence[str]) -> bool | None:
    """Return whether most links lead to several sites other than the feed's, or None if there are too few links."""
    domains = [registrable_domain(link) for link in links if link]
    if len(domains) < _FEWEST:
        return None
    site = site_of(feed.url)
    foreign = [domain for domain in domains if domain != site]
    return 2 * len(foreign) > len(domains) and len(set(foreign)) >= _SITES
