"""The address of a feed: whole, or the short form of a known place."""

from __future__ import annotations

import re
from typing import Annotated

import pydantic

from bot import model
from bot.config import values
from bot.polling import places

MAILBOXES = ("imaps", "imap")
SCHEMES = ("http", "https", *MAILBOXES)


def feed_url(value: object) -> str:
    """Check the address of a feed, of the web or a mailbox, without credentials, or a short form. Raises Wrong."""
    written = values.text(value)
    if written.startswith(("env:", "file:")):
        return str(_secret(written))
    if place := places.named(written):
        try:
            places.expand(written)
        except places.Unfit as unfit:
            message = f'"{values.shown(written)}" is not a feed of {place.name}'
            raise values.Wrong("address", message, str(unfit)) from None
        return written
    parts = values.split(written)
    if parts is None or parts[0] not in SCHEMES:
        advice = "write the whole address: https://…"
        if re.match(r"feed:(//|https?:)", written):
            advice = "write https:// instead of feed:"
        elif parts is not None and parts[0] == "" and re.match(r"[\w-]+(\.[\w-]+)+(/|\Z)", written):
            advice = f"write https://{written}"
        elif parts is not None and (nearest := values.near(parts[0], list(places.known()))):
            advice = f'did you mean "{nearest}:"?'
        raise values.Wrong("address", f'"{values.shown(written)}" is not the address of a feed', advice)
    if not parts[1] or re.search(r"\s", written):
        raise values.Wrong(
            "address", f'"{values.shown(written)}" is not the address of a feed', "an address has a host and no spaces"
        )
    if "@" in parts[2]:
        raise values.Wrong("secret", "a password in an address would be shown in logs and messages", "remove it")
    return written


def _secret(written: str) -> str:
    try:
        return model.Secret.parse(written).reference
    except ValueError as error:
        raise values.Wrong("secret", str(error), "write env:NAME or file:/path") from None


FeedUrl = Annotated[
    str,
    pydantic.PlainValidator(feed_url),
    pydantic.WithJsonSchema(
        {"type": "string", "pattern": f"^((https?|imaps?)://|({'|'.join(places.known())}|env|file):.)"}
    ),
]
