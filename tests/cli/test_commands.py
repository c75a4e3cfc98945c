"""The commands, as a user types them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from bot.app.environment import SystemClock
from tests.journeys.world import Item, rss
from tests.testbed import configs
from tests.testbed.commands import wirewatch
from tests.testbed.servers import ports, slack
from tests.testbed.servers.feeds import FeedServer, Reply


@pytest.fixture
def started(tmp_path: Path) -> Path:
    wirewatch("init", "config", folder=tmp_path)
    return tmp_path


def test_init_writes_a_configuration_without_problems_and_never_overwrites_one(started: Path) -> None:
    assert "no problems" in wirewatch("check", "--strict", folder=started).stderr
    assert "has a configuration" in wirewatch("init", "config", folder=started, code=2).stderr


def test_init_writes_only_the_missing_files_of_a_configuration(started: Path) -> None:
    config = started / "config"
    (config / "bot.yaml").unlink()
    (config / "feeds.yaml").write_text("feeds: []\n")
    (config / "rules" / "mine.yaml").write_text("rules: []\n")
    rules = sorted((config / "rules").iterdir())
    advice = wirewatch("check", folder=started, code=1).stdout
    assert "wirewatch init config" in advice
    wirewatch("init", "config", folder=started)
    wirewatch("check", folder=started)
    assert (config / "feeds.yaml").read_text() == "feeds: []\n"
    assert sorted((config / "rules").iterdir()) == rules


def test_words_are_not_an_address_and_a_file_is_not_a_folder(started: Path) -> None:
    advice = wirewatch("feeds", "add", "lawful access Pakistan", folder=started, code=2).stderr
    assert 'wirewatch feeds find "lawful access Pakistan"' in advice
    advice = wirewatch("check", "--config", "config/bot.yaml", folder=started, code=2).stderr
    assert advice.rstrip().endswith(f"--config {started}/config")


def test_a_refused_rule_is_named_as_refused(started: Path) -> None:
    (started / "config" / "rules" / "mine.yaml").write_text(
        "rules:\n  - {name: PTA watch, any: [BES], notify: alerts, must_match: [A museum opens]}\n"
    )
    (started / "config" / "feeds.yaml").write_text("feeds: []\n")
    expected = 'the rule "PTA watch" is off because of a mistake, which `wirewatch check` shows'
    wirewatch("once", folder=started)
    for words in (
        ("explain", "PTA watch", "--text", "BES"),
        ("try", "pta watch"),
        ("silence", "add", "rule", "PTA watch", "--for", "1d", "--reason", "x"),
    ):
        assert expected in wirewatch(*words, folder=started, code=2).stderr


def test_init_writes_nothing_into_a_folder_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert "not an empty folder" in wirewatch("init", ".", folder=tmp_path, code=2).stderr
    assert "is a file" in wirewatch("init", "notes.txt", folder=tmp_path, code=2).stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt"]


def test_a_minimal_configuration_has_one_channel_one_feed_and_one_rule_and_no_problem(tmp_path: Path) -> None:
    wirewatch("init", "--minimal", "mine", folder=tmp_path)
    done = wirewatch("check", "--strict", "--routes", "--config", "mine", folder=tmp_path)
    assert "no problems" in done.stderr
    assert done.stdout.splitlines() == ["Messengers and the law: alerts"]
    feeds = (tmp_path / "mine" / "feeds.yaml").read_text()
    assert feeds.count("url:") == 1
    assert (tmp_path / "mine" / "bot.yaml").read_text().count("kind:") == 1


@pytest.mark.parametrize(
    "program",
    [
        f"{sys.executable} -m bot",
        pytest.param(str(Path(sys.executable).with_name("wirewatch")), marks=pytest.mark.long),
    ],
)
def test_the_next_step_that_init_prints_works_as_typed(program: str, tmp_path: Path) -> None:
    def typed(line: str) -> subprocess.CompletedProcess[str]:
        # No activated environment: only what the shell always finds.
        environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.run(line, shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    done = typed(f"{program} init 'my folder'")
    assert done.returncode == 0, done.stderr
    _, check, run = done.stdout.splitlines()
    assert run.strip().endswith("run --config 'my folder'")
    assert "no problems" in typed(check).stderr


def test_inside_a_configuration_its_folder_need_not_be_named(tmp_path: Path) -> None:
    wirewatch("init", "--minimal", "mine", folder=tmp_path)
    assert "no problems" in wirewatch("check", "--strict", folder=tmp_path / "mine").stderr
    # ./bot.yaml comes before ./config, and a folder that is named before both.
    wirewatch("init", "--minimal", "config", folder=tmp_path / "mine")
    (tmp_path / "mine" / "config" / "bot.yaml").write_text("channels: {}\n")
    assert "no problems" in wirewatch("check", folder=tmp_path / "mine").stderr
    assert "1 error" in wirewatch("check", "--config", "config", folder=tmp_path / "mine", code=1).stderr


def test_without_a_configuration_it_is_said_where_one_was_looked_for(tmp_path: Path) -> None:
    [line] = wirewatch("check", folder=tmp_path, code=2).stderr.splitlines()
    assert f"{tmp_path} contains neither bot.yaml nor a folder config" in line
    assert "--config DIR" in line
    assert "wirewatch init" in line


def test_check_says_what_where_and_what_to_do_and_exits_1(started: Path) -> None:
    rules = started / "config" / "rules" / "mine.yaml"
    rules.write_text("rules:\n  - name: One\n    nome: [x]\n    all: {a: [BES]}\n    notify: alerts\n")
    done = wirewatch("check", folder=started, code=1)
    assert 'config/rules/mine.yaml:3:5: error: unknown key "nome"' in done.stdout
    assert 'did you mean "none"?' in done.stdout
    problems = json.loads(wirewatch("check", "--json", folder=started, code=1).stdout)
    assert any(problem["code"] == "unknown-key" and problem["line"] == 3 for problem in problems)


@pytest.mark.parametrize("words", [("merge", "--config", "{}", "0a", "1b"), ("--config", "{}", "merge", "0a", "1b")])
def test_the_folder_of_a_story_command_may_stand_before_or_after_its_name(
    started: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    named = [word.format(started / "config") for word in words]
    assert "wirewatch.db: it does not exist yet" in wirewatch("stories", *named, folder=elsewhere, code=2).stderr
    assert "Usage" in wirewatch("stories", "split", "--help", folder=elsewhere).stdout
    assert "no configuration" in wirewatch("stories", folder=elsewhere, code=2).stderr


def test_explain_says_how_to_name_an_article(started: Path) -> None:
    link = "https://wire.example/ferry"
    assert f"write --url {link}" in wirewatch("explain", link, folder=started, code=2).stderr


def test_explain_reads_a_rule_back_and_says_what_is_missing(started: Path) -> None:
    assert "PTA" in wirewatch("explain", "BlackBerry", folder=started).stdout
    done = wirewatch("explain", "BlackBerry", "--text", "BlackBerry asks the PTA for a meeting", folder=started)
    assert "does not match" in done.stdout
    assert "demand" in done.stdout
    done = wirewatch("explain", "BlackBerry", "--text", "BlackBerry quits after PTA sought backdoor", folder=started)
    assert ": matches" in done.stdout


def test_a_name_or_a_query_of_several_words_needs_no_quotation_marks(started: Path) -> None:
    (started / "config" / "rules" / "mine.yaml").write_text(
        "rules:\n  - {name: PTA watch list, any: [BES], notify: alerts}\n"
    )
    (started / "config" / "feeds.yaml").write_text("feeds: []\n")
    wirewatch("once", folder=started)
    assert "PTA watch list: matches" in wirewatch("explain", *"PTA watch --text BES".split(), folder=started).stdout
    assert "PTA watch list" in wirewatch("try", "pta", "watch", folder=started).stdout
    assert "Nothing found" in wirewatch("search", *"bes or pta".split(), folder=started).stderr
    added = wirewatch("silence", *"add rule PTA watch --for 1d --reason x".split(), folder=started)
    assert "PTA watch list" in added.stderr


@pytest.mark.parametrize("command", ["stories", "status", "try BlackBerry"])
def test_a_question_before_the_first_run_says_what_to_do(command: str, started: Path) -> None:
    assert "wirewatch run" in wirewatch(*command.split(), folder=started, code=2).stderr


@pytest.fixture
def workspace() -> Iterator[slack.Server]:
    with slack.serve() as server:
        server.workspace.add_channel("policy-alerts")
        yield server


def with_slack(folder: Path, server: slack.Server) -> None:
    (folder / "config" / "bot.yaml").write_text(
        "channels:\n"
        "  alerts: {kind: console}\n"
        f'  desk: {{kind: slack, to: "#policy-alerts", token: env:SLACK_BOT_TOKEN, api_url: "{server.api_url}"}}\n'
    )


def demo(*words: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the demo as people do, but faster."""
    command = [sys.executable, "-m", "bot", "demo", "--speed", "300", *words]
    environ = {**os.environ, "COLUMNS": "100", **environ}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=True)


