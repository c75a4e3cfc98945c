"""The base of channels that use a chat service's REST API.

call ──▶ request (limits, address, headers) ──▶ a success, or error_of (the service's code in its table)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

import msgspec

from bot.channels.kit import http_client
from bot.channels.kit.context import BaseChannel, ChannelContext
from bot.channels.kit.errors import Act, ErrorTable, send_error
from bot.channels.kit.http_client import HttpResponse, RateLimits, error_of_response
from bot.model.errors import SendError


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a service's API."""

    method: str
    #: The path below the address of the API.
    path: str
    #: Describes the request in the texts of errors.
    doing: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str | int] = msgspec.field(default_factory=dict)
    #: Names the requests that share a rate limit. If it is empty, those with the same path share it.
    bucket: str = ""
    #: The code of an error that is not a failure.
    expected: object = None
    #: Error code -> reaction, before the service's table.
    instead: Mapping[object, Act] = msgspec.field(default_factory=dict)

    @property
    def limited_as(self) -> str:
        """The kind of request for ``RateLimits``."""
        return f"{self.method} {self.bucket or self.path}"


class RestChannel(BaseChannel):
    """A channel of a service with a REST API. Each service overrides the hooks that it needs."""

    #: The service's name in the texts of errors.
    who: ClassVar[str]
    #: The ``doing`` of a post: only its rate limit stops the whole channel. If it is empty, every limit does.
    posts: ClassVar[str] = ""
    #: Maximum bytes of an answer.
    limit_bytes: ClassVar[int]

    def __init__(
        self, name: str, *, account: str, pace: timedelta, context: ChannelContext, errors: ErrorTable | None = None
    ) -> None:
        super().__init__(name, account=account, pace=pace, context=context)
        self.limits = RateLimits(context.clock, who=self.who, posts=self.posts)
        self._errors = errors or {}

    def address(self, call: Call) -> str:
        """Return the address of a request, without its query."""
        raise NotImplementedError

    def headers(self) -> Mapping[str, str]:
        """Return the headers of each request, with the token."""
        return {}

    def error_code(self, response: HttpResponse) -> object:
        """Return the code of an error in the service's table, or None."""
        raise NotImplementedError

    def stated_wait(self, response: HttpResponse) -> timedelta | None:
        """Return the wait that an error's body states. If it is None, the header Retry-After counts."""
        return None

    async def request(self, call: Call) -> HttpResponse:
        """Send a request and return the response, whatever its status. Raises SendError if none comes."""
        self.limits.check(call.doing, kind=call.limited_as)
        return await http_client.request(
            call.method,
            self.address(call),
            who=self.who,
            query=call.query,
            document=call.body,
            headers=self.headers(),
            limit_bytes=self.limit_bytes,
        )

    async def call(self, call: Call) -> HttpResponse:
        """Send a request and return the response: a success or the expected error. Raises SendError."""
        response = await self.request(call)
        if response.is_success or (call.expected is not None and self.error_code(response) == call.expected):
            return response
        raise self.error_of(response, call)

    def error_of(self, response: HttpResponse, call: Call) -> SendError:
        """Return the error for a response that is not a success."""
        code = self.error_code(response)
        if isinstance(code, str) and code in call.instead:
            return send_error(call.instead[code], f"{call.doing}: {self.who} says {code}")
        return error_of_response(
            response,
            self._errors,
            code=code,
            who=self.who,
            doing=call.doing,
            now=self.context.clock.now(),
            retry_after=self.stated_wait(response),
        )
