"""A server that accepts every document and keeps it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from tests.testbed.servers import faulty


class Receiver:
    """The service of ``faulty`` for webhooks and for Apprise's ``json://``."""

    SENDS = frozenset({"post"})

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.documents: list[Mapping[str, Any]] = []

    def doing(self, request: faulty.Request) -> str:
        return "post"

    def too_many(self) -> faulty.Answer:
        return faulty.Answer(429, {})

    def answer(self, request: faulty.Request) -> faulty.Answer:
        self.documents.append(request.body)
        return faulty.Answer(200, {})
