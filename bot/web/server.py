"""The listening socket and the server behind it, inside the bot's own loop and without signal handlers of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Mapping
from datetime import timedelta

import structlog
import uvicorn
from starlette.routing import Route
from starlette.types import ASGIApp

from bot import config, ports
from bot.answers.answering import Answers
from bot.answers.day_counts import DayCounts
from bot.answers.playground import Playground
from bot.answers.watched import Shared, Watched
from bot.ports.tasks import TaskGroup
from bot.web import api, health
from bot.web.admission import Admission
from bot.web.callers import Caller, Rate, Rates, Tokens
from bot.web.connections import LONGEST_HEAD_BYTES, Crowd, Limits
from bot.web.guard import AccessGuard, feed_token
from bot.web.metrics import Metrics
from bot.web.site import site_of
from bot.web.tools import ToolsOverHttp

log = structlog.get_logger("wirewatch")

#: How long readers that are being answered hold up a stop.
GRACE = timedelta(seconds=2)
#: Connections that wait to be accepted.
BACKLOG = 128


class _Server(uvicorn.Server):
    def __init__(self, settings: uvicorn.Config, crowd: Crowd) -> None:
        super().__init__(settings)
        self._crowd = crowd

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        self._crowd.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the command: it stops us."""
        yield


class Site:
    """Listens from the moment it is made; answers while ``serve`` runs."""

    def __init__(
        self,
        app: ASGIApp,
        listening: socket.socket,
        metrics: Metrics,
        limits: Limits,
        tools: ToolsOverHttp | None = None,
    ) -> None:
        self.metrics = metrics
        self._tools = tools
        self._socket = listening
        crowd = Crowd(limits)
        self._server = _Server(
            uvicorn.Config(
                app,
                http=crowd.protocol(),
                ws="none",
                lifespan="off",
                log_config=None,
                # What a client sends wrong is no news; what goes wrong in an answer is.
                log_level="error",
                # An address may hold what nobody should keep; reads are no news either.
                access_log=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=LONGEST_HEAD_BYTES,
                timeout_graceful_shutdown=int(GRACE.total_seconds()),
            ),
            crowd,
        )

    @property
    def url(self) -> str:
        """The address under which the page is served."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def serve(self, stop: asyncio.Event) -> None:
        """Answer until ``stop`` is set."""
        log.info("status page", url=self.url)
        # A stop that comes before the server has begun leaves the socket to us.
        with contextlib.closing(self._socket):
            async with self._tools.open() if self._tools else contextlib.nullcontext(), TaskGroup() as group:
                group.create_task(self._server.serve(sockets=[self._socket]))
                await stop.wait()
                self._server.should_exit = True


def open_site(
    bot: Watched,
    web: config.WebSettings,
    environ: Mapping[str, str],
    *,
    limits: Limits | None = None,
    rate: Rate | None = None,
) -> Site:
    """Open the page at ``web.listen``. Raises ConfigError: a token cannot be read, or the port is taken."""
    token = config.resolve(web.token, environ) if web.token else None
    shared = Shared(bot)
    metrics = Metrics(shared)
    hosts = ("localhost", "127.0.0.1", "::1", web.host.lower())
    own = feed_token(token) if token is not None else None
    counts, trying, rates = DayCounts(shared), Playground(shared), Rates(rate or Rate())
    answers = Answers(shared, counts, trying)
    tools = _tools(answers, rates) if web.mcp else None
    site = site_of(
        shared,
        answers,
        health.Probe(bot),
        metrics,
        counts=counts,
        trying=trying,
        feed_token=own,
        for_programs=[*api.routes(answers, rates), *([Route("/mcp", tools)] if tools else [])],
    )
    app = AccessGuard(Admission(site), token=token, hosts=hosts, tokens=_tokens(web, environ))
    return Site(app, _listen(web), metrics, limits or Limits(), tools)


def _tools(answers: Answers, rates: Rates) -> ToolsOverHttp:
    """Raises ConfigError where the extra is not installed."""
    try:
        from bot.answers import assistants
    except ModuleNotFoundError as error:
        raise ports.ConfigError(
            f"opening the status page: web.mcp in bot.yaml needs {error.name}: pip install 'wirewatch[mcp]'"
        ) from None
    server = assistants.server_of(answers)
    return ToolsOverHttp(lambda: assistants.over_http(server), rates)


def _tokens(web: config.WebSettings, environ: Mapping[str, str]) -> Tokens:
    """Raises ConfigError for one that is not there."""
    return Tokens(
        {
            config.resolve(one.token, environ).encode(): Caller(name=name, may=one.may)
            for name, one in web.tokens.items()
        }
    )


def _listen(web: config.WebSettings) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(web.host, web.port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        # The standard library adds the address, which is here already.
        why = (error.strerror or str(error)).partition(" (while")[0]
        raise ports.ConfigError(
            f"opening the status page at {web.listen}: {why}; choose another web.listen in bot.yaml"
        ) from None
    # Each connection inherits it: asyncio sets it only on sockets that name their protocol. Without it the second part
    # of an answer waits for the client's delayed acknowledgement, 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
