"""No request goes to a private address, under any name, in any notation, at any hop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.fetch import fulltext
from bot.fetch.client import HttpFetcher
from bot.fetch.guard import AddressRule
from bot.model.errors import AddressRefused, Unreachable
from bot.model.feeds import Feed
from bot.model.fetching import Request
from bot.model.settings import FetchPolicy
from tests.fetch.conftest import POLICY, MakeFetcher, configured, to_localhost
from tests.testbed.fakes import START, FakeClock
from tests.testbed.servers.feeds import TLS, FeedServer, Reply

REFUSED = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254 172.16.0.1
172.31.255.255 192.0.0.192 192.0.2.1 192.168.1.1 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.1.2.3 ::ffff:0:10.1.2.3 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1
2001:4860::5efe:7f00:1 2001:4860::200:5efe:a00:1 5f00::1 3fff::1 4000::1
2002:7f00:1:: 2002:a00:1::1 2001:0:1:2:3:4:80ff:fffe fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1
""".split()
ALLOWED = "8.8.8.8 1.1.1.1 2606:4700:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1".split()


def test_private_and_reserved_addresses_are_refused_and_public_ones_allowed_in_every_notation() -> None:
    rule = AddressRule()
    assert [address for address in REFUSED if rule.allows(address)] == []
    assert [address for address in ALLOWED if not rule.allows(address)] == []


def test_only_the_listed_blocks_are_allowed() -> None:
    rule = AddressRule(("10.1.0.0/16", "fd00::/8", "::1/128"))
    assert rule.allows("10.1.2.3")
    assert rule.allows("::ffff:10.1.2.3")
    assert rule.allows("fd00::5")
    assert rule.allows("::1")
    assert not rule.allows("10.2.0.1")
    assert not rule.allows("127.0.0.1")


@given(st.ip_addresses(v=4))
def test_a_coat_changes_nothing(address: object) -> None:
    rule = AddressRule()
    assert rule.allows(f"::ffff:{address}") == rule.allows(str(address))
    assert rule.allows(f"64:ff9b::{address}") == rule.allows(str(address))


@pytest.mark.parametrize(
    "host",
    "127.0.0.1 2130706433 0x7f000001 017700000001 127.1 localhost [::1] [::ffff:127.0.0.1] [::ffff:7f00:1]"
    " 0 169.254.169.254 [fd00:ec2::254] 10.0.0.1 [64:ff9b::a00:1]".split(),
)
async def test_literals_of_every_notation_are_refused(host: str, make_fetcher: MakeFetcher) -> None:
    fetcher = make_fetcher(FetchPolicy())
    with pytest.raises(AddressRefused, match=r"private or reserved.*allow_private"):
        await fetcher.get(configured(url=f"http://{host}:1/"))


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://e.org/x", "javascript:alert(1)", "", "e.org", "http://", "http://e.org:99999/"]
)
async def test_addresses_of_other_schemes_are_refused(url: str, make_fetcher: MakeFetcher) -> None:
    fetcher = make_fetcher(FetchPolicy())
    with pytest.raises(AddressRefused):
        await fetcher.get(configured(url=url))


async def test_a_name_is_refused_when_one_of_its_addresses_is_private(
    server: FeedServer, make_fetcher: MakeFetcher
) -> None:
    fetcher = make_fetcher(FetchPolicy(), resolve=lambda host, port: ("8.8.8.8", "127.0.0.1"))
    with pytest.raises(AddressRefused, match=r"leads to 127\.0\.0\.1"):
        await fetcher.get(configured(url=server.url(host="feeds.test")))
    assert not server.requests


