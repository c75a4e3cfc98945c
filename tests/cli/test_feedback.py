"""wirewatch feedback as an analyst types it: precision and rulings."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bot import rules, storage
from bot.cli import init
from bot.model.actions import Judgement, Verdict
from bot.model.stories import Article
from tests.cli.test_rule_tools import REGULATOR, SCHOOL, keep_matched, published, write
from tests.rules.making import rule
from tests.testbed.commands import wirewatch
from tests.testbed.made import judgement

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


def judge(article: Article, verdict: Verdict, name: str) -> Judgement:
    story = f"story {article.id}"
    return judgement(
        verdict, id=f"{name} {article.id}", rule=name, story=story, channel="alerts", at=article.first_seen
    )


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """Return a folder with a configuration, an archive, and what readers pressed: 7 useful, 5 noise."""
    init.copy_starter(tmp_path / "config")
    (tmp_path / "config" / "rules" / "mine.yaml").write_text(MINE)
    articles = published(*REGULATOR, *SCHOOL, *UNJUDGED)
    pta = rules.RuleSet([rules.compile_rule(rule(name="Telecom regulator", any=["PTA"]))])

    def work(tx: storage.Transaction) -> None:
        keep_matched(tx, articles, pta)
        for article in articles[: -len(UNJUDGED)]:
            verdict = Verdict.USEFUL if article.title in REGULATOR else Verdict.NOISE
            tx.judgements.add([judge(article, verdict, "Telecom regulator")])
        tx.judgements.add([judge(articles[0], Verdict.NOISE, "A rule of last year")])

    asyncio.run(write(tmp_path, work))
    return tmp_path


def test_it_shows_each_rules_precision_the_worst_first(judged: Path) -> None:
    shown = wirewatch("feedback", folder=judged).stdout
    assert shown.index("A rule of last year") < shown.index("Telecom regulator")
    assert "precision 58%: 7 useful, 5 noise (95 %: 32% to 81%)" in shown
    assert "no longer loaded" in shown
    assert "Silent rule" not in shown
    [row] = json.loads(wirewatch("feedback", "--rule", "telecom", "--json", folder=judged).stdout)
    assert (row["useful"], row["noise"], row["precision"]) == (7, 5, pytest.approx(7 / 12))


def test_it_looks_back_only_as_far_as_requested_and_suggests_the_nearest_rule(judged: Path) -> None:
    assert "No feedback in this time" in wirewatch("feedback", "--since", "1 minute", folder=judged).stderr
    unknown = wirewatch("feedback", "--rule", "telecom regulators", folder=judged, code=2).stderr
    assert 'no loaded rule is named "telecom regulators"; did you mean "Telecom regulator"?' in unknown
    assert "No feedback in this time" in wirewatch("feedback", "--rule", "Silent rule", folder=judged).stderr
