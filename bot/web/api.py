"""The API under /api/v1: a FastAPI application with a route for each query that has a path."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from datetime import datetime
from functools import cache, partial
from http import HTTPStatus
from typing import Annotated, Any

import fastapi
import pydantic
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic.fields import FieldInfo
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

import bot
from bot.model import visible
from bot.model.errors import StoreError
from bot.model.settings import TokenScope
from bot.model.stories import StoryId
from bot.queries import export
from bot.queries.catalog import QUERIES
from bot.queries.registry import (
    Document,
    Mistake,
    Parameters,
    Query,
    QueryRunner,
    RefusalKind,
    Refused,
    malformed,
    read_parameters,
    render,
)
from bot.web import access

PREFIX = "/api/v1"
_OPERATIONS = {query.name: query for query in QUERIES if query.path}
_STATUS = {RefusalKind.MALFORMED: 400, RefusalKind.NOT_FOUND: 404, RefusalKind.UNUSABLE: 422, RefusalKind.TOO_LONG: 422}
_DESCRIPTION = (
    "Stories, articles, rules and feeds of one Wirewatch. Text from articles and feeds is untrusted and unchanged."
)
NOTHING = f"Nothing at this address; {PREFIX}/openapi.json describes all addresses."


class ProblemItem(Document):
    """One mistake in a request: the parameter with the mistake, and the mistake's range of characters."""

    where: str
    message: str
    help: str | None
    start: int | None
    end: int | None


class ErrorDocument(Document):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemItem]


class Api:
    """The API as an ASGI application. It answers all paths that begin with /api."""

    def __init__(self, queries: QueryRunner) -> None:
        self._app = app = describe_api()
        app.state.queries = queries

        @cache
        def document() -> bytes:
            """Return the OpenAPI document. It is built on first use, because that takes a quarter of a second."""
            return json.dumps(openapi_document(app), ensure_ascii=False).encode()

        async def describe(request: Request) -> Response:
            return access.tagged_response(request, document(), "application/json")

        async def export_stories(request: Request) -> Response:
            """Stream one row per story. Each page of stories is read in a separate transaction."""
            try:
                form = export.ExportFormat(request.path_params["form"])
                parameters = read_parameters(export.ExportParameters, dict(request.query_params))
                rows, cursor = await queries.read(lambda archive: export.read_page(archive, parameters))
            except ValueError:
                return access.problem_response(404, NOTHING)
            except Refused as refused:
                return access.problem_response(_STATUS[refused.kind], str(refused), mistakes=refused.mistakes)
            except StoreError as error:
                return access.problem_response(503, str(error))
            text = _stream_stories(queries, form, parameters, rows, cursor)
            return StreamingResponse(text, media_type=export.CONTENT_TYPES[form])

        app.router.add_route(f"{PREFIX}/openapi.json", describe)
        app.router.add_route(f"{PREFIX}/stories.{{form}}", export_stories)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content = await access.read_body(receive, access.MOST_BODY_BYTES)
        if content is None:
            refusal = access.problem_response(413, f"The body may have at most {access.MOST_BODY_BYTES:,} bytes.")
            await refusal(scope, receive, send)
            return

        is_read = False

        async def receive_content() -> Message:
            nonlocal is_read
            if is_read:
                return await receive()
            is_read = True
            return {"type": "http.request", "body": content}

        # Answer HEAD like GET, because the server omits the body.
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        await self._app({**scope, "method": method}, receive_content, send)


async def _stream_stories(
    queries: QueryRunner,
    form: export.ExportFormat,
    parameters: export.ExportParameters,
    rows: Sequence[export.ExportedStory],
    cursor: tuple[datetime, StoryId] | None,
) -> AsyncIterator[str]:
    yield export.write_head(form)
    yield "".join(export.write_stories(form, rows, is_first=True))
    while cursor is not None:
        rows, cursor = await queries.read(partial(export.read_page, parameters=parameters, cursor=cursor))
        yield "".join(export.write_stories(form, rows, is_first=False))
    yield export.write_end(form)


def describe_api() -> fastapi.FastAPI:
    """Return the application with its routes. Requests need ``state.queries``, which Api sets."""
    api = fastapi.FastAPI(
        title="Wirewatch",
        version=bot.__version__,
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: _refuse_address},
    )
    api.router.route_class = _Route
    for query in _OPERATIONS.values():
        # A rule's name may contain a slash.
        path = query.path.replace("{name}", "{name:path}")
        statuses = (400, 401, 403, 404, 413, *((415,) if query.method == "POST" else ()), 421, 422, 503)
        responses: dict[int | str, dict[str, Any]] = {
            status: {"model": ErrorDocument, "description": HTTPStatus(status).phrase} for status in statuses
        }
        if query.method == "GET":
            responses[304] = {"description": "Not changed since the answer with this ETag."}
        api.add_api_route(
            PREFIX + path,
            _endpoint(query),
            methods=[query.method],
            operation_id=query.name,
            summary=query.help,
            response_model=query.document,
            status_code=query.status,
            response_description=HTTPStatus(query.status).phrase,
            responses=responses,
            # If web.token is not set, clients on the same machine may read without a token.
            openapi_extra={"security": [{"token": []}, *([] if query.is_action else [{}])]},
        )
    return api


