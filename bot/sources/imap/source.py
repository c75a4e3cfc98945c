"""Mails as the mailbox gave them → entries. A mail that cannot be parsed is skipped, counted and not read again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Literal

import pydantic

from bot import model
from bot.fetch import mails
from bot.ports import Body, ReadError
from bot.sources.imap import newsletter
from bot.sources.imap.message import Mail, parse
from bot.sources.kit import limits, links

KIND = "imap"


class Options(pydantic.BaseModel):
    """Newsletters in a mailbox."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    sender: str | None = pydantic.Field(
        None, min_length=1, max_length=200, description="Only mails whose sender has this in name or address."
    )
    split: Literal["auto", "never"] = pydantic.Field(
        "auto", description="auto: a mail that lists articles with their links is split into them; never: it is one."
    )
    mark_seen: bool = pydantic.Field(False, description="Mark what was read as seen; without it, nothing is changed.")


class Source:
    """Parses mails."""

    def __init__(self, options: Options) -> None:
        self._splits = options.split == "auto"

    def recognises(self, body: Body) -> bool:
        """Never: only what a mailbox gave is parsed as mails, and its feed names the kind."""
        return False

    def read(self, body: Body) -> model.Reading:
        """Blocking. Raises ReadError."""
        if not body.content.startswith(mails.HEAD):
            raise ReadError("not from a mailbox: the address of kind: imap reads imaps://host/folder")
        entries: dict[str, model.Entry] = {}
        skipped = 0
        for _, raw in mails.unpacked(body.content):
            mail = parse(raw)
            skipped += mail is None
            for entry in self._entries(mail) if mail else ():
                entries.setdefault(entry.guid or "", limits.bounded(entry))
        kept, remark = limits.ends_of(list(entries.values()))
        return model.Reading(entries=kept, remarks=(remark,) if remark else (), is_increment=True, skipped=skipped)

    def _entries(self, mail: Mail) -> Iterator[model.Entry]:
        listed = newsletter.items(mail.html or newsletter.as_html(mail.text)) if self._splits else ()
        for item in listed:
            yield model.Entry(
                guid=f"{mail.id}#{_hash(item.link)}",
                link=item.link,
                title=links.escaped(item.title),
                body=links.escaped(item.text) or None,
                author=mail.sender,
                published=mail.date,
            )
        if not listed:
            yield model.Entry(
                guid=mail.id,
                title=links.escaped(mail.subject),
                body=mail.html or links.escaped(mail.text),
                author=mail.sender,
                published=mail.date,
            )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
