"""The listening socket, the routes, and the server, which runs in the bot's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib import resources
from typing import TYPE_CHECKING

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from bot import config
from bot.aio import TaskGroup
from bot.model.errors import ConfigError, StoreError
from bot.queries.registry import QueryRunner, Watched
from bot.web import access, api, feeds_out, health
from bot.web.access import AccessGuard, Admission, Caller, feed_token
from bot.web.metrics import CONTENT_TYPE, Metrics
from bot.web.pages import Pages

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


def _build_app(
    queries: QueryRunner, metrics: Metrics, tools: ToolsOverHttp | None, feed_token: str | None
) -> Starlette:
    """Build the application: the status page, health, metrics, and the routes for programs."""
    probe = health.Probe(queries.watched)
    pages, programs = Pages(queries, probe, feed_token), api.Api(queries)
    style = resources.files("bot.web").joinpath("static", "style.css").read_bytes()

    async def live(request: Request) -> Response:
        """Answer 200 in any state of the bot, because any answer shows that the process is alive."""
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        state = await probe.ask()
        is_hidden = state.is_private and not access.is_known(request.scope)
        reason = "the database does not answer" if is_hidden else state.reason
        body: dict[str, object] = {"status": "ok" if state.is_ready else "not ready", "reason": reason}
        if access.is_known(request.scope) and (failures := queries.watched.failures):
            body["failing"] = [
                {
                    "name": failure.name,
                    "since": failure.since.isoformat(),
                    "count": failure.count,
                    "error": failure.error,
                }
                for failure in failures
            ]
        return JSONResponse(body, 200 if state.is_ready else 503)

    async def numbers(request: Request) -> Response:
        try:
            return Response(await metrics.page(), headers={"content-type": CONTENT_TYPE})
        except StoreError as error:
            return Response(f"{error}\n", 503, media_type="text/plain")

    async def refuse_slow(request: Request, error: Exception) -> Response:
        return access.slow_refusal(request.url.path)

    async def stylesheet(request: Request) -> Response:
        return Response(style, media_type="text/css", headers={"cache-control": "max-age=300"})

    return Starlette(
        routes=[
            Route("/healthz", ready),
            Route("/healthz/ready", ready),
            Route("/healthz/live", live),
            Route("/metrics", numbers),
            Route("/style.css", stylesheet),
            Route("/feeds/{kind}.{form}", feeds_out.FeedsOut(queries).answer),
            *pages.routes(),
            Route("/api/{rest:path}", programs),
            Route("/api", programs),
            *([Route("/mcp", tools)] if tools else []),
        ],
        exception_handlers={404: pages.not_found, StoreError: pages.store_failed, access.SlowBody: refuse_slow},
    )


class ToolsOverHttp:
    """The tools for assistants as an ASGI application, which answers while ``manager.run()`` is active."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        self.manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            await self.manager.handle_request(scope, receive, send)
            return
        # Refuse GET, which the SDK's server would answer with a stream that never ends.
        detail = f"Method not allowed: {scope['method']}"
        await access.read_body(receive, access.MOST_BODY_BYTES)
        await access.problem_response(405, detail, headers={"allow": "POST"})(scope, receive, send)


log = structlog.get_logger("wirewatch")

#: Maximum time for which unfinished answers delay a stop.
GRACE = timedelta(seconds=2)
#: Maximum size of a request's head. Its address may contain a pasted rule of 8,000 characters, each of which takes up
#: to twelve bytes.
LONGEST_HEAD_BYTES = 128 * 1024
#: Maximum time between two requests on one connection.
KEEP_ALIVE = timedelta(seconds=10)
#: Maximum time for the head of a request.
HEAD_WITHIN = timedelta(seconds=10)
#: Maximum open connections, and the part of this process's open files that they may use. Polls need the others.
MOST_CONNECTIONS, PART_OF_FILES = 200, 1 / 4
#: Maximum connections that wait to be accepted.
BACKLOG = 128


def most_connections() -> int:
    """Return how many connections may be open at a time."""
    return min(MOST_CONNECTIONS, int(resource.getrlimit(resource.RLIMIT_NOFILE)[0] * PART_OF_FILES))


