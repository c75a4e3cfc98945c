"""Pages of articles: which requests a host gets and how often, and which text is extracted."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.fetch import fulltext
from bot.model.errors import FetchError, Unreachable
from bot.model.feeds import Feed
from bot.model.fetching import Request, Response
from tests.testbed.fakes import START, FakeClock

SENTENCE = "The regulator told the operators to close the enterprise servers before the end of the month. "
PAGE = (
    "<html><head><title>News</title></head><body><nav><a href=/>Home</a><a href=/world>World</a></nav><article>"
    f"<h1>BlackBerry quits</h1><p>{SENTENCE * 3}</p><p>{SENTENCE.upper() * 3}</p></article>"
    "<div id=comments class=comments><p>First! I disagree with this.</p></div>"
    "<footer>All rights reserved</footer></body></html>"
).encode()
URL = "https://news.example.org/a"
FEED = Feed(url="https://wire.example/feed")
ROBOTS = "https://news.example.org/robots.txt"


class Web:
    """Answers by address, and records each request with its time."""

    def __init__(self, clock: FakeClock, **pages: object) -> None:
        self.clock = clock
        self.answers: dict[str, Response | FetchError] = {}
        self.asked: list[tuple[str, float]] = []

    def put(self, url: str, body: bytes = PAGE, *, status: int = 200, kind: str = "text/html", **more: object) -> None:
        answer = Response(status=status, url=str(more.pop("end", url)), body=body, content_type=kind, **more)  # type: ignore[arg-type]
        self.answers[url] = answer

    async def get(self, request: Request) -> Response:
        self.asked.append((request.url, (self.clock.now() - START).total_seconds()))
        await asyncio.sleep(0)
        answer = self.answers.get(request.url) or Response(status=404, url=request.url)
        if isinstance(answer, FetchError):
            raise answer
        return answer

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def urls(self) -> list[str]:
        return [url for url, _ in self.asked]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def web(clock: FakeClock) -> Web:
    return Web(clock)


@pytest.fixture
def reader(web: Web, clock: FakeClock) -> fulltext.TrafilaturaReader:
    return fulltext.TrafilaturaReader(web, clock)


async def test_the_articles_text_is_read_without_menu_comments_and_footer(
    web: Web, reader: fulltext.TrafilaturaReader
) -> None:
    web.put(URL)
    article = await reader.text_of(URL, FEED)
    assert article is not None
    assert SENTENCE.strip() in article.text
    assert "\n\n" in article.text
    assert "rights reserved" not in article.text
    assert "World" not in article.text
    assert "disagree" not in article.text
    assert article.picture == ""


async def test_robots_txt_is_asked_first_and_once_a_day(
    web: Web, reader: fulltext.TrafilaturaReader, clock: FakeClock
) -> None:
    for path in ("", "b"):
        web.put(URL + path)
        await reader.text_of(URL + path, FEED)
    assert web.urls == [ROBOTS, URL, URL + "b"]
    clock.advance(timedelta(hours=25))
    await reader.text_of(URL, FEED)
    assert web.urls.count(ROBOTS) == 2


@pytest.mark.parametrize(
    ("robots", "is_read"),
    [
        # One that cannot be had closes the host, and one that is absent opens it.
        *((status, True) for status in (404, 403, 401)),
        *((status, False) for status in (429, 500, 503)),
        (b"User-agent: *\nDisallow: /", False),
        (b"User-agent: *\nDisallow: /\n\nUser-agent: wirewatch\nAllow: /", True),
        (b"User-agent: wirewatch\nDisallow: /*a$", False),
        (b"User-agent: *\nDisallow: /\nAllow: /a", True),
        (b"\xef\xbb\xbfUser-agent: *\nDisallow: /a", False),
        (b"", True),
    ],
)
async def test_robots_txt_is_obeyed(
    web: Web, reader: fulltext.TrafilaturaReader, robots: bytes | int, is_read: bool
) -> None:
    web.put(URL)
    if isinstance(robots, int):
        web.put(ROBOTS, b"", status=robots)
    else:
        web.put(ROBOTS, robots, kind="text/plain")
    assert (await reader.text_of(URL, FEED) is not None) is is_read
    assert (URL in web.urls) is is_read


async def test_a_host_that_did_not_answer_is_asked_for_its_robots_txt_again_soon(
    web: Web, reader: fulltext.TrafilaturaReader, clock: FakeClock
) -> None:
    web.put(URL)
    web.answers[ROBOTS] = Unreachable("no connection")
    assert await reader.text_of(URL, FEED) is None
    del web.answers[ROBOTS]
    clock.advance(timedelta(hours=2))
    assert await reader.text_of(URL, FEED) is not None


async def test_pages_of_one_host_keep_its_pace_and_other_hosts_do_not_wait(
    web: Web, reader: fulltext.TrafilaturaReader
) -> None:
    usual, slow, slower = URL, "https://slow.example.net/a", "https://slower.example.org/a"
    for url, delay in ((slow, b"7"), (slower, b"86400")):
        web.put(url.replace("/a", "/robots.txt"), b"User-agent: *\nCrawl-delay: " + delay, kind="text/plain")
    for end in ("", "b"):
        for url in (usual, slow, slower):
            await reader.text_of(url + end, FEED)
    times = dict(web.asked)
    assert [times[url] for url in (usual, slow, slower)] == [0, 0, 0]
    # A request waits for its own host alone; a delay of a day is cut to half a minute.
    assert [times[url + "b"] for url in (usual, slow, slower)] == [1, 7, 30]


async def test_a_host_that_sends_retry_after_gets_no_request_until_then(
    web: Web, reader: fulltext.TrafilaturaReader, clock: FakeClock
) -> None:
    web.put(URL, b"", status=429, retry_after=START + timedelta(minutes=10))
    web.put(URL + "b")
    assert await reader.text_of(URL, FEED) is None
    assert await reader.text_of(URL + "b", FEED) is None
    assert URL + "b" not in web.urls
    clock.advance(timedelta(hours=2))
    assert await reader.text_of(URL + "b", FEED) is not None


async def test_a_page_without_text_is_not_asked_again_at_once(web: Web, reader: fulltext.TrafilaturaReader) -> None:
    web.put(URL, b"<html><body></body></html>")
    assert await reader.text_of(URL, FEED) is None
    assert await reader.text_of(URL, FEED) is None
    assert web.urls.count(URL) == 1


async def test_a_redirect_to_a_host_that_forbids_robots_gives_no_text(
    web: Web, reader: fulltext.TrafilaturaReader
) -> None:
    web.put(URL, end="https://closed.example.net/a")
    web.put("https://closed.example.net/robots.txt", b"User-agent: *\nDisallow: /", kind="text/plain")
    assert await reader.text_of(URL, FEED) is None


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"%PDF-1.4", "application/pdf", 200),
        (PAGE, "text/html", 404),
        (b"\x00\x01\x02", "", 200),
        (b"", "text/html", 200),
        (b"<" * 50_000, "text/html", 200),
        (b"\xff" * 5_000, "text/html; charset=utf-8", 200),
    ],
)
async def test_a_page_without_an_article_gives_no_text_and_no_error(
    web: Web, reader: fulltext.TrafilaturaReader, body: bytes, kind: str, status: int
) -> None:
    web.put(URL, body, kind=kind, status=status)
    assert await reader.text_of(URL, FEED) is None


async def test_the_memory_of_many_large_robots_files_is_bounded(web: Web, reader: fulltext.TrafilaturaReader) -> None:
    hosts = [f"https://{number}.example.org" for number in range(5)]
    for host in hosts:
        web.put(f"{host}/robots.txt", b"User-agent: *\n" + b"Allow: /a\n" * 30_000, kind="text/plain")
        web.put(f"{host}/a")
        await reader.text_of(f"{host}/a", FEED)
    web.asked.clear()
    await reader.text_of(f"{hosts[-1]}/b", FEED)
    await reader.text_of(f"{hosts[0]}/b", FEED)
    assert web.urls == [f"{hosts[-1]}/b", f"{hosts[0]}/robots.txt", f"{hosts[0]}/b"]


WORDS = "Der Regler verlangt Zugriff auf die Server des Anbieters, weil er Verschlüsseltes für gefährlich hält. " * 4


def _page(head: str = "") -> str:
    return f"<html><head>{head}<title>t</title></head><body><article><p>{WORDS}</p></article></body></html>"


@pytest.mark.parametrize(
    ("page", "content_type"),
    [
        (_page().encode("utf-8-sig"), "text/html; charset=iso-8859-1"),
        (_page().encode("cp1252"), 'text/html; charset="ISO-8859-1"'),
        (_page('<meta charset="windows-1252">').encode("cp1252"), "text/html"),
        (_page('<meta http-equiv="Content-Type" content="text/html; charset=latin1">').encode("cp1252"), ""),
        (_page().encode("utf-16"), "text/html"),
    ],
)
def test_a_page_is_decoded_as_its_server_or_itself_says_unless_that_is_wrong(page: bytes, content_type: str) -> None:
    article = fulltext.main_text(page, content_type=content_type)
    assert article is not None
    assert "Verschlüsseltes für gefährlich" in article.text


@pytest.mark.parametrize(
    ("head", "picture"),
    [
        ('<meta property="og:image" content="https://img.example.org/a.jpg">', "https://img.example.org/a.jpg"),
        ('<meta name="og:image" content=" https://a.example/b ">', "https://a.example/b"),
        (
            '<meta property="og:image" content="/a"><meta property="og:image:secure_url" content="https://a.example/b">',
            "https://a.example/b",
        ),
        ('<meta property="og:image" content="/a.jpg">', ""),
        ('<meta property="og:image" content="https://192.168.1.1/reboot">', ""),
        ('<meta property="og:image" content="javascript:alert(1)">', ""),
        (f'<meta property="og:image" content="https://img.example.org/{"a" * 1000}">', ""),
        ('<meta property="og:image"><meta content="https://img.example.org/a.jpg">', ""),
    ],
)
def test_a_page_names_its_picture_by_an_https_address_on_a_public_host(head: str, picture: str) -> None:
    article = fulltext.main_text(_page(head).encode())
    assert article is not None
    assert article.picture == picture