def test_the_demo_tells_the_story_and_leaves_its_database_to_look_at_and_to_explain(tmp_path: Path) -> None:
    # Settings for the user's configuration do not affect the demo.
    done = demo("--keep", "kept", folder=tmp_path, WIREWATCH_HOME="/nowhere")
    assert done.stdout.count("High ·") == 2
    assert "30 December" in done.stdout
    assert "Roth" not in done.stdout
    assert "Seen only elsewhere: 1 of 2 stories\n  Senate committee summons" in done.stderr
    stories = json.loads(wirewatch("stories", "--json", "--config", "kept", folder=tmp_path).stdout)
    assert sorted(len(story["articles"]) for story in stories) == [1, 7]
    assert all(article["matches"] for story in stories for article in story["articles"])
    assert wirewatch("demo", "--keep", "kept", folder=tmp_path, code=2).stderr
    article = stories[0]["articles"][-1]
    words = ("explain", "--url", article["link"], "--config", "kept")
    output = wirewatch(*words, folder=tmp_path).stdout
    assert f"grouping: {article['joined']['reason']}" in output
    assert "decided: " in output
    (entry, *_) = json.loads(wirewatch(*words, "--json", folder=tmp_path).stdout)
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
        assert added in wirewatch("feeds", "import", "list.opml", folder=started).stderr
    text = (started / "config" / "feeds.yaml").read_text()
    assert "# our feeds" in text
    assert "one.example/feed  # kept" in text
    assert "https://two.example/feed" in wirewatch("feeds", "export", folder=started).stdout


