"""Call slack_sdk. Its clients block, so each call runs in a separate thread.

slack_sdk is imported on first use, because it takes half a second.
"""

from __future__ import annotations

import http.client
import logging
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.error import URLError

from bot.channels.kit import http_client
from bot.channels.kit.context import run_in_thread
from bot.channels.kit.errors import unsent_error
from bot.model.errors import OutcomeUnknown, SendError

if TYPE_CHECKING:
    from slack_sdk import WebClient

T = TypeVar("T")

#: Timeout in seconds of each connect, send and read. The sender limits the whole call.
_TIMEOUT = 15


async def call_method(
    base_url: str, method: str, *, token: str, name: str, json: Mapping[str, Any] | None, params: Mapping[str, Any]
) -> tuple[int, Mapping[str, str], Mapping[str, Any]]:
    """Call a method of the Web API and return status, headers and fields of the answer, even if it is a refusal.

    Raises SendError if no answer comes. ``name`` is the name of the thread.
    """

    def call() -> tuple[int, Mapping[str, str], Mapping[str, Any]]:
        from slack_sdk.errors import SlackApiError  # slow to import

        payload = None if json is None else dict(json)
        try:
            answer = web_client(base_url, token=token).api_call(method, json=payload, params=dict(params))
        except SlackApiError as error:
            answer = error.response
        data = answer.data if isinstance(answer.data, dict) else {}
        return int(answer.status_code), answer.headers, data

    return await _run(call, name=name)


async def post_to_webhook(url: str, document: Mapping[str, Any], *, name: str) -> tuple[int, Mapping[str, str], str]:
    """Post to an incoming webhook and return status, headers and text of the answer. Raises SendError if none comes."""

    def post() -> tuple[int, Mapping[str, str], str]:
        from slack_sdk.webhook import WebhookClient  # slow to import

        client = WebhookClient(url, **_options())
        client.proxy = None
        answer = client.send_dict(dict(document))
        return answer.status_code, answer.headers, answer.body

    return await _run(post, name=name)


def web_client(base_url: str, *, token: str | None = None) -> WebClient:
    """Return a client of the Web API."""
    from slack_sdk import WebClient  # slow to import

    client = WebClient(token, base_url=base_url, **_options())
    # Let urllib read the environment, because the SDK ignores no_proxy.
    client.proxy = None
    return client


@cache
def silent_logger() -> logging.Logger:
    """Return a logger that drops everything, because the SDK would log payloads and the secret address of a webhook."""
    logger = logging.getLogger("wirewatch.slack_sdk")
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    return logger


def _options() -> dict[str, Any]:
    # The default retry handler repeats a post whose answer was lost, so a message may be posted twice.
    return {"timeout": _TIMEOUT, "ssl": http_client.tls_context(), "retry_handlers": [], "logger": silent_logger()}


async def _run(call: Callable[[], T], *, name: str) -> T:
    """Run a call of the SDK. Do not chain its errors, because their texts may contain the address and thus a secret."""
    try:
        return await run_in_thread(call, name=name)
    except (OSError, http.client.HTTPException) as error:
        raise _error_without_answer(error) from None
    except _unreadable_answers() as error:
        raise OutcomeUnknown(f"Slack: the answer cannot be read ({type(error).__name__})") from None


def _unreadable_answers() -> tuple[type[Exception], ...]:
    """Return what the SDK raises for answers that are not from Slack, such as a list or half a document."""
    from slack_sdk.errors import SlackClientError  # on first use, like the SDK itself

    return SlackClientError, AttributeError, TypeError, ValueError, LookupError


def _error_without_answer(error: Exception) -> SendError:
    # urllib, which the SDK uses, raises URLError if the host name, the connection or the certificate fails.
    reason = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    if isinstance(error, URLError) and (wait := unsent_error(reason, who="Slack")):
        return wait
    if isinstance(reason, TimeoutError):
        return OutcomeUnknown("Slack: no answer in time")
    if isinstance(reason, ConnectionError | http.client.HTTPException):
        return OutcomeUnknown("Slack: the connection broke before an answer came")
    return OutcomeUnknown(f"Slack: the answer cannot be read ({type(reason).__name__})")