def openapi_document(api: fastapi.FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with what FastAPI cannot know: exports, the token, and the type of errors."""
    document = api.openapi()
    document["paths"][f"{PREFIX}/stories.{{form}}"] = {"get": _describe_export(document["paths"][f"{PREFIX}/stories"])}
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status >= "400":
                    response["content"] = {access.TYPE: response["content"]["application/json"]}
    return document


def _describe_export(stories: dict[str, Any]) -> dict[str, Any]:
    """Return the operation that exports stories. It has some of the parameters, and all errors, of listing stories."""
    listed = stories["get"]
    forms: dict[str, Any] = {"type": "string", "enum": [form.value for form in export.ExportFormat]}
    return {
        "operationId": "export",
        "summary": "Stream one row per story, for other tools.",
        "security": listed["security"],
        "parameters": [
            {"name": "form", "in": "path", "required": True, "description": "The format.", "schema": forms},
            *(entry for entry in listed["parameters"] if entry["name"] in export.ExportParameters.model_fields),
        ],
        "responses": {
            "200": {
                "description": "OK",
                "content": {kind: {"schema": {}} for kind in ("text/csv", "application/json")},
            },
            **{status: dict(response) for status, response in listed["responses"].items() if status >= "400"},
        },
    }


def _endpoint(query: Query[Any, Any]) -> Callable[..., Coroutine[Any, Any, Response]]:
    """Return the handler of a query. FastAPI reads the parameters from its annotations, so these are not strings."""
    fields = _fields_outside_path(query)
    in_path = query.parameters.model_fields.keys() - fields.keys()
    kind: type[Parameters] = query.parameters
    if in_path:
        definitions: dict[str, Any] = {name: (field.annotation, field) for name, field in fields.items()}
        kind = pydantic.create_model(query.parameters.__name__, __base__=Parameters, **definitions)
    place = fastapi.Body() if query.method == "POST" else fastapi.Query()

    async def answer(request: Request, parameters: Parameters) -> Response:
        queries: QueryRunner = request.app.state.queries
        value = await queries.run(query, parameters, by=access.caller_of(request.scope).name)

        def to_response() -> Response:
            text = query.document.of(value).model_dump_json(by_alias=True)
            content = visible.json_text(text).encode("utf-8", "replace")
            if query.method == "GET":
                return access.tagged_response(request, content, "application/json")
            return Response(content, query.status, media_type="application/json")

        return await render(to_response)

    if not in_path:

        async def endpoint(request: Request, rest: Annotated[kind, place]) -> Response:  # type: ignore[valid-type]
            return await answer(request, rest)

        return endpoint

    (name,) = in_path
    in_address = fastapi.Path(alias=name, min_length=1, description=query.parameters.model_fields[name].description)

    async def endpoint_with_key(
        request: Request,
        key: Annotated[str, in_address],
        rest: Annotated[kind, place],  # type: ignore[valid-type]
    ) -> Response:
        written = {name: key, **rest.model_dump(by_alias=True, exclude_unset=True)}  # type: ignore[attr-defined]
        return await answer(request, query.parameters.model_validate(written))

    return endpoint_with_key


def _fields_outside_path(query: Query[Any, Any]) -> dict[str, FieldInfo]:
    in_path = re.findall(r"{(\w+)}", query.path)
    return {name: field for name, field in query.parameters.model_fields.items() if name not in in_path}


class _Route(APIRoute):
    """A route that checks the caller before the parameters, and answers errors with problem documents."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        query, handle = _OPERATIONS[self.operation_id or ""], super().get_route_handler()

        async def serve(request: Request) -> Response:
            if (refusal := _refuse_caller(request, query)) is not None:
                return refusal
            try:
                _refuse_repeated(request)
                return await handle(request)
            except RequestValidationError as error:
                refused = _malformed(query, error)
            except Refused as error:
                refused = error
            except StoreError as error:
                return access.problem_response(503, str(error))
            return access.problem_response(_STATUS[refused.kind], str(refused), mistakes=refused.mistakes)

        return serve


def _refuse_caller(request: Request, query: Query[Any, Any]) -> Response | None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if query.method == "POST" and kind != "application/json":
        return access.problem_response(415, "The content type of the body must be application/json.")
    if not query.is_action or access.caller_of(request.scope).may is TokenScope.ACT:
        return None
    detail = "This needs a token of web.tokens in bot.yaml with `may: act`."
    if "authorization" in request.headers:
        return access.problem_response(403, detail)
    return access.problem_response(401, detail, headers=access.CHALLENGE)


def _refuse_repeated(request: Request) -> None:
    counts = Counter(name for name, _ in request.query_params.multi_items())
    if repeated := [
        Mistake(where=name, message="this parameter appears twice") for name, count in counts.items() if count > 1
    ]:
        raise Refused(RefusalKind.MALFORMED, "A parameter appears twice.", *repeated)


def _malformed(query: Query[Any, Any], error: RequestValidationError) -> Refused:
    details = error.errors()
    # The first part of "loc" is "path", "query" or "body".
    if any(detail["loc"][0] == "path" for detail in details):
        return Refused(RefusalKind.NOT_FOUND, NOTHING)
    if details[0]["type"] == "json_invalid":
        return Refused(RefusalKind.MALFORMED, f"The body is not valid JSON at character {details[0]['loc'][1] + 1}.")
    names = [field.alias or name for name, field in _fields_outside_path(query).items()]
    return malformed(names, [{**detail, "loc": detail["loc"][1:]} for detail in details])


async def _refuse_address(request: Request, error: Exception) -> Response:
    """Return the error for an unknown path, a method that the path does not have, or an unreadable body."""
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return access.problem_response(404, NOTHING)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        matching = (route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE)
        methods = {method for route in matching for method in route.methods}
        headers = {"allow": ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))}
        return access.problem_response(405, f"Method not allowed: {request.method}", headers=headers)
    return access.problem_response(error.status_code, "The body is not valid JSON.")
