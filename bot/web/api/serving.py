"""Serves the operations: parameters in, documents out, errors as problem documents."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import pydantic
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import model, ports
from bot.answers import Answers, Refused, Why, asked, documents
from bot.answers.refusals import Mistake
from bot.answers.watched import render
from bot.model import visible
from bot.web import callers, problems
from bot.web.api import openapi
from bot.web.api.operations import OPERATIONS, PREFIX, Call, Operation
from bot.web.rates import Rates

_STATUS = {Why.NOT_FOUND: 404, Why.UNUSABLE: 422, Why.TOO_LONG: 422}

_Endpoint = Callable[[Request], Awaitable[Response]]


class _BadRequest(Exception):
    """Refused before anything is asked."""

    def __init__(self, status: int, detail: str, *mistakes: Mistake) -> None:
        super().__init__(detail)
        self.response = problems.problem(status, detail, mistakes=mistakes)


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
        except _BadRequest as error:
            return error.response
        except Refused as error:
            return problems.problem(_STATUS[error.why], str(error), mistakes=error.mistakes)
        except ports.StoreError as error:
            return problems.problem(503, str(error))
        return await render(lambda: _answer(request, document, one.status))

    return serve


def _question(one: Operation, request: Request, content: bytes) -> asked.Question | None:
    given: object
    if one.has_body:
        given = _json(request, content)
    else:
        given = dict(request.query_params)
        twice = [
            name for name, count in Counter(name for name, _ in request.query_params.multi_items()).items() if count > 1
        ]
        if twice:
            mistakes = [Mistake(where=name, message="it is given twice") for name in twice]
            raise _BadRequest(400, "A parameter is given twice.", *mistakes)
    if one.question is None:
        if given:
            raise _BadRequest(400, "Nothing is asked here beside the address.")
        return None
    try:
        return one.question.model_validate(given, strict=one.has_body)
    except pydantic.ValidationError as error:
        mistakes = [_mistake(each) for each in error.errors(include_url=False, include_input=False)]
        said = "; ".join(f"{each.where}: {each.message}" if each.where else each.message for each in mistakes)
        raise _BadRequest(400, said, *mistakes) from None


def _mistake(found: object) -> Mistake:
    details: dict[str, object] = dict(found)  # type: ignore[call-overload]  # pydantic's own typed dictionary
    place = details["loc"]
    where = ".".join(map(str, place)) if isinstance(place, Sequence) else ""
    text = str(details["msg"]).removeprefix("Value error, ")
    return Mistake(where=where, message=text[:1].lower() + text[1:])


def _json(request: Request, content: bytes) -> object:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _BadRequest(415, "The body has to be application/json.")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else ""
        raise _BadRequest(400, f"The body is no JSON{where}.") from None


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
