"""A strict local Slack: the Web API over HTTP, as far as the bot uses it, with the faults of ``faulty``.

It refuses what Slack refuses and keeps what it took. In a test:

    with slack.serve() as server:
        server.workspace.add_channel("policy-alerts")
        server.fail("chat.postMessage", "reset_after")

A process: ``python -m tests.testbed.servers.slack --channel policy-alerts``. ``GET /record`` gives
what each channel has taken.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from tests.testbed.servers import faulty, quiet, slack_socket, slack_workspace
from tests.testbed.servers.faulty import FAULTS, Answer, Request
from tests.testbed.servers.slack_workspace import APP_TOKEN, TOKEN, Api, Refused, Workspace

__all__ = ["APP_TOKEN", "TOKEN", "Server", "Workspace", "serve"]


class Slack(faulty.Strict):
    """The service of ``faulty``: the Web API, the answers to commands, and incoming webhooks."""

    SENDS = frozenset({"chat.postMessage", "chat.update", "chat.postEphemeral", "chat.getPermalink"})

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.lock = workspace.lock
        self._api = Api(workspace)

    def doing(self, request: Request) -> str:
        """The method, or the last part of the address of a webhook or a command."""
        return request.path.strip("/").partition("/")[2]

    def too_many(self) -> Answer:
        return Answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "1"})

    def answer(self, request: Request) -> Answer:
        kind, _, name = request.path.strip("/").partition("/")
        args = arguments(request)
        if kind == "record":
            return Answer(200, {channel.name: channel.messages for channel in self.workspace.channels.values()})
        if kind == "services":
            return self._hook(name, args)
        if kind == "commands":
            return self._response(args)
        return self._call(name, args, request)

    def _call(self, method: str, args: dict[str, Any], request: Request) -> Answer:
        token = request.headers.get("authorization", "").removeprefix("Bearer ") or None
        scopes = {"X-OAuth-Scopes": ",".join(sorted(self.workspace.tokens.get(token or "", ())))}
        try:
            return Answer(200, {"ok": True, **self._api.call(method, args, token)}, scopes)
        except Refused as refused:
            code, _, needed = refused.code.partition(" ")
            if code == "ratelimited":
                return self.too_many()
            more = {"needed": needed} if needed else {}
            return Answer(200, {"ok": False, "error": code, "detail": str(refused), **more}, scopes)

    def _response(self, args: dict[str, Any]) -> Answer:
        """To the address of a command: seen by the one who typed it where it says so."""
        try:
            slack_workspace.check_message(args, known=slack_workspace.RESPONSE_ARGUMENTS)
        except Refused:
            return Answer(400, "invalid_payload")
        self.workspace.answers.append(args)
        return Answer(200, "ok")

    def _hook(self, name: str, args: dict[str, Any]) -> Answer:
        channel = self.workspace.channels.get(self.workspace.hooks.get(name, ""))
        if channel is None:
            return Answer(404, "no_service")
        if channel.is_archived:
            return Answer(410, "channel_is_archived")
        try:
            slack_workspace.check_message(
                args, known=slack_workspace.POST_ARGUMENTS - {"channel", "thread_ts", "metadata"}
            )
            self._api.take(channel, args)
        except Refused as refused:
            return Answer(400, "no_text" if refused.code == "no_text" else "invalid_payload")
        return Answer(200, "ok")


def arguments(request: Request) -> dict[str, Any]:
    """Return the arguments of a request, of its address and its body."""
    is_json = "json" in request.headers.get("content-type", "")
    body = request.body if is_json and request.body else parse_qsl(request.raw.decode())
    return {**request.query, **dict(body)}


class Server(faulty.Server[Slack]):
    """Slack over HTTP, and its Socket Mode."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(Slack(workspace))
        self.workspace = workspace
        self.socket_mode = slack_socket.SocketMode()
        workspace.open_connection = self.socket_mode.open

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def response_url(self) -> str:
        """Where a command is answered."""
        return f"{self.url}/commands/T1/1/x"

    def fail(self, doing: str, fault: str | Answer, *, times: int = 1) -> None:
        """A fault of FAULTS, or a word that Slack is to answer as error; the next ``times`` calls."""
        if isinstance(fault, str) and fault not in FAULTS:
            fault = Answer(403, fault) if "/" in doing else Answer(200, {"ok": False, "error": fault})
        super().fail(doing, fault, times=times)


@contextlib.contextmanager
def serve(workspace: Workspace | None = None) -> Iterator[Server]:
    server = Server(workspace or Workspace())
    with quiet.serving(server.http):
        try:
            yield server
        finally:
            server.stopped.set()
            server.socket_mode.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--channel", action="append", help="a channel's name; may be repeated")
    parser.add_argument("--gap", type=float, help="least seconds between two posts of a channel")
    options = parser.parse_args()
    workspace = Workspace(least_gap=options.gap)
    for name in options.channel or ["policy-alerts"]:
        workspace.add_channel(name)
    with serve(workspace) as server, contextlib.suppress(KeyboardInterrupt):
        print(f"listening {server.api_url}", flush=True)
        server.stopped.wait()


if __name__ == "__main__":
    main()
