"""The listening socket and the server behind it, inside the bot's own loop and without signal handlers of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Iterator, Mapping
from datetime import timedelta

import structlog
import uvicorn

from bot import config, ports
from bot.web.guard import Guard
from bot.web.metrics import Metrics
from bot.web.site import site_of
from bot.web.watched import Watched

log = structlog.get_logger("wirewatch")

#: How long readers that are being answered hold up a stop.
GRACE = timedelta(seconds=2)
#: Readers at once; the rest is told to come again (503).
MOST_READERS = 100
#: A pasted rule stands in the address: 8,000 letters of any script are nine times as many characters there.
LONGEST_ADDRESS_BYTES = 128 * 1024


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the command: it stops us."""
        yield


class Site:
    """Listens from the moment it is made; answers while ``serve`` runs."""

    def __init__(self, app: Guard, listening: socket.socket, metrics: Metrics) -> None:
        self.metrics = metrics
        self._socket = listening
        self._server = _Server(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                # An address may hold what nobody should keep; reads are no news either.
                access_log=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=LONGEST_ADDRESS_BYTES,
                limit_concurrency=MOST_READERS,
                timeout_graceful_shutdown=int(GRACE.total_seconds()),
            )
        )

    @property
    def url(self) -> str:
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def serve(self, stop: asyncio.Event) -> None:
        """Answer until ``stop`` is set."""
        log.info("status page", url=self.url)
        # A stop that comes before the server has begun leaves the socket to us.
        with contextlib.closing(self._socket):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._server.serve(sockets=[self._socket]))
                await stop.wait()
                self._server.should_exit = True


def open_site(bot: Watched, web: config.WebSettings, environ: Mapping[str, str]) -> Site:
    """The page at ``web.listen``. Raises ConfigError: no token where others can reach it, or the port is taken."""
    token = config.resolve(web.token, environ) if web.token else None
    if token is None and not is_loopback(web.host):
        raise ports.ConfigError(
            f"opening the status page: {web.listen} can be reached from other machines, so web.token is needed in "
            "bot.yaml (env:NAME or file:/path); or listen at 127.0.0.1"
        )
    metrics = Metrics(bot)
    hosts = ("localhost", "127.0.0.1", "::1", web.host.lower())
    return Site(Guard(site_of(bot, metrics), token=token, hosts=hosts), _listen(web), metrics)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _listen(web: config.WebSettings) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(web.host, web.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=MOST_READERS)
    except OSError as error:
        # The standard library adds the address, which stands here already.
        why = (error.strerror or str(error)).partition(" (while")[0]
        raise ports.ConfigError(
            f"opening the status page at {web.listen}: {why}; choose another web.listen in bot.yaml"
        ) from None
