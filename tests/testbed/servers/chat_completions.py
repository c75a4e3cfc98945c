"""A strict local language model: the chat completions API with answers by JSON Schema.

    with faulty.serve(chat_completions.Model()) as server:
        server.service.answer_with("same_event", lambda data: {...})

A question without a schema is about a pair of reports. Its answer is the probability of yes, which comes as the log
probabilities of the first token, or with ``has_logprobs = False`` as a word, as from a server without them.

It refuses, with the source of each rule, a request that does not match the schema of `POST /chat/completions`
(github.com/openai/openai-openapi); a schema of which an object lacks `additionalProperties: false` or does not require
each of its properties (platform.openai.com/docs/guides/structured-outputs, "Supported schemas"); a wrong key; another
model than its own. It never streams. An answer that the test made and that does not meet the schema is a fault of the
test, unless it is given as text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs

from tests.testbed.servers import faulty
from tests.testbed.servers.faulty import Answer, Request

NAME = "local-model"
KEY = "sk-local-0123456789"
PATH = "/v1/chat/completions"
MODELS_PATH = "/v1/models"
_PAIR = re.compile(r"A: (?P<A>.*)\n\nB: (?P<B>.*)\n\nThe same event\? Answer yes or no\.")
#: Keys of a request that we may send.
_KNOWN = set(
    "model messages response_format max_tokens max_completion_tokens temperature logprobs top_logprobs".split()
)

#: Data of a prompt -> the document of the answer, or a text that is sent as it is. For a pair: the probability of yes.
Answers = Callable[[dict[str, Any]], Mapping[str, Any] | str | float]


class Refused(faulty.Refused):
    def __init__(self, status: int, code: str, message: str) -> None:
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
        super().__init__(status, {"error": error})


class Model(faulty.Strict):
    """Answers as the test says, by the use that the schema is named for."""

    SENDS = frozenset({"complete"})

    def __init__(self) -> None:
        super().__init__()
        #: Parameters that this model refuses, as some hosted ones do.
        self.unsupported = frozenset[str]()
        #: Use and data of each prompt that was answered, in order.
        self.asked: list[tuple[str, dict[str, Any]]] = []
        #: The whole body of each request.
        self.bodies: list[dict[str, Any]] = []
        self.refusal: str | None = None
        self.is_cut_off = False
        self.has_logprobs = True
        #: What the server says that it serves, or None if it does not know /v1/models.
        self.served: str | None = None
        self._answers: dict[str, Answers] = {}

    def answer_with(self, use: str, answers: Answers) -> None:
        self._answers[use] = answers

    def doing(self, request: Request) -> str:
        return "complete" if request.path == PATH else "look"

    def too_many(self) -> Answer:
        body = {"error": {"message": "Rate limit reached.", "type": "requests", "code": "rate_limit_exceeded"}}
        return Answer(429, body, {"Retry-After": "1"})

    def accept(self, request: Request) -> Answer:
        if request.path == MODELS_PATH and self.served is not None:
            entry = {"id": NAME, "object": "model", "created": 1449046800, "owned_by": "me", "root": self.served}
            return Answer(200, {"object": "list", "data": [entry]})
        use, data = self._checked(request)
        self.bodies.append(request.body)
        self.asked.append((use, data))
        created = self._answers[use](data)
        if isinstance(created, float):
            return self._answer_pair(created, request.body, data)
        if "response_format" not in request.body:
            return Answer(200, _completion({"role": "assistant", "content": created}, "length", 300))
        form = request.body["response_format"]["json_schema"]["schema"]
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

    def _answer_pair(self, yes: float, body: Mapping[str, Any], data: Mapping[str, str]) -> Answer:
        word = "yes" if yes >= 0.5 else "no"
        completion = _completion({"role": "assistant", "content": word}, "length", len(json.dumps(data)) // 4)
        if self.has_logprobs and body.get("logprobs"):
            # Real servers list the spellings of a word apart, with other tokens among them.
            tokens = {"Yes": yes * 0.6, " yes": yes * 0.3, "No": (1 - yes) * 0.9, "Maybe": 0.1}
            listed = [
                {"token": token, "logprob": math.log(share), "bytes": None} for token, share in tokens.items() if share
            ]
            first = {"token": word, "logprob": math.log(0.5), "bytes": None, "top_logprobs": listed}
            completion["choices"][0]["logprobs"] = {"content": [first]}
        return Answer(200, completion)

    def _checked(self, request: Request) -> tuple[str, dict[str, Any]]:
        if request.method != "POST" or request.path != PATH:
            raise Refused(404, "unknown_url", f"Unknown request URL: {request.method} {request.path}")
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise Refused(401, "invalid_api_key", "Incorrect API key provided.")
        body = request.body
        if not isinstance(body, dict) or not {"model", "messages"} <= set(body) <= _KNOWN:
            raise Refused(400, "invalid_value", "the body of the request is not as the API describes it")
        for name in sorted(self.unsupported & set(body)):
            remedy = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
            text = f"Unsupported parameter: '{name}' is not supported with this model.{remedy}"
            raise Refused(400, "unsupported_parameter", text)
        if body["model"] != NAME:
            raise Refused(404, "model_not_found", f"The model `{body['model']}` does not exist.")
        roles = [message.get("role") for message in body["messages"]]
        if roles != ["system", "user"]:
            raise Refused(400, "invalid_value", f"roles {roles}")
        content = body["messages"][1]["content"]
        if "response_format" not in body:
            pair = _PAIR.fullmatch(content)
            if pair is None:
                raise Refused(400, "invalid_value", "neither a schema nor a pair of reports")
            return "same_event", pair.groupdict()
        response_format = body["response_format"]
        if response_format.get("type") != "json_schema" or response_format["json_schema"].get("strict") is not True:
            raise Refused(400, "invalid_value", "response_format: a strict json_schema is expected")
        form = response_format["json_schema"]
        _check_schema(form["schema"])
        return form["name"], json.loads(content)


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
