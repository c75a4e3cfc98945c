"""A WebSub hub on 127.0.0.1: checks who subscribes by asking back, and sends signed news (https://www.w3.org/TR/websub/).

with hub.serve() as running:
    ... feeds name running.url as their hub ...
    running.publish(topic, body)        # to each verified subscriber; the status that each answered
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.testbed.servers.quiet import QuietHandler, QuietServer, serving


@dataclass(kw_only=True)
class Subscriber:
    topic: str
    callback: str
    secret: str
    #: How often it has asked.
    asked: int = 1
    is_verified: bool = False


@dataclass(kw_only=True)
class Hub:
    port: int = 0
    #: The lease that it grants.
    lease_seconds: int = 864_000
    #: Status of the answer to who subscribes; 202 is followed by a question back.
    answers: int = 202
    asks_back: bool = True
    subscribers: dict[str, Subscriber] = field(default_factory=dict)
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def verified(self) -> list[Subscriber]:
        return [subscriber for subscriber in self.subscribers.values() if subscriber.is_verified]

    def take(self, form: dict[str, str]) -> int:
        """A request to subscribe: the status of the answer."""
        callback, topic = form["hub.callback"], form["hub.topic"]
        known = self.subscribers.get(callback)
        subscriber = Subscriber(
            topic=topic, callback=callback, secret=form["hub.secret"], asked=known.asked + 1 if known else 1
        )
        self.subscribers[callback] = subscriber
        if self.answers == 202 and self.asks_back:
            self.threads.append(threading.Thread(target=self._verify, args=[subscriber]))
            self.threads[-1].start()
        return self.answers

    def _verify(self, subscriber: Subscriber) -> None:
        challenge = secrets.token_hex(16)
        status, body = self.ask(subscriber, challenge=challenge)
        subscriber.is_verified = status == 200 and body == challenge

    def ask(self, subscriber: Subscriber, *, challenge: str, mode: str = "subscribe", **other: str) -> tuple[int, str]:
        request = {"hub.mode": mode, "hub.topic": subscriber.topic, "hub.challenge": challenge}
        request |= {"hub.lease_seconds": str(self.lease_seconds)} | {
            f"hub.{name}": value for name, value in other.items()
        }
        return call(f"{subscriber.callback}?{urllib.parse.urlencode(request)}")

    def publish(self, topic: str, body: bytes, *, method: str = "sha256") -> list[int]:
        return [
            call(item.callback, body, signature=f"{method}={hmac.new(item.secret.encode(), body, method).hexdigest()}")[
                0
            ]
            for item in self.verified
            if item.topic == topic
        ]


def call(url: str, body: bytes | None = None, *, signature: str | None = None) -> tuple[int, str]:
    """Status and text; 0: the connection was closed while the body was still sent, and the answer with it."""
    headers = {"Content-Type": "application/rss+xml"} if body is not None else {}
    headers |= {"X-Hub-Signature": signature} if signature else {}
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except urllib.error.URLError as error:
        if isinstance(error.reason, (ConnectionResetError, BrokenPipeError)):
            return 0, ""
        raise


@contextlib.contextmanager
def serve() -> Iterator[Hub]:
    hub = Hub()

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802 -- the base class's name
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            status = hub.take(dict(urllib.parse.parse_qsl(body, strict_parsing=True)))
            self.answer(status)

    with serving(QuietServer(("127.0.0.1", 0), Handler)) as server:
        hub.port = server.server_port
        yield hub
    for thread in hub.threads:
        thread.join()
