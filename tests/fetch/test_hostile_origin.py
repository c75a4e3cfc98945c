"""All of it at once: good feeds beside every kind of bad one are read in time, and nothing private is asked."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta

from bot import model
from bot.feeds import kinds
from testbed.servers.feeds import FeedServer, Reply
from tests import memory_peak
from tests.feeds.documents import item, rss
from tests.feeds.test_odd_documents import LAUGHS
from tests.fetch.conftest import POLICY, MakeFetcher, configured

GOOD = rss(*(item(number) for number in range(20))).encode()
BAD = {
    "/silent": Reply(delay_seconds=60),
    "/drip": Reply(body=GOOD, drip_seconds=0.2),
    "/drip-head": Reply(body=GOOD, drip_head_seconds=0.2),
    "/loop": Reply.redirect("/loop"),
    "/metadata": Reply.redirect("http://169.254.169.254/latest/meta-data/"),
    "/loopback": Reply.redirect("http://[::1]:1/"),
    "/file": Reply.redirect("file:///etc/passwd"),
    "/large": Reply(body=b"<rss>" + b"x" * 1_100_000),
    "/hang-up": Reply(hang_up=True),
    "/not-http": Reply(raw=b"220 mail.example.org ESMTP\r\n"),
    "/brotli": Reply(body=b"\x8b", headers={"Content-Encoding": "br"}),
    "/page": Reply(body=b"<html><title>x</title></html>"),
    "/laughs": Reply(body=rss(item(1, title="&l9;"), declaration=f"<!DOCTYPE rss [{LAUGHS}]>").encode()),
    "/empty": Reply(body=b""),
    "/nuls": Reply(body=b"\0" * 1000),
    "/json-depth": Reply(body=b'{"items":' + b"[" * 50_000),
    "/xml-depth": Reply(body=b"<rss>" + b"<a>" * 50_000),
}


async def test_good_feeds_beside_every_bad_one_are_read_in_time(server: FeedServer, make_fetcher: MakeFetcher) -> None:
    bombs = {"/bomb": Reply.bomb(), "/bomb-redirect": Reply.bomb(status=302, headers={"Location": "/good"})}
    bad = BAD | bombs
    for path, reply in bad.items():
        server.serve(path, reply)
    server.serve("/good", GOOD)
    fetcher = make_fetcher(dataclasses.replace(POLICY, per_host=64, timeout=timedelta(seconds=1)))
    good: list[float] = []
    failed: set[str] = set()
    begun = asyncio.get_running_loop().time()
    memory = memory_peak.begin()

    async def read(path: str) -> None:
        try:
            answer = await fetcher.get(configured(url=server.url(path)))
            body = model.Body(content=answer.body, content_type=answer.content_type, url=answer.url)
            reading = await asyncio.to_thread(kinds.parse_document, body)
        except (model.FetchError, model.ReadError):
            failed.add(path)
            return
        if path == "/good":
            assert len(reading.entries) == 20
            good.append(asyncio.get_running_loop().time() - begun)

    async with asyncio.TaskGroup() as tasks:
        for path in bad:
            tasks.create_task(read(path))
            tasks.create_task(read("/good"))
    assert len(good) == len(bad)
    assert max(good) < 20
    assert failed >= bad.keys() - {"/bomb-redirect"}
    assert memory_peak.since(memory) < 200_000_000
