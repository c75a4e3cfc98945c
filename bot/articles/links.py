"""Return one address for one article: the canonical link, without tracking, AMP and mobile hosts.

Sends no request: a redirect is resolved only if its own address contains its target.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import url_normalize

from bot.articles import redirects, tracking

#: Longer addresses are broken or hide data; the longest in real feeds have some 1,500 characters.
MAX_LENGTH = 4_000
#: Nested redirects; more than in any real link.
_MAX_STEPS = 20

#: Browsers drop line ends and tabs inside an address (WHATWG URL, 4.4); the others are never valid.
_JUNK = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
#: Links that ``url_normalize`` (60 µs) would not change, apart from tracking; most links of feeds are such links. No
#: escape, no capital in the host, no port, no dot segment, no second “=” in a parameter.
_PLAIN = re.compile(
    r"(?P<address>https?://(?P<host>[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+)(?=/)"
    r"(?:/[A-Za-z0-9_~,:@!$'()*+;=&-][A-Za-z0-9_~,.:@!$'()*+;=&-]*)*/?)"
    r"(?:\?(?P<query>[A-Za-z0-9_~,.:/?@!$'()*+;-]*(?:=[A-Za-z0-9_~,.:/?@!$'()*+;-]*)?"
    r"(?:&[A-Za-z0-9_~,.:/?@!$'()*+;-]*(?:=[A-Za-z0-9_~,.:/?@!$'()*+;-]*)?)*))?(?:#(?P<fragment>[A-Za-z0-9_/!-]*))?\Z"
)
#: Signs of an AMP or mobile address in a plain link.
_TWIN_HINT = re.compile(r"[/.](?:(?:amp|m|mobile|touch)\.|amp(?:/|\Z))")
#: A label is too long for a host name (RFC 1035 section 2.3.4); the library refuses such links.
_LONG_LABEL = re.compile(r"[^./]{64}")
_AMP_FOLDER = re.compile(r"^(/news)?/amp(?=/.*(?:\d|-.*-))")
_TWIN_HOST = re.compile(r"^(?:(?:www\.)?(?:amp|m|mobile|touch)\.)+(?=.+\..)")
_WIKI_MOBILE = re.compile(r"^([a-z-]+)\.m\.(?=.+\..)")


def canonical_link(url: str, base: str | None = None) -> str:
    """Return the article's own address, or an empty string if ``url`` is not an http(s) address.

    >>> canonical_link("HTTP://m.Example.COM:80/news/1/amp?utm_source=rss&id=7#top")
    'http://www.example.com/news/1?id=7'
    """
    quick = plain(url)
    return careful(url, base) if quick is None else quick


def careful(url: str, base: str | None = None) -> str:
    """Return the canonical form of any link, part by part."""
    link = _absolute(url, base)
    # One step can make another possible (an AMP page behind a redirect), so they are repeated.
    for _ in range(_MAX_STEPS):
        target = redirects.target_of(link) if link else None
        simpler = _simplify((_absolute(target, None) if target else "") or link)
        if simpler == link:
            break
        link = simpler
    return link


def link_key(link: str) -> str:
    """Return the part that all forms of a canonical link share: without scheme and ``www.``.

    Empty if the link does not name one article: it is empty, or a site's front page.
    """
    key = link.partition("://")[2].removeprefix("www.")
    return key if key.partition("/")[2] else ""


def plain(link: str) -> str | None:
    """Return the canonical form of a link that only has tracking or a fragment to lose, or None for any other link."""
    parts = _PLAIN.match(link)
    if parts is None or len(link) > MAX_LENGTH:
        return None
    address, host, query = parts["address"], parts["host"], parts["query"]
    if _TWIN_HINT.search(address) or "xn--" in host or _LONG_LABEL.search(host):
        return None
    if redirects.may_redirect(host) and redirects.target_of(link) is not None:
        return None
    kept = tracking.strip(query, host) if query else ""
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
    # The library rewrites “#!”, which names a page of a script-driven site, so it gets no fragment.
    bare, _, fragment = link.partition("#")
    try:
        parts = urlsplit(url_normalize.url_normalize(bare) or "")
    except (ValueError, UnicodeError):
        # A host that IDNA refuses may exist all the same.
        parts = urlsplit(bare)
    host = _host_of(parts)
    query = tracking.strip(parts.query, host)
    path = _without_amp(parts.path) or "/"
    return urlunsplit((parts.scheme, host, path, query, "")) + _kept_fragment(fragment)


def _kept_fragment(fragment: str) -> str:
    """Return the fragment with its “#” if it names a page of a script-driven site, not a place in the page."""
    return f"#{fragment}" if fragment.startswith(("!", "/")) else ""


def _host_of(parts: SplitResult) -> str:
    """Return the host without credentials, AMP and mobile labels."""
    host = parts.netloc.rpartition("@")[2]
    host = _TWIN_HOST.sub("www.", host.removesuffix(":"))
    return _WIKI_MOBILE.sub(r"\1.", host)


def _without_amp(path: str) -> str:
    if "amp" not in path:
        return path
    path = _AMP_FOLDER.sub(r"\1", path)
    for end, kept in (("/amp/", "/"), ("/amp", ""), ("/amp.html", ""), (".amp.html", ".html"), (".amp", "")):
        if path.endswith(end) and len(path) > len(end):
            return path[: -len(end)] + kept
    return path
