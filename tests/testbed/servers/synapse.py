"""A real Matrix homeserver: Synapse, from PyPI, in a separate environment.

It is a quarter of a gigabyte, so it is made only where APPRISE_TEST=require asks for it, or where SYNAPSE_ENV names a
folder that holds one already (made by ``python -m venv FOLDER && FOLDER/bin/pip install matrix-synapse``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.servers import absent, faulty, matrix, ports

#: With wheels for every Python that we support.
_PACKAGE = "matrix-synapse>=1.150,<2"
_INSTALL_SECONDS = 600
_START_SECONDS = 120
_NAME = "wirewatch.test"
_USER, _OWNER, _PASSWORD = "bot", "owner", "correct-horse"
#: A test's few messages meet no limit.
_FREE = "{per_second: 1000, burst_count: 1000}"
_CONFIG = """\
server_name: {name}
signing_key_path: {folder}/signing.key
media_store_path: {folder}/media
report_stats: false
suppress_key_server_warning: true
trusted_key_servers: []
registration_shared_secret: for-this-test
rc_login: {{address: {free}, account: {free}, failed_attempts: {free}}}
rc_message: {free}
database: {{name: sqlite3, args: {{database: "{folder}/homeserver.db"}}}}
listeners:
  - {{port: {port}, type: http, bind_addresses: ["127.0.0.1"], resources: [{{names: [client]}}]}}
"""


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    #: The access token of the bot.
    token: str
    #: The access token of a person who owns rooms.
    owner: str

    def address(self, room: str) -> str:
        """Return the address in the form of Apprise."""
        return f"matrix://{_USER}:{_PASSWORD}@127.0.0.1:{self.port}/%23{room}:{_NAME}"

    def make_room(self, name: str) -> str:
        return str(self._call("POST", "/createRoom", {"room_alias_name": name})["room_id"])

    def invite(self, name: str) -> str:
        """A room of the owner's, to which the bot is invited."""
        request = {"room_alias_name": name, "invite": [f"@{_USER}:{_NAME}"], "preset": "private_chat"}
        return str(self._call("POST", "/createRoom", request, token=self.owner)["room_id"])

    def read(self, room_id: str) -> list[dict[str, Any]]:
        """The messages of a room, oldest first."""
        path = f"/rooms/{urllib.parse.quote(room_id)}/messages?dir=f&limit=100"
        events = self._call("GET", path)["chunk"]
        return [event["content"] for event in events if event["type"] == "m.room.message"]

    def related(self, event_id: str, room_id: str, kind: str) -> int:
        """Return how many events the server counts as m.thread or m.replace of an event."""
        path = f"/rooms/{urllib.parse.quote(room_id)}/relations/{urllib.parse.quote(event_id)}/{kind}"
        result = _call(self.port, "GET", path, None, {"Authorization": f"Bearer {self.token}"}, version="v1")
        return len(result["chunk"])

    def set_power(self, room_id: str, needed: int) -> None:
        """Set the power level that a member needs to send a message."""
        path = f"/rooms/{urllib.parse.quote(room_id)}/state/m.room.power_levels"
        levels = self._call("GET", path, token=self.owner)
        self._call("PUT", path, {**levels, "events_default": needed}, token=self.owner)

    def sessions(self) -> int:
        """How often the user is logged in now."""
        return len(self._call("GET", "/devices")["devices"])

    def _call(self, verb: str, path: str, body: dict[str, Any] | None = None, *, token: str = "") -> dict[str, Any]:
        return _call(self.port, verb, path, body, {"Authorization": f"Bearer {token or self.token}"})


@pytest.fixture(scope="session")
def synapse_server() -> Iterator[Server]:
    try:
        with serve() as server:
            yield server
    except absent.Absent as reason:
        absent.skip(reason, unless="APPRISE_TEST")


@contextmanager
def serve() -> Iterator[Server]:
    """Raises Absent with what to install."""
    with tempfile.TemporaryDirectory(prefix="synapse-") as folder:
        tools = _environment(Path(folder))
        port = ports.free()
        config = Path(folder) / "homeserver.yaml"
        config.write_text(_CONFIG.format(name=_NAME, folder=folder, port=port, free=_FREE))
        home = [str(tools / "python"), "-m", "synapse.app.homeserver", "--config-path", str(config)]
        subprocess.run([*home, "--generate-keys"], check=True, capture_output=True, timeout=60)
        with ports.started(home, port, folder=Path(folder), seconds=_START_SECONDS):
            yield Server(port, _make_user(tools, config, port, _USER), _make_user(tools, config, port, _OWNER))


def _environment(folder: Path) -> Path:
    """The folder of its programs."""
    ready = os.environ.get("SYNAPSE_ENV")
    if ready:
        return Path(ready) / "bin"
    if os.environ.get("APPRISE_TEST") != "require":
        raise absent.Absent("the test of Apprise with Matrix needs Synapse: name an environment in SYNAPSE_ENV")
    created = folder / "environment"
    pip = [str(created / "bin" / "pip"), "install", "--quiet", "--only-binary", ":all:", _PACKAGE]
    for command in ([sys.executable, "-m", "venv", str(created)], pip):
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
        if done.returncode != 0:
            raise absent.Absent(f"Synapse cannot be installed: {done.stderr[-1000:]}")
    return created / "bin"


def _make_user(tools: Path, config: Path, port: int, name: str) -> str:
    """The user's access token."""
    at = f"http://127.0.0.1:{port}"
    new = [str(tools / "register_new_matrix_user"), "-u", name, "-p", _PASSWORD, "--no-admin", "-c", str(config), at]
    subprocess.run(new, check=True, capture_output=True, timeout=60)
    who = {"type": "m.id.user", "user": name}
    body = {"type": "m.login.password", "identifier": who, "password": _PASSWORD}
    return str(_call(port, "POST", "/login", body, {})["access_token"])


def _call(
    port: int, verb: str, path: str, body: dict[str, Any] | None, headers: dict[str, str], *, version: str = "v3"
) -> dict[str, Any]:
    """One call of the client-server API (spec.matrix.org)."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/_matrix/client/{version}{path}",
        method=verb,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **headers},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        document: dict[str, Any] = json.load(answer)
        return document


class Relay:
    """A real homeserver behind the faults of ``faulty``, which forwards each request."""

    SENDS: frozenset[str] = matrix.Homeserver.SENDS

    def __init__(self, server: Server) -> None:
        self.lock = threading.RLock()
        self._server = server
        self._strict = matrix.Homeserver()
        self.doing = self._strict.doing
        self.too_many = self._strict.too_many

    def answer(self, request: faulty.Request) -> faulty.Answer:
        query = f"?{urllib.parse.urlencode(request.query)}" if request.query else ""
        body = None if request.body is None else json.dumps(request.body, ensure_ascii=False).encode()
        headers = {name: request.headers[name] for name in ("authorization", "content-type") if name in request.headers}
        url = f"http://127.0.0.1:{self._server.port}{request.path}{query}"
        result = urllib.request.Request(url, method=request.method, data=body, headers=headers)
        try:
            with urllib.request.urlopen(result, timeout=30) as answer:
                return faulty.Answer(answer.status, json.load(answer))
        except urllib.error.HTTPError as error:
            return faulty.Answer(error.code, json.load(error))
