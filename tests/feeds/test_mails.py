"""Newsletters: what becomes of a mail, of a list of articles in one, and of hostile ones."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from bot.feeds.kinds.imap import Options, Source
from bot.feeds.kit import packing
from bot.model.errors import ReadError
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body

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


def test_a_mail_without_subject_and_text_is_skipped() -> None:
    reading = read(b"", mail())
    assert ([entry.title for entry in reading.entries], reading.skipped) == (["Daily briefing"], 1)


def test_what_is_from_no_mailbox_is_refused() -> None:
    with pytest.raises(ReadError, match="imaps://"):
        Source(Options.model_validate({})).read(Body(content=b"<rss/>", content_type="", url="https://x.example"))


# -- newsletters as they come: lists of many shapes, forwarded mails, mails of text alone, and encodings of all kinds


TITLES = (
    "Regulator fines two carriers over roaming charges",
    "Senate passes the privacy bill at last",
    "Users may opt out of tracking by law",
    "Chrome, el navegador de Google, cambia de nombre",
)
TEXT = "What the authority has decided is told below the headline, and it goes on for more than that."


def listed(item: Callable[[int, str], str], *, head: str = "", foot: str = "") -> str:
    return f"<html><body>{head}{''.join(item(n, title) for n, title in enumerate(TITLES))}{foot}</body></html>"


SHAPES = {
    "search alerts": listed(
        lambda n, title: (
            f'<table><tr><td><div><a href="https://paper.example/{n}"><span>{title}</span></a><div><div>'
            f'<a href="https://paper.example"><span>The Paper</span></a></div><div>{TEXT}</div></div></div>'
            f'<a href="https://alerts.example/feedback">Flag this as irrelevant</a></td></tr></table>'
        )
    ),
    "buttons that count clicks": listed(
        lambda n, title: (
            f'<h3><a href="https://paper.example/{n}">{title}</a></h3>{TEXT}<br>'
            f'<a href="https://click.example/{n}b">Read the full story here</a>'
        ),
        head="<a href='https://click.example/view'>View this email in your browser</a>",
    ),
    "a headline and its text in one paragraph": listed(
        lambda n, title: f'<p><b><a href="https://paper.example/{n}">{title}</a></b><br>{TEXT}</p>'
    ),
    "headings without a link, and one to read on": listed(
        lambda n, title: f'<h2>{title}</h2><p>{TEXT}</p><p><a href="https://paper.example/{n}">Read more</a></p>'
    ),
    "topics over the headlines": listed(
        lambda n, title: (
            '<table><tr><td><a href="https://paper.example/topic">Telecommunications and internet policy</a></td></tr>'
            f'<tr><td><a href="https://paper.example/{n}">{title}</a></td></tr><tr><td>{TEXT}</td></tr></table>'
        )
    ),
}
FOOT = (
    '<p><a href="https://paper.example/profile?u=1">{}</a></p>'
    '<p><a href="https://paper.example/more">Our latest books and events</a></p>'
)


@pytest.mark.parametrize("name", SHAPES)
def test_a_list_of_any_shape_is_split_by_its_headlines(name: str) -> None:
    html = SHAPES[name].replace("</body>", FOOT.format("Unsubscribe from this list") + "</body>")
    entries = read(mail(html=html)).entries
    assert [(entry.title, entry.link) for entry in entries] == [
        (title, f"https://paper.example/{number}") for number, title in enumerate(TITLES)
    ]
    assert all(TEXT in (entry.body or "") for entry in entries)


@pytest.mark.parametrize(
    "farewell",
    [
        "Unsubscribe from this list", "Update your preferences here", "Click here if you no longer wish to get mails",
        "Manage my subscription settings", "Vom Newsletter hier jetzt abmelden", "Se désinscrire de cette liste",
        "Darse de baja de esta lista", "Wypisz się z tego newslettera", "Отписаться от рассылки новостей",
        "配信停止はこちらからどうぞ", "退订此邮件列表请点击这里", "ای میل سبسکرپشن ختم کریں یہاں",
    ],
)  # fmt: skip
def test_a_farewell_and_what_follows_it_is_no_article(farewell: str) -> None:
    html = listed(
        lambda n, title: f'<p><a href="https://paper.example/{n}">{title}</a></p>', foot=FOOT.format(farewell)
    )
    assert [entry.title for entry in read(mail(html=html)).entries] == list(TITLES)


@pytest.mark.parametrize(
    "about",
    [
        "View this email in your browser", "Ver este correo en el navegador", "Lire ce message dans un navigateur",
        "Diese Nachricht im Browser ansehen", "Zobacz tę wiadomość w przeglądarce", "Read this issue of ours online",
        "Webversion dieser Nachricht hier anzeigen", "Why did I get this mail?", "Read our privacy policy here",
        "Report this mail as spam now", "Add us to your address book",
    ],
)  # fmt: skip
def test_a_link_about_the_mail_itself_is_no_article(about: str) -> None:
    head = f'<p><a href="https://paper.example/about">{about}</a></p>'
    html = listed(lambda n, title: f'<p><a href="https://paper.example/{n}">{title}</a></p>', head=head)
    assert [entry.title for entry in read(mail(html=html)).entries] == list(TITLES)


def test_a_forwarded_mail_is_read_as_the_one_that_it_holds() -> None:
    inner = mail(html=SHAPES["topics over the headlines"])
    outer = EmailMessage()
    outer["Subject"], outer["From"] = "Fwd: WG: Daily briefing", "A colleague <desk@news.test>"
    outer["Date"], outer["Message-ID"] = "Thu, 03 Dec 2015 08:00:00 +0500", "<2@news.test>"
    outer.set_content("For you.")
    outer.add_attachment(inner)
    assert [entry.title for entry in read(outer).entries] == list(TITLES)
    assert read(outer, split="never").entries[0].title == "Daily briefing"


def test_a_single_article_with_subheadings_and_buttons_stays_one() -> None:
    html = "<h1><a href='https://x.example/p'>A regulator in search of its powers</a></h1>" + "".join(
        f"<h2>What the act says of part {n}</h2><p>{TEXT} <a href='https://l.example/{n}'>As said in its report</a>,"
        f" and more.</p><p><a href='https://x.example/share'>Share</a></p>"
        for n in range(5)
    )
    assert [entry.title for entry in read(mail(html=html)).entries] == ["Daily briefing"]


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
