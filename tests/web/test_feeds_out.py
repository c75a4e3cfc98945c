"""Stories as feeds: valid, readable by others and by this bot, protected by a separate token, and harmless."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import cast
from urllib.parse import quote

import feedparser
import pytest
from lxml import etree
from msgspec.structs import replace

from bot import storage
from bot.feeds.kinds import jsonfeed, rss
from bot.model.fetching import Body
from bot.web.access import feed_token
from tests.testbed import made
from tests.web.conftest import PUBLIC_URL, TOKEN, Page
from tests.web.markup import elements, tree_of, values

ATOM = {"a": "http://www.w3.org/2005/Atom"}
RULE = "BlackBerry in Pakistan"


def select_texts(root: etree._Element, path: str) -> list[str]:
    """Texts and attributes by XPath; of an element what it says."""
    answers = cast("list[str | etree._Element]", root.xpath(path, namespaces=ATOM))
    return [str(answer) if isinstance(answer, str) else (answer.text or "") for answer in answers]


def body_of(content: bytes, kind: str) -> Body:
    return Body(url="https://bot.example/feeds/all", content=content, content_type=kind)


@pytest.mark.parametrize("address", ["all", f"rule?name={quote(RULE)}", "channel?name=desk"])
async def test_a_feed_is_read_by_feedparser_and_by_this_bot(shared: Page, address: str) -> None:
    kind, _, query = address.partition("?")
    answer = await shared.get(f"/feeds/{kind}.atom?{query}")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    read = feedparser.parse(answer.content)
    assert not read.bozo
    assert "BlackBerry to leave Pakistan rather than open its servers" in [entry.title for entry in read.entries]
    ours = rss.Source().read(body_of(answer.content, "application/atom+xml"))
    answer = await shared.get(f"/feeds/{kind}.json?{query}")
    also = jsonfeed.Source().read(body_of(answer.content, "application/feed+json"))
    assert [entry.guid for entry in ours.entries] == [entry.id for entry in read.entries]
    assert [(item.guid, item.title, item.link) for item in also.entries] == [
        (item.guid, item.title, item.link) for item in ours.entries
    ]


async def test_a_feed_has_what_atom_requires_and_that_of_a_tag_the_stories_of_its_feeds(shared: Page) -> None:
    root = etree.fromstring((await shared.get("/feeds/all.atom")).content)
    for path in ("a:id", "a:title", "a:updated", "a:author/a:name", "a:link[@rel='self']"):
        assert len(select_texts(root, path)) == 1, path
    entries = root.findall("a:entry", ATOM)
    assert len(entries) == 3
    for path in ("id", "title", "updated", "published", "link[@rel='alternate']", "content[@type='html']"):
        assert [len(select_texts(entry, f"a:{path}")) for entry in entries] == [1, 1, 1], path
    assert len(set(select_texts(root, "a:entry/a:id/text()"))) == 3
    updated = select_texts(root, "a:entry/a:updated/text()")
    assert updated == sorted(updated, reverse=True)
    assert select_texts(root, "a:updated/text()") == updated[:1]
    of_tag = json.loads((await shared.get("/feeds/tag.json", params={"name": "animals"})).content)["items"]
    assert ["Wombat" in item["title"] for item in of_tag] == [True, True]


async def test_an_entry_is_updated_as_its_story_is_and_unchanged_feeds_are_not_sent_again(page: Page) -> None:
    before = await page.get("/feeds/all.json")
    repeated = await page.get("/feeds/all.json", headers={"if-none-match": before.headers["etag"]})
    assert (repeated.status_code, repeated.content) == (304, b"")
    stories = await page.running.store.read(lambda tx: tx.stories.since(None))
    story = next(item for item in stories if len(item.members) == 3)
    moved = replace(story, last_seen=story.last_seen + timedelta(hours=9))
    await page.running.store.write(lambda tx: tx.stories.save(moved))
    # A feed is made once a minute.
    repeated = await page.get("/feeds/all.json", headers={"if-none-match": before.headers["etag"]})
    assert repeated.status_code == 304
    page.clock.advance(timedelta(minutes=1))
    after = await page.get("/feeds/all.json", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    first = json.loads(after.content)["items"][0]
    assert first["id"] == f"urn:wirewatch:story:{story.id}"
    assert first["date_modified"] == moved.last_seen.isoformat()
    assert len(json.loads(after.content)["items"]) == len(json.loads(before.content)["items"])


async def test_ids_and_links_are_of_the_public_address_and_never_of_the_host_that_a_reader_names(
    shared: Page, guarded: Page
) -> None:
    own = {"token": feed_token(TOKEN)}
    for host in ("evil.example", "127.0.0.1"):
        answer = await guarded.get("/feeds/all.atom", params=own, headers={"host": host})
        root = etree.fromstring(answer.content)
        assert select_texts(root, "a:id/text()") == [f"{PUBLIC_URL}/feeds/all"]
        assert "evil.example" not in answer.text
    feed = json.loads((await guarded.get("/feeds/all.json", params=own)).content)
    assert feed["feed_url"] == f"{PUBLIC_URL}/feeds/all.json"
    assert f'href="{PUBLIC_URL}/story/' in feed["items"][0]["content_html"]
    root = etree.fromstring((await shared.get("/feeds/all.atom", headers={"host": "localhost"})).content)
    assert select_texts(root, "a:id/text()") == ["urn:wirewatch:feeds:all"]
    assert "http://localhost/feeds/all.atom" in select_texts(root, "a:link/@href")


async def test_what_a_hostile_feed_says_is_inert_in_a_feed(page: Page) -> None:
    title = "Bell \x07 and \ufffe <b>bold</b>"
    story = replace(made.story("h", made.article("h")), title=title, last_seen=page.clock.now())

    def add(tx: storage.Transaction) -> None:
        tx.articles.add([made.article("h")])
        tx.stories.save(story)

    await page.running.store.write(add)
    root = etree.fromstring((await page.get("/feeds/all.atom")).content)
    assert {str(element.tag).partition("}")[0] for element in root.iter()} == {"{http://www.w3.org/2005/Atom"}
    assert select_texts(root, "//a:title/@type") == []
    links = select_texts(root, "//a:link/@href")
    assert {link.partition(":")[0] for link in links} <= {"http", "https"}
    items = json.loads((await page.get("/feeds/all.json")).content)["items"]
    for content in [*select_texts(root, "//a:content/text()"), *(item["content_html"] for item in items)]:
        tree = tree_of(content)
        assert elements(tree, "//script | //img | //svg | //iframe | //b") == []
        assert {link.partition(":")[0] for link in values(tree, "//a/@href")} <= {"http", "https"}
        assert not [name for entry in elements(tree, "//*") for name in map(str, entry.attrib) if name.startswith("on")]


async def test_a_feeds_own_token_opens_feeds_and_nothing_else(guarded: Page) -> None:
    own = feed_token(TOKEN)
    for params in ({}, {"token": "wrong"}, {"token": TOKEN}):
        assert (await guarded.get("/feeds/all.atom", params=params)).status_code == 401
    opened = await guarded.get("/feeds/all.atom", params={"token": own})
    assert opened.status_code == 200
    assert own not in opened.text
    assert TOKEN not in opened.text
    for path in ("/", "/feeds", "/stories", "/search", "/metrics", "/feeds/../stories"):
        assert (await guarded.get(path, params={"token": own})).status_code == 401
    foreign = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    assert (await guarded.get("/feeds/all.atom", params={"token": own}, headers=foreign)).status_code == 403
    tree = tree_of((await guarded.get("/stories", headers={"authorization": f"Bearer {TOKEN}"})).text)
    assert f"/feeds/all.atom?token={own}" in values(tree, "//a/@href")
