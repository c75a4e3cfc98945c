"""A strict local Slack: the Web API over HTTP, as far as the bot uses it, with scripted and random faults.

It refuses what Slack refuses and keeps what it took. In a test:

    with slack.serve() as server:
        server.workspace.add_channel("policy-alerts")
        server.fail("chat.postMessage", "reset_after")

As a process of its own: ``python -m testbed.servers.slack --port 8089 --channel policy-alerts --record messages.json``
(``GET /record`` gives the same JSON; ``POST /fail`` with {"method", "fault", "times"} scripts a fault).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import socket
import struct
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from testbed.servers import quiet, slack_rules, slack_socket
from testbed.servers.slack_rules import Refused
from testbed.servers.slack_workspace import APP_TOKEN, SCOPES, TOKEN, Api, Channel, TooFast, Workspace

__all__ = ["APP_TOKEN", "FAULTS", "LATE", "SCOPES", "TOKEN", "Channel", "Server", "Workspace", "serve"]

#: What a fault does, before or after the message was taken.
FAULTS = ("500", "500_after", "reset", "reset_after", "hang", "hang_after", "429", "garbage", "garbage_after")
#: Taken only after a hang, when the client may have given up, or be dead.
LATE = "late"


class Server:
    """The HTTP side: faults, answers, and a log of requests."""

    def __init__(self, workspace: Workspace, port: int = 0) -> None:
        self.workspace = workspace
        self.api = Api(workspace)
        self.socket_mode = slack_socket.SocketMode()
        workspace.open_connection = self.socket_mode.open
        #: (method, arguments, token) of each request, faulty ones too.
        self.requests: list[tuple[str, dict[str, Any], str | None]] = []
        self._scripted: dict[str, deque[str]] = defaultdict(deque)
        #: Chance that a post or update meets a fault; set with ``misbehave``.
        self._chance = 0.0
        self._random = random.Random()
        self._kinds: tuple[str, ...] = FAULTS
        #: Fault -> how often it was met.
        self.faults: Counter[str] = Counter()
        self.hang_seconds = 2.0
        #: How long each post or update is on its way, and its answer.
        self.pause_seconds = 0.0
        self.retry_after = "1"
        self.stopped = threading.Event()
        self.http = _Http(("127.0.0.1", port), _Handler, self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def response_url(self) -> str:
        """Where a command is answered."""
        return f"{self.url}/commands/T1/1/x"

    def fail(self, method: str, fault: str, *, times: int = 1) -> None:
        """A fault of FAULTS, or a word that Slack is to answer as error; the next ``times`` calls."""
        self._scripted[method].extend([fault] * times)

    def misbehave(self, chance: float, *, seed: int, kinds: tuple[str, ...] = FAULTS) -> None:
        self._chance, self._random, self._kinds = chance, random.Random(seed), kinds

    def fault_for(self, method: str) -> str | None:
        with self.workspace.lock:
            fault = None
            if self._scripted[method]:
                fault = self._scripted[method].popleft()
            elif method.startswith("chat.") and self._random.random() < self._chance:
                fault = self._random.choice(self._kinds)
            if fault is not None:
                self.faults[fault] += 1
        return fault

    def stop(self) -> None:
        self.stopped.set()
        self.socket_mode.stop()
        self.http.shutdown()
        self.http.server_close()


class _Http(quiet.QuietServer):
    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], slack: Server) -> None:
        super().__init__(address, handler)
        self.slack = slack


class _Handler(quiet.QuietHandler):
    server: _Http

    def _answer(self) -> None:
        slack = self.server.slack
        path, args = urlsplit(self.path), dict(parse_qsl(urlsplit(self.path).query))
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path.path == "/record":
            return self._json(200, slack.workspace.record())
        if path.path == "/fail":
            script = json.loads(raw)
            slack.fail(script["method"], script["fault"], times=script.get("times", 1))
            return self._json(200, {"ok": True})
        if raw:
            is_json = "json" in (self.headers.get("Content-Type") or "")
            args |= json.loads(raw) if is_json else dict(parse_qsl(raw.decode()))
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        kind, _, name = path.path.strip("/").partition("/")
        slack.requests.append((name, args, token))
        fault = slack.fault_for(name)
        pause_seconds = slack.pause_seconds if name.startswith("chat.") else 0.0
        slack.stopped.wait(pause_seconds)
        if fault == "429":
            return self._json(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": slack.retry_after})
        if fault in ("500", "reset", "hang", "garbage"):
            return self._misbehave(fault)
        if fault == LATE:
            slack.stopped.wait(slack.hang_seconds)
            fault = "reset_after"
        if kind == "commands":
            return self._response(args)
        if kind == "services":
            return self._hook(name, args, fault)
        answer = (
            {"ok": False, "error": fault} if fault and not fault.endswith("_after") else self._call(name, args, token)
        )
        slack.stopped.wait(pause_seconds)
        if fault and fault.endswith("_after") and answer.get("ok"):
            return self._misbehave(fault.removesuffix("_after"))
        if answer.get("error") == "ratelimited":
            return self._json(429, answer, {"Retry-After": slack.retry_after})
        return self._json(
            200, answer, {"X-OAuth-Scopes": ",".join(sorted(slack.workspace.tokens.get(token or "", ())))}
        )

    do_GET = do_POST = _answer  # noqa: N815 - the base class looks for these names

    def _call(self, method: str, args: dict[str, Any], token: str | None) -> dict[str, Any]:
        try:
            return {"ok": True, **self.server.slack.api.call(method, args, token)}
        except TooFast:
            return {"ok": False, "error": "ratelimited"}
        except Refused as refused:
            code, _, needed = refused.code.partition(" ")
            return {"ok": False, "error": code, "detail": str(refused), **({"needed": needed} if needed else {})}

    def _response(self, args: dict[str, Any]) -> None:
        """To the address of a command: seen by the one who typed it where it says so."""
        try:
            slack_rules.check_message(args, known=slack_rules.RESPONSE_ARGUMENTS)
        except Refused:
            return self._words(400, "invalid_payload")
        self.server.slack.workspace.answers.append(args)
        return self._words(200, "ok")

    def _hook(self, name: str, args: dict[str, Any], fault: str | None) -> None:
        slack = self.server.slack
        channel = slack.workspace.channels.get(slack.workspace.hooks.get(name, ""))
        if fault and not fault.endswith("_after"):
            return self._words(403, fault)
        if channel is None:
            return self._words(404, "no_service")
        if channel.is_archived:
            return self._words(410, "channel_is_archived")
        try:
            known = slack_rules.POST_ARGUMENTS - {"channel", "thread_ts", "metadata"}
            slack_rules.check_message(args, known=known)
            with slack.workspace.lock:
                slack.api.take(channel, args)
        except TooFast:
            return self._words(429, "rate_limited", {"Retry-After": slack.retry_after})
        except Refused as refused:
            return self._words(400, "no_text" if refused.code == "no_text" else "invalid_payload")
        return self._misbehave(fault.removesuffix("_after")) if fault else self._words(200, "ok")

    def _misbehave(self, fault: str) -> None:
        if fault == "500":
            return self._words(500, "Internal Server Error")
        if fault == "garbage":
            return self._words(200, "<html><body>A proxy's page</body></html>")
        if fault == "hang":
            self.server.slack.stopped.wait(self.server.slack.hang_seconds)
        # Closed with a reset, not with an end of stream (SO_LINGER 0).
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
        return None

    def _json(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        self._bytes(status, json.dumps(body).encode(), "application/json; charset=utf-8", headers)

    def _words(self, status: int, body: str, headers: Mapping[str, str] | None = None) -> None:
        self._bytes(status, body.encode(), "text/html", headers)

    def _bytes(self, status: int, body: bytes, kind: str, headers: Mapping[str, str] | None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def serve(workspace: Workspace | None = None, *, port: int = 0) -> Iterator[Server]:
    server = Server(workspace or Workspace(), port)
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def _keep_record(server: Server, file: Path) -> None:
    """Written whole at most twice a second: a message may be missing for half a second, never half written."""
    written = ""
    while not server.stopped.wait(0.5):
        now = json.dumps(server.workspace.record(), indent=1, ensure_ascii=False)
        if now != written:
            part = file.with_suffix(".part")
            part.write_text(now)
            part.replace(file)
            written = now


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--channel", action="append", default=[], help="a channel's name; may be repeated")
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--gap", type=float, help="least seconds between two posts of a channel")
    parser.add_argument("--faults", type=float, default=0.0, help="chance of a fault for each post and update")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hang", type=float, default=2.0, help="seconds that a hanging call lasts")
    options = parser.parse_args()
    workspace = Workspace(tokens={options.token: set(SCOPES)}, least_gap=options.gap)
    for name in options.channel or ["policy-alerts"]:
        workspace.hooks[f"hook-{name}"] = workspace.add_channel(name).id
    server = Server(workspace, options.port)
    server.hang_seconds = options.hang
    server.misbehave(options.faults, seed=options.seed)
    if options.record:
        threading.Thread(target=_keep_record, args=(server, options.record), daemon=True).start()
    print(f"listening {server.api_url}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.http.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
