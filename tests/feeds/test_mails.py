"""Newsletters: what becomes of a mail, of a forwarded one, and of hostile ones."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from bot.feeds.kinds.imap import Options, Source
from bot.feeds.kit import packing
from bot.model.errors import ReadError
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body


def mail(subject: str = "Daily briefing", *, html: str | None = None, text: str = "The PTA wrote.") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "The Paper <news@paper.example>", "desk@news.test"
    message["Date"], message["Message-ID"] = "Wed, 02 Dec 2015 08:00:00 +0500", "<1@paper.example>"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def read(*mails: EmailMessage | bytes, **options: str) -> ParsedFeed:
    packed = b"".join(
        packing.pack_mail(message if isinstance(message, bytes) else message.as_bytes()) for message in mails
    )
    body = Body(content=packing.MAILS_HEAD + packed, content_type=packing.MAILS_TYPE, url="imaps://mail.test/INBOX")
    return Source(Options.model_validate(options)).read(body)


def test_a_mail_is_an_article() -> None:
    [entry] = read(mail("Ordnung f\u00fcr die Beh\u00f6rde \u2013 PTA")).entries
    assert entry == Entry(
        guid="1@paper.example",
        title="Ordnung f\u00fcr die Beh\u00f6rde \u2013 PTA",
        body="The PTA wrote.\n",
        author="The Paper",
        published=datetime(2015, 12, 2, 3, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "kind", [b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n', b"Content-Type: message/rfc822\n\n"]
)
def test_parts_nested_a_thousand_deep_are_skipped_at_once_and_counted(kind: bytes) -> None:
    nested = b"Subject: deep\n" + b"".join(kind % ((n, n) if b"%" in kind else ()) for n in range(1_000)) + b"text\n"
    began = time.process_time()
    reading = read(nested, mail())
    assert time.process_time() - began < 2
    assert [entry.title for entry in reading.entries] == ["Daily briefing"]
    assert reading.skipped == 1


def test_a_mail_without_subject_and_text_is_skipped() -> None:
    reading = read(b"", mail())
    assert ([entry.title for entry in reading.entries], reading.skipped) == (["Daily briefing"], 1)


def test_a_document_that_is_not_from_a_mailbox_is_refused() -> None:
    with pytest.raises(ReadError, match="imaps://"):
        Source(Options.model_validate({})).read(Body(content=b"<rss/>", content_type="", url="https://x.example"))


def test_a_forwarded_mail_is_read_as_the_one_that_it_holds() -> None:
    outer = EmailMessage()
    outer["Subject"], outer["From"] = "Fwd: WG: Daily briefing", "A colleague <desk@news.test>"
    outer["Date"], outer["Message-ID"] = "Thu, 03 Dec 2015 08:00:00 +0500", "<2@news.test>"
    outer.set_content("For you.")
    outer.add_attachment(mail(html="<p>The PTA has decided.</p>"))
    [entry] = read(outer).entries
    assert (entry.title, (entry.body or "").strip()) == ("Daily briefing", "<p>The PTA has decided.</p>")


@pytest.mark.parametrize(
    ("subject", "read_as"),
    [
        (b"=?gb2312?B?" + base64.b64encode("朱镕基说".encode("gbk")) + b"?=", "朱镕基说"),
        (b"=?ISO-2022-JP?B?" + base64.b64encode("総務省の指導".encode("iso-2022-jp")) + b"?=", "総務省の指導"),
        (b"=?utf-8?Q?Caf=C3?=\n =?utf-8?Q?=A9_fines?= two", "Café fines two"),
        ("Café in bytes".encode(), "Café in bytes"),
        ("Café in bytes".encode("latin-1"), "Café in bytes"),
        (b"=?x-none?Q?Caf=E9?=", "Café"),
    ],
)
def test_a_subject_is_read_in_any_encoding(subject: bytes, read_as: str) -> None:
    raw = b"Subject: " + subject + b"\nFrom: P <p@paper.example>\nMessage-ID: <3@x>\nContent-Type: text/plain\n\ntext"
    assert read(raw).entries[0].title == read_as
