"""Short forms of known places: the address behind each, what is refused, and what feeds.yaml makes of them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot import keys
from bot.config import feeds_file
from bot.feeds import places
from tests.config import folders

DOCS = Path(__file__).parents[2] / "docs" / "feeds.md"
EXPECTED = {
    "youtube:@BBCNews": "https://www.youtube.com/@BBCNews",
    "youtube:UC16niRr50-MSBwiO3YDb3RA": "https://www.youtube.com/feeds/videos.xml?channel_id=UC16niRr50-MSBwiO3YDb3RA",
    "youtube:UULF16niRr50-MSBwiO3YDb3RA": (
        "https://www.youtube.com/feeds/videos.xml?playlist_id=UULF16niRr50-MSBwiO3YDb3RA"
    ),
    "reddit:r/one+other": "https://www.reddit.com/r/one+other/new/.rss",
    "reddit:u/somebody": "https://www.reddit.com/user/somebody/submitted/.rss",
    "reddit:search/back door": "https://www.reddit.com/search.rss?q=back%20door&sort=new",
    "mastodon:@Mozilla@mozilla.social": "https://mozilla.social/@Mozilla.rss",
    "mastodon:#infosec@mastodon.social": "https://mastodon.social/tags/infosec.rss",
    "bluesky:@BBCNews.bsky.social": "https://bsky.app/profile/BBCNews.bsky.social/rss",
    "telegram:@telegram": "https://t.me/s/telegram",
    "github:django/django": "https://github.com/django/django/releases.atom",
    "github:django/django/tags": "https://github.com/django/django/tags.atom",
    "google-news:de-AT:Hintertür": "https://news.google.com/rss/search?q=Hintert%C3%BCr&hl=de-AT&gl=AT&ceid=AT:de",
    "google-news:site:bbc.co.uk PTA": (
        "https://news.google.com/rss/search?q=site%3Abbc.co.uk%20PTA&hl=en-US&gl=US&ceid=US:en"
    ),
    "google-news:en-PK:topic/WORLD": (
        "https://news.google.com/rss/headlines/section/topic/WORLD?hl=en-PK&gl=PK&ceid=PK:en"
    ),
    "google-news:topic/CAAqJggKIiBDQkFTRWdvSUwyMHZNRGx1": (
        "https://news.google.com/rss/topics/CAAqJggKIiBDQkFTRWdvSUwyMHZNRGx1?hl=en-US&gl=US&ceid=US:en"
    ),
    "bing-news:en-PK:BlackBerry": "https://www.bing.com/news/search?q=BlackBerry&format=rss&mkt=en-PK",
    "gdelt:PTA domain:dawn.com": (
        "https://api.gdeltproject.org/api/v2/doc/doc?query=PTA%20domain%3Adawn.com"
        "&mode=artlist&format=rss&sort=datedesc&maxrecords=250&timespan=1d"
    ),
    "rsshub:/telegram/channel/telegram": "https://rsshub.app/telegram/channel/telegram",
    "rsshub:http://rsshub.local:1200/apnews?limit=5": "http://rsshub.local:1200/apnews?limit=5",
}


@pytest.mark.parametrize("written", EXPECTED)
def test_a_short_form_is_its_real_address(written: str) -> None:
    feed = places.expand_short_form(written)
    assert feed.url == EXPECTED[written]
    assert feed.tags == (written.partition(":")[0], written)
    assert feeds_file.expand_address(written) == feed


@pytest.mark.parametrize(
    "written",
    [
        "youtube:channel",
        "reddit:pakistan",
        "reddit:r/../../etc",
        "mastodon:@name@server",
        "telegram:c/../../x",
        "github:django",
        "github:a/b/commits",
        "google-news:topic/PETS",
        "gdelt:\x00 y",
        "rsshub:https://me:secret@host/route",
    ],
)
def test_an_unknown_form_is_refused_with_the_known_forms(written: str) -> None:
    with pytest.raises(keys.InvalidValue) as refused:
        feeds_file.expand_address(written)
    assert refused.value.code == "address"
    assert refused.value.help


def test_a_misspelt_place_is_recognised() -> None:
    with pytest.raises(keys.InvalidValue) as refused:
        feeds_file.expand_address("youtub:@BBCNews")
    assert refused.value.help == 'did you mean "youtube:@BBCNews"?'


def test_the_docs_name_each_form_and_their_examples_work() -> None:
    rows = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    codes = [code for row in rows for code in re.findall("`([^`]+)`", row)]
    for place in places.get_places().values():
        forms = {f"{place.name}:{form.text}" for form in place.forms}
        written = {code for code in codes if code.startswith(f"{place.name}:")}
        assert forms <= written
        assert len(written - forms) >= len(forms)
        for example in written - forms:
            assert re.match(r"https?://\S+$", places.expand_short_form(example).url)


FEEDS = """\
feeds:
  - youtube:UC16niRr50-MSBwiO3YDb3RA
  - {url: "reddit:r/pakistan", name: Pakistan, every: 5 minutes, tags: [asia]}
  - {url: "google-news:BlackBerry", owner: Google}
  - google-news:PTA
  - telegram:telegram
  - https://www.youtube.com/feeds/videos.xml?channel_id=UC16niRr50-MSBwiO3YDb3RA
"""


def test_feeds_yaml_takes_short_forms_beside_addresses(tmp_path: Path) -> None:
    rule = 'rules:\n  - {name: R, any: [a backdoor], feeds: [telegram, "telegram:telegram", asia], notify: alerts}\n'
    settings = folders.load(folders.make(tmp_path, feeds=FEEDS, rules=rule))
    video, reddit, named, search, channel = settings.feeds
    assert (video.url, video.owner) == (EXPECTED["youtube:UC16niRr50-MSBwiO3YDb3RA"], None)
    assert (reddit.name, reddit.owner, reddit.tags[0]) == ("Pakistan", "reddit.com/r/pakistan", "asia")
    assert (named.owner, named.aggregator) == ("Google", None)
    assert (search.owner, search.aggregator) == (None, True)
    assert (channel.kind, channel.owner) == ("page", "t.me/telegram")
    problems = {problem.code: problem for problem in settings.problems}
    assert set(problems) == {"duplicate-feed", "etiquette", "no-examples"}
    assert "30 minutes" in problems["etiquette"].message


def test_a_place_is_asked_as_it_wants_whoever_wrote_its_address() -> None:
    reddit = places.place_of("https://www.reddit.com/r/x/.rss")
    assert (reddit.every, reddit.pace) == (timedelta(minutes=30), timedelta(seconds=61))
    assert places.place_of("https://example.org/www.reddit.com").name == ""
