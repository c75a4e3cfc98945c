"""A local HTTP server for a strict service of a test: scripted and random faults, before and after a message is taken.

A service (slack, discord, telegram, teams) says what it answers to a request, and refuses what the real one refuses:

    with faulty.serve(discord.Guild()) as server:
        server.fail("post", "reset_after")
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import socket
import struct
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs
import yaml

from tests.testbed.servers import quiet

#: The effect of a fault, before or after the message was accepted.
FAULTS = ("500", "500_after", "reset", "reset_after", "hang", "hang_after", "429", "garbage", "garbage_after")
#: Taken only after a hang, when the client may have given up, or be dead.
LATE = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    #: Names in lower case.
    headers: Mapping[str, str]
    #: Its JSON; None: it has none.
    body: Any
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    #: JSON, or a text as it is; None: nothing.
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def in_units(text: str) -> str:
    """Return a text that is as long as the services count: in UTF-16 units."""
    return re.sub("[\U00010000-\U0010ffff\ud800-\udfff]", lambda letter: "x" * (1 + (letter[0] > "\uffff")), text)


def load_form(name: str) -> Any:
    """Return the validator of a JSON Schema in this folder."""
    return jsonschema_rs.validator_for(yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8")))


class Refused(Exception):
    """What a service answers to a request that it refuses."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.answer = Answer(status, body)


class Strict:
    """A service that refuses what its real API refuses."""

    #: Where messages are written: what may meet a random fault.
    SENDS = frozenset({"post"})

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def doing(self, request: Request) -> str:
        """Return the kind of a request: post, edit, look."""
        return "post"

    def answer(self, request: Request) -> Answer:
        try:
            return self.accept(request)
        except Refused as refused:
            return refused.answer

    def accept(self, request: Request) -> Answer:
        """Carry out a request. Raises Refused."""
        raise NotImplementedError

    def too_many(self) -> Answer:
        """Answer as the service does when there are too many requests."""
        return Answer(429)


class Always(Strict):
    """A service that gives each request the same answer."""

    def __init__(self, answer: Answer = Answer(200, {})) -> None:
        super().__init__()
        self.given = answer

    def accept(self, request: Request) -> Answer:
        return self.given


S = TypeVar("S", bound=Strict)


class Server(Generic[S]):
    """The HTTP side: faults, answers, and a log of requests."""

    def __init__(self, service: S) -> None:
        self.service = service
        #: The kind of each request, and the request; also those that failed.
        self.requests: list[tuple[str, Request]] = []
        self.hang_seconds = 2.0
        #: How long each message is on its way, and its answer.
        self.pause_seconds = 0.0
        self.faults: Counter[str] = Counter()
        self.stopped = threading.Event()
        self._scripted: dict[str, deque[str | Answer]] = defaultdict(deque)
        self._probability = 0.0
        self._rng = random.Random()
        self.http = _Http(self)

    @property
    def url(self) -> str:
        return self.http.url

    def fail(self, doing: str, fault: str | Answer, *, times: int = 1) -> None:
        """A fault of FAULTS, or the service's own refusal, for the next ``times`` requests of this kind."""
        self._scripted[doing].extend([fault] * times)

    def recover(self) -> None:
        """End all scripted faults."""
        self._scripted.clear()

    def misbehave(self, probability: float, *, seed: int) -> None:
        """Let each request that writes a message meet a random fault with this probability."""
        self._probability, self._rng = probability, random.Random(seed)

    def fault_for(self, doing: str) -> str | Answer | None:
        with self.service.lock:
            fault: str | Answer | None = None
            if self._scripted[doing]:
                fault = self._scripted[doing].popleft()
            elif doing in self.service.SENDS and self._rng.random() < self._probability:
                fault = self._rng.choice((*FAULTS, LATE))
            if fault is not None:
                self.faults[fault if isinstance(fault, str) else str(fault.status)] += 1
        return fault

    def asked(self, doing: str) -> int:
        """Return how many requests of this kind came."""
        return sum(kind == doing for kind, _ in self.requests)


class _Http(quiet.QuietServer):
    def __init__(self, server: Server[Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.server = server


class _Handler(quiet.QuietHandler):
    server: _Http

    def _answer(self) -> None:
        server, service = self.server.server, self.server.server.service
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        request = Request(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            raw=raw,
        )
        doing = service.doing(request)
        server.requests.append((doing, request))
        fault = server.fault_for(doing)
        pause_seconds = server.pause_seconds if doing in service.SENDS else 0.0
        server.stopped.wait(pause_seconds)
        if isinstance(fault, Answer):
            return self._write(fault)
        if fault == "429":
            return self._write(service.too_many())
        if fault == LATE:
            server.stopped.wait(server.hang_seconds)
            fault = "reset_after"
        if fault and not fault.endswith("_after"):
            return self._misbehave(fault)
        with service.lock:
            answer = service.answer(request)
        server.stopped.wait(pause_seconds)
        is_refused = answer.status >= 300 or (isinstance(answer.body, dict) and answer.body.get("ok") is False)
        if fault and not is_refused:
            return self._misbehave(fault.removesuffix("_after"))
        return self._write(answer)

    do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815 - the base class looks for these names

    def _misbehave(self, fault: str) -> None:
        if fault == "500":
            return self._write(Answer(500, "Internal Server Error"))
        if fault == "garbage":
            return self._write(Answer(200, "<html><body>A proxy's page</body></html>"))
        if fault == "hang":
            self.server.server.stopped.wait(self.server.server.hang_seconds)
        # Closed with a reset, not with an end of stream (SO_LINGER 0).
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
        return None

    def _write(self, answer: Answer) -> None:
        is_text = isinstance(answer.body, str)
        text = answer.body if is_text else "" if answer.body is None else json.dumps(answer.body, ensure_ascii=False)
        kind = "text/html" if is_text else "application/json"
        self.answer(answer.status, text.encode("utf-8", "surrogatepass"), kind, **answer.headers)


@contextlib.contextmanager
def serve(service: S) -> Iterator[Server[S]]:
    server = Server(service)
    with quiet.serving(server.http):
        try:
            yield server
        finally:
            server.stopped.set()
