"""With what a feed is asked: its own keys, those of its host's group, and which of them may be written out."""

from __future__ import annotations

from pathlib import Path

from bot import app, model
from tests.config import folders

TOKEN = "eleven-secret-letters"
ENVIRON = {"TOKEN": TOKEN, "OTHER": "other"}
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


def accesses(tmp_path: Path, *, feeds: str = FEEDS, groups: str = GROUPS) -> dict[str, model.Access | None]:
    folder = folders.make(tmp_path)
    folders.write(folder, {"feeds.yaml": feeds, "bot.yaml": folders.BOT + groups})
    return {feed.url: feed.access for feed in app.load(folder, ENVIRON).feeds}


def test_a_hosts_group_gives_its_feeds_what_they_do_not_say_themselves(tmp_path: Path) -> None:
    found = accesses(tmp_path)
    token, other = model.Secret.parse("env:TOKEN"), model.Secret.parse("env:OTHER")
    assert found["https://a.news.example/feed"] == model.Access(
        home="https://a.news.example/feed",
        headers=(("X-Key", token),),
        login=model.Login(user="me", secret=token),
    )
    assert found["https://news.example/feed"] == model.Access(
        home="https://news.example/feed", login=model.Login(secret=other), cookies=(("session", token),)
    )
    assert found["https://elsewhere.example/feed"] is None


def test_a_secret_that_is_not_set_is_warned_of_at_its_key(tmp_path: Path) -> None:
    folder = folders.make(tmp_path)
    feeds = "feeds:\n  - url: https://news.example/feed\n    headers: {X-Key: env:FORGOTTEN}\n"
    group = "fetch:\n  hosts:\n    news.example: {proxy: env:FORGOTTEN}\n"
    folders.write(folder, {"feeds.yaml": feeds, "bot.yaml": folders.BOT + group})
    found = [
        (Path(problem.file).name, problem.line, problem.severity)
        for problem in folders.check(folder)
        if problem.code == "unset-secret" and "FORGOTTEN" in problem.message
    ]
    line = (folders.BOT + group).splitlines().index("    news.example: {proxy: env:FORGOTTEN}") + 1
    assert found == [("bot.yaml", line, "warning"), ("feeds.yaml", 3, "warning")]


def test_no_problem_shows_a_secret_that_was_written_out(tmp_path: Path) -> None:
    folder = folders.make(tmp_path)
    wrong = """\
headers: {X-Key: %s}
headers: [%s]
headers: {"X %s": env:TOKEN}
headers: {Authorization: Bearer %s}
header: {X: %s}
cookies: {a: %s}
auth: {bearer: %s}
auth: {baerer: %s}
auth: {basic: {user: me, password: %s}}
Authorization: Bearer %s
api_key: %s
proxy: http://me:%s@proxy.example""".splitlines()
    for line in wrong:
        said = line % TOKEN
        folders.write(folder, {
            "feeds.yaml": f"feeds:\n  - url: https://news.example/feed\n    {said}\n",
            "bot.yaml": f"{folders.BOT}fetch:\n  hosts:\n    news.example:\n      {said}\n",
        })  # fmt: skip
        problems = folders.check(folder)
        assert any(problem.severity == "error" for problem in problems), line
        assert TOKEN not in str(problems) + "".join(problem.source or "" for problem in problems), line
