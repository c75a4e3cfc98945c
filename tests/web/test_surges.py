"""The volume of a rule over time, on its page and in the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from bot import storage
from bot.model.rules import Severity, SurgeLimits
from bot.model.surges import Cause, Causes, Surge, Volume
from tests.testbed.commands import call
from tests.web.conftest import Page, page_over

RULE = "BlackBerry in Pakistan"
HOUR = timedelta(hours=1)


def with_volume(folder: Path) -> Path:
    rules = folder / "rules" / "desk.yaml"
    rules.write_text(rules.read_text().replace("    severity: high\n", "    severity: high\n    volume: true\n", 1))
    return folder


def write_surge(tx: storage.Transaction, version: str, now: datetime) -> None:
    """Write a quiet month with twelve articles in its last hour, and the surge that they are."""
    story = tx.stories.since(None)[0]
    hour = now.replace(minute=0)
    tx.volume.add(
        {(RULE, version, hour - number * HOUR): 0 for number in range(1, 29 * 24)} | {(RULE, version, hour): 12}
    )
    peak = Volume(count=12, usual=0.0)
    cause = Cause(story=story.id, headline=story.title, outlets=("wire",), count=12, began_at=now)
    surge = Surge(
        id="s1",
        rule=RULE,
        version=version,
        severity=Severity.NORMAL,
        window=6 * HOUR,
        opened_at=now,
        since=hour,
        now=peak,
        peak=peak,
        peak_at=now,
        causes=Causes(largest=(cause,), story_count=1, article_count=12),
        shown_at=now,
    )
    tx.volume.save([surge])


async def test_the_page_and_the_api_show_the_volume_of_a_rule_that_asks_for_it_and_link_the_stories_of_a_surge(
    shared: Page, filled: Path
) -> None:
    without = await shared.get(f"/api/v1/rules/{RULE}/volume")
    assert (without.status_code, "give it the key volume" in without.text) == (422, True)
    assert "Volume" not in (await shared.get("/rule", params={"name": RULE})).text
    async with page_over(with_volume(filled)) as page:
        version = page.running.settings.rule_set.rules[RULE].version
        await page.running.store.write(lambda tx: write_surge(tx, version, page.clock.now()))
        shown = (await page.get("/rule", params={"name": RULE})).text
        answer = (await page.get(f"/api/v1/rules/{RULE}/volume")).json()
        story = (await page.running.store.read(lambda tx: tx.stories.since(None)))[0]
    assert "12 independent articles in 28 days" in shown
    assert "12 articles in the last 6 hours, usually fewer than 1 at this hour." in shown
    assert "12 articles at the peak, usually fewer than 1; it still lasts" in shown
    assert f'href="/story/{story.id}"' in shown
    assert (answer["count"], answer["usual"], answer["window_hours"]) == (12, 0.0, SurgeLimits().in_ // HOUR)
    assert [hour["count"] for hour in answer["hours"]] == [12]
    (surge,) = answer["surges"]
    assert (surge["count"], surge["event_count"], len(surge["causes"])) == (12, 1, 1)


async def test_rules_that_cannot_be_measured_are_named_by_page_status_brief_and_check_once_for_each_reason(
    filled: Path,
) -> None:
    rules = [f"  - {{name: {name}, any: [quarry], notify: desk, volume: true}}\n" for name in ("Second", "Third")]
    (filled / "rules" / "more.yaml").write_text(f"rules:\n{''.join(rules)}")
    async with page_over(with_volume(filled)) as page:
        version = page.running.settings.rule_set.rules[RULE].version
        began_at = page.clock.now().replace(minute=0) - timedelta(days=20)
        await page.running.store.write(lambda tx: tx.volume.add({(RULE, version, began_at): 0}))
        reason = "reports no surges: the bot has run too rarely in the last four weeks; run it at least once a day"
        assert f"This rule {reason}." in (await page.get("/rule", params={"name": RULE})).text
        brief = (await page.get("/brief")).text
        assert f"{RULE} {reason}" in brief
        assert brief.count("when there is enough to compare with") == 1
        assert "; the same holds for 1 other rule" in brief
        status = (await page.get("/api/v1/status")).json()
        unmeasured = {line["name"]: line["unmeasured"] for line in status["rules"] if line["unmeasured"]}
        assert unmeasured.keys() == {RULE, "Second", "Third"}
        assert unmeasured[RULE] == reason
    # The clock of a command is that of this machine, so the rule began long ago.
    assert f"the rule {RULE} {reason}" in call("check", folder=filled.parent, code=1).stderr
