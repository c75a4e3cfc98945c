"""From an empty folder to the first alert about a topic of one's own, and the search for feeds."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from msgspec.structs import replace

from bot import rules
from bot.model.feeds import Feed
from bot.model.rules import Example
from tests.config import folders
from tests.testbed.commands import at_terminal, call
from tests.testbed.servers.quiet import QuietHandler, serving_with

#: The local server is on this machine.
BOT = "channels: {alerts: {kind: console}}\noperator: alerts\nfetch: {readers: 0, allow_private: [127.0.0.0/8]}\n"
HEADLINE = "Pakistan passes a lawful access bill for messengers"


PAGE = """<html><head><link rel="alternate" type="application/rss+xml" href="/feed"></head><body>News</body></html>"""
FEED = """<rss version="2.0"><channel><title>Daily News</title><link>http://news.example</link>
<item><guid>1</guid><title>{headline}</title><link>http://news.example/1</link><pubDate>{at}</pubDate></item>
<item><guid>2</guid><title>Cricket in Lahore</title><link>http://news.example/2</link><pubDate>{at}</pubDate></item>
</channel></rss>"""


class Site(QuietHandler):
    """A website whose page links to its feed."""

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        at = format_datetime(datetime.now(UTC))  # noqa: TID251 - the bot reads the machine's clock
        if self.path == "/feed":
            self.answer(200, FEED.format(headline=HEADLINE, at=at).encode(), "application/rss+xml")
        else:
            self.answer(200, PAGE.encode(), "text/html")


def test_a_new_user_gets_the_first_alert_about_a_topic_of_their_own_after_three_commands(tmp_path: Path) -> None:
    folders.write(tmp_path / "mine", {"bot.yaml": BOT})
    with serving_with(Site) as site:
        call("init", "--topic", "lawful access Pakistan", "--site", f"{site}/", "mine", folder=tmp_path)
        call("check", "--config", "mine", folder=tmp_path)
        alert = call("once", "--config", "mine", folder=tmp_path).stdout
    assert f"url: {site}/feed" in (tmp_path / "mine" / "feeds.yaml").read_text().replace('"', "")
    assert HEADLINE in alert
    assert "Cricket" not in alert


def test_init_asks_at_a_terminal_for_a_topic_and_then_for_a_site(tmp_path: Path) -> None:
    folders.write(tmp_path / "mine", {"bot.yaml": BOT})
    with serving_with(Site) as site:
        answers = ("lawful access Pakistan", f"{site}/", "")
        printed = at_terminal("init", "mine", answers=answers, folder=tmp_path)
        questions = ("What do you want to watch?", "A website to read for it", "language model")
        assert sorted(map(printed.index, questions)) == list(map(printed.index, questions))
        assert "run --config mine" in printed
        assert f"{site}/feed" in (tmp_path / "mine" / "feeds.yaml").read_text()
        assert "lawful" in (tmp_path / "mine" / "rules" / "first.yaml").read_text()
    # Enter: the example.
    printed = at_terminal("init", "other", answers=["", ""], folder=tmp_path / "mine")
    assert "A website to read for it" not in printed
    assert folders.check(tmp_path / "mine" / "other") == ()


def test_a_topic_without_a_site_is_searched_and_another_feed_needs_all_of_its_words(tmp_path: Path) -> None:
    call("init", "--topic", 'the "lawful access" bill in Pakistan', "mine", folder=tmp_path)
    feeds = (tmp_path / "mine" / "feeds.yaml").read_text()
    for engine in ("google-news:en-PK:", "bing-news:en-US:", "gdelt:"):
        assert engine in feeds
    rule = (tmp_path / "mine" / "rules" / "first.yaml").read_text()
    assert 'any: ["lawful access", "bill", "Pakistan"]' in rule
    assert folders.check(tmp_path / "mine") == ()

    # The rules still mean the topic when another feed is added.
    with (tmp_path / "mine" / "feeds.yaml").open("a") as file:
        file.write("  - {url: https://news.example/feed.xml, name: Example News}\n")
    settings = folders.load(tmp_path / "mine")
    searches, added = settings.feeds[0], settings.feeds[-1]
    now = datetime(2026, 12, 1, tzinfo=UTC)

    def matched(feed: Feed, title: str) -> int:
        article = replace(rules.make_article(Example(title=title)), feed=feed.url)
        return len(settings.rule_set.match(article, feed, now=now))

    assert matched(searches, "Court decides on lawful access") == 1
    assert matched(added, "Court decides on lawful access") == 0
    assert matched(added, "Pakistan passes lawful access bill") == 1


def test_feeds_find_prints_lines_for_feeds_yaml_and_adds_them_when_asked(tmp_path: Path) -> None:
    folders.write(tmp_path / "config", {"bot.yaml": BOT})
    call("init", "--minimal", "config", folder=tmp_path)
    before = (tmp_path / "config" / "feeds.yaml").read_text()
    printed = call("feeds", "find", "lawful access", "--edition", "de-DE", folder=tmp_path).stdout
    assert printed.splitlines() == [
        "feeds:",
        '  - "google-news:de-DE:lawful access"',
        '  - "bing-news:de-DE:lawful access"',
        '  - "gdelt:lawful access"',
    ]
    assert (tmp_path / "config" / "feeds.yaml").read_text() == before
    call("feeds", "find", "lawful access", "--add", folder=tmp_path)
    assert "bing-news:en-US:lawful access" in (tmp_path / "config" / "feeds.yaml").read_text()
    assert "write" in call("feeds", "find", "x", folder=tmp_path, code=2).stderr
    with serving_with(Site) as site:
        printed = call("feeds", "find", f"{site}/", folder=tmp_path).stdout
        assert f"{site}/feed" in printed
        assert "Daily News" in printed
