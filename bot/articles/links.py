"""One address for one article: what a link leads to, without how the reader came by it.

Asks nobody: a redirect is followed only where its own address says where it leads.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import url_normalize

from bot.articles import redirects, tracking

#: Longer addresses are broken or data in disguise; the longest of real feeds have some 1,500 characters.
MAX_LENGTH = 4_000
#: A redirect inside a redirect inside …: more than was ever seen.
_MAX_STEPS = 20

#: Browsers drop line ends and tabs inside an address (WHATWG URL, 4.4); the rest can be in none.
_JUNK = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
#: Already what ``url_normalize`` would give, its query aside from tracking: it takes 60 µs, and most links of feeds are
#: like this. No escape, no capital in the host, no port, no dot segment, no second “=” in a parameter.
_PLAIN = re.compile(
    r"(?P<address>https?://(?P<host>[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+)(?=/)"
    r"(?:/[A-Za-z0-9_~,:@!$'()*+;=&-][A-Za-z0-9_~,.:@!$'()*+;=&-]*)*/?)"
    r"(?:\?(?P<query>[A-Za-z0-9_~,.:/?@!$'()*+;-]*(?:=[A-Za-z0-9_~,.:/?@!$'()*+;-]*)?"
    r"(?:&[A-Za-z0-9_~,.:/?@!$'()*+;-]*(?:=[A-Za-z0-9_~,.:/?@!$'()*+;-]*)?)*))?(?:#(?P<fragment>[A-Za-z0-9_/!-]*))?\Z"
)
#: What the address of a plain link may still have to lose.
_TWIN_HINT = re.compile(r"[/.](?:(?:amp|m|mobile|touch)\.|amp(?:/|\Z))")
#: The longest label of a host name (RFC 1035 section 2.3.4); a longer one is for the library to refuse.
_LONG_LABEL = re.compile(r"[^./]{64}")
_AMP_FOLDER = re.compile(r"^(/news)?/amp(?=/.*(?:\d|-.*-))")
_TWIN_HOST = re.compile(r"^(?:(?:www\.)?(?:amp|m|mobile|touch)\.)+(?=.+\..)")
_WIKI_MOBILE = re.compile(r"^([a-z-]+)\.m\.(?=.+\..)")


def canonical_link(url: str, base: str | None = None) -> str:
    """The article's own address; empty where ``url`` is no http(s) address.

    >>> canonical_link("HTTP://m.Example.COM:80/news/1/amp?utm_source=rss&id=7#top")
    'http://www.example.com/news/1?id=7'
    """
    quick = plain(url)
    return careful(url, base) if quick is None else quick


def careful(url: str, base: str | None = None) -> str:
    """The canonical form of any link, a part at a time."""
    link = _absolute(url, base)
    # Each step can lay bare work for another (an AMP page behind a redirect), so until nothing changes.
    for _ in range(_MAX_STEPS):
        target = redirects.target_of(link) if link else None
        simpler = _simplify((_absolute(target, None) if target else "") or link)
        if simpler == link:
            break
        link = simpler
    return link


def link_key(link: str) -> str:
    """What two forms of a canonical link share: http or https, with ``www.`` or without.

    Empty where the link names no one article: none at all, or a site's front page.
    """
    scheme, _, rest = link.partition("://")
    if not scheme or not rest:
        return ""
    rest = rest.removeprefix("www.")
    _, _, path = rest.partition("/")
    return rest if path else ""


def plain(link: str) -> str | None:
    """The canonical form of a link that has nothing to lose but tracking and fragment; None: look closer."""
    found = _PLAIN.match(link)
    if found is None or len(link) > MAX_LENGTH:
        return None
    address, host, query = found["address"], found["host"], found["query"]
    if _TWIN_HINT.search(address) or "xn--" in host or _LONG_LABEL.search(host):
        return None
    if redirects.may_redirect(host) and redirects.target_of(link) is not None:
        return None
    kept = tracking.strip(query, host) if query else ""
    return f"{address}{'?' if kept else ''}{kept}{_kept_fragment(found['fragment'] or '')}"


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
    # The library rewrites “#!”, which names a page of a script-driven site, so it does not see the fragment.
    bare, _, fragment = link.partition("#")
    try:
        parts = urlsplit(url_normalize.url_normalize(bare) or "")
    except (ValueError, UnicodeError):
        # A host that IDNA refuses is still an address that somebody may answer.
        parts = urlsplit(bare)
    host = _host_of(parts)
    query = tracking.strip(parts.query, host)
    path = _without_amp(parts.path) or "/"
    return urlunsplit((parts.scheme, host, path, query, "")) + _kept_fragment(fragment)


def _kept_fragment(fragment: str) -> str:
    """Of a site driven by scripts the fragment names the page; elsewhere it names a place in it."""
    return f"#{fragment}" if fragment.startswith(("!", "/")) else ""


def _host_of(parts: SplitResult) -> str:
    """Without credentials, AMP and mobile labels."""
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