async def test_a_name_that_changes_its_address_is_connected_to_at_the_address_that_was_checked(
    server: FeedServer, make_fetcher: MakeFetcher
) -> None:
    """DNS rebinding: a request has one answer of the name service, whatever the service would answer later."""
    lookups: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        lookups.append(host)
        return ("127.0.0.1",) if len(lookups) == 1 else ("10.0.0.1",)

    server.serve("/feed", b"<rss/>")
    fetcher = make_fetcher(resolve=rebinding)
    for _ in range(2):
        assert (await fetcher.get(configured(url=server.url(host="feeds.test")))).status == 200
    assert len(lookups) == 1
    fetcher = make_fetcher(resolve=rebinding)
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        await fetcher.get(configured(url=server.url(host="feeds.test")))
    assert server.requests[0].headers["host"] == f"feeds.test:{server.port}"


async def test_a_dead_address_of_a_name_leaves_the_others(server: FeedServer, make_fetcher: MakeFetcher) -> None:
    server.serve("/feed", b"<rss/>")
    fetcher = make_fetcher(resolve=lambda host, port: ("127.0.0.2", "127.0.0.1"))  # nobody listens on the first
    assert (await fetcher.get(configured(url=server.url(host="feeds.test")))).status == 200


async def test_tls_sees_the_name_and_an_untrusted_certificate_says_what_to_do(make_fetcher: MakeFetcher) -> None:
    async with FeedServer(tls=True) as server:
        server.serve("/feed", b"<rss/>")
        tls = ssl.create_default_context(cafile=str(TLS / "ca.pem"))
        fetcher = make_fetcher(tls=tls, resolve=to_localhost)
        assert (await fetcher.get(configured(url=server.url(host="feeds.test")))).status == 200
        with pytest.raises(Unreachable, match="certificate is for another name"):
            await fetcher.get(configured(url=server.url(host="other.test")))
        with pytest.raises(Unreachable, match="SSL_CERT_FILE"):
            await make_fetcher(resolve=to_localhost).get(configured(url=server.url(host="feeds.test")))


async def test_a_name_without_an_address_is_named_in_the_error(make_fetcher: MakeFetcher) -> None:
    fetcher = make_fetcher(resolve=lambda host, port: ())
    with pytest.raises(Unreachable, match="no address; check the spelling"):
        await fetcher.get(configured(url="http://feeds7/"))


async def test_the_proxy_of_the_environment_is_used_only_if_configured(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch, make_fetcher: MakeFetcher
) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.serve("http://feeds.test/feed", b"<rss/>")
    direct = make_fetcher(resolve=lambda host, port: ())
    with pytest.raises(Unreachable, match="no address; check the spelling"):
        await direct.get(configured(url="http://feeds.test/feed"))
    assert not server.requests
    proxied = make_fetcher(replace(POLICY, use_proxy=True))
    assert (await proxied.get(configured(url="http://feeds.test/feed"))).status == 200
    with pytest.raises(AddressRefused):
        await proxied.get(configured(url="http://169.254.169.254/"))
    with pytest.raises(AddressRefused):
        await proxied.get(configured(url="http://localhost/"))
    assert len(server.requests) == 1


async def test_a_proxy_gets_as_many_requests_at_once_as_the_policy_allows(
    monkeypatch: pytest.MonkeyPatch, make_fetcher: MakeFetcher
) -> None:
    """The proxy sends no response until all requests have arrived."""
    everyone = asyncio.Barrier(120)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await everyone.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<rss/>")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        fetcher = make_fetcher(replace(POLICY, allow_private=(), use_proxy=True, concurrency=everyone.parties))
        requests = [configured(url=f"http://feeds{number}.test/") for number in range(everyone.parties)]
        responses = await asyncio.gather(*map(fetcher.get, requests))
    assert {response.status for response in responses} == {200}


# -- who may use a block of fetch.allow_private

#: The operator's own wiki is on this machine, and so is what nobody may ask; the rest of the world is elsewhere.
_WORLD = {"wiki.intra": "127.0.0.1", "admin.intra": "127.0.0.1", "other.intra": "127.0.0.2", "news.example": "8.8.8.8"}


def _intranet(host: str, port: int) -> Sequence[str]:
    return (_WORLD[host],) if host in _WORLD else (host,)


