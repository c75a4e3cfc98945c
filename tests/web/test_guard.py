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
from tests.web.conftest import TOKEN, Page, listening, page_over

OPEN = ["/healthz", "/healthz/live", "/healthz/ready"]
CLOSED = ["/", "/stories", "/metrics", "/style.css", "/nothing", "/healthz/../metrics", "/healthz/other"]


def basic(password: str, user: str = "ops") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


NO_TOKEN: list[dict[str, str]] = [
    {"authorization": f"Bearer {TOKEN[:-1]}"},
    {"authorization": "Bearer"},
    {"authorization": "Bearer \xff\xfe"},
    {"authorization": f"Token {TOKEN}"},
    {"authorization": "Basic not-base64!"},
    {"authorization": "Basic " + base64.b64encode(TOKEN.encode()).decode()},
    basic(""),
    {"cookie": f"token={TOKEN}"},
]


async def test_with_a_token_only_the_token_opens_anything_but_health(guarded: Page) -> None:
    for path in CLOSED:
        answer = await guarded.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert TOKEN not in answer.text
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    for path in OPEN:
        assert (await guarded.get(path, headers={"host": "10.1.2.3:8080"})).status_code == 200, path
    for headers in ({"authorization": f"Bearer {TOKEN}"}, {"authorization": f"bearer  {TOKEN}"}, basic(TOKEN)):
        answer = await guarded.get("/stories", headers={**headers, "host": "status.example.org"})
        assert answer.status_code == 200
    async with httpx.AsyncClient(base_url=guarded.site.url) as client:
        for headers in NO_TOKEN:
            raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
            assert (await client.get("/", headers=raw)).status_code == 401, headers
    assert (await guarded.get("/", params={"token": TOKEN})).status_code == 401


async def test_without_a_token_a_foreign_name_that_leads_here_reads_nothing(shared: Page) -> None:
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1", "a b"):
        answer = await shared.get("/stories", headers={"host": host})
        assert answer.status_code in (400, 421), host
        assert "BlackBerry" not in answer.text
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
FOLLOWED = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


async def test_what_another_sites_page_loads_from_here_is_refused_and_a_link_opens_a_page(
    shared: Page, guarded: Page
) -> None:
    for page, own in ((shared, {}), (guarded, basic(TOKEN))):
        for headers in FOREIGN:
            for path in ("/stories", "/metrics", "/style.css", "/try?rule=name:+x", "/api/v1/stories"):
                answer = await page.get(path, headers={**own, **headers})
                assert answer.status_code == 403, headers
                assert "BlackBerry" not in answer.text
        assert (await page.get("/healthz", headers=FOREIGN[0])).status_code == 200
    for headers in (FOLLOWED, {"sec-fetch-site": "none"}, {"sec-fetch-site": "same-origin"}, {}):
        assert (await shared.get("/stories", headers=headers)).status_code == 200


async def test_a_link_of_another_site_fills_the_form_and_runs_nothing(shared: Page) -> None:
    for path, remark, result in (
        ("/search?q=backdoor", "another site filled in this search", "<mark>"),
        ("/try?rule=name:+Mine%0Aall:+[backdoor]%0Anotify:+desk", "press “Try it”", "matches"),
        ("/rule?name=BlackBerry+in+Pakistan&near=1", "Look through the last 7 days", "3 matches."),
    ):
        answers = [(await shared.get(path, headers=headers)).text for headers in (FOLLOWED, {})]
        assert [(remark in answer, result in answer) for answer in answers] == [(True, False), (False, True)], path
        assert "backdoor" in answers[0]


@pytest.mark.parametrize(
    "keys",
    [
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


async def test_without_a_token_nothing_is_shown_to_readers_behind_a_proxy(shared: Page, guarded: Page) -> None:
    for proxied in PROXIED:
        answer = await shared.get("/stories", headers={"host": "127.0.0.1:8080", **proxied})
        assert (answer.status_code, "set web.token" in answer.text) == (421, True)
        assert (await guarded.get("/stories", headers={**basic(TOKEN), **proxied})).status_code == 200
    for path, status in (("/api/v1/articles", 421), ("/metrics", 421), ("/feeds/all.atom", 421), ("/healthz", 200)):
        assert (await shared.get(path, headers=PROXIED[0])).status_code == status, path
    # By default, nginx forwards requests in HTTP/1.0, adds no header, and names us as the host.
    address = urlsplit(shared.site.url)
    for path, status in (("/stories", 421), ("/healthz/live", 200)):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {address.netloc}\r\n\r\n".encode())
        first_line = await reader.readline()
        writer.close()
        assert int(first_line.split()[1]) == status, path


@pytest.mark.parametrize("has_token", [True, False])
async def test_health_names_the_database_to_those_only_who_may_read_the_page(filled: Path, has_token: bool) -> None:
    async with page_over(filled, listening(has_token=has_token)) as page:
        (filled / "wirewatch.db").write_bytes(b"no database" * 100_000)
        for path in ("/healthz", "/healthz/ready"):
            stranger = await page.get(path, headers={} if has_token else {"x-forwarded-for": "203.0.113.9"})
            assert stranger.json() == {"status": "not ready", "reason": "the database does not answer"}
            reader = await page.get(path, headers=basic(TOKEN) if has_token else {})
            assert (reader.status_code, "wirewatch.db" in reader.json()["reason"]) == (503, True)


async def test_an_address_that_nothing_has_is_not_found(guarded: Page) -> None:
    for path in (
        *("/story/%00", "/story/%ff", "/feed?url=%00", "/rule?name=%00", "/feeds/rule.atom?name=%00"),
        *("/api/v1/stories/%00", "/api/v1/articles/%00", "/api/v1/rules/%00", "/%00"),
    ):
        assert (await guarded.get(path, headers=basic(TOKEN))).status_code == 404, path


async def test_a_page_that_cannot_be_opened_says_what_to_do(page: Page) -> None:
    with pytest.raises(ConfigError, match="PAGE_TOKEN is not set"):
        server.open_site(page.running, listening(has_token=True), {})
    with socket.create_server(("127.0.0.1", 0)) as opened:
        settings = config.WebSettings(listen=f"127.0.0.1:{opened.getsockname()[1]}")
        with pytest.raises(ConfigError, match=r"in use; choose another web\.listen"):
            server.open_site(page.running, settings, {})
