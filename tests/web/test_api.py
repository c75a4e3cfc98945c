"""The API: what it answers, to whom, how it refuses, and that it says the same as the commands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx

from tests.testbed.commands import call
from tests.web.conftest import ACTS, READS, TOKEN, Page, listening, page_over

RULE = "BlackBerry in Pakistan"
SILENCE = {"kind": "rule", "name": RULE, "for": "2 hours", "reason": "a test"}


async def ask(page: Page, path: str, *, token: str = "", **params: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return await page.get(f"/api/v1{path}", params=params, headers=headers)


async def send(
    page: Page, path: str, body: object = None, *, token: str = ACTS, method: str = "POST"
) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=page.site.url, timeout=300) as client:
        return await client.request(method, f"/api/v1{path}", json=body, headers=headers)


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
    document = json.loads(call("stories", "--json", folder=shared.folder.parent).stdout)
    answered = (await ask(shared, "/stories", limit="100")).json()
    assert answered["after"] is None
    assert sorted(answered["stories"], key=lambda each: each["id"]) == sorted(document, key=lambda each: each["id"])
    first = await big_story(shared)
    assert (await ask(shared, f"/stories/{first['id']}")).json() == first


async def test_search_and_status_are_those_of_the_commands(shared: Page) -> None:
    document = json.loads(call("search", "backdoor", "--json", folder=shared.folder.parent).stdout)
    assert document["articles"]
    for query in ("backdoor", "query: |\n  backdoor"):
        assert (await ask(shared, "/search", q=query)).json() == document
    printed = call("search", 'backdoor "pulls out"', folder=shared.folder.parent).stdout
    assert "BlackBerry [pulls out] of Pakistan as PTA insists on [backdoor]\n" in printed
    assert "BlackBerry [pulls out] of Pakistan since the regulator PTA insists on a [backdoor] into its" in printed
    page = call("search", "backdoor", "--number", "2", folder=shared.folder.parent)
    [after] = re.findall("add --after ([0-9]+)", page.stderr)
    rest = json.loads(call("search", "backdoor", "--after", after, "--json", folder=shared.folder.parent).stdout)
    assert (rest["articles"], rest["after"]) == (document["articles"][2:], None)
    for article in document["articles"]:
        texts = [
            (article["title"], article["title_marks"]),
            *zip(article["excerpts"], article["excerpt_marks"], strict=True),
        ]
        assert {text[start:end] for text, places in texts for start, end in places} == {"backdoor"}
    status = json.loads(call("status", "--json", folder=shared.folder.parent).stdout)
    # The command counts by the machine's clock, the page by the test's, and some problems depend on the time.
    status["feeds"] = [{**feed, "problems": []} for feed in status["feeds"]]
    shown = [{**feed, "problems": []} for feed in (await ask(shared, "/feeds")).json()["feeds"]]
    assert shown == status["feeds"]
    rules = [{**rule, "stories_7d": 0} for rule in (await ask(shared, "/rules")).json()["rules"]]
    assert rules == status["rules"]
    answered = (await ask(shared, "/status")).json()
    assert {**answered, "feeds": shown, "rules": rules} == status
    assert answered["bot"].endswith("is running")


async def test_pages_follow_each_other_leave_nothing_out_and_are_not_sent_again_unchanged(shared: Page) -> None:
    for path, key, name in (
        ("/stories", "stories", "id"),
        ("/articles", "articles", "id"),
        ("/feeds", "feeds", "url"),
        ("/rules", "rules", "name"),
    ):
        first = await ask(shared, path)
        repeated = await shared.get(f"/api/v1{path}", headers={"if-none-match": first.headers["etag"]})
        assert (repeated.status_code, repeated.content) == (304, b"")
        whole = first.json()[key]
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


async def test_a_pasted_rule_is_tried_and_a_broken_one_gets_what_check_says(shared: Page) -> None:
    answer = (await send(shared, "/try", {"rule": "name: A\nall: [PTA]\nnotify: desk\n", "days": 3}, token="")).json()
    assert [len(item["matches"]) for item in answer["trial"]["rules"]] == [2]
    broken = (await send(shared, "/try", {"rule": "name: A\nal: [x]\nnotify: desk\n"}, token="")).json()
    assert broken["trial"] is None
    assert [(problem["code"], problem["line"]) for problem in broken["problems"]][:1] == [("unknown-key", 2)]


async def test_people_split_merge_and_silence_with_a_token_that_may(filled: Path) -> None:
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
        answer = await send(page, "/silences", SILENCE)
        assert answer.status_code == 201
        document = answer.json()
        assert (document["by"], document["is_active"], document["name"]) == ("acts", True, RULE)
        assert (await ask(page, "/silences")).json() == {"silences": [document]}
        address = f"/silences/{document['id']}"
        refused(await send(page, address, method="DELETE", token=READS), 403)
        assert not (await send(page, address, method="DELETE")).json()["is_active"]
        refused(await send(page, address, method="DELETE"), 422)
        assert (await ask(page, "/silences")).json() == {"silences": []}


async def test_an_action_that_cannot_be_or_may_not_is_refused_and_changes_nothing(shared: Page, guarded: Page) -> None:
    story = (await big_story(shared))["id"]
    for path, body in ((f"/stories/{story}/merge", {"other": story}), ("/silences", SILENCE)):
        for token, status in (("", 401), (READS, 403)):
            refused(await send(shared, path, body, token=token), status)
        refused(await send(guarded, path, body, token=TOKEN), 403)
    refused(await send(shared, "/stories/none/merge", {"other": story}), 404)
    refused(await send(shared, f"/stories/{story}/split", {"articles": ["https://x.example"]}), 422)
    refused(await send(shared, "/silences", {**SILENCE, "for": "soon"}), 422)
    problem = refused(await send(shared, "/silences", {**SILENCE, "kind": "outlet", "name": "wires"}), 422)
    assert problem["detail"] == 'there is no outlet "wires"; did you mean "wire"?'
    problem = refused(await send(shared, "/silences", {**SILENCE, "channels": ["desks"]}), 422)
    assert problem["detail"] == 'there is no channel "desks"; did you mean "desk"?'
    problem = refused(await send(shared, "/silences/nosuch", method="DELETE"), 404)
    assert problem["detail"] == "no silence nosuch; `wirewatch silence list` and GET /silences list the silences"
    assert (await ask(shared, "/silences")).json() == {"silences": []}
    assert await shared.running.store.read(lambda tx: tx.rulings.waiting()) == []


async def test_tokens_of_programs_open_the_api_and_only_those_that_may_act_open_pages(
    shared: Page, guarded: Page
) -> None:
    for path in ("/api/v1/stories", "/api/v1/openapi.json", "/api/v1/nothing", "/api"):
        problem = refused(await guarded.get(path), 401)
        assert TOKEN not in problem["detail"]
    for page in (guarded, shared):
        refused(await ask(page, "/stories", token="wrong"), 401)
    for token in (TOKEN, READS, ACTS):
        assert (await ask(guarded, "/stories", token=token)).status_code == 200
    for path in ("/", "/stories", "/metrics", "/feeds/all.atom"):
        assert (await guarded.get(path, headers={"authorization": f"Bearer {READS}"})).status_code == 401
        assert (await guarded.get(path, headers={"authorization": f"Bearer {ACTS}"})).status_code == 200


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
    problem = refused(await ask(shared, "/search", q="backdoor AND (bes OR"), 422)
    (error,) = problem["errors"]
    assert (error["where"], error["start"], error["end"]) == ("q", 18, 20)
    assert "^" in problem["detail"]
    refused(await ask(shared, "/explain"), 422)
    for path in ("/nothing", "/stories/a%0Ab", "/rules/a%0Ab", "/explain?url=https://nobody.example/x"):
        refused(await shared.get(f"/api/v1{path}"), 404)
    async with httpx.AsyncClient(base_url=shared.site.url) as client:
        assert refused(await client.delete("/api/v1/stories"), 405)
        refused(await client.post("/api/v1/try", content=b"{", headers={"content-type": "application/json"}), 400)
        refused(await client.post("/api/v1/try", data={"rule": "x"}), 415)
        refused(await client.post("/api/v1/try", json={"rule": "x" * 200_000}), 413)


async def test_an_unknown_rule_is_not_found_wherever_it_is_named(shared: Page) -> None:
    unknown = 'no loaded rule is named "Typo"; `wirewatch status` shows what is loaded'
    for path, params in (
        ("/rules/Typo", {}),
        ("/stories", {"rule": "Typo"}),
        ("/articles", {"rule": "Typo"}),
        ("/audit", {"rule": "Typo"}),
        ("/search", {"q": "blackberry", "rule": "Typo"}),
        ("/explain", {"text": "x", "rule": "Typo"}),
    ):
        assert refused(await ask(shared, path, token=READS, **params), 404)["detail"] == unknown, path
    assert refused(await send(shared, "/silences", {**SILENCE, "name": "Typo"}), 404)["detail"] == unknown
    for words in (("search", "blackberry", "--rule", "Typo"), ("explain", "Typo", "--text", "x")):
        assert unknown in call(*words, folder=shared.folder.parent, code=2).stderr
    near = refused(await ask(shared, "/stories", rule=f"{RULE}s"), 404)
    assert near["detail"] == f'no loaded rule is named "{RULE}s"; did you mean "{RULE}"?'


async def test_a_period_that_ends_beyond_the_calendar_is_refused(shared: Page) -> None:
    for name, moment in (("since", "0001-01-01T00:00:00+05:00"), ("until", "9999-12-31"), ("since", "9999-12-31")):
        assert refused(await ask(shared, "/brief", **{name: moment}), 422)["detail"]
        assert (await shared.get("/brief", params={name: moment})).status_code == 404


async def test_what_hostile_feeds_say_is_data_and_steers_no_terminal(shared: Page) -> None:
    answer = await ask(shared, "/search", q="wombat")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert any("<script>" in article["title"] for article in answer.json()["articles"])
    assert "\u202e" not in answer.text


async def test_stories_are_exported_for_other_tools(shared: Page) -> None:
    answer = await shared.get("/api/v1/stories.csv", params={"since": "30d"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.removeprefix("\N{BYTE ORDER MARK}").startswith('"id","title","rules","first_report"')
    assert "BlackBerry to leave Pakistan" in answer.text
    stories = (await shared.get("/api/v1/stories.json")).json()
    assert {"id", "outlets", "links", "facts", "decided"} <= set(stories[0])
    refused(await shared.get("/api/v1/stories.xls"), 404)
    refused(await shared.get("/api/v1/stories.csv", params={"rule": "none"}), 404)


async def test_the_document_describes_each_parameter_of_an_address_as_it_may_be_written(shared: Page) -> None:
    paths = (await shared.get("/api/v1/openapi.json")).json()["paths"]
    parameters = {parameter["name"]: parameter for parameter in paths["/api/v1/stories"]["get"]["parameters"]}
    assert list(parameters) == ["limit", "after", "since", "rule"]
    assert not any("null" in json.dumps(parameter["schema"]) for parameter in parameters.values())
    assert (parameters["limit"]["schema"]["maximum"], parameters["limit"]["required"]) == (100, False)
    assert re.fullmatch(parameters["since"]["schema"]["pattern"], "30d")
    assert not re.fullmatch(parameters["since"]["schema"]["pattern"], "soon")
    (path,) = [item for item in paths["/api/v1/rules/{name}"]["get"]["parameters"] if item["in"] == "path"]
    assert path["schema"]["minLength"] == 1
    export = paths["/api/v1/stories.{form}"]["get"]["parameters"]
    assert [parameter["name"] for parameter in export] == ["form", "since", "rule"]
