"""The language model that bot.yaml names: an API that is compatible with OpenAI's, or an answer file instead.

A question about a pair of reports asks for one token, and takes the probability of yes among yes and no from its log
probabilities. A server without them answers in words, which count as a bounded probability.

In an answer file each line is a JSON object: ``key`` (of the prompt), ``use``, ``instructions``, ``data``, ``schema``
and ``answer``, which is null until a person, a program or any model has filled it in. If several lines have the same
key, the last line counts. Tests and benches can record the answers of any model once and replay them.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.durations import format_duration
from bot.llm.weight import PLAIN_YES
from bot.model.access import Secret
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
from bot.patterns import LazyPattern

if TYPE_CHECKING:
    import openai


#: The parameters of a question whose answer is yes or no. Twelve tokens include all spellings of both words.
_YES_OR_NO: dict[str, Any] = {"max_tokens": 1, "logprobs": True, "top_logprobs": 12}
_FIRST_WORD = LazyPattern(r"\W*(yes|no)\b", re.IGNORECASE)
#: Maximum tokens of an answer in JSON. The longest is a few sentences.
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
        #: Parameters that the model has refused. They are not sent again.
        self._refused: set[str] = set()

    async def ask(self, prompt: Prompt) -> ModelAnswer:
        while True:
            parameters = self._parameters_for(prompt)
            try:
                return await self._call(prompt, parameters)
            except ModelRefused as refused:
                # Some hosted models refuse parameters. Each refusal names one, so ask again without that parameter.
                parameter = next((name for name in _longest_first(parameters) if name in str(refused)), None)
                if parameter is None:
                    raise
                self._refused.add(parameter)

    def _parameters_for(self, prompt: Prompt) -> dict[str, Any]:
        parameters = {"max_tokens": _MAX_TOKENS, "temperature": 0, **({} if prompt.schema else _YES_OR_NO)}
        if "max_tokens" in self._refused:
            parameters["max_completion_tokens"] = _MAX_TOKENS_WITH_REASONING
        if "logprobs" in self._refused:
            parameters.pop("top_logprobs", None)
        return {name: value for name, value in parameters.items() if name not in self._refused}

    async def find_served(self) -> str:
        """Return the server's entry of the model. llama.cpp names the file's size and parameters in it."""
        try:
            listed = await self._client.models.list()
        except (self._sdk.OpenAIError, ValueError):
            return ""
        entries = [entry for entry in listed.data or () if hasattr(entry, "id")] if hasattr(listed, "data") else []
        named = [entry for entry in entries if entry.id == self._policy.name] or entries
        if len(named) != 1:
            return ""
        extra = {name: getattr(named[0], name, None) for name in ("meta", "root")}
        return json.dumps([named[0].id, extra], sort_keys=True, default=str)

    async def _call(self, prompt: Prompt, parameters: Mapping[str, Any]) -> ModelAnswer:
        sdk = self._sdk
        request: dict[str, Any] = {
            "model": self._policy.name,
            "messages": [
                {"role": "system", "content": prompt.instructions},
                {"role": "user", "content": prompt.data},
            ],
            **parameters,
        }
        if prompt.schema:
            form = {"name": prompt.use.value, "strict": True, "schema": json.loads(prompt.schema)}
            request["response_format"] = {"type": "json_schema", "json_schema": form}
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
        return _parse_completion(completion, is_yes_or_no=not prompt.schema)

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
    return ModelUnavailable(text, retry_after=_parse_retry_after(error.response.headers.get("retry-after")))


def _parse_retry_after(written: str | None) -> timedelta | None:
    return timedelta(seconds=int(written)) if written and written.isdecimal() and len(written) < 7 else None


def _innermost_cause(error: Exception) -> str:
    """Return the text of the innermost cause; the SDK's own text does not name the cause."""
    inner: BaseException = error
    while inner.__cause__ is not None:
        inner = inner.__cause__
    return str(inner) or type(inner).__name__


def _longest_first(names: Iterable[str]) -> list[str]:
    """Sort names so that ``top_logprobs`` comes before ``logprobs``, which is a part of it."""
    return sorted(names, key=len, reverse=True)


def _parse_completion(completion: object, *, is_yes_or_no: bool) -> ModelAnswer:
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
    if is_yes_or_no:
        return ModelAnswer(text=json.dumps({"yes": _read_yes(choice, cost)}), **cost)
    if getattr(choice, "finish_reason", None) == "length":
        raise BadAnswer(f"the answer was cut off after {cost['tokens_out']} tokens", **cost)
    text = getattr(message, "content", None)
    if not isinstance(text, str) or not text.strip():
        raise BadAnswer("the answer is empty", **cost)
    return ModelAnswer(text=text, **cost)


def _read_yes(choice: object, cost: Mapping[str, int]) -> float:
    """Return the probability of yes among yes and no, from the log probabilities of the first token, or its text.

    Raises BadAnswer if neither of them is there.
    """
    mass = {"yes": 0.0, "no": 0.0}
    tokens = getattr(getattr(choice, "logprobs", None), "content", None)
    first = tokens[0] if isinstance(tokens, list) and tokens else None
    listed = getattr(first, "top_logprobs", None)
    for candidate in listed if isinstance(listed, list) else ():
        word, logprob = getattr(candidate, "token", None), getattr(candidate, "logprob", None)
        word = word.strip().lower() if isinstance(word, str) else ""
        if word in mass and isinstance(logprob, int | float) and logprob <= 0:
            mass[word] += math.exp(logprob)
    if sum(mass.values()) > 0:
        return round(mass["yes"] / sum(mass.values()), 4)
    text = getattr(getattr(choice, "message", None), "content", None)
    word_found = _FIRST_WORD.match(text) if isinstance(text, str) else None
    if word_found is None:
        raise BadAnswer("the answer is neither yes nor no", tokens_in=cost["tokens_in"], tokens_out=cost["tokens_out"])
    return PLAIN_YES if word_found[1].lower() == "yes" else round(1 - PLAIN_YES, 4)


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

    async def find_served(self) -> str:
        return ""

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
            "data": json.loads(prompt.data) if prompt.schema else prompt.data,
            "schema": json.loads(prompt.schema) if prompt.schema else {"yes": "a number from 0 to 1"},
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
