"""A pasted rule, tried on what the archive holds."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from lxml import html

from bot.queries import trials
from tests.web.conftest import Page
from tests.web.markup import elements, text_of, tree_of

RULE = "name: Mine\nall: [BlackBerry, PTA]\nnotify: desk\n"
FORMS = {
    "one rule": RULE,
    "one rule, indented": "\n  name: Mine\n  all: [BlackBerry, PTA]\n  notify: desk",
    "with the line ends of a form": RULE.replace("\n", "\r\n"),
    "a list": "  - name: Mine\n    all: [BlackBerry, PTA]\n    notify: desk\n",
    "a whole file": "sets:\n  firm: [BlackBerry]\nrules:\n  - {name: Mine, all: [$firm, PTA], notify: desk}\n",
}


async def tried(page: Page, rule: str, **more: str) -> html.HtmlElement:
    answer = await page.get("/try", params={"rule": rule, **more})
    assert answer.status_code == 200
    return tree_of(answer.text)


def result_text(tree: html.HtmlElement) -> str:
    """Return the text under the form."""
    return " ".join(text_of(section) for section in elements(tree, "//section"))


@pytest.mark.parametrize("form", FORMS)
async def test_a_rule_is_tried_in_each_form_in_which_it_is_pasted(shared: Page, form: str) -> None:
    tree = await tried(shared, FORMS[form])
    assert "Mine: 2 matches" in result_text(tree)
    assert "It would have made 1 story" in result_text(tree)
    assert {mark.text_content() for mark in elements(tree, "//mark")} == {"BlackBerry", "PTA"}
    assert FORMS[form].strip().split()[0] in elements(tree, "//textarea")[0].text_content()


@pytest.mark.parametrize(
    ("written", "matches"),
    [
        ("BlackBerry AND PTA", 2),
        ("title:BlackBerry\nNOT title:backdoor", 1),
        ('"pulls out" OR {PTA}', 2),
        ("[pulls out, PTA]", 2),
        ("- pulls out\n- unfettered access", 2),
        ("query: BlackBerry AND PTA", 2),
        ("all: [BlackBerry, PTA]\nnone: [pulls out]\nnotify: ops", 1),
    ],
)
async def test_a_bare_query_and_a_list_of_wordings_are_tried_too(shared: Page, written: str, matches: int) -> None:
    trial = result_text(await tried(shared, written))
    assert f"Pasted: {matches} match" in trial
    assert "no examples" not in trial, "a warning of a line that nobody wrote"


async def test_a_mistake_in_a_bare_query_has_its_place_in_what_was_pasted(shared: Page) -> None:
    tree = await tried(shared, "BlackBerry AND\n(PTA OR")
    assert "rule:2:6: error: a term is missing between OR and the end 2 | (PTA OR" in result_text(tree)
    tree = await tried(shared, "none: [wombat]\nquery: PTA OR")
    assert "rule:2:12: error: a term is missing between OR and the end 2 | query: PTA OR" in result_text(tree)


async def test_near_misses_say_what_is_missing(shared: Page) -> None:
    tree = await tried(shared, "name: Mine\nall: [BlackBerry, wombat]\nnotify: desk\n")
    assert "Mine: 0 matches" in result_text(tree)
    assert "no wombat: 3" in result_text(tree)


async def test_nothing_is_saved_and_nobody_is_told(page: Page) -> None:
    before = await page.running.store.read(lambda tx: (tx.outbox.counts(), len(tx.stories.since(None))))
    await tried(page, RULE)
    assert before == await page.running.store.read(lambda tx: (tx.outbox.counts(), len(tx.stories.since(None))))
    assert {entry.rule.name for entry in page.running.settings.rules} == {
        "BlackBerry in Pakistan",
        "Wombats <b onclick=x>&</b>",
    }


@pytest.mark.parametrize(
    ("written", "place"),
    [
        (RULE + "nome: x\n", "rule:4:1: error"),
        ("- name: Mine\n  all: [BlackBerry]\n  nome: x\n  notify: desk\n", "rule:3:3: error"),
        ("rules:\n  - name: Mine\n    all: [BlackBerry]\n    nome: x\n    notify: desk\n", "rule:4:5: error"),
        ("name: Mine\nquery: (a OR\nnotify: desk\n", "rule:2:"),
        ("name: Mine\nall: [BlackBerry\nnotify: desk\n", "rule:2:6: error"),
        ("name: Mine\nall: [BlackBerry]\nnotify: dsk\n", "rule:3:9: error"),
    ],
)
async def test_a_problem_stands_where_it_stands_in_the_pasted_text(shared: Page, written: str, place: str) -> None:
    trial = result_text(await tried(shared, written))
    assert place in trial
    assert "match" not in trial.partition("help")[0]


@pytest.mark.parametrize(
    "written",
    [
        "- " * 4000,
        "{" * 4000,
        "name: a\nall: [!!python/object x]",
        "\x00",
        "&a [*a, *a]",
        "%",
        "name: \ud7ff\U0010ffff",
    ],
)
async def test_odd_text_is_a_problem_and_no_failure(shared: Page, written: str) -> None:
    assert result_text(await tried(shared, written)) != ""


async def test_what_is_too_much_is_refused_with_the_limit(shared: Page) -> None:
    assert "may have at most 8,000 characters" in result_text(await tried(shared, "x" * 8001))
    # Thousands of letters of a script that an address writes in nine characters each still arrive.
    assert "There is no rule" not in result_text(await tried(shared, "# " + "監" * 7_200))
    many = "rules:\n" + "".join(f"  - {{name: r{n}, all: [BlackBerry], notify: desk}}\n" for n in range(11))
    assert "At most 10 rules can be tried at a time; these are 11" in result_text(await tried(shared, many))


async def test_a_trial_that_takes_too_long_is_given_up(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "MOST_TIME", timedelta(seconds=-1))
    assert "choose fewer days" in result_text(await tried(page, RULE))


def nested(levels: int) -> str:
    query = "(aaa* OR bbb*)"
    for _ in range(levels):
        query = f"({query} NEAR/50 (aaa* OR bbb*))"
    return query


def heavy(example: str) -> str:
    return f'name: Mine\nquery: {nested(40)}\nnotify: desk\nmust_match: ["{example}"]\n'


async def test_a_heavy_trial_ends_in_bounded_steps_and_keeps_the_loop_and_other_pages_alive(shared: Page) -> None:
    worst = 0.0

    async def beat(stop: asyncio.Event) -> None:
        nonlocal worst
        while not stop.is_set():
            before = time.thread_time()
            await asyncio.sleep(0.01)
            worst = max(worst, time.thread_time() - before)

    stop = asyncio.Event()
    began = time.process_time()
    async with asyncio.TaskGroup() as group:
        group.create_task(beat(stop))
        trial = group.create_task(shared.get("/try", params={"rule": heavy("aaa bbb " * 800)}))
        await asyncio.sleep(0.1)
        assert (await shared.get("/healthz")).status_code == 200
        is_early = not trial.done()
        await trial
        stop.set()
    assert is_early
    assert worst < 1
    assert time.process_time() - began < 10
    assert "rule:4:15: error: the rule needs more than 500,000 steps" in result_text(tree_of(trial.result().text))


async def test_few_trials_wait_and_the_others_are_told_so(shared: Page) -> None:
    async with asyncio.TaskGroup() as group:
        trials = [group.create_task(shared.get("/try", params={"rule": heavy("aaa bbb " * 100)})) for _ in range(6)]
    output = [result_text(tree_of(trial.result().text)) for trial in trials]
    assert sum("Others are trying rules" in item for item in output) == 2


async def test_a_link_on_another_site_fills_the_form_and_runs_nothing(shared: Page) -> None:
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    tree = tree_of((await shared.get("/try", params={"rule": RULE}, headers=followed)).text)
    assert "Mine" in elements(tree, "//textarea")[0].text_content()
    assert "press “Try it”" in result_text(tree)
    assert "matches" not in result_text(tree)


async def test_of_a_large_archive_the_last_days_are_looked_at(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "MOST_ARTICLES", 0)
    assert "the trial covers only the last hour" in result_text(await tried(page, RULE))
    page.clock.advance(timedelta(days=2))
    trial = result_text(await tried(page, RULE, days="30"))
    assert "the trial covers only the last 1 day" in trial
    assert "0 articles" in trial
