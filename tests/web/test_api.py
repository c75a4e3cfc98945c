"""The API: what it answers, to whom, how it refuses, and that it says the same as the commands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.testbed.commands import wirewatch
from tests.web.conftest import ACTS, READS, TOKEN, Page, listening, page_over

RULE = "BlackBerry in Pakistan"


async def ask(page: Page, path: str, *, token: str = "", **params: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return await page.get(f"/api/v1{path}", params=params, headers=headers)


async def send(page: Page, path: str, body: object, *, token: str = ACTS) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=page.site.url, timeout=300) as client:
        return await client.post(f"/api/v1{path}", json=body, headers=headers)


def refused(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    return problem


async def big_story(page: Page) -> dict[str, Any]:
    stories = (await ask(page, "/stories", rule=RULE)).json()["stories"]
    story: dict[str, Any] = next(item for item in stories if item["article_count"] == 3)
    return story


async def test_stories_are_those_of_the_command_word_for_word(shared: Page) -> None:
    document = json.loads(wirewatch("stories", "--json", folder=shared.folder.parent).stdout)
    answered = (await ask(shared, "/stories", limit="100")).json()
    assert answered["after"] is None
    assert sorted(answered["stories"], key=lambda each: each["id"]) == sorted(document, key=lambda each: each["id"])
    first = await big_story(shared)
    assert (await ask(shared, f"/stories/{first['id']}")).json() == first


async def test_search_and_status_are_those_of_the_commands(shared: Page) -> None:
    document = json.loads(wirewatch("search", "backdoor", "--json", folder=shared.folder.parent).stdout)
    assert (await ask(shared, "/search", q="backdoor")).json() == document
    words = ("search", 'backdoor "pulls out"')
    printed = wirewatch(*words, folder=shared.folder.parent).stdout
    assert "BlackBerry [pulls out] of Pakistan as PTA insists on [backdoor]\n" in printed
    assert "BlackBerry [pulls out] of Pakistan since the regulator PTA insists on a [backdoor] into its" in printed
    page = wirewatch("search", "backdoor", "--number", "2", folder=shared.folder.parent)
    [after] = re.findall("add --after ([0-9]+)", page.stderr)
    rest = json.loads(wirewatch("search", "backdoor", "--after", after, "--json", folder=shared.folder.parent).stdout)
    assert (rest["articles"], rest["after"]) == (document["articles"][2:], None)
    as_in_a_rule = (await ask(shared, "/search", q="query: |\n  backdoor")).json()
    assert as_in_a_rule == document
    for article in document["articles"]:
        texts = [
            (article["title"], article["title_marks"]),
            *zip(article["excerpts"], article["excerpt_marks"], strict=True),
        ]
        marked = [text[start:end] for text, places in texts for start, end in places]
        assert marked
        assert {*marked} == {"backdoor"}
    assert document["articles"]
    status = json.loads(wirewatch("status", "--json", folder=shared.folder.parent).stdout)
    # The command counts by the machine's clock, the page by the test's, and some problems depend on the time.
    status["feeds"] = [{**feed, "problems": []} for feed in status["feeds"]]
    shown = [{**feed, "problems": []} for feed in (await ask(shared, "/feeds")).json()["feeds"]]
    assert shown == status["feeds"]
    rules = [{**rule, "stories_7d": 0} for rule in (await ask(shared, "/rules")).json()["rules"]]
    assert rules == status["rules"]
    answered = (await ask(shared, "/status")).json()
    feeds = [{**feed, "problems": []} for feed in answered["feeds"]]
    assert {**answered, "feeds": feeds, "rules": rules} == status
    assert answered["bot"].endswith("is running")


async def test_pages_follow_each_other_and_leave_nothing_out(shared: Page) -> None:
    for path, key, name in (
        ("/stories", "stories", "id"),
        ("/articles", "articles", "id"),
        ("/feeds", "feeds", "url"),
        ("/rules", "rules", "name"),
    ):
        whole = (await ask(shared, path)).json()[key]
        assert len(whole) > 1
        found: list[dict[str, Any]] = []
        after = None
        while after is not None or not found:
            answer = (await ask(shared, path, limit="1", **({"after": after} if after else {}))).json()
            found += answer[key]
            after = answer["after"]
        assert [item[name] for item in found] == [item[name] for item in whole]


async def test_an_article_and_a_rule_are_told_whole(shared: Page) -> None:
    story = await big_story(shared)
    article = (await ask(shared, f"/articles/{story['articles'][0]['id']}")).json()
    assert article["story"] == story["id"]
    assert "The order dates from July." in article["text"]
    assert {match["label"] for match in article["matches"]} == {"product", "regulator", "demand"}
    rule = (await ask(shared, f"/rules/{RULE}")).json()
    assert rule["yaml"].startswith(f"name: {RULE}\nall:\n  product:")
    assert sum(rule["matches_by_day"].values()) == 3
    odd = (await ask(shared, "/rules")).json()["rules"][-1]["name"]
    assert "</" in odd or "<b" in odd
    assert (await ask(shared, f"/rules/{odd}")).json()["name"] == odd


async def test_explain_says_why_and_what_is_missing(shared: Page) -> None:
    story = await big_story(shared)
    link = story["articles"][0]["link"]
    (explained,) = (await ask(shared, "/explain", url=link, rule="BlackBerry")).json()["explained"]
    assert explained["matched"]
    assert explained["story"]["id"] == story["id"]
    (explained,) = (await ask(shared, "/explain", text="BlackBerry and the PTA", rule="BlackBerry")).json()["explained"]
    assert not explained["matched"]
    assert "2 of 3: no demand" in explained["text"]
    refused(await ask(shared, "/explain", url="https://nobody.example/x"), 404)
    refused(await ask(shared, "/explain"), 422)


async def test_a_pasted_rule_is_tried_and_a_broken_one_gets_what_check_says(shared: Page) -> None:
    rule = "name: Mine\nall: [BlackBerry, PTA]\nnotify: desk\n"
    answer = (await send(shared, "/try", {"rule": rule, "days": 3}, token="")).json()
    assert [len(item["matches"]) for item in answer["trial"]["rules"]] == [2]
    broken = (await send(shared, "/try", {"rule": "name: Mine\nal: [x]\nnotify: desk\n"}, token="")).json()
    assert broken["trial"] is None
    assert broken["problems"][0]["code"] == "unknown-key"
    assert broken["problems"][0]["line"] == 2


async def test_people_split_and_merge_with_a_token_that_may(filled: Path) -> None:
    async with page_over(filled, listening(has_tokens=True)) as page:
        stories = (await ask(page, "/stories")).json()["stories"]
        story = await big_story(page)
        links = [story["articles"][2]["link"]]
        document = (await send(page, f"/stories/{story['id']}/split", {"articles": links})).json()
        assert document["effect"] == "1 article becomes a separate story in a moment."
        other = next(item["id"] for item in stories if item["id"] != story["id"])
        assert (await send(page, f"/stories/{story['id']}/merge", {"other": other})).status_code == 202
        rulings = await page.running.store.read(lambda tx: tx.rulings.waiting())
        assert [(ruling.by, ruling.kind.value) for ruling in rulings] == [("acts", "split"), ("acts", "merge")]
        for token, status in (("", 401), (READS, 403)):
            refused(await send(page, f"/stories/{story['id']}/merge", {"other": other}, token=token), status)
        refused(await send(page, "/stories/none/merge", {"other": other}), 404)
        refused(await send(page, f"/stories/{story['id']}/split", {"articles": ["https://x.example"]}), 422)
        assert len(await page.running.store.read(lambda tx: tx.rulings.waiting())) == 2


async def test_silences_are_made_listed_and_ended(filled: Path) -> None:
    async with page_over(filled, listening(has_tokens=True)) as page:
        wish = {"kind": "rule", "name": RULE, "for": "2 hours", "reason": "a test"}
        answer = await send(page, "/silences", wish)
        assert answer.status_code == 201
        document = answer.json()
        assert (document["by"], document["is_active"], document["name"]) == ("acts", True, RULE)
        assert (await ask(page, "/silences")).json() == {"silences": [document]}
        async with httpx.AsyncClient(base_url=page.site.url) as client:
            address, headers = f"/api/v1/silences/{document['id']}", {"authorization": f"Bearer {ACTS}"}
            refused(await client.delete(address, headers={"authorization": f"Bearer {READS}"}), 403)
            assert not (await client.delete(address, headers=headers)).json()["is_active"]
            refused(await client.delete(address, headers=headers), 422)
        assert (await ask(page, "/silences")).json() == {"silences": []}
        refused(await send(page, "/silences", {**wish, "for": "soon"}), 422)
        refused(await send(page, "/silences", {**wish, "name": "no such rule"}), 404)
        problem = refused(await send(page, "/silences", {**wish, "kind": "outlet", "name": "wires"}), 422)
        assert problem["detail"] == 'there is no outlet "wires"; did you mean "wire"?'
        problem = refused(await send(page, "/silences", {**wish, "channels": ["desks"]}), 422)
        assert problem["detail"] == 'there is no channel "desks"; did you mean "desk"?'
        assert (await ask(page, "/silences")).json() == {"silences": []}


async def test_tokens_of_programs_open_the_api_and_only_those_that_may_act_open_pages(filled: Path) -> None:
    async with page_over(filled, listening(has_token=True, has_tokens=True)) as page:
        for path in ("/api/v1/stories", "/api/v1/openapi.json", "/api/v1/nothing", "/api"):
            problem = refused(await page.get(path), 401)
            assert TOKEN not in problem["detail"]
        refused(await ask(page, "/stories", token="wrong"), 401)
        for token in (TOKEN, READS, ACTS):
            assert (await ask(page, "/stories", token=token)).status_code == 200
        for path in ("/", "/stories", "/metrics", "/feeds/all.atom"):
            assert (await page.get(path, headers={"authorization": f"Bearer {READS}"})).status_code == 401
            assert (await page.get(path, headers={"authorization": f"Bearer {ACTS}"})).status_code == 200
        refused(await send(page, "/stories/x/merge", {"other": "y"}, token=TOKEN), 403)


async def test_without_the_pages_token_a_wrong_one_is_still_refused(filled: Path) -> None:
    async with page_over(filled, listening(has_tokens=True)) as page:
        assert (await ask(page, "/stories")).status_code == 200
        refused(await ask(page, "/stories", token="wrong"), 401)


async def test_a_search_that_cannot_be_read_says_where(shared: Page) -> None:
    problem = refused(await ask(shared, "/search", q="backdoor AND (bes OR"), 422)
    (error,) = problem["errors"]
    assert (error["where"], error["start"], error["end"]) == ("q", 18, 20)
    assert "^" in problem["detail"]


async def test_what_is_no_parameter_is_refused_by_its_name(shared: Page) -> None:
    for params, where in (
        ({"limit": "0"}, "limit"),
        ({"limit": "1.0"}, "limit"),
        ({"colour": "red"}, "colour"),
        ({"since": ""}, "since"),
    ):
        problem = refused(await ask(shared, "/stories", **params), 400)
        assert [error["where"] for error in problem["errors"]] == [where]
    for params in ({"since": "soon"}, {"after": "x"}):
        problem = refused(await ask(shared, "/stories", **params), 422)
        assert [error["where"] for error in problem["errors"]] == list(params)
    (misspelt,) = refused(await ask(shared, "/stories", limitt="1"), 400)["errors"]
    assert (misspelt["where"], misspelt["help"]) == ("limitt", 'did you mean "limit"?')
    (surplus,) = refused(await ask(shared, "/stories/none", limit="1"), 400)["errors"]
    assert surplus["message"] == "no parameter is valid here"
    refused(await shared.get("/api/v1/stories?limit=1&limit=2"), 400)
    refused(await ask(shared, "/nothing"), 404)
    async with httpx.AsyncClient(base_url=shared.site.url) as client:
        assert refused(await client.delete("/api/v1/stories"), 405)
        refused(await client.post("/api/v1/try", content=b"{", headers={"content-type": "application/json"}), 400)
        refused(await client.post("/api/v1/try", data={"rule": "x"}), 415)
        refused(await client.post("/api/v1/try", json={"rule": "x" * 200_000}), 413)


async def test_an_unknown_rule_is_not_found_wherever_it_is_named(filled: Path) -> None:
    async with page_over(filled, listening(has_tokens=True)) as page:
        collected = set()
        for path, params in (
            ("/rules/Typo", {}),
            ("/stories", {"rule": "Typo"}),
            ("/articles", {"rule": "Typo"}),
            ("/search", {"q": "blackberry", "rule": "Typo"}),
            ("/explain", {"text": "x", "rule": "Typo"}),
        ):
            collected.add(refused(await ask(page, path, token=READS, **params), 404)["detail"])
        silence = {"kind": "rule", "name": "Typo", "for": "2h", "reason": "x"}
        collected.add(refused(await send(page, "/silences", silence), 404)["detail"])
        assert collected == {'no loaded rule is named "Typo"; `wirewatch status` shows what is loaded'}
        for words in (("search", "blackberry", "--rule", "Typo"), ("explain", "Typo", "--text", "x")):
            assert next(iter(collected)) in wirewatch(*words, folder=page.folder.parent, code=2).stderr
        near = refused(await ask(page, "/stories", rule=f"{RULE}s"), 404)
        assert near["detail"] == f'no loaded rule is named "{RULE}s"; did you mean "{RULE}"?'
        async with httpx.AsyncClient(base_url=page.site.url, headers={"authorization": f"Bearer {ACTS}"}) as client:
            problem = refused(await client.delete("/api/v1/silences/nosuch"), 404)
        assert problem["detail"] == "no silence nosuch; `wirewatch silence list` and GET /silences list the silences"


@pytest.mark.parametrize("moment", ["9999-12-31", "9999-12-31T23:59:00-05:00", "0001-01-01T00:00:00+05:00"])
async def test_a_period_that_ends_beyond_the_calendar_is_refused(shared: Page, moment: str) -> None:
    for name in ("since", "until"):
        problem = refused(await ask(shared, "/brief", **{name: moment}), 422)
        assert problem["detail"]
        assert (await shared.get("/brief", params={name: moment})).status_code == 404


async def test_an_unchanged_answer_is_not_sent_again(shared: Page) -> None:
    first = await ask(shared, "/stories")
    repeated = await shared.get("/api/v1/stories", headers={"if-none-match": first.headers["etag"]})
    assert (repeated.status_code, repeated.content) == (304, b"")
    other = await shared.get("/api/v1/rules", headers={"if-none-match": first.headers["etag"]})
    assert other.status_code == 200


async def test_what_hostile_feeds_say_is_data_and_steers_no_terminal(shared: Page) -> None:
    answer = await ask(shared, "/search", q="wombat")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert any("<script>" in article["title"] for article in answer.json()["articles"])
    assert "\u202e" not in answer.text


@pytest.mark.parametrize("path", ["stories/a%0Ab", "articles/a%0Ab", "rules/a%0Ab", "silences/a%0Ab"])
async def test_an_address_with_a_line_break_gets_a_problem_document(shared: Page, path: str) -> None:
    answer = await shared.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_stories_are_exported_for_other_tools(shared: Page) -> None:
    document = (await shared.get("/api/v1/openapi.json")).json()
    export = document["paths"]["/api/v1/stories.{form}"]["get"]
    assert [parameter["name"] for parameter in export["parameters"]] == ["form", "since", "rule"]
    answer = await shared.get("/api/v1/stories.csv", params={"since": "30d"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.removeprefix("\N{BYTE ORDER MARK}").startswith('"id","title","rules","first_report"')
    assert "BlackBerry to leave Pakistan" in answer.text
    stories = (await shared.get("/api/v1/stories.json")).json()
    assert {"id", "outlets", "links", "facts", "decided"} <= set(stories[0])
    refused(await shared.get("/api/v1/stories.md"), 404)
    refused(await shared.get("/api/v1/stories.xls"), 404)
    refused(await shared.get("/api/v1/stories.csv", params={"rule": "none"}), 404)
