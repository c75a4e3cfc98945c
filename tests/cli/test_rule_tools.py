"""wirewatch try as a user types it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot import storage
from bot.app.environment import SystemClock
from bot.cli import archive, init
from bot.model.feeds import FeedState
from bot.model.stories import Article
from bot.queries.trials import TRY_RULE, PastedTrialDocument
from tests.pipeline.archives import article
from tests.testbed.commands import call

REGULATOR = [
    "PTA orders telecom operators in Pakistan to block the service",
    "Pakistan regulator PTA asks telecom firms for access",
    "PTA extends deadline for telecom licence in Islamabad",
    "Pakistan: PTA shuts mobile network, telecom sector protests",
    "PTA tells mobile operators to register in Pakistan",
    "Telecom regulator PTA lifts ban in Pakistan",
    "Mobile firms in Pakistan pay PTA telecom fee",
]
SCHOOL = [
    "Parents at PTA meeting debate school lunch",
    "School PTA raises money for playground, parents say",
    "PTA parents ask school for crossing guard",
    "Teachers and parents join PTA at elementary school",
    "School PTA bake sale: parents queue",
]
MINE = """rules:
  - name: Telecom regulator
    any: [PTA]
    notify: alerts
    must_match: [PTA orders telecom firms]
"""


def published(*titles: str) -> list[Article]:
    """Return an article for each title; they came in the last four days."""
    start = SystemClock().now() - timedelta(days=4)
    return [
        replace(article(title), first_seen=start + number * timedelta(hours=5)) for number, title in enumerate(titles)
    ]


async def write(folder: Path, work: Callable[[storage.Transaction], None]) -> None:
    store = storage.open_store(f"sqlite:///{folder}/config/data/wirewatch.db", clock=SystemClock())
    await store.write(work)
    await store.close()


@pytest.fixture
def started(tmp_path: Path) -> Path:
    """Return a folder with a configuration, an archive whose articles came in the last days, and a rule to try."""
    init.copy_starter(tmp_path / "config")
    articles = published(*REGULATOR, *SCHOOL, "A pta in small letters")
    asyncio.run(write(tmp_path, lambda tx: tx.articles.add(articles)))
    (tmp_path / "mine.yaml").write_text(MINE)
    return tmp_path


OPINIONS = [f"Opinion: PTA is wrong about {subject}" for subject in ("telecom", "mobile phones", "the internet")]


def test_try_shows_matches_near_misses_messages_and_forms_of_a_file_that_is_not_loaded(started: Path) -> None:
    asyncio.run(write(started, lambda tx: tx.articles.add(published(*OPINIONS))))
    (started / "config" / "bot.yaml").write_text("channels: {alerts: {kind: console}, desk: {kind: console}}\n")
    (started / "mine.yaml").write_text(MINE.replace("notify: alerts", "notify: [alerts, desk]"))
    shown = call("try", "mine.yaml", "--since", "30d", folder=started).stdout
    assert "would match 15 articles" in shown
    assert 'PTA found as "pta"' in shown
    assert "█" in shown
    assert "not plain reports: 3 opinion; leave them out with skip: [opinion]" in shown
    posts, stories = re.findall(r"It would have made (\d+) posts?.*, about (\d+) stor", shown)[0]
    assert int(posts) <= int(stories), "a message is listed once with all its channels"
    assert "alerts, desk: " in shown
    (started / "mine.yaml").write_text(MINE + "    skip: [opinion]\n")
    shown = call("try", "mine.yaml", "--since", "30d", folder=started).stdout
    assert "would match 12 articles" in shown
    assert "near misses, skipped for their form: 3" in shown
    assert 'the rule skips the form opinion, which "Opinion:" shows' in shown


def test_try_compares_a_file_with_another_or_with_the_loaded_rule_of_the_same_name(started: Path) -> None:
    (started / "other.yaml").write_text(MINE.replace("any: [PTA]", "all: [telecom, PTA]"))
    shown = call("try", "mine.yaml", "--against", "other.yaml", folder=started).stdout
    assert "compared with other.yaml:" in shown
    assert "0 no longer" in shown
    (started / "config" / "rules" / "mine.yaml").write_text(MINE.replace("[PTA]", "[telecom]"))
    report = json.loads(call("try", "mine.yaml", "--json", folder=started).stdout)
    (rule_report,) = report["rules"]
    assert rule_report["compared"]["with"] == "the loaded version"
    assert rule_report["compared"]["both"] == sum("telecom" in title for title in map(str.lower, REGULATOR))
    assert len(rule_report["matches"]) == rule_report["compared"]["both"] + len(rule_report["compared"]["starts"])
    assert sum(rule_report["by_day"].values()) == 12
    assert report["messages"]


def test_try_tells_what_is_wrong_with_a_file_and_tries_the_rest(started: Path) -> None:
    (started / "half.yaml").write_text(MINE + "  - {name: Broken, any: [a*], notify: alerts}\n")
    done = call("try", "half.yaml", folder=started, code=1)
    assert "half.yaml:6:" in done.stderr
    assert "would match 12" in done.stdout
    (started / "broken.yaml").write_text("rules:\n  - {name: Broken, any: [a*], notify: nobody}\n")
    done = call("try", "broken.yaml", folder=started, code=2)
    assert "none of its rules can be used" in done.stderr


def test_try_takes_a_query_where_no_rule_and_no_file_has_its_name(started: Path) -> None:
    done = call("try", "telecom AND orders", folder=started)
    assert 'No loaded rule is named like "telecom AND orders": it is tried as a query.' in done.stderr
    assert "BlackBerry" in done.stderr, "what is loaded, for who misspelt a name"
    report = json.loads(call("try", "any: [telecom]", "--json", folder=started).stdout)
    assert len(report["rules"][0]["matches"]) == sum("telecom" in title.lower() for title in REGULATOR)
    assert "^" in call("try", "telecom AND (orders", folder=started, code=2).stderr


def test_the_api_predicts_the_posts_that_try_predicts(started: Path) -> None:
    """Quiet hours, the time zone, and the articles of a feed's first poll count for both."""
    bot = started / "config" / "bot.yaml"
    times = "timezone: Pacific/Kiritimati\nquiet_hours: 00:00 to 23:00\n"
    bot.write_text(bot.read_text().replace("timezone: UTC\n", times))
    begun = SystemClock().now() - timedelta(days=4) + timedelta(hours=16)

    def poll(tx: storage.Transaction) -> None:
        url = article("").feed
        tx.feeds.sync([url], now=begun)
        tx.feeds.save([FeedState(url=url, due_at=begun, baseline_at=begun)])

    asyncio.run(write(started, poll))
    predicted = json.loads(call("try", "mine.yaml", "--since", "7d", "--json", folder=started).stdout)
    answer = archive.ask(started / "config", TRY_RULE, {"rule": MINE, "days": 7})
    trial = json.loads(PastedTrialDocument.of(answer).model_dump_json())["trial"]
    assert predicted["messages"]
    for key in ("messages", "held", "stories", "replayed"):
        assert trial[key] == predicted[key]
    assert trial["rules"][0]["by_day"] == predicted["rules"][0]["by_day"]
