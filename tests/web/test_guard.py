"""The access rules of the page."""

from __future__ import annotations

import asyncio
import base64
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from bot import config
from bot.model.errors import ConfigError
from bot.web import server
from tests.config import folders
from tests.web.conftest import TOKEN, Page, listening, page_over, publish

OPEN = ["/healthz", "/healthz/live", "/healthz/ready"]
CLOSED = ["/", "/stories", "/metrics", "/style.css", "/nothing", "/healthz/../metrics", "/healthz/other"]


def basic(password: str, user: str = "ops") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


NO_TOKEN: list[dict[str, str]] = [
    {"authorization": f"Bearer {TOKEN}x"},
    {"authorization": f"Bearer {TOKEN[:-1]}"},
    {"authorization": "Bearer"},
    {"authorization": "Bearer \xff\xfe"},
    {"authorization": f"Token {TOKEN}"},
    {"authorization": "Basic not-base64!"},
    {"authorization": "Basic " + base64.b64encode(TOKEN.encode()).decode()},
    basic(""),
    {"cookie": f"token={TOKEN}"},
]


async def test_with_a_token_only_the_token_opens_anything_but_health(filled: Path) -> None:
    async with page_over(filled, listening(has_token=True)) as page:
        await page.tick()
        for path in CLOSED:
            answer = await page.get(path)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"].startswith("Basic ")
            assert TOKEN not in answer.text
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        for path in OPEN:
            assert (await page.get(path, headers={"host": "10.1.2.3:8080"})).status_code == 200, path
        for headers in ({"authorization": f"Bearer {TOKEN}"}, {"authorization": f"bearer  {TOKEN}"}, basic(TOKEN)):
            answer = await page.get("/stories", headers={**headers, "host": "status.example.org"})
            assert answer.status_code == 200
        async with httpx.AsyncClient(base_url=page.site.url) as client:
            for headers in NO_TOKEN:
                raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
                assert (await client.get("/", headers=raw)).status_code == 401, headers
        assert (await page.get("/", params={"token": TOKEN})).status_code == 401


async def test_without_a_token_a_foreign_name_that_leads_here_reads_nothing(shared: Page) -> None:
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1", "a b"):
        answer = await shared.get("/stories", headers={"host": host})
        assert answer.status_code in (400, 421), host
        assert "BlackBerry" not in answer.text


async def test_without_a_token_this_machines_own_names_are_answered(shared: Page) -> None:
    for host in ("localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "LOCALHOST"):
        assert (await shared.get("/", headers={"host": host})).status_code == 200, host


FOREIGN: list[dict[str, str]] = [
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "nonsense"},
    {"origin": "http://evil.example"},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "null"},
    {"origin": "http://["},
]


@pytest.mark.parametrize("has_token", [False, True])
async def test_what_another_sites_page_loads_from_here_is_refused(filled: Path, has_token: bool) -> None:
    async with page_over(filled, listening(has_token=has_token)) as page:
        own = basic(TOKEN) if has_token else {}
        for headers in FOREIGN:
            for path in ("/stories", "/metrics", "/style.css", "/try?rule=name:+x", "/api/v1/stories"):
                answer = await page.get(path, headers={**own, **headers})
                assert answer.status_code == 403, headers
                assert "BlackBerry" not in answer.text
        await page.tick()
        assert (await page.get("/healthz", headers=FOREIGN[0])).status_code == 200


async def test_a_link_on_another_site_opens_a_page(shared: Page) -> None:
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    for headers in (followed, {"sec-fetch-site": "none"}, {"sec-fetch-site": "same-origin"}, {}):
        assert (await shared.get("/stories", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "keys",
    [
        "listen: '0.0.0.0:8080'",
        "listen: '192.0.2.7:80'",
        "listen: '[::]:80'",
        "listen: 'example.org:80'",
        "listen: '127.0.0.1:8080', public_url: 'https://watch.example.org'",
    ],
)
def test_where_others_can_reach_it_a_token_is_required(tmp_path: Path, keys: str) -> None:
    for rest, codes in ((keys, ["token"]), (f"{keys}, token: env:WEB_TOKEN", [])):
        folder = folders.make(tmp_path, bot=f"{folders.BOT}web: {{{rest}}}\n")
        problems = folders.check(folder, {"WEB_TOKEN": TOKEN})
        assert [problem.code for problem in problems if problem.severity == "error"] == codes


PROXIED: list[dict[str, str]] = [
    {name: "203.0.113.9"}
    for name in (
        *("x-forwarded-for", "X-Forwarded-Host", "x-forwarded-proto", "x-forwarded-server", "forwarded", "via"),
        *("x-real-ip", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "cf-ray"),
    )
]


async def test_without_a_token_nothing_is_shown_to_readers_behind_a_proxy(shared: Page, filled: Path) -> None:
    for proxied in PROXIED:
        for path in ("/stories", "/api/v1/articles", "/metrics", "/feeds/all.atom"):
            answer = await shared.get(path, headers={"host": "127.0.0.1:8080", **proxied})
            assert (answer.status_code, "set web.token" in answer.text) == (421, True)
        assert (await shared.get("/healthz", headers=proxied)).status_code == 200
    async with page_over(filled, listening(has_token=True)) as page:
        for proxied in PROXIED:
            assert (await page.get("/stories", headers={**basic(TOKEN), **proxied})).status_code == 200


async def test_without_a_token_a_proxy_that_speaks_http_1_0_gets_nothing(shared: Page) -> None:
    """By default, nginx forwards requests in HTTP/1.0, adds no header, and names us as the host."""
    address = urlsplit(shared.site.url)
    for path, status in (("/stories", b"421"), ("/healthz/live", b"200")):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {address.netloc}\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        assert answer.split()[1] == status, path


@pytest.mark.parametrize("has_token", [True, False])
async def test_health_names_the_database_to_those_only_who_may_read_the_page(filled: Path, has_token: bool) -> None:
    async with page_over(filled, listening(has_token=has_token)) as page:
        (filled / "wirewatch.db").write_bytes(b"no database" * 100_000)
        for path in ("/healthz", "/healthz/ready"):
            stranger = await page.get(path, headers={} if has_token else {"x-forwarded-for": "203.0.113.9"})
            assert stranger.json() == {"status": "not ready", "reason": "the database does not answer"}
            reader = await page.get(path, headers=basic(TOKEN) if has_token else {})
            assert (reader.status_code, "wirewatch.db" in reader.json()["reason"]) == (503, True)


async def test_an_address_that_nothing_has_is_not_found(filled: Path) -> None:
    publish(filled)
    async with page_over(filled, listening(has_token=True)) as page:
        for path in (
            *("/story/%00", "/story/%ff", "/feed?url=%00", "/rule?name=%00", "/feeds/rule.atom?name=%00"),
            *("/api/v1/stories/%00", "/api/v1/articles/%00", "/api/v1/rules/%00", "/%00"),
        ):
            assert (await page.get(path, headers=basic(TOKEN))).status_code == 404, path


async def test_an_unset_token_closes_the_page_and_is_named(page: Page) -> None:
    with pytest.raises(ConfigError, match="PAGE_TOKEN is not set"):
        server.open_site(page.running, listening(has_token=True), {})


async def test_a_taken_port_is_said_with_what_to_do(page: Page) -> None:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        port = opened.getsockname()[1]
        settings = config.WebSettings(listen=f"127.0.0.1:{port}")
        with pytest.raises(ConfigError, match=r"in use; choose another web\.listen"):
            server.open_site(page.running, settings, {})
