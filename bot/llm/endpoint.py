"""The language model that bot.yaml names: an API that is compatible with OpenAI's, or an answer file instead.

In an answer file each line is a JSON object: ``key`` (of the prompt), ``use``, ``instructions``, ``data``, ``schema``
and ``answer``, which is null until a person, a program or any model has filled it in. If several lines have the same
key, the last line counts. Tests and benches can record the answers of any model once and replay them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.model.access import Secret
from bot.model.durations import format_duration
from bot.model.errors import (
    BadAnswer,
    ConfigError,
    ModelError,
    ModelRefused,
    ModelTimedOut,
    ModelUnavailable,
    NotYetAnswered,
)
from bot.model.language_models import LanguageModel, LanguageModelPolicy, ModelAnswer, Prompt

if TYPE_CHECKING:
    import openai


#: Maximum tokens of an answer. The longest answer is a few sentences in JSON.
_MAX_TOKENS = 700
#: Maximum tokens of an answer of a model that counts its reasoning as part of the answer.
_MAX_TOKENS_WITH_REASONING = 4_000


class Endpoint:
    """A language model behind an API that is compatible with OpenAI's."""

    def __init__(self, policy: LanguageModelPolicy, key: str | None) -> None:
        """Create the client. Raises ConfigError if the extra ``llm`` is not installed."""
        try:
            import openai  # on first use, because it takes a second
        except ImportError as error:
            raise ConfigError(
                f"bot.yaml names a model, but the extra for it is not installed ({error.name}): "
                'pip install "wirewatch[llm]"'
            ) from None
        self._sdk = openai
        self._policy = policy
        self._client = openai.AsyncOpenAI(
            base_url=policy.url,
            # The SDK requires a key even if a local server does not.
            api_key=key or "none",
            timeout=policy.timeout.total_seconds(),
            # Each attempt counts towards the budget, so only the caller, which keeps the budget, repeats calls.
            max_retries=0,
            # A redirect would send prompts to an address that is not configured.
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),
        )
        self._parameters: dict[str, Any] = {"max_tokens": _MAX_TOKENS, "temperature": 0}

    async def ask(self, prompt: Prompt) -> ModelAnswer:
        while True:
            try:
                return await self._call(prompt)
            except ModelRefused as refused:
                # Some hosted models refuse parameters. Each refusal names one, so ask again without that parameter.
                parameter = next((name for name in self._parameters if name in str(refused)), None)
                if parameter is None:
                    raise
                del self._parameters[parameter]
                if parameter == "max_tokens":
                    self._parameters["max_completion_tokens"] = _MAX_TOKENS_WITH_REASONING

    async def _call(self, prompt: Prompt) -> ModelAnswer:
        sdk = self._sdk
        form = {"name": prompt.use.value, "strict": True, "schema": json.loads(prompt.schema)}
        request: dict[str, Any] = {
            "model": self._policy.name,
            "messages": [
                {"role": "system", "content": prompt.instructions},
                {"role": "user", "content": prompt.data},
            ],
            "response_format": {"type": "json_schema", "json_schema": form},
            **self._parameters,
        }
        try:
            completion = await self._client.chat.completions.create(**request)
        except sdk.APITimeoutError:
            timeout = format_duration(self._policy.timeout)
            raise ModelTimedOut(f"the model gave no answer within {timeout}") from None
        except sdk.APIStatusError as error:
            raise _error_of_status(error) from None
        except sdk.APIConnectionError as error:
            raise ModelUnavailable(f"the model's API cannot be reached: {_innermost_cause(error)}") from None
        except (sdk.OpenAIError, ValueError):
            raise BadAnswer("the API's response is not a chat completion") from None
        return _parse_completion(completion)

    async def close(self) -> None:
        await self._client.close()


def _error_of_status(error: openai.APIStatusError) -> ModelError:
    status = error.status_code
    body = error.body if isinstance(error.body, dict) else {}
    message = body.get("message") if isinstance(body.get("message"), str) else ""
    text = f"the model's API answered with HTTP status {status}{': ' + message if message else ''}"
    if status < 400:
        return ModelRefused(f"{text}, a redirect, which Wirewatch does not follow")
    if status in (400, 401, 403, 404, 405, 422):
        return ModelRefused(text)
    return ModelUnavailable(text, after=_parse_retry_after(error.response.headers.get("retry-after")))


def _parse_retry_after(written: str | None) -> timedelta | None:
    return timedelta(seconds=int(written)) if written and written.isdecimal() and len(written) < 7 else None


def _innermost_cause(error: Exception) -> str:
    """Return the text of the innermost cause; the SDK's own text does not name the cause."""
    inner: BaseException = error
    while inner.__cause__ is not None:
        inner = inner.__cause__
    return str(inner) or type(inner).__name__


def _parse_completion(completion: object) -> ModelAnswer:
    """Parse a completion defensively, because the SDK accepts any JSON if the status is 200."""
    usage = getattr(completion, "usage", None)
    cost = {
        "tokens_in": _count(getattr(usage, "prompt_tokens", 0)),
        "tokens_out": _count(getattr(usage, "completion_tokens", 0)),
    }
    choices = getattr(completion, "choices", None)
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = getattr(choice, "message", None)
    if message is None:
        raise BadAnswer("the API's response is not a chat completion", **cost)
    if refusal := getattr(message, "refusal", None):
        raise BadAnswer(f"the model declined to answer: {refusal}", **cost)
    if getattr(choice, "finish_reason", None) == "length":
        raise BadAnswer(f"the answer was cut off after {cost['tokens_out']} tokens", **cost)
    text = getattr(message, "content", None)
    if not isinstance(text, str) or not text.strip():
        raise BadAnswer("the answer is empty", **cost)
    return ModelAnswer(text=text, **cost)


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


class AnswerFile:
    """A file of prompts and answers in place of a model; new prompts are appended to it."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises ConfigError if it cannot be read."""
        self._path = path
        self._answers: dict[str, object] = {}
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the answer file {path} cannot be read: {error}") from None
        for number, line in enumerate(lines, start=1):
            if line.strip():
                self._parse_line(line, number)

    async def ask(self, prompt: Prompt) -> ModelAnswer:
        if prompt.key not in self._answers:
            self._answers[prompt.key] = None
            await asyncio.to_thread(self._write, prompt)
        answer = self._answers[prompt.key]
        if answer is None:
            raise NotYetAnswered(f"the answer file {self._path} has no answer to this prompt yet")
        return ModelAnswer(text=json.dumps(answer))

    async def close(self) -> None:
        pass

    def _parse_line(self, line: str, number: int) -> None:
        try:
            entry = json.loads(line)
            self._answers[entry["key"]] = entry["answer"]
        except (ValueError, KeyError, TypeError):
            raise ConfigError(
                f"the answer file {self._path}: line {number} is not a JSON object with key and answer"
            ) from None

    def _write(self, prompt: Prompt) -> None:
        entry = {
            "key": prompt.key,
            "use": prompt.use.value,
            "instructions": prompt.instructions,
            "data": json.loads(prompt.data),
            "schema": json.loads(prompt.schema),
            "answer": None,
        }
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise ModelUnavailable(f"the answer file {self._path} cannot be written: {error.strerror}") from None


def open_model(policy: LanguageModelPolicy, resolve: Callable[[Secret], str]) -> LanguageModel:
    """Open the endpoint or the answer file. Raises ConfigError for a missing extra or secret or an unreadable file."""
    if policy.url.startswith("file:"):
        return AnswerFile(Path(policy.url.removeprefix("file:")))
    return Endpoint(policy, resolve(policy.key) if policy.key else None)
