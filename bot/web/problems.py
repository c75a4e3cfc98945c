"""Errors: as problem documents (RFC 9457) to programs, as a line of text to others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive

from bot.answers.refusals import Mistake
from bot.model import visible

#: Under these addresses programs ask.
PROGRAMS = ("/api", "/mcp")
#: Of a body: a pasted rule of 8,000 characters, each written as an escape.
MOST_BODY_BYTES = 128 * 1024
TYPE = "application/problem+json"
#: Of every 401.
CHALLENGE = {"www-authenticate": 'Basic realm="Wirewatch", charset="UTF-8"'}


def problem(
    status: int, detail: str, *, mistakes: Sequence[Mistake] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The error as a problem document."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [asdict(one) for one in mistakes],
    }
    text = visible.json_text(json.dumps(body, ensure_ascii=False))
    return Response(text, status, headers, TYPE)


async def read(receive: Receive, most_bytes: int) -> bytes | None:
    """The body of a request; None: it is longer.

    An answer to a request that was not read to its end may be lost with the connection.
    """
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > most_bytes:
            return None
        if not message.get("more_body"):
            return bytes(body)


def refusal(path: str, status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """The error in the form that whoever asks for ``path`` reads."""
    if path.startswith(PROGRAMS):
        return problem(status, text, headers=headers)
    return PlainTextResponse(f"{text}\n", status, headers)
