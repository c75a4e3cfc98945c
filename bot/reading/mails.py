"""Parse the mails of a mailbox one by one, so that a mail that cannot be parsed costs no other mail."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

import structlog

from bot import articles, model, ports
from bot.fetch import mails
from bot.reading.process import NotStarted, ReaderEnded
from bot.sources.kit import limits

log = structlog.get_logger("wirewatch")

#: Maximum skipped mails per poll. Each may have cost a reader process; the mails that follow wait for the next poll.
MOST_SKIPPED = 3
#: Maximum characters per poll; bounds the memory of its mails.
MOST_CHARACTERS = 20_000_000
#: On a busy machine an honest mail may cost a reader process too, so it gets a second try.
_TRIES = 2

Read = Callable[[ports.Body], Awaitable[tuple[model.Reading, articles.Lookup | None]]]


def holds_mails(body: ports.Body) -> bool:
    """Return whether a mailbox gave this document."""
    return body.content.startswith(mails.HEAD)


async def read_each(
    body: ports.Body, feed: model.Feed, read: Read, *, is_first: bool
) -> tuple[model.Reading, articles.Lookup | None]:
    """Return the entries of all mails in one reading. Mails that cannot be parsed are skipped and counted.

    Raises NotStarted, which is not the fault of a mail.
    """
    entries: dict[str, model.Entry] = {}
    items: list[articles.Item] = []
    has_items, remarks, read_to, characters, skipped = True, list[str](), "", 0, 0
    was_slow = False
    unread = mails.unpacked(body.content)
    for read_to, mail in unread:
        single = dataclasses.replace(body, content=mails.HEAD + mails.packed(mail, read_to))
        reading, look_up = await _read_one(single, feed, read, etag=read_to)
        new = {entry.guid or "": entry for entry in reading.entries if entry.guid not in entries}
        entries |= new
        has_items = has_items and (look_up is not None or not new)
        items += [item for item in look_up.items if item.entry.guid in new] if look_up else ()
        remarks += [remark for remark in reading.remarks if remark not in remarks]
        skipped += reading.skipped
        was_slow = was_slow or reading.was_slow
        characters += sum(len(entry.title or "") + len(entry.body or "") for entry in new.values())
        if skipped >= MOST_SKIPPED or characters > MOST_CHARACTERS or len(entries) > limits.MAX_ENTRIES:
            break
    is_whole = next(unread, None) is None
    if skipped:
        remarks.append(
            f"{model.counted(skipped, 'mail')} could not be read and {'was' if skipped == 1 else 'were'} skipped"
        )
    merged = model.Reading(
        entries=tuple(entries.values()),
        remarks=tuple(remarks),
        is_increment=True,
        skipped=skipped,
        was_slow=was_slow,
        read_to=None if is_whole else read_to,
    )
    if not has_items:
        return merged, None
    return merged, articles.Lookup(question=articles.question(feed, items, is_first=is_first), items=tuple(items))


async def _read_one(
    body: ports.Body, feed: model.Feed, read: Read, *, etag: str
) -> tuple[model.Reading, articles.Lookup | None]:
    for is_last in (False, True):
        try:
            reading, look_up = await read(body)
        except NotStarted:
            raise
        except ReaderEnded as error:
            if not is_last:
                continue
            log.warning("mail skipped", feed=feed.url, mail=etag, error=f"its reader process ended: {error.why}")
        except ports.ReadError as error:
            log.warning("mail skipped", feed=feed.url, mail=etag, error=str(error))
        except Exception:
            log.critical("reading a mail raised an unexpected error", feed=feed.url, mail=etag, exc_info=True)
        else:
            if reading.skipped:
                log.warning("mail skipped", feed=feed.url, mail=etag, error="its MIME structure cannot be parsed")
            return reading, look_up
        break
    return model.Reading(is_increment=True, skipped=1), None
