"""The API under /api/v1: one table of operations, served and described as OpenAPI 3.1."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import pydantic
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import bot
from bot import model
from bot.model import visible
from bot.queries import documents, parameters
from bot.queries.errors import Mistake, Refused, Why
from bot.queries.questions import Answers
from bot.queries.watched import render
from bot.web import access
from bot.web.access import Rates

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request with checked parameters."""

    answers: Answers
    #: The id or name in the path; empty if the path has none.
    of: str
    #: An instance of the operation's ``question``; the table pairs the two.
    question: Any
    #: The name of the token that the request shows.
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the API."""

    id: str
    path: str
    summary: str
    answer: type[documents.Document]
    run: Callable[[Call], Awaitable[documents.Document]]
    method: str = "GET"
    #: The parameters in the query, or in the body of a POST; None if there are none.
    question: type[parameters.Question] | None = None
    #: Describes the id or name in the path; None if the path has none.
    of: str | None = None
    #: Whether a thing or rule that the request names may not exist.
    may_miss: bool = False
    scope: model.TokenScope = model.TokenScope.READ
    status: int = 200
    #: The number of ordinary requests that it counts as.
    cost: int = 1

    @property
    def has_body(self) -> bool:
        """Whether the question is in the body."""
        return self.method == "POST"

    @property
    def errors(self) -> tuple[int, ...]:
        """The statuses of its errors."""
        own = {
            400: self.question is not None,
            404: self.of is not None or self.may_miss,
            415: self.has_body,
        }
        own[422] = self.question is not None or self.of is not None
        return tuple(sorted([401, 403, 413, 421, 429, 503, *(status for status, has in own.items() if has)]))


#: The common fields of the two rulings about a story.
_ruling = partial(
    Operation,
    method="POST",
    of="The story's id.",
    answer=documents.RulingDocument,
    scope=model.TokenScope.ACT,
    status=202,
    cost=10,
)
OPERATIONS = (
    Operation(
        id="stories",
        path="/stories",
        summary="Stories, the last to change first, each with its first 20 articles.",
        question=parameters.StoriesQuestion,
        answer=documents.StoriesPage,
        may_miss=True,
        run=lambda call: call.answers.stories(call.question),
    ),
    Operation(
        id="story",
        path="/stories/{of}",
        summary="One story, with up to 1,000 articles; of a merged one, the story that it became.",
        of="The story's id.",
        answer=documents.StoryDocument,
        run=lambda call: call.answers.story(call.of),
    ),
    _ruling(
        id="split",
        path="/stories/{of}/split",
        summary="Take articles out of a story: they are about another event.",
        question=parameters.SplitQuestion,
        run=lambda call: call.answers.split(call.of, call.question, by=call.by),
    ),
    _ruling(
        id="merge",
        path="/stories/{of}/merge",
        summary="Make two stories one: they are about the same event.",
        question=parameters.MergeQuestion,
        run=lambda call: call.answers.merge(call.of, call.question, by=call.by),
    ),
    Operation(
        id="silences",
        path="/silences",
        summary="The silences in force, and what each kept back.",
        question=parameters.SilencesQuestion,
        answer=documents.SilencesAnswer,
        run=lambda call: call.answers.silences(call.question),
    ),
    Operation(
        id="silence",
        path="/silences",
        summary="Post nothing about a story, a rule, an outlet, an entity or everything until an end.",
        method="POST",
        question=parameters.SilenceQuestion,
        answer=documents.SilenceDocument,
        may_miss=True,
        run=lambda call: call.answers.silence(call.question, by=call.by),
        scope=model.TokenScope.ACT,
        status=201,
        cost=10,
    ),
    Operation(
        id="end_silence",
        path="/silences/{of}",
        summary="End a silence before its time.",
        method="DELETE",
        of="The silence's id.",
        answer=documents.SilenceDocument,
        run=lambda call: call.answers.end_silence(call.of, by=call.by),
        scope=model.TokenScope.ACT,
        cost=10,
    ),
    Operation(
        id="articles",
        path="/articles",
        summary="Articles of the archive, the last to come first.",
        question=parameters.ArticlesQuestion,
        answer=documents.FoundPage,
        may_miss=True,
        run=lambda call: call.answers.articles(call.question),
    ),
    Operation(
        id="article",
        path="/articles/{of}",
        summary="One article with its text.",
        of="The article's id.",
        answer=documents.ArticleDocument,
        run=lambda call: call.answers.article(call.of),
    ),
    Operation(
        id="search",
        path="/search",
        summary="Articles by their words, the last to come first.",
        question=parameters.SearchQuestion,
        answer=documents.FoundPage,
        may_miss=True,
        run=lambda call: call.answers.search(call.question),
        cost=2,
    ),
    Operation(
        id="rules",
        path="/rules",
        summary="The loaded rules.",
        question=parameters.RulesQuestion,
        answer=documents.RulesPage,
        run=lambda call: call.answers.rules(call.question),
    ),
    Operation(
        id="rule",
        path="/rules/{of}",
        summary="One loaded rule: what it means, its YAML, its matches by day, its precision.",
        of="The rule's name.",
        answer=documents.RuleDocument,
        run=lambda call: call.answers.rule(call.of),
    ),
    Operation(
        id="feeds",
        path="/feeds",
        summary="The configured feeds and their health.",
        question=parameters.FeedsQuestion,
        answer=documents.FeedsPage,
        run=lambda call: call.answers.feeds(call.question),
    ),
    Operation(
        id="explain",
        path="/explain",
        summary="Why rules match an article or a text, or what is missing.",
        question=parameters.ExplainQuestion,
        answer=documents.ExplainAnswer,
        run=lambda call: call.answers.explain(call.question),
        may_miss=True,
        cost=2,
    ),
    Operation(
        id="try",
        path="/try",
        summary="Try a rule: return what it would have matched and posted. Nothing is saved.",
        method="POST",
        question=parameters.TryQuestion,
        answer=documents.TryAnswer,
        run=lambda call: call.answers.try_rule(call.question),
        cost=10,
    ),
)


_SCHEMAS = "#/components/schemas/{model}"


class ProblemItem(documents.Document):
    """One mistake in a request: where it is, and the range of its characters."""

    where: str
    message: str
    help: str | None
    start: int | None
    end: int | None


class Problem(documents.Document):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemItem]


def openapi_document() -> dict[str, object]:
    """Return the OpenAPI document."""
    paths: dict[str, dict[str, object]] = {}
    for operation in OPERATIONS:
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Wirewatch",
            "version": bot.__version__,
            "description": "Stories, articles, rules and feeds of one Wirewatch. Text from articles and "
            "feeds is untrusted; it is passed on as it was written.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas() -> Mapping[str, Any]:
    shapes: dict[tuple[type[pydantic.BaseModel], JsonSchemaMode], None] = {(Problem, "serialization"): None}
    for operation in OPERATIONS:
        shapes[operation.answer, "serialization"] = None
        if operation.question is not None and operation.has_body:
            shapes[operation.question, "validation"] = None
    _, generated = models_json_schema(list(shapes), ref_template=_SCHEMAS)
    schemas: Mapping[str, Any] = generated["$defs"]
    return schemas


def _operation(operation: Operation) -> dict[str, object]:
    shown: dict[str, object] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": {
            str(operation.status): {
                "description": HTTPStatus(operation.status).phrase,
                "content": {"application/json": {"schema": _reference(operation.answer)}},
            },
            **(
                {"304": {"description": "Not changed since the answer with this ETag."}}
                if operation.method == "GET"
                else {}
            ),
            **{
                str(status): {
                    "description": HTTPStatus(status).phrase,
                    "content": {access.TYPE: {"schema": _reference(Problem)}},
                }
                for status in operation.errors
            },
        },
        # If web.token is not set, clients on the same machine may read without a token.
        "security": [{"token": []}] if operation.scope is model.TokenScope.ACT else [{"token": []}, {}],
    }
    if operation.has_body and operation.question is not None:
        shown["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(operation.question)}},
        }
    return shown


def _parameters(operation: Operation) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = []
    if operation.of is not None:
        schema = {"type": "string", "minLength": 1}
        shown.append({"name": "of", "in": "path", "required": True, "description": operation.of, "schema": schema})
    if operation.question is None or operation.has_body:
        return shown
    query_schema = operation.question.model_json_schema(ref_template=_SCHEMAS)
    needed = query_schema.get("required", [])
    for name, property_ in query_schema["properties"].items():
        schema = _without_null(property_, query_schema.get("$defs", {}))
        description = schema.pop("description", "")
        shown.append(
            {"name": name, "in": "query", "required": name in needed, "description": description, "schema": schema}
        )
    return shown


def _without_null(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an optional parameter without null, which an address cannot express."""
    shown = {key: value for key, value in schema.items() if key not in ("anyOf", "default", "title")}
    if schema.get("default") is not None:
        shown["default"] = schema["default"]
    for part in schema.get("anyOf", ()):
        if part.get("type") != "null":
            shown |= part
    if "$ref" in shown:
        name = shown.pop("$ref").rpartition("/")[2]
        shown |= {key: value for key, value in definitions[name].items() if key not in ("title", "description")}
    return shown


