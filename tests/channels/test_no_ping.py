"""No article text pings anybody, formats or hides a link, in any service that Apprise writes to."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from typing import Any

import apprise
import pytest
import requests
from apprise.plugins.base import NotifyBase
from apprise.plugins.discord import USER_ROLE_DETECTION_RE
from apprise.plugins.mastodon import MENTION_DETECTION_RE
from apprise.plugins.slack import NotifySlack
from apprise.plugins.workflows import WORKFLOWS_MENTION_RE
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.kit import phrases
from bot.model.errors import SendError
from bot.testing import hostile
from tests.channels.context import Secrets, build, delivery

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

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
    # Text that Apprise's own plug-ins look for in a body.
    "apprise discord, notifiarr": USER_ROLE_DETECTION_RE,
    "apprise mastodon": MENTION_DETECTION_RE,
    "apprise workflows": WORKFLOWS_MENTION_RE,
    "apprise slack channels": NotifySlack._re_channel_support,
    "apprise slack users": NotifySlack._re_user_id_support,
    "apprise slack links": NotifySlack._re_url_support,
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
    channel = build("apprise", secrets=Secrets(URL=ADDRESSES[name]), url="env:URL", pace="0 seconds")
    evil = " ".join([*TOKENS, *(f"https://x.example/{token}" for token in TOKENS)])
    kinds = hostile.every_kind(evil, "https://x.example/@everyone/<@&123>", many=1)
    for message in (kinds[0], kinds[2], kinds[-1]):
        # Whether the made-up answer pleased the plug-in is not asked.
        with contextlib.suppress(SendError):
            await channel.send(delivery(message))
    await channel.close()
    assert "here" in str(sent)
    assert AT.findall(str(sent)) == []
