"""A message that gathers stories shows each of them, however many they are."""

from __future__ import annotations

from datetime import UTC

import pytest
from msgspec.structs import replace

from bot import channels, storage
from bot.channels.kit import outline
from bot.model.alerts import AlertAction, Decision, Reason
from bot.model.stories import Member, Story, StoryId
from bot.pipeline import messages
from bot.pipeline.turn import Turn
from bot.testing import messages as testing
from bot.testing.channels import delivery as channel_delivery
from tests.stories.members import article, match, member, rule, story
from tests.testbed.fakes import START
from tests.testbed.made import decision
from tests.testbed.made_settings import make_settings
from tests.testbed.shown import listing_in

LINK = "https://outlet.example/story"
OPTIONS = {
    kind: channels.options()[kind].model_validate(keys)
    for kind, keys in {
        "discord": {"webhook": "env:URL"},
        "slack": {"to": "#desk", "token": "env:TOKEN"},
        "telegram": {"to": "1", "token": "env:TOKEN"},
        "teams": {"webhook": "env:URL"},
    }.items()
}
#: Numbers of stories and lengths of headlines with which a list just fits if the links to the page are not counted.
CLOSE = [(20, padding) for padding in range(158, 170)]
TEXT = "BlackBerry will leave Pakistan after the PTA asked for a backdoor. The order covers 5,000 companies there."
RULES = {"R": rule("R")}


def matched(title: str, *, outlet: str, minutes: int = 0) -> Member:
    source = article(title, TEXT, outlet=outlet, minutes=minutes)
    return member(source, match(source, "R", ("regulator", "body", "PTA")))


def named(name: str, *members: Member) -> Story:
    return replace(story(*members), id=StoryId(name))


def decided(of: Story) -> Decision:
    return decision(of.id, AlertAction.POST, Reason.FIRST_REPORT, at=of.last_seen, rules=("R",))


def turn_over(tx: storage.Transaction, *saved: Story) -> Turn:
    turn = Turn(tx, make_settings(rules=[]), START)
    turn.rules = RULES
    for of in saved:
        turn.save_story(of)
    return turn


LEFT_OUT = (("A rule with a name", 30), ("Another rule with a long name that is shown", 7))


def many(count: int, padding: int) -> list[Story]:
    """Return stories whose headlines have a certain length."""
    words = "x" * (padding + 1)
    return [
        named(f"s{number}", matched(f"Headline {number} {words}", outlet=f"Outlet {number}", minutes=number))
        for number in range(count)
    ]


@pytest.mark.parametrize("kind", ["discord", "slack", "telegram", "teams"])
@pytest.mark.parametrize(("count", "padding"), [(count, 12 * (count % 5)) for count in range(1, 61, 15)] + CLOSE)
def test_a_list_of_any_size_is_sent_as_it_was_measured_with_every_headline_and_link(
    kind: str, count: int, padding: int
) -> None:
    features, listed = channels.features_of(kind, OPTIONS[kind]), many(count, padding)
    with storage.open_in_memory() as tx:
        turn = turn_over(tx, *listed)
        turn.settings = make_settings(channels={"desk": features}, public_url=f"https://{'watch' * 12}.example.org")
        posts = [decided(value) for value in listed]
        rows = messages.listing_rows(turn, posts, lead=f"{count} stories", left_out=LEFT_OUT)
    shown = [view.title.text for row, _ in rows for view in row.message.stories]
    assert shown == [value.members[0].article.title for value in listed]
    assert all(features.shows_all_stories(listing_in(row.message)) for row, _ in rows)


def test_a_headline_of_a_list_is_shortened_before_a_link_is_dropped() -> None:
    message = replace(
        testing.LISTING, stories=(replace(testing.VIEW, title=testing.sentence("word " * 50, "", LINK)),) * 20
    )
    whole = sum(len(line.text) for line in outline.build_lines(message, outline.ROOMS[3]))
    lines = outline.render_to_fit(
        channel_delivery(message), list, lambda lines: sum(len(line.text) for line in lines) < whole / 2, zone=UTC
    )
    assert sum(run.link == LINK for line in lines for run in line.runs) == 20
