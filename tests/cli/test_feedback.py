"""wirewatch feedback as an analyst types it: precision and rulings."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot import model, rules, storage
from bot.app.environment import SystemClock
from bot.cli import init
from bot.model import Verdict
from bot.storage.store import Transaction
from testbed.commands import wirewatch
from tests.backtest.archives import article
from tests.rules.making import FEED, rule

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
  - name: Silent rule
    any: [wombat]
    notify: alerts
"""
UNJUDGED = ["Parents at another PTA", "PTA and a telecom tower"]


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """A configuration, an archive, and readers who have pressed: 7 useful, 5 noise."""
    init.copy_starter(tmp_path / "config")
    (tmp_path / "config" / "rules" / "mine.yaml").write_text(MINE)
    asyncio.run(fill(tmp_path))
    return tmp_path


async def fill(folder: Path) -> None:
    clock = SystemClock()
    start = clock.now() - timedelta(days=4)
    found = [
        replace(article(title), first_seen=start + number * timedelta(hours=5))
        for number, title in enumerate([*REGULATOR, *SCHOOL, *UNJUDGED])
    ]
    pta = rules.RuleSet([rules.compile_rule(rule(name="Telecom regulator", any=["PTA"]))])
    store = storage.open_store(f"sqlite:///{folder}/config/data/wirewatch.db", clock=clock)

    def work(tx: object) -> None:
        assert isinstance(tx, Transaction)
        tx.articles.add(found)
        for number, one in enumerate(found):
            tx.articles.add_matches(one.id, pta.match(one, FEED, now=start))
            story = model.StoryId(f"story-{number}")
            join = model.Join(story=story, article=one.id, reason=model.JoinReason.OPENED)
            members = (model.Member(article=one, join=join, matches=()),)
            tx.stories.save(
                model.Story(
                    id=story, title=one.title, first_seen=one.first_seen, last_seen=one.first_seen, members=members
                )
            )
            if one.title not in UNJUDGED:
                verdict = Verdict.USEFUL if one.title in REGULATOR else Verdict.NOISE
                tx.judgements.add([judgement(number, story, verdict, "Telecom regulator", one)])
        tx.judgements.add([judgement(99, model.StoryId("story-0"), Verdict.NOISE, "A rule of last year", found[0])])

    await store.write(work)
    await store.close()


def judgement(number: int, story: model.StoryId, verdict: Verdict, name: str, one: model.Article) -> model.Judgement:
    return model.Judgement(
        id=model.JudgementId(f"j{number}"),
        at=one.first_seen,
        by="U0AMINA",
        channel="alerts",
        story=story,
        verdict=verdict,
        rule=name,
        message=model.SendId(f"head-{number}"),
    )


def test_it_shows_each_rules_precision_the_worst_first(judged: Path) -> None:
    shown = wirewatch("feedback", folder=judged).stdout
    assert shown.index("A rule of last year") < shown.index("Telecom regulator")
    assert "precision 58%: 7 useful, 5 noise (95 %: 32% to 81%)" in shown
    assert "no longer loaded" in shown
    assert "Silent rule" not in shown


def test_json_has_the_counts_and_the_share(judged: Path) -> None:
    [row] = json.loads(wirewatch("feedback", "--rule", "telecom", "--json", folder=judged).stdout)
    assert (row["useful"], row["noise"], row["precision"]) == (7, 5, pytest.approx(7 / 12))


def test_it_looks_back_only_so_far_as_it_is_told_and_names_the_rules_it_knows(judged: Path) -> None:
    assert "No feedback in this time" in wirewatch("feedback", "--since", "1 minute", folder=judged).stderr
    assert "Telecom regulator" in wirewatch("feedback", "--rule", "no such", folder=judged, code=2).stderr
    assert "No feedback in this time" in wirewatch("feedback", "--rule", "Silent rule", folder=judged).stderr


def test_a_command_of_an_earlier_version_names_its_replacement(tmp_path: Path) -> None:
    shown = wirewatch("clinic", "mine.yaml", folder=tmp_path, code=2).stderr
    assert shown.startswith("wirewatch clinic was removed: `wirewatch check` warns of short terms")
    shown = wirewatch("ledger", "verify", "--expect", "4f6c", folder=tmp_path, code=2).stderr
    assert shown.startswith("wirewatch ledger verify was removed: days are no longer sealed; `wirewatch ledger`")
    assert shown.count("\n") == 1
