"""The commands, as a user types them."""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot import app
from bot.app.environment import SystemClock
from bot.cli import init
from tests.channels.services import DISCORD, TEAMS, TELEGRAM, Service
from tests.journeys.world import BOT, Item, rss, world
from tests.testbed import configs, fresh
from tests.testbed.commands import call
from tests.testbed.fakes import START
from tests.testbed.servers import ports
from tests.testbed.servers.feeds import FeedServer, Reply


@pytest.fixture
def started(tmp_path: Path) -> Path:
    """Return a folder with the configuration that `wirewatch init` writes."""
    init.copy_starter(tmp_path / "config")
    return tmp_path


def test_init_writes_a_configuration_without_problems_and_only_into_a_folder_for_it(tmp_path: Path) -> None:
    call("init", "config", folder=tmp_path)
    assert "no problems" in call("check", "--strict", folder=tmp_path).stderr
    assert "has a configuration" in call("init", "config", folder=tmp_path, code=2).stderr
    (tmp_path / "notes.txt").write_text("x")
    assert "not an empty folder" in call("init", ".", folder=tmp_path, code=2).stderr
    assert "is a file" in call("init", "notes.txt", folder=tmp_path, code=2).stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config", "notes.txt"]


def test_init_writes_only_the_missing_files_of_a_configuration(started: Path) -> None:
    config = started / "config"
    (config / "bot.yaml").unlink()
    (config / "feeds.yaml").write_text("feeds: []\n")
    (config / "rules" / "mine.yaml").write_text("rules: []\n")
    rules = sorted((config / "rules").iterdir())
    advice = call("check", folder=started, code=1).stdout
    assert "wirewatch init config" in advice
    call("init", "config", folder=started)
    call("check", folder=started)
    assert (config / "feeds.yaml").read_text() == "feeds: []\n"
    assert sorted((config / "rules").iterdir()) == rules


def test_a_minimal_configuration_is_one_channel_one_feed_and_one_rule_and_need_not_be_named_inside_its_folder(
    tmp_path: Path,
) -> None:
    mine = tmp_path / "mine"
    [line] = call("check", folder=tmp_path, code=2).stderr.splitlines()
    assert f"{tmp_path} contains neither bot.yaml nor a folder config" in line
    assert "--config DIR" in line
    assert "wirewatch init" in line
    call("init", "--minimal", "mine", folder=tmp_path)
    done = call("check", "--strict", "--routes", "--config", "mine", folder=tmp_path)
    assert "no problems" in done.stderr
    assert done.stdout.splitlines() == ["Messengers and the law: alerts"]
    assert (mine / "feeds.yaml").read_text().count("url:") == 1
    assert (mine / "bot.yaml").read_text().count("kind:") == 1
    # ./bot.yaml comes before ./config, and a folder that is named before both.
    call("init", "--minimal", "config", folder=mine)
    (mine / "config" / "bot.yaml").write_text("channels: {}\n")
    assert "no problems" in call("check", folder=mine).stderr
    assert "1 error" in call("check", "--config", "config", folder=mine, code=1).stderr


