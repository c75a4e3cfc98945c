"""Serves the operations: parameters in, documents out, errors as problem documents."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import model, ports
from bot.answers import asked, documents
from bot.answers.answering import Answers
from bot.answers.refusals import Mistake, Refused, Why
from bot.answers.watched import render
from bot.model import visible
from bot.web import callers, problems
from bot.web.api import openapi
from bot.web.api.operations import OPERATIONS, PREFIX, Call, Operation
from bot.web.callers import Rates

_STATUS = {Why.MALFORMED: 400, Why.NOT_FOUND: 404, Why.UNUSABLE: 422, Why.TOO_LONG: 422}

_Endpoint = Callable[[Request], Awaitable[Response]]


def routes(answers: Answers, rates: Rates) -> list[Route]:
    """Every address of the API."""
    described = json.dumps(openapi.document(), ensure_ascii=False)

    async def describe(request: Request) -> Response:
        return _answer(request, described, 200)

    by_path: dict[str, dict[str, _Endpoint]] = {"/openapi.json": {"GET": describe}}
    for one in OPERATIONS:
        by_path.setdefault(one.path, {})[one.method] = _endpoint(one, answers, rates)
    # A rule's name may hold a slash; what is longer comes first, so that it is not taken for a name.
    found = [
        Route(PREFIX + path.replace("{of}", "{of:path}" if path == "/rules/{of}" else "{of}"), _any_of(by_method))
        for path, by_method in by_path.items()
    ]
    for route in found:
        # Every method reaches the endpoint, which answers 405 as a problem.
        route.methods = None
    return [*found, Route("/api/{rest:path}", _nothing, methods=None), Route("/api", _nothing)]


async def _nothing(request: Request) -> Response:
    return problems.problem(404, f"There is nothing here; {PREFIX}/openapi.json describes what there is.")


def _any_of(by_method: dict[str, _Endpoint]) -> _Endpoint:
    allowed = {**({"HEAD": by_method["GET"]} if "GET" in by_method else {}), **by_method}

    async def serve(request: Request) -> Response:
        endpoint = allowed.get(request.method)
        if endpoint is None:
            await problems.read(request.receive, problems.MOST_BODY_BYTES)
            headers = {"allow": ", ".join(sorted(allowed))}
            return problems.problem(405, f"Method not allowed: {request.method}", headers=headers)
        return await endpoint(request)

    return serve


def _endpoint(one: Operation, answers: Answers, rates: Rates) -> _Endpoint:
    async def serve(request: Request) -> Response:
        content = await problems.read(request.receive, problems.MOST_BODY_BYTES)
        if content is None:
            return problems.problem(413, f"The body may have {problems.MOST_BODY_BYTES:,} bytes.")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if one.has_body and kind != "application/json":
            return problems.problem(415, "The body has to be application/json.")
        caller = callers.caller_of(request.scope)
        if (refusal := callers.refusal(request.scope, rates, one.cost)) is not None:
            return refusal
        if one.scope is model.TokenScope.ACT and caller.may is not model.TokenScope.ACT:
            detail = "This needs a token of web.tokens in bot.yaml with `may: act`."
            is_shown = "authorization" in request.headers
            return (
                problems.problem(403, detail) if is_shown else problems.problem(401, detail, headers=problems.CHALLENGE)
            )
        try:
            question = _question(one, request, content)
            call = Call(answers=answers, of=request.path_params.get("of", ""), question=question, by=caller.name)
            document = await one.run(call)
        except Refused as error:
            return problems.problem(_STATUS[error.why], str(error), mistakes=error.mistakes)
        except ports.StoreError as error:
            return problems.problem(503, str(error))
        return await render(lambda: _answer(request, document, one.status))

    return serve


def _question(one: Operation, request: Request, content: bytes) -> asked.Question | None:
    if one.has_body:
        given = _json(request, content)
    else:
        counts = Counter(name for name, _ in request.query_params.multi_items())
        if twice := [Mistake(where=name, message="it is given twice") for name, count in counts.items() if count > 1]:
            raise Refused(Why.MALFORMED, "A parameter is given twice.", *twice)
        given = dict(request.query_params)
    if one.question is not None:
        return asked.read(one.question, given)
    if given:
        raise Refused(Why.MALFORMED, "Nothing is asked here beside the address.")
    return None


def _json(request: Request, content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else ""
        raise Refused(Why.MALFORMED, f"The body is not valid JSON{where}.") from None


def _answer(request: Request, document: documents.Document | str, status: int) -> Response:
    """Return the answer with its ETag. Of a long text this takes a while: not for the event loop."""
    text = document if isinstance(document, str) else document.model_dump_json(by_alias=True)
    body = visible.json_text(text).encode("utf-8", "replace")
    if request.method not in ("GET", "HEAD"):
        return Response(body, status, media_type="application/json")
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    asked_for = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if tag in asked_for or "*" in asked_for:
        return Response(status_code=304, headers=headers)
    return Response(body, status, headers, "application/json")
