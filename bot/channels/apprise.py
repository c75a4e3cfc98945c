"""``kind: apprise``: Discord, Teams, Telegram, Matrix, email and the rest, through the Apprise library."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pydantic

from bot import model, ports
from bot.channels import answers, calls, plain, wording
from bot.channels.building import Duration, Surroundings

KIND = "apprise"
#: What Apprise's plug-ins write of an answer: «error=401». The line itself is never shown: it may hold an address.
_STATUS = re.compile(r"\berror=(\d{3})\b")
#: What a service may read as a mention, a format or a link with another label.
_MARKUP = re.compile(r"@(?=\w)|<(?=[@#!/:a-zA-Z])|[*_~`|]|\](?=\()|^(?=[#>-])", re.MULTILINE)


class Options(pydantic.BaseModel):
    """One service of Apprise's (https://appriseit.com/services/)."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    url: model.Secret = pydantic.Field(description="The service's Apprise address: env:NAME or file:/path.")
    pace: Duration = pydantic.Field(timedelta(seconds=1), description="Least time between two messages.")


class Channel:
    """One service. Apprise says only whether it worked, so there are no threads and no edits."""

    abilities = ports.Abilities(threads=False, edits=False, lookup=False)

    def __init__(self, name: str, options: Options, around: Surroundings) -> None:
        self.name = name
        self.pace = options.pace
        self.account = f"apprise {options.url.reference}"
        self._url = options.url
        self._around = around

    async def send(self, delivery: ports.Delivery) -> model.Receipt:
        address = self._address()
        said: list[str] = []
        try:
            worked = await calls.run(lambda: _notify(address, delivery.message, said), name=self.name)
        except ports.SendError:
            raise
        except (OSError, TypeError, ValueError, LookupError, AttributeError) as error:
            # A plug-in that breaks: whether the message left is not known.
            raise ports.Unknown(f"the service's plug-in failed ({type(error).__name__})") from None
        now = self._around.clock.now()
        if worked:
            return model.Receipt(ref="", sent_at=now)
        raise self._failure(said, now=now)

    def _failure(self, said: Sequence[str], *, now: datetime) -> ports.SendError:
        """Apprise's False becomes a reason, by the status that it logged; a broken connection looks as any other."""
        text = "\n".join(said)
        if found := _STATUS.search(text):
            return answers.of_status(int(found[1]), who="the service", headers={}, now=now)
        return ports.Unknown("the service did not take the message and did not say why")

    async def find(self, delivery: ports.Delivery, *, since: datetime) -> model.Receipt | None:
        raise ports.Unknown("Apprise cannot tell what arrived")

    async def check(self) -> Sequence[ports.CheckLine]:
        try:
            address = self._address()
            service = await calls.run(lambda: str(_plugin(address).service_name), name=self.name)
        except ports.Parked as error:
            return [ports.CheckLine(is_good=False, what="the address is set and names a service", help=str(error))]
        return [ports.CheckLine(is_good=True, what=f"messages go to {service}; without threads, edits and look-up")]

    async def close(self) -> None:
        """Nothing is held open between two calls."""

    def _address(self) -> str:
        return self._around.secret(self._url, what="the Apprise address")


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


def _notify(address: str, message: model.Message, said: list[str]) -> bool:
    """Blocking."""
    import apprise

    service = _plugin(address)
    # HTML is made by the library, which escapes; anything else is read as it stands.
    is_html = service.notify_format == apprise.NotifyFormat.HTML
    title, body = plain.title(message), plain.body(message)
    if not is_html:
        title, body = tame(title), tame(body)
    title_limit, body_limit = int(service.title_maxlen), int(service.body_maxlen)
    if title_limit <= 0:
        title, body = "", f"{title}\n{body}".strip()
    notifier = apprise.Apprise()
    notifier.add(service)
    return bool(
        notifier.notify(
            body=_lines_to(body or title, body_limit),
            title=wording.cut(title, title_limit),
            body_format=apprise.NotifyFormat.TEXT,
            log_callback=lambda entry, plugin: said.append(str(getattr(entry, "message", entry))),
            log_level=logging.WARNING,
        )
    )


def tame(text: str) -> str:
    """A word joiner after each mark that a service might read: no mention, no format, no link under another label."""
    return wording.outside_links(text, lambda words: _MARKUP.sub(lambda found: f"{found[0]}\u2060", words))


def _lines_to(text: str, limit: int) -> str:
    """Whole lines as far as they fit: an address that is cut leads nowhere."""
    if limit <= 0 or wording.size(text) <= limit:
        return text
    kept: list[str] = []
    room = limit - 2
    for line in text.split("\n"):
        if wording.size(line) + 1 > room:
            break
        kept.append(line)
        room -= wording.size(line) + 1
    return "\n".join([*kept, "…"]) if kept else wording.cut(text, limit)