async def test_once_says_why_messages_were_not_sent_and_to_which_channel(tmp_path: Path) -> None:
    bot = f"database: sqlite:///{tmp_path}/w.db\nchannels: {{hook: {{kind: webhook, url: env:HOOK}}}}\n"
    bot += "fetch: {readers: 0, allow_private: [127.0.0.0/8]}\n"
    rules = "rules:\n  - {name: A, all: [kettles], notify: hook}\n"
    new = Item(id="1", title="Kettles are back", text="A firm says so.", at=SystemClock().now())
    async with FeedServer() as server:
        server.serve("/a", rss("wire", new))
        configs.write(tmp_path, bot=bot, feeds=[server.url("/a")], rules=rules)
        words = ("once", "--now", "--drain", "1s", "--config", str(tmp_path))
        nobody = f"http://127.0.0.1:{ports.free()}/"
        done = await asyncio.to_thread(wirewatch, *words, folder=tmp_path, code=1, HOOK=nobody)
    assert "0 messages sent, 1 to send later, 0 parked" in done.stderr
    (why,) = [line for line in done.stderr.splitlines() if line.startswith("not sent to hook: ")]
    assert "refused" in why


async def test_adding_a_page_finds_the_feed_that_it_names(started: Path) -> None:
    feeds_of(started, "https://one.example/feed")
    async with FeedServer() as server:
        server.serve("/feed.xml", rss("wire"))
        page = b'<html><head><link rel="alternate" type="application/rss+xml" href="/feed.xml"></head></html>'
        server.serve("/", Reply(body=page, headers={"Content-Type": "text/html"}))
        done = await asyncio.to_thread(wirewatch, "feeds", "add", server.url("/"), folder=started)
        assert "named by" in done.stdout
        assert server.url("/feed.xml") in (started / "config" / "feeds.yaml").read_text()
        server.serve("/nothing", Reply(body=b"<html></html>", headers={"Content-Type": "text/html"}))
        done = await asyncio.to_thread(wirewatch, "feeds", "test", server.url("/nothing"), folder=started, code=2)
    assert "HTML" in done.stderr


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
            done = await asyncio.to_thread(partial(wirewatch, *words, folder=started, PRIVATE_FEED=private))
            shown += done.stdout + done.stderr
        assert {request.path for request in server.requests} >= {f"/dash.xml?feed_token={query}", f"/{path}/feed.xml"}
    assert query not in shown
    assert path not in shown
    assert "feed_token=***" in shown
    assert "env:PRIVATE_FEED" in shown
    assert "this address seems to hold a secret" in shown


