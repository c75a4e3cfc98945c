"""Hostile mails among honest ones, from a real mailbox through real polls: they cost themselves and no other mail."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from bot import app
from bot.app import runtime
from bot.app.runtime import OnceReport
from bot.feeds import kinds
from bot.feeds.kit import packing
from bot.fetch import parsing
from bot.model.feeds import FeedState, ParsedFeed
from bot.model.fetching import Body
from tests.feeds.test_mails import mail
from tests.fetch.conftest import POLICY
from tests.hostile.mails import MAILS, QUICK
from tests.journeys.test_feeds import client
from tests.testbed import configs, faulty_reader, fresh
from tests.testbed.fakes import FakeClock
from tests.testbed.servers import imap

_BOT = """\
database: sqlite:///{folder}/wirewatch.db
channels: {{desk: {{kind: console}}}}
operator: desk
fetch: {{every: 5 minutes, readers: {readers}, allow_private: [127.0.0.0/8], timeout: 60 seconds}}
"""
_POLICY = replace(POLICY, max_bytes=10_000_000, timeout=timedelta(seconds=60))
_FEEDS = """\
feeds:
  - {{url: "imap://feeds.test:{port}/INBOX", kind: imap, name: Letters, owner: letters,
     auth: {{basic: {{user: {user}, password: env:MAIL_PASSWORD}}}}}}
"""
_RULES = "rules:\n  - {name: Exit, all: [BlackBerry], notify: desk}\n"
#: The faults of the reader process that a mail is made to meet.
FAULTS = ("fault-time", "fault-memory", "fault-size", "fault-crash", "fault-panic", "fault-error")


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A mailbox, and the application that polls it."""

    folder: Path
    box: imap.Mailbox
    clock: FakeClock

    async def poll(self) -> OnceReport:
        self.clock.advance(timedelta(minutes=5))
        environ = {"MAIL_PASSWORD": imap.PASSWORD}
        environment = app.Environment(environ=environ, clock=self.clock, fetcher=client(environ, _POLICY))
        async with runtime.opened(app.load(self.folder, environ), environment) as running:
            return await running.once(everything=True, drain=timedelta(seconds=60))

    def titles(self) -> set[str]:
        """Return the titles of the honest mails that are stored."""
        with contextlib.closing(sqlite3.connect(self.folder / "wirewatch.db")) as database:
            stored = {title for (title,) in database.execute("select title from articles")}
        return {title for title in stored if title.startswith("BlackBerry")}

    async def state(self) -> FeedState:
        environment = app.Environment(environ={"MAIL_PASSWORD": imap.PASSWORD}, clock=self.clock)
        async with runtime.opened(app.load(self.folder, environment.environ), environment) as running:
            [state] = await running.store.read(lambda tx: tx.feeds.all())
        return state


@asynccontextmanager
async def desk(folder: Path, *, readers: int) -> AsyncIterator[Desk]:
    async with imap.serve() as box:
        bot, feeds = _BOT.format(folder=folder, readers=readers), _FEEDS.format(port=box.port, user=imap.USER)
        configs.write(folder, bot=bot, feeds=feeds, rules=_RULES)
        fresh.archive(folder / "wirewatch.db")
        yield Desk(folder=folder, box=box, clock=FakeClock())


def letter(subject: str, *, html: str | None = None) -> EmailMessage:
    message = mail(subject, html=html)
    message.replace_header("Message-ID", f"<{subject.replace(' ', '.')}@paper.example>")
    del message["Date"]
    return message


@pytest.mark.long
@pytest.mark.parametrize("name", MAILS)
def test_a_hostile_mail_is_read_or_skipped_in_bounded_time(name: str) -> None:
    raw = MAILS[name]()
    began = time.process_time()
    body = Body(
        content=packing.MAILS_HEAD + packing.pack_mail(raw[:2_000_000]),
        content_type=packing.MAILS_TYPE,
        url="imaps://x.example/",
    )
    reading = kinds.parse_document(body, kind="imap")
    # A mail may take ten seconds; each of these once took longer.
    assert time.process_time() - began < 5
    assert reading.skipped + len(reading.entries) > 0


@pytest.mark.timeout(300)
@pytest.mark.long
async def test_a_mail_that_uses_too_much_crashes_or_panics_is_skipped_and_reported_and_the_mailbox_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "_PROGRAM", faulty_reader.PROGRAM)
    async with desk(tmp_path, readers=1) as mailbox:
        await mailbox.poll()
        for name in FAULTS:
            await asyncio.to_thread(mailbox.box.deliver, letter(name), letter(f"BlackBerry leaves market {name[6:]}"))
        for name in QUICK:
            await asyncio.to_thread(mailbox.box.deliver, MAILS[name](), letter(f"BlackBerry leaves market {name}"))
        await mailbox.poll()
        first = await mailbox.state()
        assert (first.error, first.today.unreadable) == (None, 3)
        assert first.remarks == ("3 mails could not be read and were skipped",)
        await mailbox.poll()
        second = await mailbox.state()
        assert (second.error, second.today.unreadable) == (None, 6)
        assert first.validators.etag != second.validators.etag
        for _ in range(2):
            last = (await mailbox.state()).validators.etag
            await mailbox.poll()
        assert (await mailbox.state()).validators.etag == last, "each mail is read or skipped once"
        output = " ".join("".join(capfd.readouterr()).split())
        names = (*(name[6:] for name in FAULTS), *QUICK)
        assert mailbox.titles() == {f"BlackBerry leaves market {name}" for name in names}
        assert output.count("mails that could not be read and will be missing") == 1
        assert output.count("mail skipped") + output.count("reading a mail raised an unexpected") == len(FAULTS)


async def test_a_mail_that_breaks_the_parser_is_set_aside_and_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Panic(BaseException):
        """Libraries in Rust raise such an exception."""

    read = kinds.parse_document

    def faulty(body: Body, **named: str) -> ParsedFeed:
        if b"fault-panic" in body.content:
            raise Panic
        if b"fault-error" in body.content:
            raise KeyError("ours")
        return read(body, **named)

    monkeypatch.setattr(kinds, "parse_document", faulty)
    async with desk(tmp_path, readers=0) as mailbox:
        await mailbox.poll()
        await asyncio.to_thread(
            mailbox.box.deliver,
            letter("BlackBerry fault-panic"),
            letter("BlackBerry fault-error"),
            letter("BlackBerry leaves market one"),
        )
        await mailbox.poll()
        assert mailbox.titles() == {"BlackBerry leaves market one"}
        with contextlib.closing(sqlite3.connect(tmp_path / "wirewatch.db")) as database, database:
            assert database.execute("SELECT kind, stage FROM quarantine").fetchall() == [("item", "parse")] * 2
            database.execute("UPDATE quarantine SET is_retry_requested = true")

        # The next version has no bug.
        monkeypatch.setattr(kinds, "parse_document", read)
        await mailbox.poll()

        assert len(mailbox.titles()) == 3
        with contextlib.closing(sqlite3.connect(tmp_path / "wirewatch.db")) as database:
            assert database.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)
