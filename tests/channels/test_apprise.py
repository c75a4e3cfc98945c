"""Apprise against a real SMTP server, and what it may not let through."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import apprise
import pytest
import requests
from apprise.plugins.base import NotifyBase
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.kit import phrases, rendering
from bot.model.channels import Channel
from bot.model.errors import ChannelClosed, OutcomeUnknown, RetryLater, SendError
from bot.testing import hostile, messages
from tests.channels.context import Secrets, build, delivery
from tests.testbed.servers import faulty, smtp

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def server() -> Iterator[smtp.Server]:
    with smtp.serve(is_strict=False) as running:
        yield running


def mail_address(server: smtp.Server) -> str:
    return f"mailto://127.0.0.1:{server.port}?from=bot@wirewatch.example&to=desk@example.org&mode=insecure"


def channel(address: str) -> Channel:
    return build("apprise", secrets=Secrets(URL=address), url="env:URL")


async def test_a_mail_arrives_whole(server: smtp.Server) -> None:
    await channel(mail_address(server)).send(delivery(messages.EDIT))
    [mail] = server.mails
    assert mail["Subject"] == "BlackBerry to leave Pakistan rather than open its servers to the regulator"
    body = mail.get_body(("plain", "html"))
    assert body is not None
    for words in ("unfettered access", "Karachi Herald", messages.HERALD, "PTA in the text (regulator)"):
        assert words in body.get_content()


async def test_hostile_text_stays_text_in_a_mail_and_one_that_is_not_taken_is_of_unknown_outcome(
    server: smtp.Server,
) -> None:
    for message in hostile.every_kind(hostile.BAD, messages.WIRE):
        await channel(mail_address(server)).send(delivery(message))
    for mail in server.mails:
        html = [part.get_content() for part in mail.walk() if part.get_content_type() == "text/html"]
        assert not any("<b>" in part or 'href="https://evil.example' in part for part in html)
        assert sorted(name.lower() for name in mail if name.lower() in ("to", "cc", "bcc")) == ["to"]
    assert len(server.mails) == 9
    server.script("DATA", "451 4.3.0 try later")
    with pytest.raises(OutcomeUnknown):
        await channel(mail_address(server)).send(delivery(messages.POST))


@pytest.mark.timeout(30)
async def test_a_service_that_asks_for_a_pause_is_waited_for_by_us_and_not_asleep_in_the_plug_in() -> None:
    limit = faulty.Answer(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 90_000})
    with faulty.serve(faulty.Always(limit)) as server:
        address = f"matrix://bot:s3cret@{server.url.removeprefix('http://')}/%23desk:wirewatch.test"
        with pytest.raises(RetryLater) as caught:
            await channel(address).send(delivery(messages.POST))
    assert caught.value.retry_after == timedelta(seconds=90)


async def test_an_address_that_names_no_service_parks_without_showing_it() -> None:
    with pytest.raises(ChannelClosed, match="unknown service") as caught:
        await channel("nosuch://key-123").send(delivery(messages.POST))
    assert "key-123" not in str(caught.value)
    [line] = await channel("nosuch://key-123").check()
    assert not line.is_good


def test_long_text_is_cut_between_lines_so_that_no_address_is_cut() -> None:
    text = "\n".join(f"- Outlet {n} https://x.example/{n}" for n in range(100))
    kept = rendering.cut_lines(text, 200).split("\n")
    assert kept[-1] == "…"
    assert set(kept[:-1]) <= set(text.split("\n"))
    assert len("\n".join(kept)) <= 200


# -- no article text pings anybody, formats or hides a link, in any service that Apprise writes to

#: Text that services read as a mention, by their documentation.
MENTIONS = {
    "Discord": re.compile(r"@(?:everyone|here)|<@[!&]?\d+>|<#\d+>"),
    "Slack": re.compile(r"<[!@#]|<https?://[^>\n]*>"),
    "Telegram, Mattermost, Rocket.Chat, Mastodon": re.compile(r"[@\uff20\ufe6b]\w"),
    "Matrix": re.compile(r"@room|@[\w.=-]+:[\w.-]+"),
    "Zulip": re.compile(r"@_?\*"),
    "Teams, Feishu": re.compile(r"<at\b", re.IGNORECASE),
    "Google Chat": re.compile(r"<users/"),
    "OneBot, QQ": re.compile(r"\[CQ:"),
    "Markdown": re.compile(r"\]\(|\]\[|\*\*?\w|`\w"),
    "HTML after one more decoding": re.compile(r"&(?:lt|gt|amp|#\d+|#x[0-9a-f]+|commat);", re.IGNORECASE),
}
TOKENS = (
    *(*hostile.PINGS, "@here", "@channel", "@all", "@room", "@@everyone", "\uff20everyone", "!here>", "@U012ABC>"),
    *("@desk:wirewatch.example", "@**all**", "<@&123456789012345678>", "<@!123>", "<users/all>"),
    *("<at>Desk</at>", '<at user_id="all">', "[CQ:at,qq=all]", "**bold**", "`code`"),
    *("https://evil.example|bank.example>", "[bank.example](https://evil.example)"),
    *("&lt;!channel&gt;", "&commat;everyone", "&#64;everyone"),
)
FRAGMENTS = st.sampled_from(
    [*TOKENS, "https://x.example/", "http://", "https://", " ", "\n", "(", ")", "@", "<", "a", "é"]
)
TEXTS = st.lists(FRAGMENTS, max_size=12).map("".join)


@given(TEXTS)
@settings(max_examples=60)
def test_no_mention_of_any_service_survives_wherever_it_stands(text: str) -> None:
    broken = phrases.break_markup(text)
    assert [name for name, form in MENTIONS.items() if form.search(broken)] == []
    # Where marks are escaped on the way, no mention survives either.
    assert not re.search(r"[@\uff20\ufe6b][\w*&!]", phrases.break_markup(text, reads_marks=False))


def test_an_ordinary_address_leads_where_it_led() -> None:
    for url in ("https://x.example/a_b?q=1&r=2#c", "http://127.0.0.1:8080/~user/a-b;c=1/(d)", "https://x.example"):
        assert phrases.break_markup(url) == url
    assert phrases.break_markup("https://medium.example/@writer/post") == "https://medium.example/%40writer/post"


@given(st.text())
def test_words_stay_readable(text: str) -> None:
    output = phrases.break_markup(text, reads_marks=False)
    without = "".join(char for char in output if char != "\u2060")
    assert len(without) >= len(text.replace("\u2060", "")) or "http" in text
    assert not [char for char in set(output) - set(text) if unicodedata.category(char) == "Cc"]


# -- through Apprise's own plug-ins, to what they would have sent

#: Each format of a text, and each plug-in that looks for mentions itself.
ADDRESSES = {
    "discord": "discord://123456789012345678/abcdefghijklmnopqrstuvwxyz",
    "discord markdown": "discord://123456789012345678/abcdefghijklmnopqrstuvwxyz?format=markdown",
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#desk",
    "slack blocks": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#desk?blocks=yes&format=markdown",
    "telegram html": "tgram://123456789:abcdefg_hijklmnop/12315544/?format=html",
    "telegram markdown": "tgram://123456789:abcdefg_hijklmnop/12315544/?format=markdown",
    "mattermost": "mmost://localhost/3ccdd113474722377935511fc85d3dd4",
    "google chat": "gchat://workspace/key/token",
    "teams workflows": "workflows://prod-1.westus.logic.azure.com:443/643e69f83c8944/signature",
    "notifiarr": "notifiarr://apikey/123456789",
}
#: Formats of HTML: a bracket arrives escaped, so only the sign counts.
AT = re.compile(r"[@\uff20\ufe6b](?:everyone|here|channel|all\b|room|desk:|U012|\d|&|\*)|<[@!]|<(?:at|users)\b")


@pytest.mark.parametrize("name", ADDRESSES)
async def test_what_a_plug_in_would_send_pings_nobody(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    def record(_self: object, method: str, url: str, **words: Any) -> requests.Response:
        sent.append([words.get("data"), words.get("json"), words.get("params")])
        answer = requests.Response()
        answer.status_code = 200
        answer._content = b'{"ok": true, "result": []}'
        return answer

    # Their addresses are fixed, so the wire is cut where requests would use it.
    monkeypatch.setattr(requests.Session, "request", record)
    monkeypatch.setattr(NotifyBase, "throttle", lambda _self, *_times, **_words: None)
    assert apprise.Apprise.instantiate(ADDRESSES[name]) is not None
    sending = channel(ADDRESSES[name])
    evil = " ".join([*TOKENS, *(f"https://x.example/{token}" for token in TOKENS)])
    kinds = hostile.every_kind(evil, "https://x.example/@everyone/<@&123>", many=1)
    for message in (kinds[0], kinds[2], kinds[-1]):
        # Whether the made-up answer pleased the plug-in is not asked.
        with contextlib.suppress(SendError):
            await sending.send(delivery(message))
    await sending.close()
    assert "here" in str(sent)
    assert AT.findall(str(sent)) == []