@pytest.fixture
def intranet(make_fetcher: MakeFetcher) -> HttpFetcher:
    policy = replace(POLICY, allow_private=("127.0.0.1/32", "127.0.0.2/32", "*.intra"))
    return make_fetcher(policy, resolve=_intranet)


async def test_a_private_block_is_open_to_the_feeds_whose_own_address_is_in_it(
    server: FeedServer, intranet: HttpFetcher
) -> None:
    server.serve("/feed", Reply(body=b"<rss/>"))
    server.serve("/moved", Reply.redirect(f"http://admin.intra:{server.port}/feed"))
    wiki = f"http://wiki.intra:{server.port}"
    for path in ("/feed", "/moved"):
        answer = await intranet.get(Request(url=wiki + path, home=wiki + path))
        assert (answer.body, answer.is_private) == (b"<rss/>", True)
    # From there to another private block that the operator has opened for another feed.
    server.serve("/across", Reply.redirect(f"http://other.intra:{server.port}/feed"))
    with pytest.raises(AddressRefused, match="only for feeds whose own address"):
        await intranet.get(Request(url=wiki + "/across", home=wiki + "/across"))


async def test_a_private_block_is_closed_to_robots_pages_and_redirects_of_public_feeds(
    server: FeedServer, intranet: HttpFetcher
) -> None:
    server.serve("/feed", Reply(body=b"<rss/>"))
    target, public = f"http://wiki.intra:{server.port}/feed", "http://news.example/feed"
    # The wiki's own feed has opened the name.
    assert (await intranet.get(Request(url=target, home=target))).is_private
    result = len(server.requests)
    for request in (
        # A page or a redirect, an address where a feed has moved for good, and what names no feed at all.
        Request(url=target, home=public),
        Request(url=f"http://127.0.0.1:{server.port}/feed", home=public),
        Request(url=target),
    ):
        with pytest.raises(AddressRefused, match="only for feeds whose own address"):
            await intranet.get(request)
    robots_txt = await fulltext.fetch_robots(intranet, target, home=public, now=START)
    assert (robots_txt.allows(target), robots_txt.is_refused) == (False, True)
    assert len(server.requests) == result


async def test_a_name_that_its_owner_points_into_a_private_block_opens_nothing(
    server: FeedServer, make_fetcher: MakeFetcher
) -> None:
    server.serve("/feed", b"<rss/>")

    def evil(host: str, port: int) -> Sequence[str]:
        return ("8.8.8.8", "127.0.0.1") if host == "both.example" else ("127.0.0.1",)

    policy = replace(POLICY, allow_private=("127.0.0.1/32", "both.example", "wiki.example"))
    fetcher = make_fetcher(policy, resolve=evil)
    for host in ("evil.example", "both.example"):
        with pytest.raises(AddressRefused, match="private or reserved"):
            await fetcher.get(configured(url=server.url(host=host)))
    assert not server.requests
    assert (await fetcher.get(configured(url=server.url(host="wiki.example")))).is_private
    assert (await fetcher.get(configured(url=server.url()))).is_private, "the address in feeds.yaml is a number"


async def test_the_text_of_a_private_page_is_for_feeds_of_its_own_network(
    server: FeedServer, intranet: HttpFetcher
) -> None:
    page = "<html><body><article>" + "<p>The board has decided to close the plant in the spring.</p>" * 9
    server.serve("/page", Reply(body=page.encode(), headers={"Content-Type": "text/html"}))
    reader = fulltext.TrafilaturaReader(intranet, FakeClock())
    url = f"http://wiki.intra:{server.port}/page"
    wiki, public = Feed(url=f"http://wiki.intra:{server.port}/feed"), Feed(url="http://news.example/feed")
    assert await reader.text_of(url, public) is None
    article = await reader.text_of(url, wiki)
    assert article is not None
    assert "close the plant" in article.text
    assert await reader.text_of(url, public) is None
    assert await reader.text_of(url, wiki) == article
    assert len(server.seen("/page")) == 1