async def test_a_known_place_is_added_by_its_short_form_and_once(started: Path) -> None:
    feeds_of(started, "https://one.example/feed")
    async with FeedServer() as server:
        server.serve("/apnews/topics/top", rss("AP News by RSSHub"))
        place = f"rsshub:{server.url('/apnews/topics/top')}"
        for message in ("1 added", "already there"):
            done = await asyncio.to_thread(wirewatch, "feeds", "add", place, folder=started)
            assert message in done.stdout + done.stderr
        assert f'url: "{place}"' in (started / "config" / "feeds.yaml").read_text()
        done = await asyncio.to_thread(wirewatch, "feeds", "test", place, "--json", folder=started)
        assert server.url("/apnews/topics/top") in done.stdout
        done = await asyncio.to_thread(wirewatch, "feeds", "add", "reddit:pakistan", folder=started, code=2)
    assert "reddit:r/NAME" in done.stderr


async def test_a_configuration_with_mistakes_is_said_not_to_count_where_a_feed_is_tried(started: Path) -> None:
    bot = started / "config" / "bot.yaml"
    bot.write_text(bot.read_text() + "nonsense: 1\n")
    async with FeedServer() as server:
        server.serve("/feed.xml", rss("wire"))
        done = await asyncio.to_thread(wirewatch, "feeds", "test", server.url("/feed.xml"), folder=started, code=2)
    assert "its fetch settings are ignored" in done.stderr
    # The shipped settings allow no private address.
    assert "private" in done.stderr


@pytest.mark.long
def test_the_demo_goes_to_a_channel_of_your_own_when_named(started: Path, workspace: slack.Server) -> None:
    with_slack(started, workspace)
    wirewatch("demo", "--speed", "300", "--channel", "desk", folder=started, SLACK_BOT_TOKEN=slack.TOKEN)
    messages = workspace.workspace.messages("policy-alerts")
    assert sum("thread_ts" not in message for message in messages) == 2
    assert any("thread_ts" in message for message in messages)
    assert wirewatch("demo", "--channel", "nobody", folder=started, code=2).stderr


def test_once_on_a_machine_without_a_network_says_so_in_one_line(started: Path) -> None:
    feeds = started / "config" / "feeds.yaml"
    feeds.write_text("feeds:\n" + "".join(f"  - http://127.0.0.1:9/{number}.xml\n" for number in range(12)))
    lines = wirewatch("once", "--now", folder=started, code=1).stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("None of the 12 feeds could be read")
    shown = wirewatch("status", folder=started).stdout
    assert shown.count("127.0.0.1:9/") == 12
    assert len([line for line in shown.splitlines() if "failing (1)" in line]) == 12
    assert "None of the 12 feeds could be read" in shown


async def test_once_succeeds_if_one_of_two_feeds_can_be_read(started: Path) -> None:
    async with FeedServer() as server:
        server.serve("/feed.xml", rss("wire"))
        feeds = [{"url": server.url("/feed.xml")}, {"url": "http://127.0.0.1:9/1.xml"}]
        bot = "channels: {alerts: {kind: console}}\nfetch: {allow_private: [127.0.0.0/8]}\n"
        rules = "rules:\n  - {name: Recalls, all: {what: [recalls]}, notify: alerts}\n"
        configs.write(started / "config", bot=bot, feeds=feeds, rules=rules)
        done = await asyncio.to_thread(wirewatch, "once", "--now", folder=started)
    assert "broken: http://127.0.0.1:9/1.xml" in done.stderr


def test_status_of_a_bot_whose_only_feed_fails_speaks_of_one_feed(started: Path) -> None:
    (started / "config" / "feeds.yaml").write_text("feeds:\n  - http://127.0.0.1:9/1.xml\n")
    wirewatch("once", "--now", folder=started, code=1)
    assert "The only feed could not be read: 127.0.0.1" in wirewatch("status", folder=started).stdout
