"""Limit the number and duration of connections to the status page, so that no client can block other clients.

uvicorn has no deadline for headers and bodies, and it counts idle connections against its limit. A hundred idle sockets
would therefore block everybody (docs/decisions/0019-web.md). Nothing in this file depends on the content of requests.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any, cast

import h11
import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

log = structlog.get_logger("wirewatch")

#: Maximum size of a request's head. Its address may contain a pasted rule of 8,000 characters, each of which takes up
#: to twelve bytes.
LONGEST_HEAD_BYTES = 128 * 1024
#: Maximum lines of a request's head. A browser sends about 20 lines; h11 takes 0.2 s for 80,000 lines.
MOST_HEAD_LINES = 100
#: Minimum time between two log lines about too many connections.
LOG_INTERVAL = timedelta(minutes=1)


class Phase(StrEnum):
    """The state of a connection."""

    #: The connection waits for the head of a request, or is kept open for the next request.
    HEAD = "head"
    BODY = "body"
    #: The connection waits for the application's answer.
    ANSWER = "answer"
    #: The connection waits for the client to receive the answer.
    FLUSH = "flush"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The maximum number of open connections, and the maximum duration of each phase."""

    #: Maximum open connections of all clients.
    connections: int = 128
    #: Maximum open connections of one client.
    of_one_client: int = 64
    head: timedelta = timedelta(seconds=10)
    body: timedelta = timedelta(seconds=10)
    #: Maximum duration of an answer. A trial of a rule takes less, even if it waits for other trials.
    answer: timedelta = timedelta(seconds=60)
    flush: timedelta = timedelta(seconds=20)

    def of(self, phase: Phase) -> float:
        """Return the limit of a phase in seconds."""
        limit: timedelta = getattr(self, phase.value)
        return limit.total_seconds()


class Crowd:
    """The open connections of each client."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_client: defaultdict[str, list[Connection]] = defaultdict(list)
        self._count = 0
        self._logged_at: float | None = None

    def protocol(self) -> type[asyncio.Protocol]:
        """Return the factory that uvicorn calls for each connection."""
        return cast("type[asyncio.Protocol]", partial(Connection, self))

    def add(self, connection: Connection) -> None:
        """Add a connection.

        If its client has too many, close one of them. If all clients together have too many, close a connection of the
        client that has most.
        """
        client = client_of(connection.client)
        mine = self._by_client[client]
        if len(mine) >= self._limits.of_one_client:
            self._make_room(client, connection)
        elif self._count >= self._limits.connections:
            self._make_room(max(self._by_client, key=lambda address: len(self._by_client[address])), connection)
        self._by_client[client].append(connection)
        self._count += 1

    def remove(self, connection: Connection) -> None:
        """Remove a connection, unless it is already removed."""
        client = client_of(connection.client)
        mine = self._by_client.get(client, [])
        if connection in mine:
            mine.remove(connection)
            self._count -= 1
        if not mine:
            self._by_client.pop(client, None)

    def _make_room(self, client: str, newcomer: Connection) -> None:
        """Close the client's connection that is longest in its phase, if possible one that waits for no answer."""
        leaving = min(
            self._by_client[client], key=lambda candidate: (candidate.phase is Phase.ANSWER, candidate.phase_since)
        )
        now = newcomer.loop.time()
        if self._logged_at is None or now - self._logged_at >= LOG_INTERVAL.total_seconds():
            self._logged_at = now
            log.warning("status page connection limit reached", client=client, connections=self._count)
        self.remove(leaving)
        leaving.transport.abort()

    def sweep(self, now: float) -> None:
        """Close every connection that has been in its phase for too long. ``now`` is the event loop's time."""
        for connection in [member for members in self._by_client.values() for member in members]:
            connection.update_phase(now)
            if now - connection.phase_since > self._limits.of(connection.phase):
                self.remove(connection)
                connection.transport.abort()


class Connection(H11Protocol):
    """uvicorn's protocol with a limit for the head, without pipelining, and with a record of the connection's phase."""

    def __init__(
        self,
        crowd: Crowd,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._crowd = crowd
        self._answers = 0
        self._head_bytes = 0
        self._head_lines = 0
        self._phase_key: tuple[Phase, int] = (Phase.HEAD, 0)
        self.phase_since = self.loop.time()

    @property
    def phase(self) -> Phase:
        """The current phase."""
        if self._is_answering():
            return Phase.BODY if self.conn.their_state is h11.SEND_BODY else Phase.ANSWER
        return Phase.FLUSH if self.transport.get_write_buffer_size() else Phase.HEAD

    def update_phase(self, now: float) -> None:
        """Record when the current phase began. A new request begins a new phase; more bytes of a request do not."""
        key = (self.phase, self._answers)
        if key != self._phase_key:
            self._phase_key, self.phase_since = key, now

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._crowd.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if not self._is_answering():
            self._head_bytes += len(data)
            self._head_lines += data.count(b"\n")
            if self._head_bytes > LONGEST_HEAD_BYTES or self._head_lines > MOST_HEAD_LINES:
                self.send_400_response("The request is too long.")
                return
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Refuse an invalid request. If an answer has begun, abort the connection: h11 allows no second answer."""
        if self.conn.our_state is h11.IDLE:
            super().send_400_response(msg)
        elif self._is_answering():
            self.cycle.disconnected = True
            self.transport.abort()
        else:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Close the connection if the request was not read to its end."""
        self._answers += 1
        self._head_bytes = self._head_lines = 0
        is_read = self.conn.their_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED)
        if not is_read or self.conn.trailing_data[0]:
            # Part of the body, or the next request, is still unread.
            self.transport.close()
        super().on_response_complete()


def client_of(address: tuple[str, int] | None) -> str:
    """Return the name of the client at an address: the IPv4 address, or the /64 network of an IPv6 address."""
    if address is None:
        return ""
    try:
        ip = ipaddress.ip_address(address[0].partition("%")[0])
    except ValueError:
        return address[0]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
