"""Links of Google News: resolved by a real request to a local server in Google's shape; left as they are where not."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from bot.fetch.client import HttpFetcher
from bot.fetch.google_news import GoogleNews
from tests.testbed.elsewhere import Elsewhere
from tests.testbed.fakes import FakeClock
from tests.testbed.servers.feeds import FeedServer, Reply

PAGE = (
    b"<html><body><c-wiz><div jscontroller=x data-n-a-sg=signature data-n-a-ts=1449043200></div></c-wiz></body></html>"
)
BATCH = "/news.google.com/_/DotsSplashUi/data/batchexecute"
QUERY = "?hl=en-US&gl=US&ceid=US%3Aen"


def link(name: str) -> str:
    return f"https://news.google.com/rss/articles/{name}?oc=5"


def answer(*addresses: str) -> bytes:
    rows = [
        ["wrb.fr", "Fbv4je", json.dumps(["garturlres", address, 1]), None, None, None, str(n)]
        for n, address in enumerate(addresses)
    ]
    return (")]}'\n\n" + json.dumps([*rows, ["di", 5], ["af.httprm", 5]])).encode()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def resolver(fetcher: HttpFetcher, server: FeedServer, clock: FakeClock) -> GoogleNews:
    for name in ("CBMiA", "CBMiB"):
        server.serve(f"/news.google.com/rss/articles/{name}{QUERY}", PAGE)
    return GoogleNews(Elsewhere(fetcher, server), clock)


async def test_hidden_links_are_resolved_together_and_remembered(resolver: GoogleNews, server: FeedServer) -> None:
    server.serve(BATCH, answer("https://dawn.example/pta", "https://bbc.example/pta"))
    links = [link("CBMiA"), "https://other.example/1", link("CBMiB"), link("CBMiA")]
    resolved = await resolver.resolve(links)
    assert resolved == {link("CBMiA"): "https://dawn.example/pta", link("CBMiB"): "https://bbc.example/pta"}
    [posted] = [request for request in server.requests if request.method == "POST"]
    question = parse_qs(posted.body.decode())["f.req"][0]
    assert "signature" in question
    assert "CBMiB" in question
    count = len(server.requests)
    assert await resolver.resolve(links) == resolved
    assert len(server.requests) == count


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=429),
        b"<html>unusual traffic</html>",
        b")]}'\n\n[[7]]",
        answer("javascript:alert(1)", "https://news.google.com/again"),
        answer("https://x.example/\n", "file:///etc/passwd"),
        Reply(hang_up=True),
        Reply(body=b"[" * 500_000),
    ],
)
async def test_what_fails_leaves_links_as_they_are_and_google_alone_for_an_hour(
    resolver: GoogleNews, server: FeedServer, clock: FakeClock, reply: Reply | bytes
) -> None:
    server.serve(BATCH, reply)
    assert await resolver.resolve([link("CBMiA"), link("CBMiB")]) == {}
    count = len(server.requests)
    clock.advance(timedelta(minutes=59))
    assert await resolver.resolve([link("CBMiA")]) == {}
    assert len(server.requests) == count
    clock.advance(timedelta(minutes=2))
    server.serve(BATCH, answer("https://dawn.example/pta"))
    assert await resolver.resolve([link("CBMiA")]) == {link("CBMiA"): "https://dawn.example/pta"}


async def test_forty_links_a_poll_are_resolved_at_most(resolver: GoogleNews, server: FeedServer) -> None:
    await resolver.resolve([link(f"X{n}") for n in range(100)])
    assert len(server.requests) == 40


async def test_without_its_package_links_stay_as_they_are_and_the_log_says_what_to_install(
    resolver: GoogleNews, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "googlenewsdecoder", None)
    assert await resolver.resolve([link("CBMiA")]) == {}
    assert "pip install 'wirewatch[googlenewsdecoder]'" in capsys.readouterr().out
