"""A strict local language model: the chat completions API with answers by JSON Schema.

    with faulty.serve(chat_completions.Model()) as server:
        server.service.answer_with("same_event", lambda data: {...})

It refuses, with the source of each rule, a request that does not match the schema of `POST /chat/completions`
(github.com/openai/openai-openapi); a schema of which an object lacks `additionalProperties: false` or does not require
each of its properties (platform.openai.com/docs/guides/structured-outputs, "Supported schemas"); a wrong key; another
model than its own. It never streams. An answer that the test made and that does not meet the schema is a fault of the
test, unless it is given as text.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs

from tests.testbed.servers.faulty import Answer, Request

NAME = "local-model"
KEY = "sk-local-0123456789"
PATH = "/v1/chat/completions"
#: Keys of a request that we may send.
_KNOWN = {
    "model",
    "messages",
    "response_format",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "stream",
}

#: Data of a prompt -> the document of the answer, or a text that is sent as it is.
Answers = Callable[[dict[str, Any]], Mapping[str, Any] | str]


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
        self.answer = Answer(status, body)


class Model:
    """Answers as the test says, by the use that the schema is named for."""

    SENDS = frozenset({"complete"})

    def __init__(self, *, unsupported: frozenset[str] = frozenset()) -> None:
        """``unsupported``: parameters that this model refuses, as some hosted ones do."""
        self.lock = threading.RLock()
        self.unsupported = unsupported
        #: Use and data of each prompt that was answered, in order.
        self.asked: list[tuple[str, dict[str, Any]]] = []
        #: The whole body of each request.
        self.bodies: list[dict[str, Any]] = []
        self.refusal: str | None = None
        self.is_cut_off = False
        self._answers: dict[str, Answers] = {}

    def answer_with(self, use: str, answers: Answers) -> None:
        self._answers[use] = answers

    def doing(self, request: Request) -> str:
        return "complete" if request.path == PATH else "look"

    def too_many(self) -> Answer:
        body = {"error": {"message": "Rate limit reached.", "type": "requests", "code": "rate_limit_exceeded"}}
        return Answer(429, body, {"Retry-After": "1"})

    def answer(self, request: Request) -> Answer:
        try:
            use, data = self._checked(request)
        except Refused as refused:
            return refused.answer
        form = request.body["response_format"]["json_schema"]["schema"]
        self.bodies.append(request.body)
        self.asked.append((use, data))
        created = self._answers[use](data)
        if isinstance(created, str):
            text = created
        else:
            jsonschema_rs.validate(form, created)
            text = json.dumps(created)
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if self.refusal is not None:
            message = {"role": "assistant", "content": None, "refusal": self.refusal}
        if self.is_cut_off:
            message["content"] = text[: len(text) // 2]
        return Answer(200, _completion(message, "length" if self.is_cut_off else "stop", len(json.dumps(data)) // 4))

    def _checked(self, request: Request) -> tuple[str, dict[str, Any]]:
        if request.method != "POST" or request.path != PATH:
            raise Refused(404, "unknown_url", f"Unknown request URL: {request.method} {request.path}")
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise Refused(401, "invalid_api_key", "Incorrect API key provided.")
        body = request.body
        if not isinstance(body, dict) or not {"model", "messages", "response_format"} <= set(body) <= _KNOWN:
            raise Refused(400, "invalid_value", "the body of the request is not as the API describes it")
        for name in sorted(self.unsupported & set(body)):
            remedy = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
            text = f"Unsupported parameter: '{name}' is not supported with this model.{remedy}"
            raise Refused(400, "unsupported_parameter", text)
        if body["model"] != NAME:
            raise Refused(404, "model_not_found", f"The model `{body['model']}` does not exist.")
        if body.get("stream"):
            raise Refused(400, "unsupported_value", "this server does not stream")
        roles = [message.get("role") for message in body["messages"]]
        if roles != ["system", "user"]:
            raise Refused(400, "invalid_value", f"roles {roles}")
        response_format = body["response_format"]
        if response_format.get("type") != "json_schema" or response_format["json_schema"].get("strict") is not True:
            raise Refused(400, "invalid_value", "response_format: a strict json_schema is expected")
        form = response_format["json_schema"]
        _check_schema(form["schema"])
        return form["name"], json.loads(body["messages"][1]["content"])


def _check_schema(form: Any) -> None:
    """Check what strict mode requires of each object."""
    jsonschema_rs.meta.validate(form)
    for value in (form, *form.get("$defs", {}).values()):
        if value.get("type") != "object":
            continue
        if value.get("additionalProperties") is not False or set(value["required"]) != set(value["properties"]):
            raise Refused(400, "invalid_json_schema", f"additionalProperties and required: {value.get('title')}")


def _completion(message: Mapping[str, Any], finish_reason: str, tokens: int) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1449046800,
        "model": NAME,
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}],
        "usage": {"prompt_tokens": tokens, "completion_tokens": 40, "total_tokens": tokens + 40},
    }
