"""``kind: apprise``: about a hundred services through the Apprise library, without threads, edits and look-up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta, tzinfo
from importlib.util import find_spec
from typing import Any

import msgspec
import pydantic
from msgspec.structs import replace

from bot import keys
from bot.channels.kit import errors, phrases, rendering
from bot.channels.kit.context import (
    BaseChannel,
    ChannelContext,
    ChannelOptions,
    Pace,
    passed,
    run_in_thread,
    step,
)
from bot.channels.kit.phrases import break_markup
from bot.model.access import Secret
from bot.model.channels import Abilities, ChannelFeatures, CheckLine, Delivery
from bot.model.errors import ChannelClosed, OutcomeUnknown, RetryLater, SendError
from bot.model.messages import Listing, Message, Receipt, content_of
from bot.patterns import LazyPattern

KIND = "apprise"
#: The HTTP status in a log line of Apprise's plug-ins. The line is never shown, because it may contain an address.
_STATUS = LazyPattern(r"\berror=(\d{3})\b")
_GOODBYE_SECONDS = 3

#: Service -> maximum bytes of a message, if lower than the limit of its plug-in. ntfy turns a longer message into a
#: file (docs.ntfy.sh/config, message-size-limit).
_MOST_BYTES = {"ntfy": 4_096}
#: Maximum characters of a listing. Most services accept them; for the others, the message is sent in parts.
_COMMON_LIMIT = 1_900


class Options(ChannelOptions):
    """One of the services that Apprise supports (https://appriseit.com/services/)."""

    url: Secret = pydantic.Field(description="The service's Apprise address: env:NAME or file:/path.")
    pace: Pace = timedelta(seconds=1)

    @pydantic.field_validator("url")
    @classmethod
    def _check_installed(cls, url: Secret) -> Secret:
        if find_spec("apprise") is None:
            text = "the package that sends through Apprise is not installed"
            raise keys.InvalidValue("missing-extra", text, "pip install 'wirewatch[apprise]'")
        return url

    @property
    def features(self) -> ChannelFeatures:
        return ChannelFeatures(shows_all_stories=lambda listing: _shows_all_stories(listing, _COMMON_LIMIT))


class Channel(BaseChannel):
    """A service. Apprise returns only whether sending succeeded, so threads and edits are impossible."""

    abilities = Abilities(threads=False, edits=False, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        super().__init__(name, account=f"apprise {options.url.reference}", pace=options.pace, context=context)
        self._url = options.url
        #: The address and the plug-in of the last successful call. The plug-in is kept because it may be logged in.
        self._spare: tuple[str, Any] | None = None

    async def send(self, delivery: Delivery) -> Receipt:
        """Send through Apprise. The receipt has no reference. Raises SendError."""
        address = self._address()
        log = _PluginLog()
        try:
            is_sent = await run_in_thread(lambda: self._notify(address, delivery.message, log), name=self.name)
        except SendError:
            raise
        except (OSError, TypeError, ValueError, LookupError, AttributeError) as error:
            # These errors are bugs of the plug-in, which may have sent the message.
            raise OutcomeUnknown(f"the service's plug-in failed ({type(error).__name__})") from None
        if is_sent:
            return self.receipt("")
        if log.wait is not None:
            raise RetryLater("the service says too many messages", retry_after=log.wait)
        # The plug-in returned False. Its log may contain the HTTP status.
        if status := _STATUS.search("\n".join(log.lines)):
            now = self.context.clock.now()
            raise errors.error_of_status(int(status[1]), who="the service", headers={}, now=now)
        raise OutcomeUnknown("the service did not accept the message and gave no reason")

    def _notify(self, address: str, message: Message, log: _PluginLog) -> bool:
        # Clear ``_spare`` during the call, so that an abandoned call never shares its plug-in with the next call.
        spare, self._spare = self._spare, None
        service = spare[1] if spare is not None and spare[0] == address else _plugin(address)
        is_sent = _notify(service, message, log, zone=self.context.zone)
        if is_sent:
            self._spare = address, service
        return is_sent

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        with step("the address is set and names a service"):
            address = self._address()
            service = await run_in_thread(lambda: str(_plugin(address).service_name), name=self.name)
        yield passed(f"messages go to {service}; without threads, edits and look-up")

    async def close(self) -> None:
        """Drop the plug-in in a thread with a time limit, because it may log out when it is deleted."""
        spare, self._spare = self._spare, None
        if spare is not None:
            keep = [spare]
            del spare
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await run_in_thread(keep.clear, name=self.name)

    def _address(self) -> str:
        return self.context.secret(self._url, what="the Apprise address")


class _PluginLog(msgspec.Struct):
    """The log lines of a plug-in during one call."""

    lines: list[str] = msgspec.field(default_factory=list)
    #: The pause that the service asks for, or None if it asks for none.
    wait: timedelta | None = None


class _Throttled(Exception):
    """The service has asked for a pause."""


def _plugin(address: str) -> Any:
    # Import on first use, because it takes 216 ms and 31 MB.
    import apprise  # an extra

    # The library's log lines may contain addresses with keys, so they are not shown. Only a status is read from them.
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
        raise ChannelClosed("the Apprise address has an unknown service or is incomplete: see appriseit.com/services")
    return service


def _notify(service: Any, message: Message, log: _PluginLog, *, zone: tzinfo) -> bool:
    import apprise  # an extra

    # For services with HTML, the library escapes markup but not mentions. Other services receive the text as it is.
    reads_marks = service.notify_format != apprise.NotifyFormat.HTML
    title = break_markup(rendering.plain_title(message), reads_marks=reads_marks)
    title_limit, body_limit = int(service.title_maxlen), int(service.body_maxlen)
    most_bytes = _MOST_BYTES.get(str(service.service_name))
    limit = min(body_limit, most_bytes or body_limit)

    def body_of(part: Message) -> str:
        body = break_markup(rendering.plain_body(part, zone=zone, limit=limit), reads_marks=reads_marks)
        return (f"{title}\n{body}".strip() if title_limit <= 0 else body) or title

    def fits(part: Message) -> bool:
        body = body_of(part)
        return _fitting(body, body_limit, most_bytes=most_bytes) == body

    notifier = apprise.Apprise()
    notifier.add(service)
    for part in _split_stories(message, fits):
        with _fail_instead_of_sleeping(service, log):
            is_sent = notifier.notify(
                body=_fitting(body_of(part), body_limit, most_bytes=most_bytes),
                title=phrases.cut(title, max(0, title_limit)),
                body_format=apprise.NotifyFormat.TEXT,
                log_callback=lambda entry, plugin: log.lines.append(str(getattr(entry, "message", entry))),
                log_level=logging.WARNING,
            )
        if not is_sent:
            return False
    return True


def _shows_all_stories(listing: Listing, limit: int) -> bool:
    return phrases.size(rendering.plain_body(listing, limit=limit)) <= limit


def _split_stories(message: Message, fits: Callable[[Message], bool]) -> list[Message]:
    """Split a listing until each part fits or has one story, because a cut message would lose stories."""
    listing = content_of(message)
    if not isinstance(listing, Listing) or len(listing.stories) < 2 or fits(listing):
        return [message]
    middle = len(listing.stories) // 2
    halves = [replace(listing, stories=part) for part in (listing.stories[:middle], listing.stories[middle:])]
    return [part for half in halves for part in _split_stories(half, fits)]


@contextlib.contextmanager
def _fail_instead_of_sleeping(service: Any, log: _PluginLog) -> Iterator[None]:
    """Make a plug-in fail when the service asks for a pause.

    Otherwise the plug-in would sleep for minutes and then post a message that we have given up. The outbox waits
    instead.
    """
    throttle = service.throttle

    def obey(last_io: datetime | None = None, wait: float | None = None) -> None:
        if wait:
            log.wait = errors.parse_wait(wait)
            raise _Throttled
        throttle(last_io)

    service.throttle = obey
    try:
        yield
    finally:
        # Without this, a reference cycle would keep the plug-in and its login until the next garbage collection.
        del service.throttle


def _fitting(text: str, limit: int, *, most_bytes: int | None) -> str:
    cut = rendering.cut_lines(text, limit)
    while most_bytes is not None and len(cut.encode("utf-8", "replace")) > most_bytes:
        cut = rendering.cut_lines(cut, 3 * phrases.size(cut) // 4)
    return cut
