"""``kind: apprise``: Discord, Teams, Telegram, Matrix, email and the rest, through the Apprise library."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pydantic

from bot import model, ports
from bot.channels.kit import http_errors, inert, phrases, plain_text, threads
from bot.channels.kit.context import ChannelContext, Duration

KIND = "apprise"
#: What Apprise's plug-ins write of an answer: “error=401”. The line itself is never shown: it may hold an address.
_STATUS = re.compile(r"\berror=(\d{3})\b")
_GOODBYE_SECONDS = 3

#: Servers that take less than their plug-in says, in bytes: ntfy makes a file of what is longer
#: (docs.ntfy.sh/config, message-size-limit).
_MOST_BYTES = {"ntfy": 4_096}


class Options(pydantic.BaseModel):
    """One of the services that Apprise supports (https://appriseit.com/services/)."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    url: model.Secret = pydantic.Field(description="The service's Apprise address: env:NAME or file:/path.")
    pace: Duration = pydantic.Field(timedelta(seconds=1), description="Minimum time between two messages.")


class Channel:
    """One service. Apprise says only whether it worked, so there are no threads and no edits."""

    abilities = ports.Abilities(threads=False, edits=False, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        self.name = name
        self.pace = options.pace
        self.account = f"apprise {options.url.reference}"
        self._url = options.url
        self._context = context
        #: The plug-in that worked last, with its address: it is logged in and knows the service's limits.
        self._spare: tuple[str, Any] | None = None

    async def send(self, delivery: ports.Delivery) -> model.Receipt:
        """Send through Apprise, whose receipt has no reference. Raises SendError."""
        address = self._address()
        heard = _Heard()
        try:
            worked = await threads.run(lambda: self._notify(address, delivery.message, heard), name=self.name)
        except ports.SendError:
            raise
        except (OSError, TypeError, ValueError, LookupError, AttributeError) as error:
            # A plug-in that breaks: whether the message left is not known.
            raise ports.Unknown(f"the service's plug-in failed ({type(error).__name__})") from None
        now = self._context.clock.now()
        if worked:
            return model.Receipt(ref="", sent_at=now)
        raise self._failure(heard, now=now)

    def _notify(self, address: str, message: model.Message, heard: _Heard) -> bool:
        """Blocking."""
        # Taken, so that a call that was left behind never shares it with the next one.
        spare, self._spare = self._spare, None
        service = spare[1] if spare is not None and spare[0] == address else _plugin(address)
        worked = _notify(service, message, heard, zone=self._context.zone)
        if worked:
            self._spare = address, service
        return worked

    def _failure(self, heard: _Heard, *, now: datetime) -> ports.SendError:
        """Apprise's False becomes a reason, by the status that it logged; a broken connection looks as any other."""
        if heard.wait is not None:
            return ports.Wait("the service says too many messages", after=min(heard.wait, http_errors.LONGEST_WAIT))
        if found := _STATUS.search("\n".join(heard.lines)):
            return http_errors.of_status(int(found[1]), who="the service", headers={}, now=now)
        return ports.Unknown("the service did not take the message and did not say why")

    async def find(self, delivery: ports.Delivery, *, since: datetime) -> model.Receipt | None:
        raise ports.Unknown("Apprise cannot verify delivery")

    async def check(self) -> Sequence[ports.CheckLine]:
        try:
            address = self._address()
            service = await threads.run(lambda: str(_plugin(address).service_name), name=self.name)
        except ports.Parked as error:
            return [ports.CheckLine(is_good=False, what="the address is set and names a service", help=str(error))]
        return [ports.CheckLine(is_good=True, what=f"messages go to {service}; without threads, edits and look-up")]

    async def close(self) -> None:
        """A plug-in may log out as it goes: outside of the event loop, and with a message's time limit."""
        spare, self._spare = self._spare, None
        if spare is not None:
            keep = [spare]
            del spare
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await threads.run(keep.clear, name=self.name)

    def _address(self) -> str:
        return self._context.secret(self._url, what="the Apprise address")


@dataclass(slots=True)
class _Heard:
    """What a plug-in said while it tried."""

    lines: list[str] = field(default_factory=list)
    #: Before it may try again, by the service's own word.
    wait: timedelta | None = None


class _Throttled(Exception):
    """The service asks for a pause."""


def _plugin(address: str) -> Any:
    # Imported on first use: 216 ms and 31 MB.
    import apprise

    # Its lines may name addresses with the keys in them: they end here, and only a status is read from them.
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    asset = apprise.AppriseAsset(
        app_id="Wirewatch", app_desc="news alerts", app_url="", image_url_mask="", image_url_logo="", async_mode=False
    )
    service = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if service is None:
        raise ports.Parked("the Apprise address names no service, or lacks a part: see appriseit.com/services")
    return service


def _notify(service: Any, message: model.Message, heard: _Heard, *, zone: tzinfo) -> bool:
    """Blocking."""
    import apprise

    # HTML is made by the library, which escapes marks but no mention; anything else is read as it is.
    reads_marks = service.notify_format != apprise.NotifyFormat.HTML
    title = inert.text(plain_text.title(message), reads_marks=reads_marks)
    body = inert.text(plain_text.body(message, zone=zone), reads_marks=reads_marks)
    title_limit, body_limit = int(service.title_maxlen), int(service.body_maxlen)
    if title_limit <= 0:
        title, body = "", f"{title}\n{body}".strip()
    notifier = apprise.Apprise()
    notifier.add(service)
    with _awake(service, heard):
        return bool(
            notifier.notify(
                body=_fitting(body or title, body_limit, most_bytes=_MOST_BYTES.get(str(service.service_name))),
                title=phrases.cut(title, title_limit),
                body_format=apprise.NotifyFormat.TEXT,
                log_callback=lambda entry, plugin: heard.lines.append(str(getattr(entry, "message", entry))),
                log_level=logging.WARNING,
            )
        )


@contextlib.contextmanager
def _awake(service: Any, heard: _Heard) -> Iterator[None]:
    """A plug-in sleeps as long as the service asks, minutes even, and then posts what we had given up: here it fails,
    and the outbox waits."""
    throttle = service.throttle

    def obey(last_io: datetime | None = None, wait: float | None = None) -> None:
        if wait:
            heard.wait = timedelta(seconds=wait)
            raise _Throttled
        throttle(last_io)

    service.throttle = obey
    try:
        yield
    finally:
        # Else a cycle would keep it, and its login, until some collection of the garbage.
        del service.throttle


def _fitting(text: str, limit: int, *, most_bytes: int | None) -> str:
    cut = plain_text.lines_to(text, limit)
    while most_bytes is not None and len(cut.encode("utf-8", "replace")) > most_bytes:
        cut = plain_text.lines_to(cut, 3 * phrases.size(cut) // 4)
    return cut
