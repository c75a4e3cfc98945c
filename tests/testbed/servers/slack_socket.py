"""The local Slack's Socket Mode: connections by ticket, presses as envelopes, and strict about what comes back.

server.socket_mode.press(message, user="U1", action="noise")     # as if somebody clicked it in Slack
"""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync import server as websocket

#: Slack shows the person an error when the acknowledgement takes longer.
PATIENCE_SECONDS = 3.0


@dataclass(slots=True)
class Envelope:
    text: str
    acknowledged: threading.Event = field(default_factory=threading.Event)
    #: How often it was acknowledged.
    times: int = 0


class SocketMode:
    """One app's connections; each press goes to one of them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._tickets: set[str] = set()
        self._server: websocket.Server | None = None
        self._thread: threading.Thread | None = None
        self.connections: list[websocket.ServerConnection] = []
        #: The number of connections that were greeted.
        self.greeted = 0
        self.envelopes: dict[str, Envelope] = {}
        #: Messages of a client that Slack would refuse.
        self.offences: list[str] = []

    def open(self) -> str:
        """The address of one connection, good once."""
        with self._lock:
            if self._server is None:
                self._server = websocket.serve(self._welcome, "127.0.0.1", 0)
                self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
                self._thread.start()
            ticket = f"ticket-{next(self._numbers)}"
            self._tickets.add(ticket)
            return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/link/?ticket={ticket}"

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self.cut()
            self._thread.join()

    def cut(self) -> None:
        """Every connection is lost, without a word."""
        with self._lock:
            for connection in self.connections:
                connection.socket.shutdown(socket.SHUT_RDWR)

    def refresh(self) -> None:
        """Slack is about to close the connection and asks for another."""
        for connection in list(self.connections):
            connection.send(json.dumps({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}}))

    def _welcome(self, connection: websocket.ServerConnection) -> None:
        assert connection.request is not None
        ticket = connection.request.path.rpartition("ticket=")[2]
        with self._lock:
            if ticket not in self._tickets:
                connection.close(1008, "no such ticket")
                return
            self._tickets.remove(ticket)
            connection.send(json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}}))
            self.connections.append(connection)
            self.greeted += 1
        try:
            for text in connection:
                self._answered(str(text))
        except (ConnectionClosed, OSError):
            pass
        finally:
            with self._lock:
                self.connections.remove(connection)

    def _answered(self, text: str) -> None:
        try:
            answer = json.loads(text)
            envelope = self.envelopes[answer["envelope_id"]]
        except (ValueError, KeyError, TypeError):
            self.offences.append(text)
            return
        if set(answer) - {"envelope_id", "payload"} or answer.get("payload"):
            # These envelopes do not accept a payload in their acknowledgement.
            self.offences.append(text)
        envelope.times += 1
        envelope.acknowledged.set()

    # -- what people do

    def press(
        self, message: Mapping[str, Any], *, channel: str, action: str, user: str = "U0AMINA", option: str | None = None
    ) -> str:
        """Click the element of the message whose action is ``action``, or its option with that text.

        Gives the envelope's id.
        """
        block, element = next(
            (block, element)
            for block in message["blocks"]
            for element in block.get("elements", ())
            if block["type"] == "actions" and element["action_id"].split(":")[1] == action
        )
        chosen: dict[str, Any] = {"value": element.get("value"), "text": element.get("text")}
        if option is not None:
            chosen = {"selected_option": next(o for o in element["options"] if o["text"]["text"] == option)}
        text = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": block.get("block_id", "b1"),
            "action_ts": f"{next(self._numbers)}.000100",
            **chosen,
        }
        return self.send(self.payload([text], channel=channel, ts=message["ts"], user=user))

    @staticmethod
    def payload(actions: list[dict[str, Any]], *, channel: str, ts: str, user: str) -> dict[str, Any]:
        """Return what matters of docs.slack.dev/reference/interaction-payloads/block_actions-payload."""
        return {
            "type": "block_actions",
            "user": {"id": user, "username": "amina", "name": "amina", "team_id": "T1"},
            "container": {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": False},
            "channel": {"id": channel, "name": "channel"},
            "message": {"type": "message", "ts": ts},
            "response_url": "https://hooks.example/actions/T1/1/x",
            "actions": actions,
        }

    def command(self, text: str, *, url: str, user: str = "U0AMINA", name: str = "/wirewatch") -> str:
        """Type a command; docs.slack.dev/interactivity/implementing-slash-commands. Gives the envelope's id."""
        typed = {"command": name, "text": text, "user_id": user, "user_name": "amina", "channel_id": "C1"}
        return self.send({**typed, "response_url": url}, kind="slash_commands")

    def open_home(self, *, user: str, tab: str = "home") -> str:
        """Open the app's page; docs.slack.dev/reference/events/app_home_opened. Gives the envelope's id."""
        event = {"type": "app_home_opened", "user": user, "channel": "D1", "tab": tab, "event_ts": "1.1"}
        payload = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event": event, "event_id": "Ev1"}
        return self.send(payload, kind="events_api")

    def press_home(self, view: Mapping[str, Any], label: str, *, user: str) -> str:
        """Press a button of the app's page. Gives the envelope's id."""
        elements = (element for block in view["blocks"] for element in block.get("elements", ()))
        button = next(item for item in elements if item["type"] == "button" and item["text"]["text"] == label)
        payload = self.payload([button], channel="", ts="", user=user)
        return self.send({**payload, "container": {"type": "view", "view_id": "V1"}, "view": dict(view)})

    def shortcut(self, message: Mapping[str, Any], *, url: str, callback: str = "wirewatch-why") -> str:
        """Choose a shortcut in a message's menu (docs.slack.dev, "Shortcuts interaction payload")."""
        return self.send(
            {
                "type": "message_action",
                "callback_id": callback,
                "user": {"id": "U0AMINA", "username": "amina", "team_id": "T1"},
                "channel": {"id": "C1", "name": "channel"},
                "message_ts": "1.1",
                "message": {"type": "message", "ts": "1.1", **message},
                "response_url": url,
            }
        )

    def send(self, payload: object, *, kind: str = "interactive") -> str:
        """Deliver a payload on one connection. Gives the envelope's id."""
        name = f"envelope-{next(self._numbers)}"
        # The acknowledgement of a command may contain the answer; ours never does.
        text = {"envelope_id": name, "payload": payload, "type": kind, "accepts_response_payload": kind[0] == "s"}
        self.envelopes[name] = Envelope(json.dumps(text))
        self.deliver(name)
        return name

    def deliver(self, name: str) -> None:
        """An envelope, for the first time or again."""
        envelope = self.envelopes[name]
        envelope.acknowledged.clear()
        self.connections[-1].send(envelope.text)

    def is_acknowledged(self, name: str) -> bool:
        """Whether it comes at all: a busy machine takes longer than Slack's patience."""
        return self.envelopes[name].acknowledged.wait(120)
