"""The files become typed settings, and nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.model.access import Access, Auth, BasicAuth, Secret
from bot.model.errors import ConfigError
from bot.model.rules import Example, Line
from tests.config import folders


def test_terms_examples_and_the_last_day_of_a_rule_are_read(tmp_path: Path) -> None:
    rule = folders.rule_of(
        """
all: {regulator: [PTA, Pakistan Telecommunication Authority], demand: backdoor*}
any: [BlackBerry, title:BES, "{PTA}", "title: BlackBerry", "body: {BES}", '/back\\s?door/']
none: [parent teacher association]
until: 2026-12-31
must_match: [{title: "PTA wants a backdoor", body: "BlackBerry said no."}]
must_not_match: ["", School PTA meets]
""",
        tmp_path,
    )
    assert rule.all == (
        Line(label="regulator", terms=("PTA", "Pakistan Telecommunication Authority")),
        Line(label="demand", terms=("backdoor*",)),
    )
    terms = ("BlackBerry", "title:BES", "{PTA}", "title: BlackBerry", "body: {BES}", r"/back\s?door/")
    assert rule.any == tuple(Line(label=term, terms=(term,)) for term in terms)
    assert rule.none == (Line(label="parent teacher association", terms=("parent teacher association",)),)
    assert rule.until == datetime(2027, 1, 1, tzinfo=UTC), "the named day still counts"
    assert rule.must_match == (Example(title="PTA wants a backdoor", body="BlackBerry said no."),)
    assert rule.must_not_match == (Example(), Example(title="School PTA meets"))


def test_sets_reach_the_rules_that_use_them(tmp_path: Path) -> None:
    rules = """sets:
  server: [BES, BlackBerry Enterprise Serv*]
  unused: [nothing]
rules:
  - name: R
    all: [$server]
    notify: desk
  - name: Q
    query: $server AND phone
    notify: desk
"""
    settings = folders.load(folders.make(tmp_path, rules=rules))
    used = (("server", ("BES", "BlackBerry Enterprise Serv*")),)
    assert [entry.rule.sets for entry in settings.rules] == [used, used]


def test_the_version_of_a_rule_changes_with_what_it_finds_and_not_with_a_note(tmp_path: Path) -> None:
    first = folders.rule_of("all: [PTA]", tmp_path / "a")
    noted = folders.rule_of("all: [PTA]\nnote: why\nmust_match: [PTA]", tmp_path / "b")
    other = folders.rule_of("all: [PTA, BES]", tmp_path / "c")
    assert first.version == noted.version
    assert first.version != other.version


def test_a_broken_feed_leaves_the_others_running(tmp_path: Path) -> None:
    settings = folders.load(folders.make(tmp_path, feeds=folders.FEEDS + "  - nonsense\n"))
    assert [feed.name for feed in settings.feeds] == ["Example News"]
    assert [problem.code for problem in settings.problems] == ["address"]


def test_a_missing_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        folders.load(tmp_path / "none")
    with pytest.raises(ConfigError, match="does not exist"):
        folders.check(tmp_path / "none")


def test_a_broken_bot_yaml_stops_a_cold_start_and_carries_all_problems(tmp_path: Path) -> None:
    folder = folders.make(tmp_path, bot="channels: {alerts: {kind: consol}}\n", feeds="feeds: [x]\n")
    with pytest.raises(ConfigError) as caught:
        folders.load(folder)
    assert {Path(problem.file).name for problem in caught.value.problems} >= {"bot.yaml", "feeds.yaml"}
    assert "did you mean" in str(caught.value)


def test_windows_files_are_read_like_others_and_files_that_editors_leave_are_not_read(tmp_path: Path) -> None:
    folder = folders.make(tmp_path)
    (folder / "rules/a.yaml").write_bytes(b"\xef\xbb\xbf" + folders.RULES.replace("\n", "\r\n").encode())
    for name in (".a.yaml.swp", ".#a.yaml", "a.yaml~", "readme.md"):
        (folder / "rules" / name).write_text("x", encoding="utf-8")
    assert folders.check(folder) == ()
    assert folders.names(folders.load(folder)) == ["First", "Second"]


ENVIRON = {"TOKEN": "eleven-secret-letters", "OTHER": "other"}
FEEDS = """\
feeds:
  - https://a.news.example/feed
  - {url: "https://news.example/feed", auth: {bearer: env:OTHER}}
  - https://elsewhere.example/feed
"""
GROUPS = """\
fetch:
  hosts:
    "*.news.example": {auth: {basic: {user: me, password: env:TOKEN}}, headers: {Accept-Language: ur}}
    a.news.example: {headers: {X-Key: env:TOKEN}}
    news.example: {auth: {bearer: env:TOKEN}, cookies: {session: env:TOKEN}}
"""


def test_the_group_of_a_host_fills_the_keys_that_its_feeds_do_not_have(tmp_path: Path) -> None:
    settings = folders.load(folders.make(tmp_path, feeds=FEEDS, bot=folders.BOT + GROUPS), environ=ENVIRON)
    access = {feed.url: feed.access for feed in settings.feeds}
    token, other = Secret.parse("env:TOKEN"), Secret.parse("env:OTHER")
    assert access["https://a.news.example/feed"] == Access(
        headers=(("X-Key", token),), auth=Auth(basic=BasicAuth(user="me", password=token))
    )
    assert access["https://news.example/feed"] == Access(auth=Auth(bearer=other), cookies=(("session", token),))
    assert access["https://elsewhere.example/feed"] is None