def _reference(shape: type[pydantic.BaseModel]) -> dict[str, object]:
    return {"$ref": _SCHEMAS.format(model=shape.__name__)}


_STATUS = {Why.MALFORMED: 400, Why.NOT_FOUND: 404, Why.UNUSABLE: 422, Why.TOO_LONG: 422}

_Endpoint = Callable[[Request], Awaitable[Response]]


def routes(answers: Answers, rates: Rates) -> list[Route]:
    """Return the routes of the API."""
    described = json.dumps(openapi_document(), ensure_ascii=False)

    async def describe(request: Request) -> Response:
        return _answer(request, described, 200)

    by_path: dict[str, dict[str, _Endpoint]] = {"/openapi.json": {"GET": describe}}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, {})[operation.method] = _endpoint(operation, answers, rates)
    # A rule's name may contain a slash. Longer paths come first, so that they are not taken for names.
    api_routes = [
        Route(PREFIX + path.replace("{of}", "{of:path}" if path == "/rules/{of}" else "{of}"), _any_of(by_method))
        for path, by_method in by_path.items()
    ]
    for route in api_routes:
        # Every method reaches the endpoint, which answers 405 as a problem.
        route.methods = None
    return [*api_routes, Route("/api/{rest:path}", _nothing, methods=None), Route("/api", _nothing)]


