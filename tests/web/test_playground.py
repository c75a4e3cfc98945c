"""A pasted rule, tried on what the archive holds."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from lxml import html

from bot import storage
from bot.queries import trials
from tests.web.conftest import Page
from tests.web.markup import elements, text_of, tree_of

RULE = "name: Mine\nall: [BlackBerry, PTA]\nnotify: desk\n"


async def tried(page: Page, rule: str, **more: str) -> html.HtmlElement:
    answer = await page.get("/try", params={"rule": rule, **more})
    assert answer.status_code == 200
    return tree_of(answer.text)


def result_text(tree: html.HtmlElement) -> str:
    """Return the text under the form."""
    return " ".join(text_of(section) for section in elements(tree, "//section"))


@pytest.mark.parametrize(
    ("written", "name", "matches"),
    [
        pytest.param(RULE, "Mine", 2, id="a rule"),
        pytest.param("\n  name: Mine\n  all: [BlackBerry, PTA]\n  notify: desk", "Mine", 2, id="an indented rule"),
        pytest.param(RULE.replace("\n", "\r\n"), "Mine", 2, id="the line ends of a form"),
        pytest.param("  - name: Mine\n    all: [BlackBerry, PTA]\n    notify: desk\n", "Mine", 2, id="a list"),
        pytest.param(
            "sets:\n  firm: [BlackBerry]\nrules:\n  - {name: Mine, all: [$firm, PTA], notify: desk}\n",
            "Mine",
            2,
            id="a file",
        ),
        pytest.param("title:BlackBerry\nNOT title:backdoor", "Pasted", 1, id="a query"),
        pytest.param("[pulls out, PTA]", "Pasted", 2, id="wordings"),
        pytest.param("- pulls out\n- unfettered access", "Pasted", 2, id="wordings in lines"),
        pytest.param("all: [BlackBerry, PTA]\nnone: [pulls out]\nnotify: ops", "Pasted", 1, id="keys without a name"),
    ],
)
async def test_a_rule_is_tried_in_each_form_in_which_it_is_pasted(
    shared: Page, written: str, name: str, matches: int
) -> None:
    tree = await tried(shared, written)
    assert f"{name}: {matches} match" in result_text(tree)
    assert "It would have made 1 story" in result_text(tree)
    assert elements(tree, "//mark")
    assert written.strip().split()[0] in elements(tree, "//textarea")[0].text_content()
    assert name == "Mine" or "no examples" not in result_text(tree), "a warning of a line that nobody wrote"


async def test_the_form_sends_the_rule_and_the_days_without_a_script(shared: Page) -> None:
    (form,) = elements(await tried(shared, RULE, days="3"), "//form[@action='/try']")
    assert form.get("method") == "get"
    labels = {label.get("for"): text_of(label) for label in elements(form, ".//label")}
    assert labels == {"rule": "Rule, list or query", "days": "Days back"}
    assert [field.get("id") for field in elements(form, ".//*[@name]")] == ["rule", "days"]
    assert elements(form, ".//input[@name='days'][@value='3']")
    assert elements(form, ".//button[not(@type)]")


async def test_near_misses_say_what_is_missing(shared: Page) -> None:
    tree = await tried(shared, "name: Mine\nall: [BlackBerry, wombat]\nnotify: desk\n")
    assert "Mine: 0 matches" in result_text(tree)
    assert "no wombat: 3" in result_text(tree)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        (RULE + "nome: x\n", "rule:4:1: error"),
        ("- name: Mine\n  all: [BlackBerry]\n  nome: x\n  notify: desk\n", "rule:3:3: error"),
        ("BlackBerry AND\n(PTA OR", "rule:2:6: error: a term is missing between OR and the end 2 | (PTA OR"),
        ("none: [wombat]\nquery: PTA OR", "rule:2:12: error: a term is missing between OR and the end"),
        ("name: Mine\nall: [BlackBerry\nnotify: desk\n", "rule:2:6: error"),
    ],
)
async def test_a_problem_stands_where_it_stands_in_the_pasted_text(shared: Page, written: str, place: str) -> None:
    trial = result_text(await tried(shared, written))
    assert place in trial
    assert "match" not in trial.partition("help")[0]


async def test_odd_text_is_a_problem_and_no_failure(shared: Page) -> None:
    for written in ("- " * 4000, "name: a\nall: [!!python/object x]", "\x00", "&a [*a, *a]", "name: \ud7ff\U0010ffff"):
        assert result_text(await tried(shared, written)) != ""


async def test_what_is_too_much_is_refused_with_the_limit(shared: Page) -> None:
    assert "may have at most 8,000 characters" in result_text(await tried(shared, "x" * 8001))
    # Thousands of letters of a script that an address writes in nine characters each still arrive.
    assert "There is no rule" not in result_text(await tried(shared, "# " + "監" * 7_200))
    many = "rules:\n" + "".join(f"  - {{name: r{n}, all: [BlackBerry], notify: desk}}\n" for n in range(11))
    assert "At most 10 rules can be tried at a time; these are 11" in result_text(await tried(shared, many))


def heavy(example: str) -> str:
    query = "(aaa* OR bbb*)"
    for _ in range(40):
        query = f"({query} NEAR/50 (aaa* OR bbb*))"
    return f'name: Mine\nquery: {query}\nnotify: desk\nmust_match: ["{example}"]\n'


async def test_heavy_trials_end_in_bounded_steps_few_wait_and_other_pages_are_answered(shared: Page) -> None:
    began = time.process_time()
    rules = [heavy("aaa bbb " * count) for count in (800, 100, 100, 100, 100, 100)]
    async with asyncio.TaskGroup() as group:
        trials = [group.create_task(shared.get("/try", params={"rule": rule})) for rule in rules]
        await asyncio.sleep(0.1)
        assert (await shared.get("/healthz")).status_code == 200
        is_early = not trials[0].done()
    assert is_early
    assert time.process_time() - began < 20
    results = [result_text(tree_of(trial.result().text)) for trial in trials]
    assert "rule:4:15: error: the rule needs more than 500,000 steps" in results[0]
    assert sum("Others are trying rules" in result for result in results) == 2


async def test_a_trial_saves_nothing_and_is_bounded_in_articles_and_in_time(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(tx: storage.Transaction) -> object:
        return tx.outbox.counts(), len(tx.stories.since(None))

    before, rules = await page.running.store.read(count), page.running.settings.rules
    await tried(page, RULE)
    assert (await page.running.store.read(count), page.running.settings.rules) == (before, rules)
    with monkeypatch.context() as patch:
        patch.setattr(trials, "MOST_TIME", timedelta(seconds=-1))
        assert "choose fewer days" in result_text(await tried(page, RULE))
    monkeypatch.setattr(trials, "MOST_ARTICLES", 0)
    assert "the trial covers only the last hour" in result_text(await tried(page, RULE))
    page.clock.advance(timedelta(days=2))
    trial = result_text(await tried(page, RULE, days="30"))
    assert "the trial covers only the last 1 day" in trial
    assert "0 articles" in trial
