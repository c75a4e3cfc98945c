"""What a status says, for people, and what to do about it.

Pure text.
"""

from __future__ import annotations

from http import HTTPStatus

_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "it wants a name and a password",
    HTTPStatus.FORBIDDEN: "the server does not let us in; if it goes on, ask the publisher to allow the feed reader",
    HTTPStatus.NOT_FOUND: "there is no feed at this address any more; look for its new address, correct feeds.yaml",
    HTTPStatus.GONE: "the publisher has ended this feed, it is not asked again; remove or correct it in feeds.yaml",
    HTTPStatus.TOO_MANY_REQUESTS: "we ask too often for this server; it is left alone for as long as it says",
    HTTPStatus.SERVICE_UNAVAILABLE: "the server is overloaded or closed; it is left alone for a while",
}


def told(status: int) -> str:
    """
    >>> told(502)
    '502 Bad Gateway: the server is in trouble; it is asked again later'
    """
    try:
        name = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        name = f"status {status}"
    return f"{name}: {_ADVICE.get(status) or _of_class(status)}"


def _of_class(status: int) -> str:
    if 200 <= status < 300:
        return "an answer without a feed; tell the publisher"
    if 300 <= status < 400:
        return "it redirects without saying where; tell the publisher"
    if status >= 500:
        return "the server is in trouble; it is asked again later"
    return "the server refuses the request; open the address in a browser and correct feeds.yaml"