class _Connection(H11Protocol):
    """A connection to the page. If there are too many, the oldest one without a request is closed for a new one."""

    connections: set[_Connection]  # type: ignore[assignment]  # all of this server
    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # the last request
    _opened_at = 0.0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._opened_at = self.loop.time()
        self._wait_for_head()
        if len(self.connections) > most_connections():
            idle = [connection for connection in self.connections if not connection.is_busy]
            oldest = min(idle, key=lambda connection: connection._opened_at)  # noqa: SLF001 - our own class
            oldest.transport.abort()
            # The loop accepts several connections before it closes this one.
            self.connections.discard(oldest)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.is_busy:
            self._stop_waiting()
        elif self._head_timer is None:
            self._wait_for_head()

    @property
    def is_busy(self) -> bool:
        """Whether a request is being received or answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_WITHIN.total_seconds(), self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers, because the command handles signals and stops the server."""
        yield


class Site:
    """The status page's server. It listens from its creation, and answers while ``serve`` runs."""

    def __init__(
        self,
        app: ASGIApp,
        listening: socket.socket,
        metrics: Metrics,
        tools: ToolsOverHttp | None = None,
    ) -> None:
        self.metrics = metrics
        self._tools = tools
        self._socket = listening
        self._server = _Server(
            uvicorn.Config(
                app,
                http=_Connection,
                ws="none",
                lifespan="off",
                # The event loop accepts so many connections before it closes one.
                backlog=min(BACKLOG, most_connections()),
                log_config=None,
                # Log our own failures, but not mistakes of clients.
                log_level="error",
                # Log no requests, because their addresses may contain private text.
                access_log=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=LONGEST_HEAD_BYTES,
                timeout_keep_alive=int(KEEP_ALIVE.total_seconds()),
                timeout_graceful_shutdown=int(GRACE.total_seconds()),
            )
        )

    @property
    def url(self) -> str:
        """The address of the page."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def serve(self, stop: asyncio.Event) -> None:
        """Answer until ``stop`` is set."""
        log.info("status page started", url=self.url)
        # Close the socket here, because a server that is stopped before it starts leaves the socket open.
        with contextlib.closing(self._socket):
            async with self._tools.manager.run() if self._tools else contextlib.nullcontext(), TaskGroup() as group:
                group.create_task(self._server.serve(sockets=[self._socket]))
                await stop.wait()
                self._server.should_exit = True


def open_site(bot: Watched, web: config.WebSettings, environ: Mapping[str, str]) -> Site:
    """Open the page at ``web.listen``. Raises ConfigError if a token cannot be read or the port is in use."""
    token = config.resolve_secret(web.token, environ) if web.token else None
    hosts = ("localhost", "127.0.0.1", "::1", web.host.lower())
    queries = QueryRunner(bot)
    metrics, tools = Metrics(queries), _tools(queries) if web.mcp else None
    site = _build_app(queries, metrics, tools, feed_token(token) if token is not None else None)
    callers = {
        config.resolve_secret(entry.token, environ).encode(): Caller(name=name, may=entry.may)
        for name, entry in web.tokens.items()
    }
    app = AccessGuard(Admission(site), token=token, hosts=hosts, callers=callers)
    return Site(app, _listen(web), metrics, tools)


def _tools(queries: QueryRunner) -> ToolsOverHttp:
    """Build the tools for assistants. Raises ConfigError if the extra is not installed."""
    try:
        from bot.queries import assistants  # imports an extra
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"opening the status page: web.mcp in bot.yaml needs {error.name}: pip install 'wirewatch[mcp]'"
        ) from None
    return ToolsOverHttp(assistants.over_http(assistants.server_of(queries)))


def _listen(web: config.WebSettings) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(web.host, web.port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        # Remove the address that the standard library appends, because our message already contains it.
        why = (error.strerror or str(error)).partition(" (while")[0]
        raise ConfigError(
            f"opening the status page at {web.listen}: {why}; choose another web.listen in bot.yaml"
        ) from None
    # Connections inherit this option. Without it, the second part of an answer waits 40 ms for the client's delayed
    # acknowledgement. asyncio sets the option only on sockets that name their protocol.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
