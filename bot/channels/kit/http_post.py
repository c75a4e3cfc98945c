"""One HTTP POST and its answer, bounded, no redirect followed: what is signed for one address goes to no other."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.error import HTTPError

#: Seconds for each connect, send and read; the sender bounds the whole.
_TIMEOUT = 15
_ANSWER_LIMIT = 64_000


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Any status is an answer. Raises OSError, HTTPException or ValueError."""
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")  # noqa: S310 - see safe_link
    try:
        response = _opener().open(request, timeout=_TIMEOUT)
    except HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers.items()), error.read(_ANSWER_LIMIT))
    with response:
        return Answer(response.status, dict(response.headers.items()), response.read(_ANSWER_LIMIT))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> None:
        return None


@cache
def _opener() -> urllib.request.OpenerDirector:
    """Knows the environment's proxy and its exceptions."""
    return urllib.request.build_opener(_NoRedirect)
