"""Notices to the operator: once per occasion, with the facts and the remedy."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from bot import notices
from bot.model.messages import Notice, Outgoing
from bot.model.settings import Problem
from tests.testbed.fakes import START


def test_one_occasion_is_one_message_and_another_is_another() -> None:
    def silent_rule_notice(last_match: int) -> Outgoing:
        last = START - timedelta(days=last_match)
        notice = notices.rule_is_silent("PTA", timedelta(days=2), last_match=last)
        return notices.notice_row(notice, channel="ops", now=START)

    assert silent_rule_notice(3) == silent_rule_notice(3)
    assert silent_rule_notice(3).id != silent_rule_notice(4).id


def _problem(line: int, **changes: Any) -> Problem:
    base = Problem(severity="error", file="rules/desk.yaml", line=line, column=5, code="x", message="odd")
    return dataclasses.replace(base, **changes)


def _reloaded(*problems: Problem, kept: int = 0, off: int = 0) -> Notice:
    return notices.configuration_reloaded(rules=12, feeds=1, kept=kept, off=off, problems=problems, version="v")


def test_a_reload_says_first_what_follows_from_its_problems() -> None:
    assert _reloaded().lead == "Configuration reloaded: 12 rules, 1 feed."
    problem = _problem(
        7, rule="Backdoor", message='unknown key "nome"', help='did you mean "none"?', source="    nome: [PTA]"
    )
    warning = _problem(2, severity="warning", rule="Other")
    output = _reloaded(warning, problem, kept=1)
    assert output.lead == "1 rule refused, last good version kept; 1 warning"
    assert output.details == (
        'rules/desk.yaml:7:5, rule "Backdoor": unknown key "nome"; did you mean "none"?',
        'rules/desk.yaml:2:5, rule "Other": warning: odd',
    )
    assert output.remedy.startswith("In force: 12 rules, 1 feed.")
    assert _reloaded(problem, off=2).lead == "2 rules refused and off: no good version is known"
    assert _reloaded(_problem(0, file="bot.yaml")).lead == "1 file refused, last good version kept"
    assert _reloaded(warning, warning).lead == "Configuration reloaded: 12 rules, 1 feed; 2 warnings"


def test_a_notice_of_feeds_counts_what_is_wrong_and_what_is_over() -> None:
    new = notices.feed_health(["A has failed", "B has failed"], is_well=False, since=START)
    assert (new.lead, new.details) == ("Feed health: 2 new problems", ("A has failed", "B has failed"))
    assert notices.feed_health(["C is back"], is_well=True, since=START).lead == "Feed health: 1 problem resolved"
