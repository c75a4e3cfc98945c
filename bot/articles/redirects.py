"""Resolve links whose own address contains their target: search results, social networks, mail gateways.

Links that only a request could resolve (short links, Google News since 2024, feedproxy) stay as they are.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import parse_qs, unquote, urlsplit

#: Host (and its subdomains), path, and the parameters that may hold the target, best first.
_WRAPPERS: tuple[tuple[re.Pattern[str], re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(rf"(?:^|\.)(?:{host})\Z"), re.compile(path), tuple(names.split()))
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
_AMP_CACHE = re.compile(r"^/(?:[civ]|wp)(?:/s)?/|^/amp/(?:s/)?")
_GOOGLE_NEWS = re.compile(r"^/(?:rss/|__i/rss/rd/)?articles/([A-Za-z0-9_=-]+)")
_YAHOO = re.compile(r"/RU=([^/]+)")


_HINT = re.compile(
    r"(?:^|\.)(?:google|feedburner|facebook|instagram|threads|bing|duckduckgo|youtube|reddit|umblr|linkedin|vk|slack-redir"
    r"|outlook|yandex|medium|steamcommunity|disqus?|ampproject|yahoo)\.",
)


def may_redirect(host: str) -> bool:
    """Return False if ``target_of`` surely returns None for a link to this host (in lower case). Cheap."""
    return _HINT.search(host) is not None


def target_of(link: str) -> str | None:
    """Return the target that ``link`` contains, one step, or None if it is not such a redirect."""
    parts = urlsplit(link)
    host = (parts.hostname or "").lower()
    if host.endswith(".cdn.ampproject.org") or (
        parts.path.startswith("/amp/") and re.search(r"(?:^|\.)google\.[a-z]{2,3}(?:\.[a-z]{2,3})?\Z", host)
    ):
        return _in_amp_cache(parts.path, parts.query)
    if host.startswith("news.google.") and (match := _GOOGLE_NEWS.match(parts.path)):
        return _in_google_news(match[1])
    if host.endswith("r.search.yahoo.com") and (match := _YAHOO.search(parts.path)):
        return _web(unquote(match[1]))
    if not parts.query:
        return None
    for hosts, path, names in _WRAPPERS:
        if hosts.search(host) and path.search(parts.path):
            # urlsplit has cut off "#" in an unescaped target: a fragment, which is dropped anyway.
            values = parse_qs(parts.query, max_num_fields=100)
            return next((web for name in names for value in values.get(name, ()) if (web := _web(value))), None)
    return None


def _web(value: str) -> str | None:
    return value if value.lower().startswith(("http://", "https://")) else None


def _in_amp_cache(path: str, query: str) -> str | None:
    """Return the target of ``/c/s/example.com/x`` (cache) or ``/amp/s/example.com/x`` (viewer); ``s`` is https."""
    prefix = _AMP_CACHE.match(path)
    if prefix is None or "." not in path[prefix.end() :].partition("/")[0]:
        return None
    scheme = "https" if prefix[0].endswith("/s/") else "http"
    return f"{scheme}://{path[prefix.end() :]}" + (f"?{query}" if query else "")


def _in_google_news(code: str) -> str | None:
    """Return the address inside a Google News id (a protocol buffer in base64), or None: ids since 2024 have none."""
    try:
        raw = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))
    except (binascii.Error, ValueError):
        return None
    # Field 4, a string: tag 0x22, its length as a varint of one or two bytes, its bytes.
    start = raw.find(b"\x22")
    if start < 0 or start + 3 > len(raw):
        return None
    length, at = raw[start + 1], start + 2
    if length & 0x80:
        length, at = (length & 0x7F) | raw[start + 2] << 7, start + 3
    return _web(raw[at : at + length].decode("utf-8", "replace"))
