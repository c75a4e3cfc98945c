"""Newsletters: what becomes of a mail, of a list of articles in one, and of hostile ones."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from bot import model
from bot.feeds.kinds.imap import Options, Source
from bot.feeds.kit import packing

HEADLINES = [
    ("https://paper.example/1", "BlackBerry quits Pakistan after PTA sought backdoor", "The regulator wrote in July."),
    ("https://paper.example/2", "Operators were told to close servers", "Some 5,000 companies use them."),
    ("https://paper.example/3", "India had asked for the same before", "That was in 2010."),
]
ROW = (
    "<tr><td><a href='{0}'><img src=x></a></td></tr>"
    "<tr><td><h2><a href='{0}'>{1}</a></h2><p>{2} <a href='{0}'>More</a></p></td></tr>"
)
LIST = (
    "<html><body><a href='https://paper.example/view'>View this mail in your browser now</a><table>"
    + "".join(ROW.format(*each) for each in HEADLINES)
    + "</table><a href='https://paper.example/out'>Unsubscribe from this list here</a><p>You get this mail as a reader."
    "</p></body></html>"
)


def mail(subject: str = "Daily briefing", *, html: str | None = None, text: str = "The PTA wrote.") -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = subject, "The Paper <news@paper.example>", "desk@news.test"
    made["Date"], made["Message-ID"] = "Wed, 02 Dec 2015 08:00:00 +0500", "<1@paper.example>"
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return made


def read(*each: EmailMessage | bytes, **options: str) -> model.ParsedFeed:
    packed = b"".join(packing.pack_mail(one if isinstance(one, bytes) else one.as_bytes()) for one in each)
    body = model.Body(
        content=packing.MAILS_HEAD + packed, content_type=packing.MAILS_TYPE, url="imaps://mail.test/INBOX"
    )
    return Source(Options.model_validate(options)).read(body)


def test_a_mail_is_an_article() -> None:
    [entry] = read(mail("Ordnung f\u00fcr die Beh\u00f6rde \u2013 PTA")).entries
    assert entry == model.Entry(
        guid="1@paper.example",
        title="Ordnung f\u00fcr die Beh\u00f6rde \u2013 PTA",
        body="The PTA wrote.\n",
        author="The Paper",
        published=datetime(2015, 12, 2, 3, tzinfo=UTC),
    )


def test_a_mail_that_lists_articles_is_split_by_its_headlines() -> None:
    entries = read(mail(html=LIST)).entries
    assert [(entry.link, entry.title, entry.body) for entry in entries] == [
        (link, title, f"{text}") for link, title, text in HEADLINES
    ]
    assert len({entry.guid for entry in entries}) == 3
    assert {entry.published for entry in entries} == {datetime(2015, 12, 2, 3, tzinfo=UTC)}
    assert read(mail(html=LIST)) == read(mail(html=LIST))


def test_a_list_is_one_article_where_that_is_wanted() -> None:
    [entry] = read(mail(html=LIST), split="never").entries
    assert entry.title == "Daily briefing"
    assert HEADLINES[1][1] in (entry.body or "")


def test_a_text_with_links_in_its_sentences_is_one_article() -> None:
    link = "<a href='https://paper.example/{0}'>said the regulator in its statement</a>"
    html = "".join(
        f"<p>It was ordered in July, {link.format(n)}, and the operators obeyed at once.</p>" for n in range(9)
    )
    assert len(read(mail(html=html)).entries) == 1


@pytest.mark.parametrize(
    "kind",
    [
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n',
        b"Content-Type: message/rfc822\n\n",
    ],
)
def test_parts_nested_a_thousand_deep_are_left_out_at_once_and_said(kind: bytes) -> None:
    nested = b"Subject: deep\n" + b"".join(kind % ((n, n) if b"%" in kind else ()) for n in range(1_000)) + b"text\n"
    began = time.process_time()
    reading = read(nested, mail())
    assert time.process_time() - began < 2
    assert [entry.title for entry in reading.entries] == ["Daily briefing"]
    assert reading.skipped == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00" * 100_000,
        b"Subject: " + b"=?utf-8?q?" * 20_000,
        b"From: " + b"<" * 100_000 + b"\nSubject: x\n\ntext",
        b"Subject: x\nContent-Type: text/html; charset=" + b"a" * 50_000 + b"\n\n<p>text",
        b"Subject: x\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\n" + b"!" * 1_900_000,
        b"Subject: x\nContent-Type: text/html\n\n" + b"<table><tr><td>" * 120_000,
        b"Subject: x\nContent-Type: text/html\n\n"
        + b"<a href='https://x.example/%d'>four words of headline</a>" * 30_000,
        b"Subject: x\nDate: Wed, 99 Dec 999999 08:00:00\nContent-Type: multipart/mixed; boundary=\n\n--\n",
        b"Subject: \xff\xfe\nFrom: =?x?y?z?=\nMessage-ID: \xff\n\n\xff\xfe",
        b"Content-Type: text/plain; charset=utf-16\nSubject: y\n\n\xd8\x00\xd8",
    ],
)
def test_a_hostile_mail_is_read_or_left_out_in_time(raw: bytes) -> None:
    began = time.process_time()
    reading = read(raw, mail())
    assert time.process_time() - began < 5
    assert "Daily briefing" in [entry.title for entry in reading.entries]
    for entry in reading.entries:
        entry_text = f"{entry.title}{entry.body}{entry.author}"
        assert entry_text.encode()


def test_what_is_from_no_mailbox_is_refused() -> None:
    with pytest.raises(model.ReadError, match="imaps://"):
        Source(Options.model_validate({})).read(model.Body(content=b"<rss/>", content_type="", url="https://x.example"))
