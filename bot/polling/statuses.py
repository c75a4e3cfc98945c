"""Describe an HTTP status for people, with what to do about it."""

from __future__ import annotations

from http import HTTPStatus

_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "it requires a user name and a password",
    HTTPStatus.FORBIDDEN: "the server refuses access; if it continues, ask the publisher to allow the feed reader",
    HTTPStatus.NOT_FOUND: "there is no feed at this address any more; find its new address and correct feeds.yaml",
    HTTPStatus.GONE: "the publisher has ended this feed; it is no longer polled: remove or correct it in feeds.yaml",
    HTTPStatus.TOO_MANY_REQUESTS: "too many requests for this server; polling is paused for as long as it says",
    HTTPStatus.SERVICE_UNAVAILABLE: "the server is overloaded or closed; polling is paused for a while",
}


def told(status: int, *, is_outage: bool = False) -> str:
    """Describe a status for people, with what to do. ``is_outage``: the place sends this status during its outages.

    >>> told(502)
    '502 Bad Gateway: the server is in trouble; it will be tried again'
    """
    try:
        name = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        name = f"status {status}"
    if is_outage:
        return f"{name}: this server answers so during its outages too; it will be tried again"
    return f"{name}: {_ADVICE.get(status) or _of_class(status)}"


def _of_class(status: int) -> str:
    if 200 <= status < 300:
        return "an answer without a feed; tell the publisher"
    if 300 <= status < 400:
        return "it redirects without saying where; tell the publisher"
    if status >= 500:
        return "the server is in trouble; it will be tried again"
    return "the server refuses the request; open the address in a browser and correct feeds.yaml"
