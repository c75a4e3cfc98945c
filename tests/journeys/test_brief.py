"""The brief of a channel through the whole program: what it lists, when it leaves, and that it leaves once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.faults import rows
from tests.journeys.world import BOT, RULES, Item, World, as_text, watching
from tests.testbed.fakes import START
from tests.testbed.servers import smtp

WITH_BRIEF = BOT.replace("pace: 0.01 seconds}}\n  ops", "pace: 0.01 seconds, brief: 08:00}}\n  ops")
BOTH = (
    RULES.replace("    severity: high\n", "")
    + """\
  - name: Recalls
    all: [recalls]
    notify: desk
    when: brief
"""
)
EXIT = Item(
    id="w1",
    title="BlackBerry to leave Pakistan rather than open its servers",
    text="BlackBerry will leave Pakistan by 20 December after the Pakistan Telecommunication Authority demanded "
    "unfettered access to its BES servers. The company calls the demand a backdoor.",
)
MOVED = Item(
    id="l1",
    title="BlackBerry to leave Pakistan later as PTA moves deadline for its servers",
    text="BlackBerry will leave Pakistan by 30 December, after the Pakistan Telecommunication Authority demanded "
    "unfettered access to its BES servers. The PTA moved the backdoor deadline from 20 December to 30 December.",
    at=START + timedelta(hours=25),
)
KETTLES = Item(
    id="r1",
    title="Acme recalls 300 kettles in Lahore over a faulty switch",
    text="The maker Acme recalls 300 kettles in Lahore because the switch may overheat.",
)
LADDERS = Item(
    id="r2",
    title="Borealis recalls ladders in Oslo over loose rungs",
    text="The Norwegian maker Borealis recalls its ladders of the year 2014 since their rungs come loose.",
)
#: The first and the second brief after ``START``.
FIRST, SECOND = datetime(2015, 12, 3, 8, tzinfo=UTC), datetime(2015, 12, 4, 8, tzinfo=UTC)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[World]:
    async with watching(tmp_path / "config", "wire", "ledger", bot=WITH_BRIEF, rules=BOTH) as setup:
        yield setup


async def at(desk: World, when: datetime) -> None:
    await desk.once(minutes=(when - desk.clock.now()) / timedelta(minutes=1))


def posted(desk: World) -> list[str]:
    return [as_text(head) for head in desk.heads()]


async def test_a_brief_lists_what_was_posted_and_what_waited_for_it_once_and_then_the_news_of_the_day(
    desk: World,
) -> None:
    await desk.poll("wire", EXIT, KETTLES, LADDERS)
    assert len(posted(desk)) == 1, "the rule of the brief posts nothing at once"
    printed = (await desk.call("brief", "--since", "2015-12-01", "--until", "2015-12-02")).stdout
    assert f"- 🔵 {EXIT.title} — wire · BlackBerry in Pakistan" in printed
    assert "3 new stories" in printed, "also what waits for the brief"
    await at(desk, FIRST - timedelta(minutes=1))
    assert len(posted(desk)) == 1
    await at(desk, FIRST)
    _, brief = posted(desk)
    assert "Brief since Wed 2 Dec 09:05 UTC: 3 new stories" in brief
    for item in (EXIT, KETTLES, LADDERS):
        assert item.title in brief
        assert f"https://wire.example/{item.id}" in brief
    assert "because the switch may overheat" in brief, "a story that nobody has seen comes with a sentence"
    assert "calls the demand a backdoor" not in brief, "a story that everybody has seen does not"
    for minutes in (0, 1, 60):
        await desk.once(minutes=minutes)
    assert len(posted(desk)) == 2

    await desk.poll("ledger", MOVED)
    await at(desk, SECOND)
    *_, brief = posted(desk)
    assert "news in 1 story" in brief
    assert "20 December" in brief, "the value that the news replaces"
    assert "30 December" in brief
    assert KETTLES.title not in brief, "what the readers have seen is not repeated"


async def test_a_day_without_news_is_one_line_and_a_missed_brief_comes_late_and_once_with_what_was_silenced(
    desk: World,
) -> None:
    await at(desk, FIRST)
    (brief,) = posted(desk)
    assert "no new stories, no news" in brief
    assert len(desk.heads()[0].get("blocks", ())) == 1

    await desk.call("silence", "add", "outlet", "ledger", "--for", "3d", "--reason", "a drill")
    desk.publish("wire", KETTLES)
    desk.publish("ledger", LADDERS)
    await desk.once()
    await at(desk, SECOND + timedelta(hours=27))
    _, brief = posted(desk)
    assert brief.index(KETTLES.title) < brief.index("Held back") < brief.index(LADDERS.title)
    assert "a drill" in brief
    await desk.once()
    assert len(posted(desk)) == 2


async def test_the_command_prints_the_week_and_what_was_silenced_is_listed_with_the_reason(desk: World) -> None:
    desk.publish("wire", EXIT, KETTLES)
    await desk.once()
    printed = (await desk.call("brief", "--since", "2015-12-01", "--until", "2015-12-02")).stdout
    assert f"- 🔵 {EXIT.title} — wire · BlackBerry in Pakistan" in printed
    assert "2 new stories" in printed, "also what waits for the brief"

    await desk.call("silence", "add", "rule", "Recalls", "--for", "3d", "--reason", "a drill")
    desk.publish("wire", LADDERS)
    await desk.once()
    await at(desk, FIRST)
    *_, brief = posted(desk)
    assert "Held back" in brief
    assert "a drill" in brief


async def test_with_a_public_page_a_brief_is_one_screen_with_a_link_to_all_of_it(desk: World) -> None:
    web = "web: {{listen: '127.0.0.1:0', token: env:PAGE_TOKEN, public_url: 'https://watch.example.org'}}\n"
    desk.environ["PAGE_TOKEN"] = "a token of the page"
    desk.configure("wire", "ledger", bot=WITH_BRIEF + web, rules=BOTH)
    items = rows.reports(30)
    await desk.poll("wire", *items)
    await at(desk, FIRST)
    (brief,) = posted(desk)
    assert "https://watch.example.org/brief?channel=desk&since=" in brief
    assert 0 < sum(item.title in brief for item in items) < 14
    assert "of 30)" in brief
    await at(desk, SECOND)
    assert len(posted(desk)) == 2, "no story of the first brief waits for the second"
    assert "no new stories, no news" in posted(desk)[1]


async def test_a_list_of_briefs_only_gets_one_mail_of_what_the_chat_heard_at_once(tmp_path: Path) -> None:
    with smtp.serve() as server:
        mail = f'{{kind: email, to: desk@example.org, sender: bot@example.org, server: "127.0.0.1:{server.port}"'
        channel = f"  mail: {mail}, security: none, pace: 0.01 seconds, brief: {{at: 13:00, only: true}}}}\n"
        channel = channel.replace("{", "{{").replace("}", "}}")
        bot = BOT.replace("operator: ops", f"{channel}operator: ops\ntimezone: Asia/Karachi")
        rules = "rules:\n  - {name: Recalls, all: {what: [recalls]}, severity: high, notify: [desk, mail]}\n"
        async with watching(tmp_path / "config", "wire", bot=bot, rules=rules) as desk:
            await desk.poll("wire", KETTLES, LADDERS)
            assert len(desk.heads()) == 2
            # 13:00 in Karachi.
            await at(desk, FIRST - timedelta(minutes=1))
            assert server.mails == []
            await at(desk, FIRST)
        [brief] = server.mails
    assert brief["Subject"] == "Brief since Wed 2 Dec 14:05 PKT: 2 new stories"
    text = brief.get_body(("plain",))
    assert text is not None
    assert all(item.title in text.get_content() for item in (KETTLES, LADDERS))