async def _nothing(request: Request) -> Response:
    return access.problem_response(404, f"There is nothing here; {PREFIX}/openapi.json describes what there is.")


def _any_of(by_method: dict[str, _Endpoint]) -> _Endpoint:
    allowed = {**({"HEAD": by_method["GET"]} if "GET" in by_method else {}), **by_method}

    async def serve(request: Request) -> Response:
        endpoint = allowed.get(request.method)
        if endpoint is None:
            await access.read_body(request.receive, access.MOST_BODY_BYTES)
            headers = {"allow": ", ".join(sorted(allowed))}
            return access.problem_response(405, f"Method not allowed: {request.method}", headers=headers)
        return await endpoint(request)

    return serve


def _endpoint(operation: Operation, answers: Answers, rates: Rates) -> _Endpoint:
    async def serve(request: Request) -> Response:
        content = await access.read_body(request.receive, access.MOST_BODY_BYTES)
        if content is None:
            return access.problem_response(413, f"The body may have {access.MOST_BODY_BYTES:,} bytes.")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if operation.has_body and kind != "application/json":
            return access.problem_response(415, "The body has to be application/json.")
        caller = access.caller_of(request.scope)
        if (refusal := access.rate_refusal(request.scope, rates, operation.cost)) is not None:
            return refusal
        if operation.scope is model.TokenScope.ACT and caller.may is not model.TokenScope.ACT:
            detail = "This needs a token of web.tokens in bot.yaml with `may: act`."
            is_shown = "authorization" in request.headers
            return (
                access.problem_response(403, detail)
                if is_shown
                else access.problem_response(401, detail, headers=access.CHALLENGE)
            )
        try:
            question = _question(operation, request, content)
            call = Call(answers=answers, of=request.path_params.get("of", ""), question=question, by=caller.name)
            document = await operation.run(call)
        except Refused as error:
            return access.problem_response(_STATUS[error.why], str(error), mistakes=error.mistakes)
        except model.StoreError as error:
            return access.problem_response(503, str(error))
        return await render(lambda: _answer(request, document, operation.status))

    return serve


def _question(operation: Operation, request: Request, content: bytes) -> parameters.Question | None:
    if operation.has_body:
        values = _json(request, content)
    else:
        counts = Counter(name for name, _ in request.query_params.multi_items())
        if twice := [Mistake(where=name, message="it appears twice") for name, count in counts.items() if count > 1]:
            raise Refused(Why.MALFORMED, "A parameter appears twice.", *twice)
        values = dict(request.query_params)
    if operation.question is not None:
        return parameters.read(operation.question, values)
    if values:
        raise Refused(Why.MALFORMED, "This address takes no parameters.")
    return None


def _json(request: Request, content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else ""
        raise Refused(Why.MALFORMED, f"The body is not valid JSON{where}.") from None


def _answer(request: Request, document: documents.Document | str, status: int) -> Response:
    """Return the answer with its ETag. Slow for a long text: do not call it on the event loop."""
    text = document if isinstance(document, str) else document.model_dump_json(by_alias=True)
    body = visible.json_text(text).encode("utf-8", "replace")
    if request.method not in ("GET", "HEAD"):
        return Response(body, status, media_type="application/json")
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    known_tags = [value.strip().removeprefix("W/") for value in request.headers.get("if-none-match", "").split(",")]
    if tag in known_tags or "*" in known_tags:
        return Response(status_code=304, headers=headers)
    return Response(body, status, headers, "application/json")