def test_the_next_step_that_init_prints_works_as_typed(tmp_path: Path) -> None:
    def typed(line: str) -> subprocess.CompletedProcess[str]:
        # No activated environment: only what the shell always finds.
        environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.run(line, shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    done = typed(f"{sys.executable} -m bot init 'my folder'")
    assert done.returncode == 0, done.stderr
    _, check, run = done.stdout.splitlines()
    assert run.strip().endswith("run --config 'my folder'")
    assert "no problems" in typed(check).stderr


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("feeds add reddit:pakistan", "reddit:r/NAME"),
        ("feeds add 'lawful access Pakistan'", 'wirewatch feeds find "lawful access Pakistan"'),
        ("check --config config/bot.yaml", "--config {}/config\n"),
        ("explain https://wire.example/ferry", "write --url https://wire.example/ferry"),
        ("stories", "wirewatch run"),
        ("status", "wirewatch run"),
        ("try BlackBerry", "wirewatch run"),
        ("demo --channel nobody", "nobody"),
        ("init --topic 'of the' mine", "has no word"),
        ("init --site https://a.example mine", "--topic"),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_what_to_type(line: str, advice: str, started: Path) -> None:
    assert advice.format(started) in call(*shlex.split(line), folder=started, code=2).stderr


def test_the_folder_of_a_story_command_may_stand_before_or_after_its_name(started: Path) -> None:
    elsewhere = started / "elsewhere"
    elsewhere.mkdir()
    config = ("--config", str(started / "config"))
    for words in (("merge", *config, "0a", "1b"), (*config, "merge", "0a", "1b")):
        assert "wirewatch.db: it does not exist yet" in call("stories", *words, folder=elsewhere, code=2).stderr


def test_a_name_or_a_query_of_several_words_needs_no_quotation_marks_and_a_refused_rule_is_named_as_refused(
    started: Path,
) -> None:
    (started / "config" / "rules" / "mine.yaml").write_text(
        "rules:\n  - {name: PTA watch list, any: [BES], notify: alerts}\n"
        "  - {name: Broken watch, any: [BES], notify: alerts, must_match: [A museum opens]}\n"
    )
    (started / "config" / "feeds.yaml").write_text("feeds: []\n")
    call("once", folder=started)
    assert "PTA watch list: matches" in call("explain", *"PTA watch --text BES".split(), folder=started).stdout
    shown = call("explain", "BlackBerry", "--text", "BlackBerry asks the PTA for a meeting", folder=started).stdout
    assert "does not match" in shown
    assert "demand" in shown, "what is missing"
    assert "PTA watch list" in call("try", "pta", "watch", folder=started).stdout
    assert "Nothing found" in call("search", *"bes or pta".split(), folder=started).stderr
    added = call("silence", *"add rule PTA watch --for 1d --reason x".split(), folder=started)
    assert "PTA watch list" in added.stderr

    expected = 'the rule "Broken watch" is off because of a mistake, which `wirewatch check` shows'
    for words in (
        ("explain", "Broken watch", "--text", "BES"),
        ("try", "broken watch"),
        ("silence", "add", "rule", "Broken watch", "--for", "1d", "--reason", "x"),
    ):
        assert expected in call(*words, folder=started, code=2).stderr


def test_the_demo_tells_the_story_and_leaves_its_database_to_look_at_and_to_explain(tmp_path: Path) -> None:
    # Settings for the user's configuration do not affect the demo.
    done = call("demo", "--speed", "3000", "--keep", "kept", folder=tmp_path, WIREWATCH_HOME="/nowhere")
    assert done.stdout.count("High ·") == 2
    assert "30 December" in done.stdout
    assert "Roth" not in done.stdout
    # A bot with the kept folder asks no search engine of the internet.
    assert not app.load(tmp_path / "kept", {}).audit_searches
    stories = json.loads(call("stories", "--json", "--config", "kept", folder=tmp_path).stdout)
    assert sorted(len(story["articles"]) for story in stories) == [1, 7]
    assert all(article["matches"] for story in stories for article in story["articles"])
    assert call("demo", "--keep", "kept", folder=tmp_path, code=2).stderr
    article = stories[0]["articles"][-1]
    words = ("explain", "--url", article["link"], "--config", "kept")
    output = call(*words, folder=tmp_path).stdout
    assert f"grouping: {article['joined']['reason']}" in output
    assert "decided: " in output
    (entry, *_) = json.loads(call(*words, "--json", folder=tmp_path).stdout)
    assert entry["story"]["joined"] == article["joined"]


def feeds_of(folder: Path, *addresses: str) -> None:
    lines = "".join(f"  - {address}  # kept\n" for address in addresses) or "  []\n"
    (folder / "config" / "bot.yaml").write_text(
        "channels: {alerts: {kind: console}}\nfetch: {readers: 0, allow_private: [127.0.0.0/8]}\n"
    )
    (folder / "config" / "feeds.yaml").write_text(f"# our feeds\nfeeds:\n{lines}")


def test_an_imported_list_is_added_once_and_comments_stay(started: Path) -> None:
    feeds_of(started, "https://one.example/feed")
    (started / "list.opml").write_text(
        '<opml version="1.0"><body><outline text="Two & three" xmlUrl="https://two.example/feed"/>'
        '<outline text="One" xmlUrl="https://one.example/feed"/></body></opml>'
    )
    for added in ("1 added, 1 already there", "0 added, 2 already there"):
        assert added in call("feeds", "import", "list.opml", folder=started).stderr
    text = (started / "config" / "feeds.yaml").read_text()
    assert "# our feeds" in text
    assert "one.example/feed  # kept" in text
    assert "https://two.example/feed" in call("feeds", "export", folder=started).stdout


async def test_once_names_the_feeds_that_cannot_be_read_and_says_why_messages_were_not_sent(tmp_path: Path) -> None:
    bot = f"database: sqlite:///{tmp_path}/w.db\nchannels: {{hook: {{kind: webhook, url: env:HOOK}}}}\n"
    bot += "fetch: {readers: 0, allow_private: [127.0.0.0/8]}\n"
    rules = "rules:\n  - {name: A, all: [kettles], notify: hook}\n"
    nobody = f"http://127.0.0.1:{ports.free()}/"
    once = partial(call, "once", "--now", "--drain", "1s", "--config", ".", folder=tmp_path, HOOK=nobody)
    async with FeedServer() as server:
        server.serve("/a", rss("wire"))
        configs.write(tmp_path, bot=bot, feeds=[server.url("/a"), f"{nobody}1.xml"], rules=rules)
        # One of two feeds can be read.
        assert f"broken: {nobody}1.xml" in (await asyncio.to_thread(once)).stderr
        server.serve("/a", rss("wire", Item(id="1", title="Kettles are back", text="So.", at=SystemClock().now())))
        done = await asyncio.to_thread(once, code=1)
    assert "0 messages sent, 1 to send later, 0 parked" in done.stderr
    (why,) = [line for line in done.stderr.splitlines() if line.startswith("not sent to hook: ")]
    assert "refused" in why


async def test_a_page_is_added_by_the_feed_that_it_names_and_a_known_place_by_its_short_form(started: Path) -> None:
    feeds_of(started, "https://one.example/feed")
    async with FeedServer() as server:
        server.serve("/apnews/topics/top", rss("AP News by RSSHub"))
        place = f"rsshub:{server.url('/apnews/topics/top')}"
        for message in ("1 added", "already there"):
            done = await asyncio.to_thread(call, "feeds", "add", place, folder=started)
            assert message in done.stdout + done.stderr
        assert f'url: "{place}"' in (started / "config" / "feeds.yaml").read_text()
        done = await asyncio.to_thread(call, "feeds", "test", place, "--json", folder=started)
        assert server.url("/apnews/topics/top") in done.stdout

        server.serve("/feed.xml", rss("wire"))
        page = b'<html><head><link rel="alternate" type="application/rss+xml" href="/feed.xml"></head></html>'
        server.serve("/", Reply(body=page, headers={"Content-Type": "text/html"}))
        done = await asyncio.to_thread(call, "feeds", "add", server.url("/"), folder=started)
        assert "named by" in done.stdout
        assert server.url("/feed.xml") in (started / "config" / "feeds.yaml").read_text()
        server.serve("/nothing", Reply(body=b"<html></html>", headers={"Content-Type": "text/html"}))
        test = partial(call, "feeds", "test", server.url("/nothing"), folder=started, code=2)
        assert "HTML" in (await asyncio.to_thread(test)).stderr
        # With a mistake in bot.yaml, its permission to read this machine's addresses is ignored too.
        (started / "config" / "bot.yaml").write_text((started / "config" / "bot.yaml").read_text() + "nonsense: 1\n")
        done = await asyncio.to_thread(test)
    assert "its fetch settings are ignored" in done.stderr
    assert "private" in done.stderr


async def test_no_command_shows_the_secret_of_an_address(started: Path) -> None:
    """One in the query is known by its name, one that a variable holds whatever it is."""
    query, path = "glft-0123456789", "a1b2c3d4e5f6"
    async with FeedServer() as server:
        server.serve(f"/dash.xml?feed_token={query}", rss("dash"))
        server.serve(f"/{path}/feed.xml", Reply(status=500))
        private = server.url(f"/{path}/feed.xml")
        feeds_of(
            started,
            f"{{url: '{server.url(f'/dash.xml?feed_token={query}')}'}}",
            "{url: env:PRIVATE_FEED, name: Private}",
        )
        shown = ""
        for words in (
            ("check",),
            ("once", "--now"),
            ("once", "--now", "--json"),
            ("status",),
            ("status", "--json"),
            ("feeds", "export"),
        ):
            done = await asyncio.to_thread(partial(call, *words, folder=started, PRIVATE_FEED=private))
            shown += done.stdout + done.stderr
        assert {request.path for request in server.requests} >= {f"/dash.xml?feed_token={query}", f"/{path}/feed.xml"}
    assert query not in shown
    assert path not in shown
    assert "feed_token=***" in shown
    assert "env:PRIVATE_FEED" in shown
    assert "this address seems to hold a secret" in shown


def test_once_on_a_machine_without_a_network_says_so_in_one_line(started: Path) -> None:
    addresses = [f"http://127.0.0.1:9/{number}.xml" for number in range(12)]
    feeds_of(started, *addresses)
    lines = call("once", "--now", folder=started, code=1).stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("None of the 12 feeds could be read")
    shown = call("status", folder=started).stdout
    assert len([line for line in shown.splitlines() if "127.0.0.1:9/" in line and "failing (1)" in line]) == 12
    assert "None of the 12 feeds could be read" in shown
    feeds_of(started, addresses[0])
    call("once", "--now", folder=started, code=1)
    assert "The only feed could not be read: 127.0.0.1" in call("status", folder=started).stdout


def test_a_silence_is_made_listed_shown_by_status_and_ended(tmp_path: Path) -> None:
    bot = "database: sqlite:///w.db\nchannels: {alerts: {kind: console}}\n"
    rules = "rules:\n  - {name: Exits, all: {what: [exit]}, notify: alerts}\n"
    configs.write(tmp_path, bot=bot, rules=rules)
    fresh.archive(tmp_path / "w.db")

    def silence(*words: str, code: int = 0) -> str:
        done = call("silence", *words, folder=tmp_path, code=code)
        return done.stdout + done.stderr

    assert "No silence is in force" in silence("list")
    output = silence("add", "rule", "Exits", "--for", "2 hours", "--reason", "followed live")
    (silenced,) = json.loads(silence("list", "--json"))
    assert (silenced["kind"], silenced["name"], silenced["reason"], silenced["is_active"]) == (
        "rule",
        "Exits",
        "followed live",
        True,
    )
    assert output.startswith(f'Silence {silenced["id"]}: rule "Exits" in every channel until ')
    assert "followed live (0 stories held back)" in silence("list")
    status = call("status", folder=tmp_path).stdout
    assert f'silence {silenced["id"]}  rule "Exits" in every channel, until' in status

    assert silence("end", silenced["id"]) == f'Silence {silenced["id"]} has ended: rule "Exits".\n'
    assert json.loads(silence("list", "--json")) == []
    assert "has already ended" in silence("end", silenced["id"], code=2)
    for words, error in (
        (["rule", "Exits", "--reason", "x"], "a silence needs an end"),
        (["rule", "Exits", "--for", "soon", "--reason", "x"], "a length of time is a number and a unit"),
    ):
        assert error in silence("add", *words, code=2)
    assert 'rule "Exits" in alerts until ' in silence(
        "add", "rule", "exi", "--for", "3d", "--channel", "alerts", "--reason", "x"
    )


ROUTED = """\
database: sqlite:///w.db
channels: {desk: {kind: console}, night: {kind: console}}
routes:
  - {match: {hours: "22:00 to 07:00"}, to: night}
  - to: desk
"""
ROUTED_RULES = """\
rules:
  - {name: Exits, all: {what: [exit]}}
  - {name: Elections, any: [ballots], notify: desk, until: 2025-01-01, must_match: [New ballots], must_not_match: [x]}
  - {name: Strikes, any: [strikes], notify: desk, paused: true, must_match: [More strikes], must_not_match: [x]}
"""
GOES_TO = "night (22:00 to 07:00 UTC), else desk"
ENDED = "ended on 2025-01-02 at 00:00 UTC"


def test_check_explain_and_status_show_where_rules_go_and_which_are_paused_or_over(tmp_path: Path) -> None:
    configs.write(tmp_path, bot=ROUTED, rules=ROUTED_RULES)
    command = partial(call, folder=tmp_path, COLUMNS="200")

    checked = command("check", "--routes")
    assert f"Exits: {GOES_TO}" in checked.stdout
    assert f'a.yaml:3:12: warning: the rule "Elections" {ENDED}' in checked.stdout
    assert "paused: Strikes" in checked.stderr

    assert f"Goes to {GOES_TO}" in command("explain", "Exits").stdout
    for rule, text, reason in (("Elections", "New ballots", ENDED), ("Strikes", "More strikes", "is paused")):
        shown = command("explain", rule, "--text", text).stdout
        assert f"{rule}: does not match" in shown
        assert f"would match; the rule {reason}" in shown

    command("once")
    rows = [line.split() for line in command("status").stdout.splitlines()]
    assert ["Exits", *GOES_TO.split(), "0"] in [row[: len(GOES_TO.split()) + 2] for row in rows]
    assert ["Elections", "desk", "0", "ended"] in rows
    assert ["Strikes", "desk", "0", "paused"] in rows
    status = json.loads(command("status", "--json").stdout)
    assert [(rule["name"], rule["paused"], rule["ended"]) for rule in status["rules"]] == [
        ("Exits", False, False),
        ("Elections", False, True),
        ("Strikes", True, False),
    ]

    (tmp_path / "bot.yaml").write_text(ROUTED.replace("console", "consol"))
    assert 'unknown kind of channel "consol"' in command("check", "--routes", code=1).stdout


def test_check_warns_of_a_rule_that_needs_more_outlets_than_the_feeds_have(tmp_path: Path) -> None:
    rules = "rules:\n  - {name: Exits, all: {what: [exit]}, min_outlets: 3, notify: desk}\n"
    feeds: list[str | dict[str, object]] = [f"https://{name}.example/feed.xml" for name in ("wire", "post")]
    configs.write(tmp_path, bot=ROUTED, rules=rules, feeds=feeds)
    warning = 'the rule "Exits" posts nothing: it needs 3 outlets'
    assert warning in call("check", folder=tmp_path).stdout
    feeds.append({"url": "https://links.example/feed.xml", "aggregator": True})
    configs.write(tmp_path, bot=ROUTED, rules=rules, feeds=feeds)
    assert "posts nothing" not in call("check", folder=tmp_path).stdout


QUIT = Item(id="w1", title="BlackBerry quits Pakistan after PTA sought backdoor into BES", text="No.", at=START)
TWO_RULES = """\
rules:
  - {name: BlackBerry, any: [BlackBerry], notify: desk}
  - {name: Wombats, any: [wombat*], notify: desk}
"""


async def test_the_list_of_stories_is_short_and_explain_shows_the_story_the_rules_and_the_messages(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as running:
        running.configure("wire", bot=BOT, rules=TWO_RULES)
        await running.once()
        running.publish("wire", QUIT)
        await running.once()
        (story,) = await running.stories()
        short = (await running.call("stories")).stdout
        whole = (await running.call("stories", "--all")).stdout
        link = "https://wire.example/w1"
        explained = (await running.call("explain", "--url", link)).stdout.splitlines()
        document: Any = json.loads((await running.call("explain", "BlackBerry", "--url", link, "--json")).stdout)
        (message,) = running.heads()
    assert [line.strip() for line in short.splitlines()] == [
        QUIT.title,
        "wire · BlackBerry",
        f"{story.id[:8]} · 2015-12-02 09:10 UTC · desk: sent",
    ]
    assert "grouping: opened" in whole
    assert "desk: post, first report" in whole
    first, *_, last = (line for line in explained if line)
    assert first.startswith("story: BlackBerry quits Pakistan after PTA sought backdoor into BES (")
    assert any("message: post to desk, sent 2015-12-02 09:10 UTC" in line for line in explained)
    (sent,) = document[0]["story"]["messages"]
    assert (sent["state"], sent["receipt"]) == ("sent", message["ts"])
    assert "BlackBerry: matches" in explained
    assert last == "1 other rule without a match (name one to see why): Wombats"


@pytest.mark.parametrize(
    ("service", "remedy"),
    [(DISCORD, "Reset Token"), (TELEGRAM, "@BotFather"), (TEAMS, "copy its whole address")],
    ids=["discord", "telegram", "teams"],
)
def test_a_channel_that_is_ready_gets_one_test_message_and_with_a_wrong_secret_it_is_said_where_the_right_one_is(
    service: Service, remedy: str, tmp_path: Path
) -> None:
    def send_test(secret: str, *, code: int = 0) -> str:
        done = call("send-test", "chat", "--config", ".", folder=tmp_path, code=code, A=secret)
        output = done.stdout + done.stderr
        # Of an address, the signature.
        assert secret.rpartition("=")[2] not in output
        return " ".join(output.split())

    with service.serve() as server:
        channel = {"kind": service.kind, **service.keys(server)}
        configs.write(tmp_path, bot=json.dumps({"channels": {"chat": channel, "alerts": {"kind": "console"}}}))
        send_test(service.secret(server))
        assert len(service.shown(server)) == 1
        assert remedy in send_test(service.secret(server)[:-1], code=1)
        assert len(service.shown(server)) == 1
