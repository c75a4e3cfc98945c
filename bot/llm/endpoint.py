"""A language model behind an API that is compatible with OpenAI's: the one home of its SDK."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot import model, ports

if TYPE_CHECKING:
    import openai

#: Maximum tokens of an answer; the longest is some sentences of JSON.
_MOST_TOKENS = 700
#: The maximum for models that count their reasoning as tokens of the answer.
_MOST_WITH_REASONING = 4_000


class Endpoint:
    """A language model behind an API that is compatible with OpenAI's."""

    def __init__(self, policy: model.LanguageModelPolicy, key: str | None) -> None:
        """Raises ConfigError if the extra is not installed."""
        try:
            import openai  # on first use: it takes a second
        except ImportError as error:
            raise ports.ConfigError(
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
            # The caller repeats calls, since each attempt counts in the budget.
            max_retries=0,
            # A redirect would send prompts to an address that is not configured.
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),
        )
        self._parameters: dict[str, Any] = {"max_tokens": _MOST_TOKENS, "temperature": 0}

    async def ask(self, prompt: model.Prompt) -> ports.Answered:
        while True:
            try:
                return await self._call(prompt)
            except ports.ModelRefused as refused:
                # Some hosted models refuse parameters, and name one at a time.
                parameter = next((name for name in self._parameters if name in str(refused)), None)
                if parameter is None:
                    raise
                del self._parameters[parameter]
                if parameter == "max_tokens":
                    self._parameters["max_completion_tokens"] = _MOST_WITH_REASONING

    async def _call(self, prompt: model.Prompt) -> ports.Answered:
        sdk = self._sdk
        form = {"name": prompt.use.value, "strict": True, "schema": _inlined(json.loads(prompt.schema))}
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
            timeout = model.show_duration(self._policy.timeout)
            raise ports.ModelUnavailable(f"the model gave no answer within {timeout}") from None
        except sdk.APIStatusError as error:
            raise _refusal(error) from None
        except sdk.APIConnectionError as error:
            raise ports.ModelUnavailable(f"the model's API cannot be reached: {_cause(error)}") from None
        except (sdk.OpenAIError, ValueError):
            raise ports.BadAnswer("the API's response is not a chat completion") from None
        return _answered(completion)

    async def close(self) -> None:
        await self._client.close()


def _inlined(schema: dict[str, Any]) -> object:
    """Return the schema without references, which Ollama and llama.cpp do not support (ollama#8063, llama.cpp#8073)."""
    parts = schema.pop("$defs", {})

    def inline(node: object) -> object:
        if isinstance(node, list):
            return [inline(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return inline(parts[node["$ref"].removeprefix("#/$defs/")])
        return {name: inline(value) for name, value in node.items()}

    return inline(schema)


def _refusal(error: openai.APIStatusError) -> ports.ModelError:
    status = error.status_code
    body = error.body if isinstance(error.body, dict) else {}
    message = body.get("message") if isinstance(body.get("message"), str) else ""
    text = f"the model's API answered with HTTP status {status}{': ' + message if message else ''}"
    if status < 400:
        return ports.ModelRefused(f"{text}, a redirect, which Wirewatch does not follow")
    if status in (400, 401, 403, 404, 405, 422):
        return ports.ModelRefused(text)
    return ports.ModelUnavailable(text, after=_retry_after(error.response.headers.get("retry-after")))


def _retry_after(written: str | None) -> timedelta | None:
    return timedelta(seconds=int(written)) if written and written.isdecimal() and len(written) < 7 else None


def _cause(error: Exception) -> str:
    """Return the text of the innermost cause; the SDK's own text does not name the cause."""
    inner: BaseException = error
    while inner.__cause__ is not None:
        inner = inner.__cause__
    return str(inner) or type(inner).__name__


def _answered(completion: object) -> ports.Answered:
    """Parse a completion defensively: with a status of 200 the SDK accepts any JSON."""
    usage = getattr(completion, "usage", None)
    cost = {
        "tokens_in": _count(getattr(usage, "prompt_tokens", 0)),
        "tokens_out": _count(getattr(usage, "completion_tokens", 0)),
    }
    choices = getattr(completion, "choices", None)
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = getattr(choice, "message", None)
    if message is None:
        raise ports.BadAnswer("the API's response is not a chat completion", **cost)
    if refusal := getattr(message, "refusal", None):
        raise ports.BadAnswer(f"the model declined to answer: {refusal}", **cost)
    if getattr(choice, "finish_reason", None) == "length":
        raise ports.BadAnswer(f"the answer was cut off after {cost['tokens_out']} tokens", **cost)
    text = getattr(message, "content", None)
    if not isinstance(text, str) or not text.strip():
        raise ports.BadAnswer("the answer is empty", **cost)
    return ports.Answered(text=text, **cost)


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
